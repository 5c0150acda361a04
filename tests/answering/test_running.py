from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proxy.answering.pump import Pump
from proxy.answering.running import Answering, Running
from proxy.answering.timing import Timing
from proxy.providers.call import Call


def pump(running: Running) -> Pump[Any]:
    return Pump(list, Call(), timing=Timing(), idle_limit=1, on_close=running.remove)


def about(id: str, time: float, first_byte: float | None = None) -> Callable[[], Answering]:
    return lambda: Answering(time, id, "POST /v1/messages", "main", "m", "a/m", first_byte)


def test_answers_are_shown_once_and_oldest_first() -> None:
    """An answer and the judge of its calls are two pumps of one request."""
    running = Running()
    late, early, judge = (pump(running) for _ in range(3))
    running.add(late, about("req_2", 20.0))
    running.add(early, about("req_1", 10.0))
    running.add(judge, about("req_2", 20.0))
    assert len(running) == 3
    assert [answer.id for answer in running.answers()] == ["req_1", "req_2"]
    early.close()
    judge.close()
    assert [answer.id for answer in running.answers()] == ["req_2"]
    late.close()
    late.close()
    assert (len(running), running.answers()) == (0, [])


def test_what_is_shown_is_that_of_the_moment() -> None:
    running = Running()
    states = iter([None, 0.5])
    running.add(pump(running), lambda: about("req_1", 10.0, next(states))())
    assert [running.answers()[0].first_byte for _ in range(2)] == [None, 0.5]
