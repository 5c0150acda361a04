"""The scripted server that the client takes for Anthropic's, and the record of what it was sent."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

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

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = urlsplit(self.path).path
        request = Request(self.command, self.path, headers, json.loads(raw) if raw else None)
        self.server.begin(request)
        try:
            self._answer(path, request.body)
        except (KeyError, TypeError, AttributeError) as problem:
            self.server.failures.append(f"{self.command} {self.path}: {problem!r}")
            self._json(400, wire.error("invalid_request_error", "the script has no answer"))
        finally:
            self.server.end()

    def _answer(self, path: str, body: Any) -> None:
        match self.command, path:
            case "POST", "/v1/messages":
                self._message(body)
            case "POST", "/v1/messages/count_tokens":
                self._json(200, {"input_tokens": 1000})
            case "GET", "/v1/models":
                self._json(200, _listing())
            case _:
                self._json(404, wire.error("not_found_error", "Not found"))

    def _message(self, body: Any) -> None:
        step = respond(body, self.server.scripts)
        if step.fault == "too long":
            self._json(400, wire.error("invalid_request_error", "prompt is too long: 1100000 tokens > 1000000 maximum"))
            return
        blocks = wire.numbered(step.blocks)
        whole = wire.message(body["model"], blocks, verdicts(body, blocks, self.server.unjudged))
        if not body.get("stream"):
            self._json(200, whole)
            return
        frames = list(wire.frames(whole))
        if step.fault == "breaks off":
            frames[-3:] = [b"event: error\ndata: " + json.dumps(wire.error("api_error", "Broken")).encode() + b"\n\n"]
        self._send(200, b"".join(frames), "text/event-stream; charset=utf-8")

    def _json(self, status: int, body: object) -> None:
        self._send(status, json.dumps(body).encode(), "application/json")

    def _send(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.send_header("request-id", "req_drift")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _listing() -> dict[str, Any]:
    data = [
        {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"} for name in _MODELS
    ]
    return {"data": data, "has_more": False, "first_id": _MODELS[0], "last_id": _MODELS[-1]}
