"""Small WSGI apps under the product's server, and clients that are as slow or rude as a test wants them."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from proxy.server.clocks import Clocks
from proxy.server.process import Server
from proxy.settings.config import Config, load_config

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
PATIENCE = 20.0
"""Seconds after which a wait for something that has to come counts as a failure."""
MIB = 1 << 20
HEAD = b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
NEVER = 1000.0
PATIENT = Clocks(head=NEVER, body=NEVER, idle=NEVER, unread=NEVER, thread=NEVER, tick=0.02)
"""No limit is reached but those that a test sets."""


class Running:
    """Stands for the answers of the app."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.stopping = False

    def __len__(self) -> int:
        return 1

    def cancel_all(self) -> None:
        self.cancelled.set()


def settings(threads: int = 4, **variables: str) -> Config:
    """A configuration for a free port of 127.0.0.1; with 4 threads there may be 100 connections."""
    environ = {"HOST": "127.0.0.1", "PORT": "1", "THREADS": str(threads), **variables}
    config = load_config(environ, directory=Path(__file__).parent / "no-such-directory")
    return replace(config, port=0)


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


@contextmanager
def serving(app: App, config: Config | None = None, running: Any = None, clocks: Clocks = PATIENT) -> Iterator[Server]:
    server = Server(app, config or settings(), Running() if running is None else running, clocks)
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


class SlowApp:
    """Streams "begin ", waits for `go`, then streams `end`. `/health` is answered at once."""

    def __init__(self, end: bytes = b"end") -> None:
        self.go = threading.Event()
        self.end = end

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        if environ["PATH_INFO"] == "/health":
            yield b"well"
            return
        yield b"begin "
        self.go.wait(PATIENCE)
        yield self.end


def connect(server: Server, sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
    connection.sendall(sent)
    return connection


def read_answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, headers by lower-case name, body."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()


def answer_to(server: Server, *request: bytes) -> tuple[int, dict[str, str], bytes]:
    with connect(server) as connection:
        for piece in request:
            connection.sendall(piece)
        return read_answer(connection)


def begun(server: Server) -> http.client.HTTPResponse:
    """The answer of a SlowApp, of which the beginning has come."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    connection.request("GET", "/stream")
    response = connection.getresponse()
    assert response.read(6) == b"begin "
    return response


def is_closed(connection: socket.socket) -> bool:
    """Whether the server closes it without a word; waits for that."""
    with contextlib.suppress(ConnectionError):
        return connection.recv(1) == b""
    return True


def reset(connection: socket.socket) -> None:
    """Leaves without the usual end."""
    connection.setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
    )
    connection.close()
