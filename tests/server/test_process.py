from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from proxy.server.process import Server
from proxy.web import create_app
from tests.conformance import check_error
from tests.server.serving import (
    GET,
    HEAD,
    MIB,
    PATIENCE,
    PATIENT,
    Running,
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

HEALTH = GET.replace(b"/v1/models", b"/health")


def test_the_largest_body_arrives() -> None:
    with serving(echo) as server:
        status, _, body = answer_to(server, HEAD, b"Content-Length: %d\r\n\r\n" % (32 * MIB), bytes(32 * MIB))
    assert (status, json.loads(body)["CONTENT_LENGTH"]) == (200, str(32 * MIB))


def test_forwarding_headers_reach_the_app() -> None:
    with serving(echo) as server:
        head = b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.0.0.1\r\nForwarded: for=10.0.0.1\r\n\r\n"
        _, headers, body = answer_to(server, head)
    assert {"HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED"} <= set(json.loads(body))
    assert "server" not in headers


def test_the_app_learns_that_the_client_has_gone() -> None:
    noticed = threading.Event()
    started = threading.Event()

    def waiting(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        started.set()
        while not environ["waitress.client_disconnected"]():
            threading.Event().wait(0.01)
        noticed.set()
        start_response("200 OK", [])
        return []

    with serving(waiting) as server:
        with connect(server, HEAD + b"Content-Length: 2\r\n\r\n{}"):
            assert started.wait(PATIENCE)
        assert noticed.wait(PATIENCE)


def stop(server: Server) -> None:
    """Until it has taken notice."""
    server.stop()
    until = time.monotonic() + PATIENCE
    while answer_to(server, GET)[0] != 503:
        assert time.monotonic() < until


def test_stop_lets_answers_finish_and_tells_others_to_come_back() -> None:
    app, running = SlowApp(), Running()
    with serving(app, running=running) as server, closing(begun(server)) as response, connect(server) as fresh:
        stop(server)
        for request in ([GET], [HEAD, b"Content-Length: 5\r\n\r\nhello"], [GET.replace(b"/v1/models", b"/")]):
            status, headers, body = answer_to(server, *request)
            assert "shutting down" in check_error(status, headers, body)["message"]
            assert (status, headers["connection"]) == (503, "close")
            assert int(headers["retry-after"]) >= 1
        # One that was opened before the stop as well.
        fresh.sendall(GET)
        assert read_answer(fresh)[0] == 503
        # The app says itself how it is.
        assert answer_to(server, HEALTH)[2] == b"well"
        assert running.stopping
        app.go.set()
        assert response.read() == b"end"
    assert not running.cancelled.is_set()


def test_who_came_just_before_a_stop_is_told_as_well() -> None:
    server = Server(echo, settings(), Running(), PATIENT)
    with connect(server, GET) as connection:
        server.stop()
        server.run()
        assert read_answer(connection)[0] == 503


def test_after_a_stop_the_address_is_free() -> None:
    with serving(echo) as server:
        pass
    with pytest.raises(ConnectionError):
        connect(server)


def test_idle_connections_do_not_hold_up_a_stop() -> None:
    app = SlowApp()

    def with_length(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/stream":
            return app(environ, start_response)
        return echo(environ, start_response)

    with closing(socket.socket()) as silent:
        with serving(with_length) as server, closing(begun(server)) as response, connect(server, GET) as idle:
            silent.connect(("127.0.0.1", server.port))
            assert read_answer(idle)[0] == 200
            server.stop()
            assert is_closed(idle)
            app.go.set()
            assert response.read() == b"end"
        assert is_closed(silent)


def test_who_waits_for_a_thread_is_told_to_come_back() -> None:
    app = SlowApp()
    with serving(app, settings(threads=1)) as server, closing(begun(server)) as response:
        with connect(server, GET) as waiting:
            server.stop()
            assert read_answer(waiting)[0] == 503
        app.go.set()
        assert response.read() == b"end"


def test_a_refusal_waits_for_the_answer_before_it() -> None:
    begins, go, large = threading.Event(), threading.Event(), bytes(8 * MIB)

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        begins.set()
        go.wait(PATIENCE)
        start_response("200 OK", [])
        return [large]

    with serving(app) as server, connect(server, GET + GET) as connection:
        assert begins.wait(PATIENCE)
        stop(server)
        go.set()
        connection.recv(1)
        time.sleep(0.1)  # the refusal is due, the answer does not fit into the socket
        received = connection.makefile("rb").read()
    assert large in received
    assert received.count(b"HTTP/1.1 503") == 1


def test_stop_cancels_answers_that_do_not_finish() -> None:
    # More than the sockets hold: the loop has to go on for these last words.
    running = Running()
    app = SlowApp(b"end" * MIB * 4)
    app.go = running.cancelled
    config = replace(settings(), shutdown_grace=0.1)
    with serving(app, config, running) as server, closing(begun(server)) as response:
        server.stop()
        assert response.read() == app.end
    assert running.cancelled.is_set()


def test_answers_that_do_not_end_even_then_are_cut() -> None:
    app = SlowApp()
    config = replace(settings(), shutdown_grace=0.05)
    with serving(app, config, clocks=replace(PATIENT, last_words=0.05)) as server, closing(begun(server)) as response:
        server.stop()
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            response.read()
        app.go.set()


def test_health_says_that_it_stops() -> None:
    """Of the product's own app, while an answer of another kind runs."""
    config = settings()
    app = create_app(config)
    running = app.extensions["proxy"].running
    slow = SlowApp()

    def both(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return (slow if environ["PATH_INFO"] == "/stream" else app)(environ, start_response)

    with serving(both, config, running) as server, closing(begun(server)) as response:
        assert answer_to(server, HEALTH)[::2] == (200, b'{"status":"ok"}\n')
        stop(server)
        assert answer_to(server, HEALTH)[::2] == (503, b'{"status":"stopping"}\n')
        slow.go.set()
        assert response.read() == b"end"


def test_few_open_files_mean_few_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that accepting never fails, which would keep the loop busy with nothing."""
    monkeypatch.setattr("proxy.server.process.allow_open_files", lambda wanted: 40)
    with serving(echo) as server:
        crowd = [connect(server) for _ in range(30)]
        assert answer_to(server, GET)[0] == 200
        assert is_closed(crowd[0])
        for connection in crowd:
            connection.close()


def test_a_connection_that_is_reset_harms_nobody() -> None:
    with serving(echo) as server:
        reset(connect(server))
        assert answer_to(server, GET)[0] == 200
