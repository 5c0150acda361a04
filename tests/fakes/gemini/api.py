"""A strict fake of Google's Gemini Developer API (REST, v1beta).

    with FakeGemini(keys={"test-key"}) as upstream:
        upstream.reply(Thought("hm"), FunctionCall("Read", {"file_path": "x"}), FunctionCall("Grep", {}))
        client = genai.Client(api_key="test-key", http_options=types.HttpOptions(base_url=upstream.base_url))

Requests that break a rule are refused as the real service would and leave the queue of replies alone.
"""

from __future__ import annotations

import itertools
import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from tests.fakes.gemini.errors import (
    USUAL,
    api_key_invalid,
    gemini_error,
    list_wrapped,
    model_not_found,
    no_key,
    payload_too_large,
)
from tests.fakes.gemini.models import MODELS, ROUTED, ModelRules, find
from tests.fakes.gemini.replies import Frame, Grounding, Part, Pause, Reply, Text, Usage, chunks, completion, stream
from tests.fakes.gemini.rules import check, count, estimate_tokens, signature_tokens, thinking_on
from tests.fakes.refusal import Refusal, Refused
from tests.fakes.server import Exchange, FakeServer, Raw, Step, json_answer, strict_json

Handler = Callable[[dict[str, Any], Mapping[str, str]], Reply | Raw]
"""Answers a request from its body, as it was sent, and its headers (names in lower case)."""

_Form = Literal["whole", "sse", "list"]
_PATH = re.compile(r"/(v1|v1beta|v1alpha)/models(?:/([^/:]+)(?::(\w+))?)?")
_METHODS = ("generateContent", "streamGenerateContent", "countTokens")
_NOT_JSON = "Invalid JSON payload received. Unexpected token."
_HEADERS = {"x-gemini-service-tier": "standard", "server-timing": "gfet4t7; dur=21"}


