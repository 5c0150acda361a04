"""How long what failed rests."""

from __future__ import annotations

from proxy.answering.cooling import Cooling


class _Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_each_failure_in_a_row_doubles_the_rest() -> None:
    clock = _Clock()
    cooling: Cooling[str] = Cooling(clock)
    lengths = []
    for _ in range(6):
        lengths.append(cooling.failed("a"))
        clock.now += cooling.left("a")
        assert cooling.left("a") == 0
    assert lengths == [15, 30, 60, 120, 240, 300]
    cooling.answered("a")
    assert cooling.failed("a") == 15


def test_failures_at_the_same_time_are_one() -> None:
    clock = _Clock()
    cooling: Cooling[str] = Cooling(clock)
    assert [cooling.failed("a") for _ in range(20)] == [15] * 20
    clock.now += 10
    assert cooling.left("a") == 5


def test_who_rests() -> None:
    clock = _Clock()
    cooling: Cooling[str] = Cooling(clock)
    cooling.failed("a")
    cooling.failed("b", 60)
    cooling.failed("c")
    cooling.answered("c")
    assert cooling.resting() == {"a": 115, "b": 160}
    clock.now = 115
    assert cooling.resting() == {"b": 160}


def test_what_the_server_asks_for() -> None:
    cooling: Cooling[str] = Cooling(_Clock())
    assert cooling.failed("a", 7.5) == 7.5
    assert cooling.failed("b", 0) == 1
    assert cooling.failed("c", 1e9) == 86_400
    assert cooling.left("d") == 0


def test_it_does_not_grow_without_end() -> None:
    cooling: Cooling[int] = Cooling(_Clock())
    for number in range(3000):
        cooling.failed(number)
    assert [cooling.left(number) > 0 for number in (0, 1975, 1976, 2999)] == [False, False, True, True]
