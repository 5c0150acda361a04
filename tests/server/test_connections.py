"""Clients that end their side and still read, beside those that have left."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tests.server.serving import (
    GET,
    HEAD,
    PATIENCE,
    SlowApp,
    answer_to,
    begun,
    connect,
    echo,
    is_closed,
    read_answer,
    reset,
    serving,
    settings,
)


class Asking:
    """Streams `before`, asks whether the client has gone until it has or `go` is set, then streams "end"."""

    def __init__(self, before: bytes = b"") -> None:
        self.before = before
        self.go, self.asked, self.gone = threading.Event(), threading.Event(), threading.Event()
        self.begun = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield self.before
        self.begun.set()
        while not self.go.wait(0.01):
            if environ["waitress.client_disconnected"]():
                self.gone.set()
                return
            self.asked.set()
        yield b"end"


def end_writing(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("length", [None, 5], ids=["in chunks", "of a known length"])
def test_the_head_goes_out_with_the_first_piece(length: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    def app(_: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [] if length is None else [("Content-Length", str(length))])
        return iter([b"one", b"of"])

    sent: list[bytes] = []

    def send(own: socket.socket, data: bytes) -> int:
        if isinstance(own, socket.socket) and own.getsockname()[1] == server.port:
            sent.append(data)
        return plain(own, data)

    plain = socket.socket.send
    with serving(app) as server:
        monkeypatch.setattr(socket.socket, "send", send)
        with connect(server, GET) as connection:
            assert read_answer(connection)[2] == b"oneof"
    assert sent[0].startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" in sent[0]
    assert b"one" in sent[0]
    assert b"of" in sent[1]


@pytest.mark.parametrize("before", [b"", b"begin "], ids=["before the head", "in a silent middle"])
def test_who_has_ended_only_its_side_gets_the_whole_answer(before: bytes) -> None:
    app = Asking(before)
    with serving(app) as server, connect(server, GET) as connection:
        assert app.begun.wait(PATIENCE)
        end_writing(connection)
        # It is asked several times, with the bytes that mean nothing.
        for _ in range(20):
            app.asked.clear()
            assert app.asked.wait(PATIENCE)
        app.go.set()
        assert read_answer(connection)[2] == before + b"end"
        assert is_closed(connection)
    assert not app.gone.is_set()


@pytest.mark.parametrize("before", [b"", b"begin "], ids=["before the head", "in a silent middle"])
@pytest.mark.parametrize("leave", [socket.socket.close, reset])
def test_who_has_left_is_noticed(before: bytes, leave: Callable[[socket.socket], None]) -> None:
    app = Asking(before)
    with serving(app) as server:
        with connect(server, GET) as connection:
            assert app.begun.wait(PATIENCE)
            if before:
                assert connection.recv(1000)
            leave(connection)
        assert app.gone.wait(PATIENCE)


def test_in_http_1_0_the_end_of_the_requests_is_the_end() -> None:
    app = Asking()
    with serving(app) as server, connect(server, GET.replace(b"1.1", b"1.0")) as connection:
        assert app.begun.wait(PATIENCE)
        end_writing(connection)
        assert app.gone.wait(PATIENCE)


@pytest.mark.parametrize("body", [b"", b"hello"])
def test_a_request_and_its_end_at_once(body: bytes) -> None:
    with serving(echo) as server, connect(server) as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        end_writing(connection)
        assert read_answer(connection)[0] == 200
        assert is_closed(connection)


def test_both_of_two_requests_are_answered_before_the_end_counts() -> None:
    with serving(echo) as server, connect(server, GET + GET) as connection:
        end_writing(connection)
        assert connection.makefile("rb").read().count(b"HTTP/1.1 200 OK") == 2


def test_half_a_request_behind_a_whole_one() -> None:
    with serving(echo) as server:
        with connect(server, GET + GET[:20]) as connection:
            assert read_answer(connection)[0] == 200
            connection.sendall(GET[20:])
            assert read_answer(connection)[0] == 200
        with connect(server, GET + GET[:20]) as connection:
            end_writing(connection)
            assert read_answer(connection)[0] == 200
            assert is_closed(connection)
        with connect(server, GET[:20]) as connection:
            end_writing(connection)
            assert is_closed(connection)


def test_who_leaves_while_waiting_for_a_thread_costs_none() -> None:
    served: list[str] = []
    slow = SlowApp()

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        served.append(environ["PATH_INFO"])
        return slow(environ, start_response)

    with serving(app, settings(threads=1)) as server:
        response = begun(server)
        with connect(server, GET.replace(b"models", b"left")):
            pass
        with connect(server, GET.replace(b"models", b"patient")) as patient:
            end_writing(patient)
            for _ in range(2):  # after as many rounds the loop has seen both ends
                answer_to(server, b"nonsense\r\n\r\n")
            slow.go.set()
            assert read_answer(patient)[2] == b"begin end"
            assert response.read() == b"end"
    assert served == ["/stream", "/v1/patient"]


def test_a_connection_serves_request_after_request() -> None:
    with serving(echo) as server, connect(server) as connection:
        for _ in range(3):
            connection.sendall(GET)
            assert read_answer(connection)[0] == 200
        assert answer_to(server, GET)[0] == 200