class FakeGemini(FakeServer):
    """`keys`, when given, are the only API keys let in; without them any that is not blank.

    `models` are served under their names, those of `ROUTED` and future generations. `most_bytes` is the largest body.
    """

    def __init__(
        self,
        keys: Collection[str] = (),
        models: Mapping[str, ModelRules] = MODELS,
        *,
        most_bytes: int = 100 * 2**20,
    ) -> None:
        super().__init__()
        self.keys = frozenset(keys)
        self.models = models
        self.most_bytes = most_bytes
        self._queue: deque[Reply | Raw] = deque()
        self._default: Handler = lambda body, headers: Reply(Text("ok"))
        self._answers = itertools.count(1)
        self._calls = itertools.count(1)

    @property
    def base_url(self) -> str:
        """For `HttpOptions.base_url`, which wants it without the version."""
        return self.url

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The bodies of all requests for an answer so far, the refused ones too."""
        return [exchange.body for exchange in list(self.exchanges) if _asks(exchange)]

    def reply(
        self,
        *parts: Part | Pause,
        usage: Usage | None = None,
        finish: str = "STOP",
        finish_message: str | None = None,
        blocked: str | None = None,
        headers: Mapping[str, str] | None = None,
        hold: Iterable[Step] = (),
    ) -> None:
        """Queue one answer, rendered as a stream or as one JSON body, as the request asks."""
        self._queue.append(
            Reply(
                *parts,
                usage=usage,
                finish=finish,
                finish_message=finish_message,
                blocked=blocked,
                headers=headers,
                hold=hold,
            )
        )

    def reply_raw(
        self,
        chunks: Iterable[Step],
        content_type: str = "text/event-stream",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        hold: Iterable[Step] = (),
    ) -> None:
        """Queue one answer byte by byte, for odd streams, cuts and foreign content types."""
        self._queue.append(Raw(chunks, status, content_type, headers or {}, hold))

    def fail(self, failure: Refusal | int, body: object = None, headers: Mapping[str, str] | None = None) -> None:
        """Queue one failure: a ready one (see `gemini_errors.FAILURES`), or a status with its usual words or `body`.

        Raises KeyError on a status without usual words when `body` is missing.
        """
        if isinstance(failure, int):
            failure = USUAL[failure] if body is None else Refusal(failure, body)
        self._queue.append(json_answer(failure.body, failure.status, headers))

    def default(self, handler: Handler) -> None:
        """What answers while the queue is empty; at first that is the text "ok"."""
        self._default = handler

    def answer(self, exchange: Exchange) -> Raw:
        url = urlsplit(exchange.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        try:
            self._check_key(exchange.headers.get("x-goog-api-key", query.get("key", "")).strip())
            return self._route(exchange, url.path, query)
        except Refused as refused:
            exchange.refusal = refused.refusal.message
            shown = list_wrapped(refused.refusal) if _form(url.path, query) == "list" else refused.refusal
            return json_answer(shown.body, shown.status, _HEADERS)

    def _check_key(self, key: str) -> None:
        if not key:
            raise Refused(no_key())
        if self.keys and key not in self.keys:
            raise Refused(api_key_invalid())

    def _route(self, exchange: Exchange, path: str, query: Mapping[str, str]) -> Raw:
        found = _PATH.fullmatch(path)
        version, name, method = found.groups() if found else ("", None, None)
        posted = exchange.method == "POST" and method in _METHODS
        if not found or not (posted or (exchange.method == "GET" and method is None)):
            raise Refused(gemini_error(404, f"Not found: {exchange.method} {path}"))
        if name is None:
            listed = [known for known in (*self.models, *ROUTED) if find(self.models, known, version)]
            return json_answer({"models": [self._listed(known) for known in listed]})
        model = find(self.models, name, version)
        if model is None:
            raise Refused(model_not_found(name, version, method or "generateContent"))
        if method is None:
            return json_answer(self._listed(name))
        body = self._body(exchange)
        if method == "countTokens":
            total = count(body, {name, model.name})
            details = [{"modality": "TEXT", "tokenCount": total}]
            return json_answer({"totalTokens": total, "promptTokensDetails": details})
        form = _form(path, query)
        parsed = check(body, model, stream=form != "whole", deadline=exchange.headers.get("x-server-timeout"))
        try:
            reply = self._queue.popleft()
        except IndexError:
            reply = self._default(body, exchange.headers)
        return reply if isinstance(reply, Raw) else self._render(reply, self._frame(reply, parsed, model), form)

    def _body(self, exchange: Exchange) -> dict[str, Any]:
        if len(exchange.raw) > self.most_bytes:
            raise Refused(payload_too_large(self.most_bytes))
        try:
            exchange.body = strict_json(exchange.raw)
        except ValueError:
            raise Refused(gemini_error(400, _NOT_JSON)) from None
        if not isinstance(exchange.body, dict) or "json" not in exchange.headers.get("content-type", ""):
            raise Refused(gemini_error(400, _NOT_JSON))
        return exchange.body

    def _frame(self, reply: Reply, parsed: dict[str, Any], model: ModelRules) -> Frame:
        config = parsed.get("generationConfig", {})
        thinks = thinking_on(config, model)
        searches = any("googleSearch" in tool for tool in parsed.get("tools", ()))
        if any(isinstance(part, Grounding) for part in reply.parts) and not searches:
            raise ValueError("a web search that nobody has asked for")
        early = estimate_tokens(parsed)
        grown = early + signature_tokens(parsed) + 16 * thinks
        return Frame(
            response_id=f"fake{next(self._answers):018d}",
            model=model,
            usage=reply.usage or Usage(grown, max(1, reply.characters // 4), 21 * thinks, early_prompt=early),
            include_thoughts=thinks and config.get("thinkingConfig", {}).get("includeThoughts", False),
            signed=thinks,
            new_call_id=lambda: f"{next(self._calls):08x}",
        )

    def _render(self, reply: Reply, frame: Frame, form: _Form) -> Raw:
        headers = _HEADERS | reply.headers
        if form == "sse":
            return Raw(stream(reply, frame), 200, "text/event-stream", headers, reply.hold)
        listed = [chunk for chunk in chunks(reply, frame) if isinstance(chunk, dict)]
        answer = json_answer(listed if form == "list" else completion(reply, frame))
        return Raw(answer.steps, 200, answer.content_type, headers, [*reply.hold, *reply.pauses])

    def _listed(self, name: str) -> dict[str, Any]:
        rules = find(self.models, name)
        assert rules is not None
        return {
            "name": f"models/{name}",
            "version": "001",
            "displayName": name.replace("-", " ").title(),
            "inputTokenLimit": rules.max_input,
            "outputTokenLimit": rules.max_output,
            "supportedGenerationMethods": ["generateContent", "countTokens", "createCachedContent"],
            "thinking": rules.thinks,
        }


def _form(path: str, query: Mapping[str, str]) -> _Form:
    if not path.endswith(":streamGenerateContent"):
        return "whole"
    return "sse" if query.get("alt") == "sse" else "list"


def _asks(exchange: Exchange) -> bool:
    return isinstance(exchange.body, dict) and "enerateContent" in exchange.path
