"""Clocks and crowds, over real connections."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from proxy.server.clocks import Clocks
from tests.server.serving import (
    GET,
    HEAD,
    PATIENCE,
    PATIENT,
    SlowApp,
    answer_to,
    begun,
    connect,
    echo,
    is_closed,
    serving,
)

BODY = HEAD + b"Content-Length: 400000\r\n\r\n"
SHORT = 0.2


@pytest.mark.parametrize(
    ("clocks", "sent", "then"),
    [
        pytest.param(replace(PATIENT, head=SHORT), b"", b"", id="nothing"),
        pytest.param(replace(PATIENT, head=SHORT), HEAD, b"X", id="a slow head"),
        pytest.param(replace(PATIENT, head=SHORT), b"\r\n", b"\r\n", id="blank lines"),
        pytest.param(replace(PATIENT, body=SHORT), BODY, b"x", id="a slow body"),
        pytest.param(replace(PATIENT, idle=SHORT), GET, b"", id="no further request"),
        pytest.param(replace(PATIENT, head=SHORT), GET, b"G", id="a slow further head"),
        pytest.param(replace(PATIENT, body=SHORT), GET + BODY, b"x", id="a slow further body"),
    ],
)
def test_slow_clients_are_closed(clocks: Clocks, sent: bytes, then: bytes) -> None:
    with serving(echo, clocks=clocks) as server, connect(server, sent) as connection:
        until = time.monotonic() + PATIENCE
        connection.settimeout(0.02)
        while time.monotonic() < until:
            try:
                if then:
                    connection.sendall(then)
                if not connection.recv(65536):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        else:
            pytest.fail("it is still open")
        assert answer_to(server, GET)[0] == 200


def test_an_honest_slow_body_arrives() -> None:
    """It takes several spans, but brings enough in each."""
    clocks = replace(PATIENT, head=SHORT, body=SHORT, body_least=1000)
    with serving(echo, clocks=clocks) as server, connect(server, HEAD) as connection:
        connection.sendall(b"Content-Length: 40000\r\n\r\n")
        for _ in range(20):
            connection.sendall(bytes(2000))
            time.sleep(SHORT / 5)
        assert b"200 OK" in connection.recv(1000)


def test_a_running_answer_has_no_clock() -> None:
    app = SlowApp()
    clocks = replace(PATIENT, head=SHORT, body=SHORT, idle=SHORT, unread=SHORT)
    with serving(app, clocks=clocks) as server:
        response = begun(server)
        time.sleep(3 * SHORT)
        app.go.set()
        assert response.read() == b"end"


def test_a_client_that_takes_nothing_is_closed() -> None:
    """And the thread that waits for it is free again."""
    over: list[bool] = []

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        try:
            for _ in range(100):
                yield bytes(1 << 20)
        finally:
            over.append(True)

    with serving(app, clocks=replace(PATIENT, unread=SHORT)) as server, connect(server, GET):
        until = time.monotonic() + PATIENCE
        while not over and time.monotonic() < until:
            time.sleep(0.01)
        assert over


@pytest.mark.parametrize("hours", [24, -24])
def test_a_clock_that_is_set_closes_nobody(hours: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a suspend, or when the network first tells the time: the client gets all of the answer."""
    size = 20_000_000
    true_time, ahead = time.time, [0]
    monkeypatch.setattr(time, "time", lambda: true_time() + ahead[0])

    def app(_: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(size))])
        return [bytes(size)]

    with serving(app, clocks=replace(PATIENT, unread=PATIENCE)) as server, connect(server, GET) as connection:
        connection.settimeout(PATIENCE)
        got = len(connection.recv(1000))
        ahead[0] = hours * 3600
        time.sleep(SHORT)  # ten looks at the clocks
        while got < size:
            piece = connection.recv(1 << 20)
            assert piece, "cut off"
            got += len(piece)


@pytest.mark.parametrize("sent", [b"", HEAD, BODY], ids=["idle", "slow heads", "slow bodies"])
def test_a_crowd_locks_nobody_out(sent: bytes) -> None:
    """With 4 threads 100 connections may be open; no clock helps here, and what runs is left alone."""
    app = SlowApp()
    with serving(app, clocks=PATIENT) as server, ExitStack() as stack:
        response = begun(server)
        crowd = []
        for _ in range(300):
            crowd.append(stack.enter_context(connect(server, sent)))
        assert answer_to(server, GET.replace(b"/v1/models", b"/health"))[2] == b"well"
        app.go.set()
        assert answer_to(server, GET)[2] == b"begin end"
        assert response.read() == b"end"
        assert is_closed(crowd[0])
        assert not is_closed_now(crowd[-1])


def is_closed_now(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
