"""A relay between Claude Code and the proxy that keeps what passes, so that every answer can be checked afterwards."""

from __future__ import annotations

import http.client
import io
import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from tests.conformance import (
    check_count,
    check_error,
    check_error_stream,
    check_json,
    check_message,
    check_stream,
)


@dataclass
class _Connection:
    sent: bytearray = field(default_factory=bytearray)
    received: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True)
class Passed:
    """One request and its whole answer. `path` has no query; header names are in lower case."""

    method: str
    path: str
    request: Any
    status: int
    headers: dict[str, str]
    body: bytes

    def check(self, seen_ids: set[str]) -> None:
        """Raises Violation where the answer breaks a rule."""
        if self.method != "POST":
            assert self.status < 500
        elif self.status >= 400:
            check_error(self.status, self.headers, self.body)
        elif self.path == "/v1/messages/count_tokens":
            check_count(self.status, self.headers, self.body, self.request)
        elif not self.request.get("stream"):
            check_message(check_json(self.status, self.headers, self.body), self.request, seen_ids=seen_ids)
        elif b"event: error" in self.body:
            check_error_stream(self.body, self.request, self.headers)
        else:
            check_stream(self.body, self.request, self.headers, seen_ids=seen_ids)


class Tap(socketserver.ThreadingTCPServer):
    """Relays to `port` while it is entered. Each side hangs up as soon as the other one does."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Relay)
        self.target = ("127.0.0.1", port)
        self.connections: list[_Connection] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def passed(self) -> list[Passed]:
        """What has passed whole; an exchange that was broken off is left out."""
        return [exchange for connection in list(self.connections) for exchange in _exchanges(connection)]

    def check(self) -> None:
        """Raises Violation where an answer breaks a rule, or has the id of another one."""
        seen_ids: set[str] = set()
        for exchange in self.passed():
            exchange.check(seen_ids)


class _Relay(socketserver.BaseRequestHandler):
    server: Tap

    def handle(self) -> None:
        seen = _Connection()
        self.server.connections.append(seen)
        with socket.create_connection(self.server.target) as upstream:
            back = threading.Thread(target=_copy, args=(upstream, self.request, seen.received))
            back.start()
            _copy(self.request, upstream, seen.sent)
            back.join()


def _copy(source: socket.socket, sink: socket.socket, record: bytearray) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            record += piece
            sink.sendall(piece)
    for each in (source, sink):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


class _Recording(io.BytesIO):
    """Bytes that http.client reads as a socket. It closes after each response, but the next one is in here, too."""

    def makefile(self, *_: object) -> Self:
        return self

    def close(self) -> None:
        """Stays open."""


def _exchanges(connection: _Connection) -> Iterator[Passed]:
    requests, responses = io.BytesIO(bytes(connection.sent)), _Recording(bytes(connection.received))
    with suppress(http.client.HTTPException):
        while line := requests.readline():
            method, target, _ = line.decode("ascii").split(" ")
            length = http.client.parse_headers(requests).get("content-length", "0")
            body = requests.read(int(length))
            response = http.client.HTTPResponse(responses, method=method)  # type: ignore[arg-type]
            response.begin()
            headers = {name.lower(): value for name, value in response.getheaders()}
            answer = response.read()
            path = target.partition("?")[0]
            yield Passed(method, path, json.loads(body or "null"), response.status, headers, answer)
