"""The scripted server that the client takes for Anthropic's, and the record of what it was sent."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

from tests.drift import wire
from tests.drift.model import Scripts, respond, verdicts
from tests.drift.shapes import Request

_MODELS = ("claude-opus-5-5", "claude-drift")


class Server(ThreadingHTTPServer):
    """Serves on a free port of 127.0.0.1 while it is entered. A conversation with the word `unjudged` gets no judge."""

    daemon_threads = True

    def __init__(self, scripts: Scripts, unjudged: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scripts = scripts
        self.unjudged = unjudged
        self.failures: list[str] = []
        """Requests that the script had no answer for."""
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._active = 0
        self._last = time.monotonic()

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def requests(self) -> list[Request]:
        with self._lock:
            return list(self._requests)

    def quiet_for(self) -> float:
        """Seconds since the last request came or was answered; 0 while one is being answered."""
        with self._lock:
            return 0.0 if self._active else time.monotonic() - self._last

    def begin(self, request: Request) -> None:
        with self._lock:
            self._requests.append(request)
            self._active += 1

    def end(self) -> None:
        with self._lock:
            self._active -= 1
            self._last = time.monotonic()


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def _serve(self) -> None:
        self._request_id = f"req_{uuid4().hex}"
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = urlsplit(self.path).path
        request = Request(self.command, self.path, headers, self._parse(raw))
        self.server.begin(request)
        try:
            self._answer(path, request.body)
        except (KeyError, TypeError, AttributeError) as problem:
            self.server.failures.append(f"{self.command} {self.path}: {problem!r}")
            self._error(400, "invalid_request_error", "the script has no answer")
        finally:
            self.server.end()

    do_HEAD = do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _parse(self, raw: bytes) -> Any:
        try:
            return json.loads(raw) if raw else None
        except ValueError:
            self.server.failures.append(f"{self.command} {self.path}: a body that is no JSON")
            return None

    def _answer(self, path: str, body: Any) -> None:
        match self.command, path:
            case "POST", "/v1/messages":
                self._message(body)
            case "POST", "/v1/messages/count_tokens":
                self._json(200, {"input_tokens": 1000})
            case "GET", "/v1/models":
                self._json(200, _listing())
            case _:
                self._error(404, "not_found_error", "Not found")

    def _message(self, body: Any) -> None:
        step = respond(body, self.server.scripts)
        if step.fault == "too long":
            self._error(400, "invalid_request_error", "prompt is too long: 1100000 tokens > 1000000 maximum")
            return
        blocks = wire.numbered(step.blocks)
        whole = wire.message(body["model"], blocks, verdicts(body, blocks, self.server.unjudged))
        if not body.get("stream"):
            self._json(200, whole)
            return
        frames = list(wire.frames(whole))
        if step.fault == "breaks off":
            frames[-3:] = [wire.frame(**wire.error("api_error", "Broken", self._request_id))]
        self._stream(frames)

    def _error(self, status: int, kind: str, words: str) -> None:
        self._json(status, wire.error(kind, words, self._request_id))

    def _json(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self._head(status, {"content-type": "application/json", "content-length": str(len(content))})
        if self.command != "HEAD":
            self.wfile.write(content)

    def _stream(self, frames: Iterable[bytes]) -> None:
        chunked = {"transfer-encoding": "chunked", "cache-control": "no-cache"}
        self._head(200, {"content-type": "text/event-stream; charset=utf-8", **chunked})
        for frame in (*frames, b""):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(frame), frame))

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "request-id": self._request_id}.items():
            self.send_header(name, value)
        self.end_headers()


def _listing() -> dict[str, Any]:
    data = [
        {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"} for name in _MODELS
    ]
    return {"data": data, "has_more": False, "first_id": _MODELS[0], "last_id": _MODELS[-1]}
