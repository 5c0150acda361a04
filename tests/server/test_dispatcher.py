"""More requests than threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest

from proxy.server.connections import Channel
from proxy.server.dispatcher import Dispatcher
from tests.conformance import check_error
from tests.server.serving import (
    GET,
    HEAD,
    PATIENCE,
    PATIENT,
    SlowApp,
    answer_to,
    begun,
    connect,
    eventually,
    read_answer,
    serving,
    settings,
)


def to(path: str) -> bytes:
    return GET.replace(b"/v1/models", path.encode())


def test_probes_are_answered_however_full_it_is() -> None:
    app = SlowApp()
    with serving(app, settings(threads=1)) as server, ExitStack() as stack:
        response = begun(server)
        waiting = [stack.enter_context(connect(server, GET)) for _ in range(5)]
        for path in ("/health", "/health?x=1"):
            assert answer_to(server, to(path))[2] == b"well"
        app.go.set()
        assert response.read() == b"end"
        for connection in waiting:
            assert read_answer(connection)[2] == b"begin end"


def test_a_page_is_no_probe() -> None:
    """It is large, and its reader may be slow."""
    go = threading.Event()
    seen: list[str] = []

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        seen.append(environ.get("HTTP_ACCEPT", environ["PATH_INFO"]))
        if environ["PATH_INFO"] == "/slow":
            go.wait(20)
        start_response("200 OK", [])
        return [b"done"]

    page = to("/").replace(b"\r\n\r\n", b"\r\nAccept: text/html,*/*\r\n\r\n")
    with serving(app, settings(threads=1)) as server, connect(server, to("/slow")) as slow:
        while not seen:
            answer_to(server, b"nonsense\r\n\r\n")
        with connect(server, page) as waiting:
            assert answer_to(server, to("/"))[2] == b"done"
            assert answer_to(server, to("/health"))[2] == b"done"
            assert seen == ["/slow", "/", "/health"]
            go.set()
            assert read_answer(waiting)[0] == read_answer(slow)[0] == 200


def test_who_finds_no_thread_in_time_is_told_to_come_back() -> None:
    app = SlowApp()
    with serving(app, settings(threads=1), clocks=replace(PATIENT, thread=0.1)) as server:
        response = begun(server)
        status, headers, body = answer_to(server, HEAD, b"Content-Length: 5\r\n\r\nhello")
        error = check_error(status, headers, body)
        assert (status, error["type"], headers["connection"]) == (529, "overloaded_error", "close")
        assert int(headers["retry-after"]) >= 1
        assert "THREADS" in error["message"]
        app.go.set()
        assert response.read() == b"end"
        assert answer_to(server, GET)[0] == 200


def test_first_come_first_served() -> None:
    order: list[str] = []
    go = threading.Event()

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        order.append(environ["PATH_INFO"])
        go.wait(20)
        start_response("200 OK", [])
        return [b"done"]

    with serving(app, settings(threads=1)) as server, ExitStack() as stack:
        connections = []
        for number in range(8):
            connections.append(stack.enter_context(connect(server, to(f"/v1/{number}"))))
            # They are told apart by the order in which they arrive here.
            answer_to(server, b"nonsense\r\n\r\n")
        go.set()
        for connection in connections:
            assert read_answer(connection)[0] == 200
    assert order == [f"/v1/{number}" for number in range(8)]


def test_too_many_do_not_even_wait() -> None:
    """With one thread and 100 connections, 66 may wait; so there is always room for a probe."""
    app = SlowApp()
    with serving(app, settings(threads=1)) as server, ExitStack() as stack:
        response = begun(server)
        waiting = [stack.enter_context(connect(server, GET)) for _ in range(66)]
        answer_to(server, to("/health"))
        assert answer_to(server, GET)[0] == 529
        assert answer_to(server, to("/health"))[2] == b"well"
        app.go.set()
        assert response.read() == b"end"
        assert {read_answer(connection)[0] for connection in waiting} == {200}


def reached(log: list[tuple[int, int]], count: int) -> bool:
    return len(log) >= count


class Asking:
    """A channel with one request, which keeps its thread until `go`. `log` has what comes of it."""

    queued = 0.0
    total_outbufs_len = 0

    def __init__(self, number: int, go: threading.Event, log: list[tuple[int, int]]) -> None:
        self.requests = [SimpleNamespace(error=None, path="/v1/messages", headers={})]
        self._number, self._go, self._log = number, go, log

    def service(self) -> None:
        error = self.requests[0].error
        self._log.append((self._number, error.code if error else 200))
        if error is None:
            self._go.wait(PATIENCE)


Crowd = tuple[Dispatcher, list[tuple[int, int]], threading.Event]


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    """Twelve requests that come at once, where eight can be served and two may wait."""
    dispatcher = Dispatcher(threads=8, places=2, clocks=PATIENT)
    log: list[tuple[int, int]] = []
    go = threading.Event()
    for number in range(12):
        dispatcher.add_task(cast(Channel, Asking(number, go, log)))
    yield dispatcher, log, go
    go.set()
    dispatcher.shutdown()


def test_of_many_that_come_at_once_few_begin_at_a_time(crowd: Crowd) -> None:
    """Between them the loop looks after everybody else. Who finds a thread or a place is in time."""
    dispatcher, log, go = crowd
    for count in (2, 4, 6, 8):
        assert dispatcher.hurries
        dispatcher.turn(time.monotonic())
        assert eventually(partial(reached, log, count))
        assert sorted(log) == [(number, 200) for number in range(count)]
    dispatcher.turn(time.monotonic())
    assert not dispatcher.hurries
    assert log[8:] == [(10, 529), (11, 529)]
    go.set()
    assert eventually(partial(reached, log, 12))
    assert sorted(log[10:]) == [(8, 200), (9, 200)]


def test_in_a_stop_none_of_them_begins(crowd: Crowd) -> None:
    dispatcher, log, _ = crowd
    dispatcher.turn(time.monotonic())
    assert eventually(partial(reached, log, 2))
    dispatcher.stop(grace=1)
    dispatcher.turn(time.monotonic())
    assert not dispatcher.hurries
    assert log[2:] == [(number, 503) for number in range(2, 12)]
