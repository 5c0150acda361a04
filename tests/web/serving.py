"""The proxy as it is served: the app under its server on a port of 127.0.0.1, and a client that hides nothing."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flask import Flask

from proxy.server.process import Server
from proxy.settings.config import Config, load_config
from proxy.web import create_app
from proxy.web.services import Services
from tests.conformance import check_error, check_error_stream, check_json, check_message, check_stream

PATIENCE = 20.0
"""Seconds after which a wait for something that has to come counts as a failure."""
KEY = "sk-upstream-0123456789abcdef"
_NOWHERE = Path(__file__).parent / "no-such-directory"


def settings(upstream: str, **variables: str) -> Config:
    """A configuration in which Claude names lead to gpt-4o at `upstream`, a base URL; blank variables are left out."""
    environ = {
        "PREFERRED_PROVIDER": "openai",
        "OPENAI_BASE_URL": upstream,
        "OPENAI_API_KEY": KEY,
        "MAX_RETRIES": "0",
        **variables,
    }
    return load_config(environ, directory=_NOWHERE)


def custom_settings(directory: Path, entry: Mapping[str, Any], **variables: str) -> Config:
    """A configuration whose only model is the custom `entry`; Claude names lead to it."""
    entries = [{"model_id": "local", **entry}]
    (directory / "custom_models.yaml").write_text(json.dumps(entries), encoding="utf-8")  # JSON is YAML
    environ = {"PREFERRED_PROVIDER": "custom", "MAX_RETRIES": "0", **variables}
    return load_config(environ, directory=directory)


def ask(text: str = "hi", **fields: Any) -> dict[str, Any]:
    """The body of a messages request."""
    return {
        "model": "claude-sonnet-5-5",
        "max_tokens": 1000,
        "messages": [{"role": "user", "content": text}],
        **fields,
    }


@dataclass(frozen=True)
class Answer:
    """A whole HTTP response, with the request that it answers."""

    status: int
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes
    request: Any = None

    def error(self, status: int) -> dict[str, Any]:
        """The `error` object of a conforming error response with this status."""
        assert self.status == status, self.body[:500]
        return check_error(self.status, self.headers, self.body)

    def json(self) -> dict[str, Any]:
        assert self.status == 200, self.body[:500]
        return check_json(self.status, self.headers, self.body)

    def message(self) -> dict[str, Any]:
        """The conforming Message that was answered, streamed or not."""
        assert self.status == 200, self.body[:500]
        if self.headers["content-type"].startswith("text/event-stream"):
            return check_stream(self.body, self.request, self.headers)
        return check_message(self.json(), self.request)

    def stream_error(self) -> dict[str, Any]:
        """The `error` object of a conforming stream that breaks off."""
        assert self.status == 200, self.body[:500]
        return check_error_stream(self.body, self.request, self.headers)


class Connection(http.client.HTTPConnection):
    """Knows its socket also when that has passed to the response, as it does where the server closes after it."""

    def connect(self) -> None:
        super().connect()
        self.raw: socket.socket = self.sock


class Proxy:
    """A running proxy."""

    def __init__(self, app: Flask, port: int) -> None:
        self.app = app
        self.port = port

    @property
    def services(self) -> Services:
        found: Services = self.app.extensions["proxy"]
        return found

    def hurry(self, **seconds: float) -> None:
        """Shortens waits, fields of `Timing`."""
        self.services.timing = replace(self.services.timing, **seconds)

    def open(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Connection:
        """Sends a request and leaves the answer unread; closing the connection is hanging up."""
        connection = Connection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(method, path, body, dict(headers or {}))
        return connection

    def call(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        with contextlib.closing(self.open(method, path, body, headers)) as connection:
            return read(connection.getresponse())

    def start(self, body: Mapping[str, Any], **headers: str) -> Connection:
        return self.open("POST", "/v1/messages?beta=true", json.dumps(body).encode(), _names(headers))

    def post(self, body: Mapping[str, Any], path: str = "/v1/messages?beta=true", **headers: str) -> Answer:
        """Header names are written with underscores."""
        answer = self.call("POST", path, json.dumps(body).encode(), _names(headers))
        return Answer(answer.status, answer.headers, answer.body, body)


def read(response: http.client.HTTPResponse) -> Answer:
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


def hang_up(connection: Connection) -> None:
    """Closes for good, also while a response object still holds the socket."""
    with contextlib.suppress(OSError):  # it may be closed already
        connection.raw.shutdown(socket.SHUT_RDWR)
    connection.close()


def _names(headers: Mapping[str, str]) -> dict[str, str]:
    return {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}


@contextlib.contextmanager
def serve(config: Config, threads: int = 8, *, as_loaded: bool = False) -> Iterator[Proxy]:
    """Runs the app on a free port, under the server that the product uses.

    `as_loaded`: the app has the very settings that are given, wherever it listens.
    """
    local = replace(config, host="127.0.0.1", port=0, threads=threads)
    app = create_app(config if as_loaded else local)
    running = app.extensions["proxy"].running
    server = Server(app, local, running)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield Proxy(app, server.port)
    finally:
        running.cancel_all()
        server.stop()
        thread.join()
