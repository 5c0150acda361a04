"""One Messages request through the whole app, as a client on this machine sends it, within a limit of time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app

from proxy.protocol.errors import TYPE_OF_STATUS
from proxy.web.services import Services

Json = dict[str, Any]

_VERSION = "2023-06-01"
_CLIENT_CLOSED = 499
_TIMEOUT = 504


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request came to. `error` is the message of a failure, whenever it came; `content` is the answer's."""

    status: int
    error: str = ""
    content: list[Json] = field(default_factory=list)
    notes: str = ""
    """What the header `x-proxy-notes` says."""
    pieces: int = 0
    """Of text, in a streamed answer."""

    @property
    def text(self) -> str:
        return "".join(block["text"] for block in self.content if block["type"] == "text").strip()

    @property
    def calls(self) -> list[Json]:
        return [block for block in self.content if block["type"] == "tool_use"]

    @property
    def thinking(self) -> list[Json]:
        return [block for block in self.content if block["type"] in ("thinking", "redacted_thinking")]


def ask(app: Flask, body: Mapping[str, Any], seconds: float, is_over: Callable[[], bool] = lambda: False) -> Answer:
    """The answer to the body of a Messages request. The client hangs up after so many seconds, or when all is over."""
    services: Services = app.extensions["proxy"]
    until = time.monotonic() + seconds
    headers = {"Content-Type": "application/json", "anthropic-version": _VERSION}
    if services.config.proxy_api_keys:
        headers["x-api-key"] = services.config.proxy_api_keys[0]
    environ = EnvironBuilder(
        "/v1/messages",
        "http://127.0.0.1",
        method="POST",
        data=json.dumps(body).encode(),
        headers=Headers(headers),
        environ_base={"REMOTE_ADDR": "127.0.0.1"},
        # Waitress's word for a client that has hung up, which every wait of the app heeds.
        environ_overrides={"waitress.client_disconnected": lambda: is_over() or time.monotonic() > until},
    ).get_environ()
    pieces, status, given = run_wsgi_app(app, environ)
    try:
        return _answer(int(status.split()[0]), given, pieces, seconds)
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()


def _answer(status: int, headers: Headers, pieces: Iterable[bytes], seconds: float) -> Answer:
    late = Answer(_TIMEOUT, f"no answer within {seconds:g} s")
    notes = headers.get("x-proxy-notes", "")
    if "event-stream" in headers.get("content-type", ""):
        return _streamed(pieces, notes) or late
    raw = b"".join(pieces)
    if status == _CLIENT_CLOSED:
        return late
    try:
        body = json.loads(raw)
        if status == 200:
            return Answer(status, content=body["content"], notes=notes)
        return Answer(status, str(body["error"]["message"]), notes=notes)
    except (ValueError, KeyError, TypeError):
        return Answer(status if status >= 400 else 502, f"status {status} without a message", notes=notes)


def _streamed(pieces: Iterable[bytes], notes: str) -> Answer | None:
    """The texts of a stream; None where it was not followed to its end."""
    texts: list[str] = []
    for line in b"".join(pieces).splitlines():
        if not line.startswith(b"data:"):
            continue
        event = json.loads(line[5:])
        match event["type"]:
            case "content_block_delta" if event["delta"]["type"] == "text_delta":
                texts.append(event["delta"]["text"])
            case "error":
                return Answer(_status_of(event["error"]), event["error"]["message"], notes=notes)
            case "message_stop":
                return Answer(200, content=[{"type": "text", "text": "".join(texts)}], notes=notes, pieces=len(texts))
    return None


def _status_of(error: Json) -> int:
    """The status that the error would have had, had it come before the stream began."""
    return next((status for status, kind in TYPE_OF_STATUS.items() if kind == error["type"] != "api_error"), 502)
