"""The clocks of a connection, on times that are made up."""

from __future__ import annotations

from typing import Any

import pytest
from waitress.adjustments import Adjustments

from proxy.server.clocks import Clocks
from proxy.server.progress import Progress
from proxy.server.refusals import Parser

CLOCKS = Clocks(head=10, body=30, body_least=100, idle=300)
BODY = b"POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n"
WHOLE = b"GET / HTTP/1.1\r\n\r\n"


class Connection:
    """What a channel does with its progress."""

    def __init__(self) -> None:
        self.progress = Progress(0)
        self.request: Parser | None = None

    def send(self, at: float, data: bytes) -> None:
        complete = False
        rest = data
        while rest:
            self.request = self.request or Parser(Adjustments())
            taken = self.request.received(rest)
            if self.request.completed:
                complete = complete or not self.request.empty
                self.request = None
            rest = rest[taken:]
        self.progress.took(len(data), self.request, complete, at)

    def after(self, *steps: tuple[float, bytes | str]) -> Connection:
        for at, what in steps:
            if isinstance(what, bytes):
                self.send(at, what)
            else:
                self.progress.answered(at)
        return self


@pytest.mark.parametrize(
    ("steps", "borne", "closed"),
    [
        pytest.param([], 10, 10.1, id="nothing at all"),
        pytest.param([(float(at), b"G") for at in range(1, 10)], 10, 10.1, id="a head byte by byte"),
        pytest.param([(float(at), b"\r\n") for at in range(1, 10)], 10, 10.1, id="blank lines"),
        pytest.param([(1, WHOLE), (5, "answered")], 305, 305.1, id="idle after an answer"),
        pytest.param([(1, WHOLE), (5, "answered"), (200, b"G")], 210, 210.1, id="a further head, after a rest"),
        pytest.param([(1, WHOLE), (5, "answered"), (200, b"\r\n")], 210, 210.1, id="blank lines after a rest"),
        pytest.param([(1, WHOLE + b"GE"), (500, "answered")], 510, 510.1, id="half a head behind a request"),
        pytest.param([(9, BODY)], 39, 39.1, id="no body"),
        pytest.param([(9, BODY), (38, b"x" * 99)], 39, 39.1, id="a body in drops"),
        pytest.param([(1, WHOLE + BODY + b"x"), (500, "answered")], 530, 530.1, id="half a body behind a request"),
    ],
)
def test_how_long_a_client_is_waited_for(steps: list[tuple[float, Any]], borne: float, closed: float) -> None:
    connection = Connection().after(*steps)
    assert not connection.progress.overdue(connection.request, CLOCKS, borne - 0.1)
    assert connection.progress.overdue(connection.request, CLOCKS, closed)


def test_a_slow_body_is_borne_as_long_as_it_moves() -> None:
    connection = Connection().after((0, BODY))
    for at in range(1, 1000):
        connection.send(at, b"x" * 5)
        assert not connection.progress.overdue(connection.request, CLOCKS, at)
    assert connection.progress.overdue(connection.request, CLOCKS, 1060)


def test_who_has_to_go_first() -> None:
    """Idle ones by age, then heads by age, then bodies by pace; newcomers last."""
    now = 100.0
    in_order = {
        "old idle": Connection().after((0, WHOLE), (40, "answered")),
        "idle": Connection().after((0, WHOLE), (50, "answered")),
        "old head": Connection().after((0, WHOLE), (10, "answered"), (60, b"G")),
        "head": Connection().after((0, WHOLE), (10, "answered"), (70, b"G")),
        "crawling body": Connection().after((60, BODY + b"x")),
        "fast body": Connection().after((1, BODY + b"x" * 10_000)),
        "older newcomer": Connection().after((0, WHOLE), (99.3, "answered")),
        "newcomer": Connection().after((0, WHOLE), (99.4, "answered"), (99.5, b"G")),
    }
    ranks = {name: each.progress.rank(each.request, CLOCKS, now) for name, each in in_order.items()}
    assert sorted(ranks, key=lambda name: ranks[name]) == list(in_order)
