"""How a call waits, and what others do for it meanwhile."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from proxy.providers.call import Call, Cancelled, current_call, elsewhere, wait
from proxy.providers.waiting import Ready, Task, Wanted, hand_out

PATIENCE = 20.0


def forget(_: object) -> None:
    pass


def run(task: Task, given: Any = True) -> Any:
    """Goes on with a task until it has come to its end, giving it all that it waits for."""
    got = task.switch()
    while task:
        assert isinstance(got, Wanted)
        assert got.source.wait(PATIENCE)
        got = task.switch(given)
    return got


@pytest.fixture(params=["poll", "select"])
def _system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "select":  # all that Windows has
        monkeypatch.delattr(select, "poll", raising=False)


@pytest.mark.usefixtures("_system")
def test_sockets_are_waited_for() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert not wait(Ready(ours), 0.01)
        assert wait(Ready(ours, writing=True), 0.01)
        theirs.send(b"x")
        assert wait(Ready(ours), None)
        ours.setblocking(False)
        while True:
            try:
                ours.send(bytes(100_000))
            except BlockingIOError:
                break
        assert not wait(Ready(ours, writing=True), 0.01)
        theirs.close()
        assert wait(Ready(ours, writing=True), PATIENCE)
    assert wait(Ready(ours), 0.01), "what is closed tells so when it is read"


def test_a_task_hands_out_what_it_waits_for() -> None:
    event = threading.Event()
    task = Task(lambda: [wait(event, 5.0), wait(event, None), hand_out("something")])
    now = time.monotonic()
    first, second = task.switch(), task.switch(True)
    assert (first.source, second.source) == (event, event)
    assert now + 5.0 <= first.until <= time.monotonic() + 5.0
    assert second.until == float("inf")
    assert task.switch(False) == "something"
    assert task.switch("given") == [True, False, "given"]


def test_each_task_and_each_thread_has_its_own_call() -> None:
    call, other = Call(), Call()
    seen: list[Call | None] = []

    def work() -> None:
        seen.append(current_call())
        with other:
            wait(threading.Event(), None)
            seen.append(current_call())

    task = Task(work)
    with call:
        task.switch()
        assert current_call() is call
        thread = threading.Thread(target=lambda: seen.append(current_call()))
        thread.start()
        thread.join()
        task.switch(True)
    assert seen == [None, None, other]
    assert current_call() is None


@pytest.mark.parametrize("work", [lambda: wait(threading.Event(), None), current_call])
def test_a_cancelled_call_waits_for_nothing(work: Callable[[], object]) -> None:
    def cancelled() -> str:
        with Call() as call:
            call.cancel()
            with pytest.raises(Cancelled):
                work()
        return "ended"

    assert cancelled() == "ended"
    assert Task(cancelled).switch() == "ended"


def test_pauses_end_with_the_call() -> None:
    with Call() as call:
        call.sleep(0.01)
        task = Task(lambda: call.sleep(3600))
        assert isinstance(task.switch(), Wanted)
        task.throw(Cancelled)
        assert not task


# Elsewhere


def test_what_blocks_is_done_by_a_helper() -> None:
    go_on, threads = threading.Event(), set()

    def work() -> str:
        threads.add(threading.current_thread().name)
        assert go_on.wait(PATIENCE)
        return "done"

    task = Task(lambda: elsewhere(work, forget))
    wanted = task.switch()
    assert not wanted.source.wait(0.01)
    go_on.set()
    assert wanted.source.wait(PATIENCE)
    assert task.switch(True) == "done"
    assert threads == {"upstream-helper"}


def test_without_a_task_it_is_done_at_once() -> None:
    assert elsewhere(threading.current_thread, forget) is threading.current_thread()


def test_its_errors_are_raised() -> None:
    def fail() -> None:
        raise OSError("no such name")

    def work() -> str:
        with pytest.raises(OSError, match="no such name"):
            elsewhere(fail, forget)
        return "ended"

    assert run(Task(work)) == "ended"


@pytest.mark.parametrize("fails", [False, True])
def test_late_results_are_thrown_away(fails: bool) -> None:
    """A connection that is made when nobody waits for it any more is closed."""
    go_on = threading.Event()
    discarded: list[str] = []

    def work() -> str:
        assert go_on.wait(PATIENCE)
        if fails:
            raise OSError("too late")
        return "late"

    def cancelled() -> None:
        with pytest.raises(Cancelled):
            elsewhere(work, discarded.append)

    task = Task(cancelled)
    task.switch()
    helpers = [thread for thread in threading.enumerate() if thread.name == "upstream-helper"]
    task.throw(Cancelled)
    assert not task
    go_on.set()
    for helper in helpers:
        helper.join(PATIENCE)
    assert discarded == ([] if fails else ["late"])


# The end of an answer


class Stream:
    def __init__(self, is_ended: bool) -> None:
        self._is_ended = is_ended

    def get_extra_info(self, info: str) -> bool:
        assert info == "is_ended"
        return self._is_ended


@pytest.mark.parametrize(
    ("is_ended", "complete", "cancelled", "closed", "drains"),
    [
        (False, True, False, False, True),
        (True, True, False, False, False),
        (False, False, False, False, False),
        (False, True, True, False, False),
        (False, True, False, True, False),
    ],
)
def test_when_somebody_has_to_wait_for_the_end(
    is_ended: bool, complete: bool, cancelled: bool, closed: bool, drains: bool
) -> None:
    call = Call()
    assert not call.drains
    response = httpx2.Response(200, content=iter([b"x"]), extensions={"network_stream": Stream(is_ended)})
    call.reads(response, iter([]))
    call.complete = complete
    if cancelled:
        call.cancel()
    if closed:
        response.close()
    assert call.drains is drains
