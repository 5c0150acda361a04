"""A scripted fake of Anthropic's own API, which refuses what the real one refuses (see rules.py)."""

from __future__ import annotations

import itertools
import json
import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.anthropic.batches import Batches
from tests.fakes.anthropic.bodies import events, message, model_info, sse, thinking
from tests.fakes.anthropic.files import Files
from tests.fakes.anthropic.paging import listed
from tests.fakes.anthropic.rules import MODELS, Failure, check, is_old, known_model, parsed, refuse
from tests.fakes.server import Exchange, FakeServer, Raw, Step, json_answer

Json = dict[str, Any]

VERSIONS = ("2023-01-01", "2023-06-01", "2026-10-21")
LIMITS = {
    f"anthropic-ratelimit-{what}-{name}": value
    for what, size in (
        ("requests", 4000),
        ("tokens", 2_400_000),
        ("input-tokens", 2_000_000),
        ("output-tokens", 400_000),
    )
    for name, value in (("limit", str(size)), ("remaining", str(size - 1)), ("reset", "2026-11-22T12:00:00Z"))
}
"""Sent with every answer of /v1/messages."""
Handler = Callable[[Json, Mapping[str, str]], Raw]
"""Answers a request from its body and its headers (names in lower case)."""


class FakeAnthropic(FakeServer):
    """Knows `MODELS`. Scripted answers are for POST /v1/messages only, and only for requests that are not refused."""

    def __init__(self, keys: Collection[str] = ("sk-ant-test",), *, files_in_beta: bool = False) -> None:
        super().__init__()
        self.keys = frozenset(keys)
        self.files = Files(header_required=files_in_beta)
        self.batches = Batches()
        self._queue: deque[Raw | Failure] = deque()
        self._default: Handler = self._small_answer
        self._answers = itertools.count(1)

    def reply_sse(
        self,
        steps: bytes | Iterable[Json | Step],
        headers: Mapping[str, str] | None = None,
        hold: Iterable[Step] = (),
    ) -> None:
        """Queue one stream: events (see `events`), raw bytes, pauses, CUT and other steps; or its raw bytes at once."""
        given = [steps] if isinstance(steps, bytes) else steps
        body = (sse(step) if isinstance(step, dict) else step for step in given)
        self._queue.append(Raw(body, 200, "text/event-stream; charset=utf-8", _streaming(headers), hold))

    def reply_json(self, body: object, headers: Mapping[str, str] | None = None) -> None:
        """Queue one whole answer (see `message`)."""
        self._queue.append(json_answer(body, headers=headers))

    def fail(self, status: int, type: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        """Queue one failure, such as (529, "overloaded_error", "Overloaded")."""
        self._queue.append(Failure(status, type, message, headers or {}))

    def default(self, handler: Handler) -> None:
        """What answers while the queue is empty; at first that is a thinking block (unless disabled) and a text."""
        self._default = handler

    def answer(self, exchange: Exchange) -> Raw:
        request_id = f"req_011{exchange.number:021d}"
        try:
            answer = self._routed(exchange)
        except Failure as failure:
            exchange.refusal = failure.message
            answer = _envelope(failure, request_id)
        if isinstance(answer, Failure):
            answer = _envelope(answer, request_id)
        limits = LIMITS if exchange.path.startswith("/v1/messages") else {}
        return replace(answer, headers={"request-id": request_id, **limits, **answer.headers})

    def _routed(self, exchange: Exchange) -> Raw | Failure:
        url = urlsplit(exchange.path)
        if exchange.method == "HEAD" and url.path in ("/", "/api/hello"):
            return Raw([], content_type="text/plain")
        self._check_headers(exchange.headers)
        if exchange.method == "POST" and url.path in ("/v1/messages", "/v1/messages/count_tokens"):
            counts = url.path.endswith("count_tokens")
            exchange.body = body = parsed(exchange.raw)
            check(body, exchange.headers, counts=counts)
            if counts:
                return json_answer({"input_tokens": len(json.dumps(body)) // 4})
            return self._queue.popleft() if self._queue else self._default(body, exchange.headers)
        query = parse_qs(url.query)
        match url.path.split("/")[1:]:
            case ["v1", "models"] if exchange.method == "GET":
                entries = [model_info(id_) for id_ in MODELS]
                return json_answer(listed(entries, query, lambda id_: MODELS.index(known_model(id_))))
            case ["v1", "models", id_] if exchange.method == "GET":
                return json_answer(model_info(known_model(id_)))
            case ["v1", "messages", "batches", *words]:
                return self.batches.answer(exchange, words, query, self.url)
            case ["v1", "files", *words]:
                return self.files.answer(exchange, words, query)
        raise Failure(404, "not_found_error", "Not Found")

    def _check_headers(self, headers: Mapping[str, str]) -> None:
        given = [headers["x-api-key"]] if "x-api-key" in headers else []
        if "authorization" in headers:
            given.append(headers["authorization"].removeprefix("Bearer "))
        # Both may be sent, but a key that is not ours is never to be seen here.
        if not given or not self.keys.issuperset(given):
            text = "invalid x-api-key" if given else "x-api-key header is required"
            raise Failure(401, "authentication_error", text, {"x-should-retry": "false"})
        version = headers.get("anthropic-version")
        if version is None:
            refuse("anthropic-version: header is required")
        if version not in VERSIONS:
            refuse(f'anthropic-version: "{version}" is not a valid version')
        for beta in filter(None, headers.get("anthropic-beta", "").split(",")):
            # The list of all betas is not known, but each ends in its date.
            if not re.fullmatch(r"[a-z0-9-]+-(\d{8}|\d{4}-\d\d-\d\d)", beta.strip()):
                refuse(f"Unexpected value(s) `{beta.strip()}` for the `anthropic-beta` header")

    def _small_answer(self, body: Json, headers: Mapping[str, str]) -> Raw:
        mode = body.get("thinking") or {"type": "disabled" if is_old(body["model"]) else "adaptive"}
        blocks: list[Json] = [{"type": "text", "text": "Hello from Anthropic."}]
        if mode["type"] != "disabled":
            shown = {"text": ""} if mode.get("display") == "omitted" else {}
            blocks.insert(0, thinking(**shown))
        whole = message(body["model"], *blocks, number=next(self._answers))
        if not body.get("stream"):
            return json_answer(whole)
        steps = [sse(event) for event in events(whole)]
        return Raw(steps, 200, "text/event-stream; charset=utf-8", _streaming(None))


def _streaming(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {"cache-control": "no-cache", **(headers or {})}


def _envelope(failure: Failure, request_id: str) -> Raw:
    error: Json = {"type": failure.type, "message": failure.message}
    if failure.details is not None:
        error["details"] = failure.details
    told = {"type": "error", "error": error, "request_id": failure.headers.get("request-id", request_id)}
    return json_answer(told, failure.status, failure.headers)
