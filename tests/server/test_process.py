from __future__ import annotations

import errno
import http.client
import json
import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.server import process as server_module
from proxy.server.process import CannotListen, Server, _listen_problem
from proxy.settings.config import Config, load_config
from tests.conformance import check_error

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
PATIENCE = 20.0


class Running:
    """Stands for the answers of the app."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()

    def __len__(self) -> int:
        return 1

    def cancel_all(self) -> None:
        self.cancelled.set()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return replace(load_config({"HOST": "127.0.0.1", "THREADS": "4"}, directory=tmp_path), port=0)


@contextmanager
def serving(app: App, config: Config, running: Running | None = None) -> Iterator[Server]:
    server = Server(app, config, running or Running())
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answers with the request's environment."""
    shown = {name: value for name, value in environ.items() if isinstance(value, str)}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(shown).encode()]


def answer_to(port: int, request: Iterable[bytes]) -> tuple[int, dict[str, str], bytes]:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        for piece in request:
            connection.sendall(piece)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, dict(response.getheaders()), response.read()


def chunks(total: int, end: bytes = b"0\r\n\r\n") -> Iterator[bytes]:
    piece = b"%x\r\n%b\r\n" % (1 << 20, bytes(1 << 20))
    for _ in range(total >> 20):
        yield piece
    yield end


MIB = 1 << 20
HEAD = b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    ("request_pieces", "status", "words"),
    [
        pytest.param(lambda: [b"what is this\r\n\r\n"], 400, "Start line is invalid", id="no HTTP"),
        pytest.param(lambda: [HEAD, b"x-api-key: canary\nkey\r\n\r\n"], 400, "Bare CR or LF", id="bare line feed"),
        pytest.param(lambda: [HEAD, b"Content-Length: ten\r\n\r\n"], 400, "Content-Length", id="bad length"),
        pytest.param(lambda: [HEAD, b"Transfer-Encoding: gzip\r\n\r\n"], 501, "Transfer-Encoding", id="bad encoding"),
        pytest.param(lambda: [HEAD, b"X: ", b"x" * 300_000], 431, "max_header", id="too many headers"),
        pytest.param(
            lambda: [HEAD, b"Content-Length: %d\r\n\r\n" % (33 * MIB), bytes(33 * MIB)], 413, "32 MB", id="too large"
        ),
        pytest.param(
            lambda: [HEAD, b"Transfer-Encoding: chunked\r\n\r\n", *chunks(33 * MIB)], 413, "32 MB", id="too many chunks"
        ),
        pytest.param(lambda: [HEAD, b"Content-Length: %d\r\n\r\n" % 2**40], 413, "32 MB", id="not worth reading"),
        pytest.param(
            lambda: [HEAD, b"Transfer-Encoding: chunked\r\n\r\n", *chunks(33 * MIB, end=b"nonsense\r\n")],
            413,
            "32 MB",
            id="too large and broken",
        ),
    ],
)
def test_what_waitress_refuses(
    request_pieces: Callable[[], list[bytes]], status: int, words: str, config: Config
) -> None:
    with serving(echo, config) as server:
        got, headers, body = answer_to(server.port, request_pieces())
    assert got == status
    assert "canary" not in body.decode()
    assert "waitress" not in f"{headers}{body.decode()}".lower()
    assert words in check_error(status, headers, body)["message"]


def test_the_largest_body_arrives(config: Config) -> None:
    with serving(echo, config) as server:
        pieces = [HEAD, b"Content-Length: %d\r\n\r\n" % (32 * MIB), bytes(32 * MIB)]
        status, _, body = answer_to(server.port, pieces)
    assert (status, json.loads(body)["CONTENT_LENGTH"]) == (200, str(32 * MIB))


def test_an_app_that_fails(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    def failing(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        raise RuntimeError("canary")

    with serving(failing, config) as server:
        status, headers, body = answer_to(server.port, [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"])
    assert check_error(status, headers, body)["type"] == "api_error"
    assert "canary" not in body.decode()


def test_forwarding_headers_reach_the_app(config: Config) -> None:
    with serving(echo, config) as server:
        head = b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.0.0.1\r\nForwarded: for=10.0.0.1\r\n\r\n"
        _, headers, body = answer_to(server.port, [head])
    assert {"HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED"} <= set(json.loads(body))
    assert "Server" not in headers


def test_the_app_learns_that_the_client_has_gone(config: Config) -> None:
    noticed = threading.Event()
    started = threading.Event()

    def waiting(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        started.set()
        while not environ["waitress.client_disconnected"]():
            threading.Event().wait(0.01)
        noticed.set()
        start_response("200 OK", [])
        return []

    with serving(waiting, config) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")
            assert started.wait(PATIENCE)
        assert noticed.wait(PATIENCE)


class SlowApp:
    """Streams "begin ", waits for `go`, then streams `end`."""

    def __init__(self, end: bytes = b"end") -> None:
        self.go = threading.Event()
        self.end = end

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield b"begin "
        self.go.wait(PATIENCE)
        yield self.end


def begun(port: int) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", "/")
    response = connection.getresponse()
    assert response.read(6) == b"begin "
    return response


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    except ConnectionError:
        return True
    return False


def test_stop_lets_answers_finish(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    app, running = SlowApp(), Running()
    with serving(app, config, running) as server, closing(begun(server.port)) as response:
        idle = socket.create_connection(("127.0.0.1", server.port))
        server.stop()
        idle.settimeout(PATIENCE)
        assert idle.recv(1) == b"", "idle connections are closed at once"
        idle.close()
        assert refused(server.port)
        app.go.set()
        assert response.read() == b"end"
    assert not running.cancelled.is_set()
    assert capsys.readouterr().err.isascii()


def test_stop_cancels_answers_that_do_not_finish(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "STOP_PATIENCE", 0.1)
    # More than the sockets hold: the loop has to go on for these last words.
    app, running = SlowApp(b"end" * MIB * 4), Running()
    app.go = running.cancelled
    with serving(app, config, running) as server, closing(begun(server.port)) as response:
        server.stop()
        assert response.read() == app.end
    assert running.cancelled.is_set()


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("no-such-host.invalid", "HOST: no-such-host.invalid cannot be resolved"),
        ("a" * 70 + ".invalid", "cannot be resolved"),
        ("203.0.113.7", "HOST: 203.0.113.7 is not an address of this machine"),
    ],
)
def test_a_host_that_is_no_address_here(host: str, words: str, config: Config) -> None:
    with pytest.raises(CannotListen, match=words):
        Server(echo, replace(config, host=host), Running())


def test_a_busy_port(config: Config) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotListen, match=rf"PORT: {port} is in use \(HOST 127.0.0.1\)"):
            Server(echo, replace(config, port=port), Running())


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "PORT: 80 is not permitted (HOST h); choose another PORT, above 1023"),
        (errno.EMFILE, "HOST, PORT: cannot listen on h port 80"),
    ],
)
def test_other_reasons_not_to_listen(number: int, words: str) -> None:
    assert words in _listen_problem(OSError(number, os.strerror(number)), "h", 80)


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_any_address_of_both_kinds(config: Config) -> None:
    with serving(echo, replace(config, host="::")) as server:
        for peer in ("127.0.0.1", "::1"):
            connection = http.client.HTTPConnection(peer, server.port, timeout=PATIENCE)
            connection.request("GET", "/")
            assert peer in json.loads(connection.getresponse().read())["REMOTE_ADDR"]
            connection.close()
