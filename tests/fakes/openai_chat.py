"""A strict fake of the Chat Completions API: the official endpoint, or an OpenAI-compatible server with its quirks.

    with FakeOpenAI("compatible", quirks={"mistral"}) as upstream:
        upstream.reply(Text("hello"), ToolCall("Read", {"file_path": "x"}))
        client = openai.OpenAI(base_url=upstream.base_url, api_key="none")

Requests that break a rule are refused as the real server would and leave the queue of replies alone.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Literal

from tests.fakes.openai_models import MODELS, find
from tests.fakes.openai_quirks import QUIRKS, compatible_refusal, quirk_refusal
from tests.fakes.openai_refusal import Refusal, openai_error
from tests.fakes.openai_replies import (
    CREATED,
    Frame,
    Part,
    Pause,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
    completion,
    stream,
)
from tests.fakes.openai_rules import estimate_tokens, refusal
from tests.fakes.server import Exchange, FakeServer, Raw, Step, json_answer, strict_json

Handler = Callable[[dict[str, Any], Mapping[str, str]], Reply | Raw]
"""Answers a request from its body and its headers (names in lower case)."""

_NOT_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library "
    "correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you have trouble "
    "figuring out how to fix this, please contact us through our help center at help.openai.com.)"
)
_NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
    "(i.e. Authorization: Bearer YOUR_KEY). You can obtain an API key from https://platform.openai.com/account/api-keys."
)


class FakeOpenAI(FakeServer):
    """`keys`, when given, are the only API keys let in. `window` (tokens) is the context of a compatible server.

    `quirks` are names from `QUIRKS`; they come on top of the rules, "stream_unverified" for both kinds of server.
    Raises ValueError on a quirk that does not exist.
    """

    def __init__(
        self,
        rules: Literal["openai", "compatible"] = "openai",
        *,
        quirks: Collection[str] = (),
        keys: Collection[str] = (),
        window: int = 131_072,
    ) -> None:
        if unknown := set(quirks) - QUIRKS.keys():
            raise ValueError(f"no such quirk: {unknown}")
        super().__init__()
        self.official = rules == "openai"
        self.quirks = frozenset(quirks)
        self.keys = frozenset(keys)
        self.window = window
        self._queue: deque[Reply | Raw] = deque()
        self._default: Handler = lambda body, headers: Reply(Text("ok"))
        self._answers = itertools.count(1)
        self._calls = itertools.count(1)

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The bodies of all chat requests so far, the refused ones too."""
        return [exchange.body for exchange in list(self.exchanges) if isinstance(exchange.body, dict)]

    @property
    def refusals(self) -> list[str]:
        """The texts of all refusals so far."""
        return [exchange.refusal for exchange in list(self.exchanges) if exchange.refusal is not None]

    def reply(
        self,
        *parts: Part | Pause,
        usage: Usage | None = None,
        finish: str | None = None,
        headers: Mapping[str, str] | None = None,
        hold: Iterable[Step] = (),
    ) -> None:
        """Queue one answer, rendered as a stream or as one JSON body, as the request asks."""
        self._queue.append(Reply(*parts, usage=usage, finish=finish, headers=headers, hold=hold))

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

    def fail(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        """Queue one failure with a JSON body."""
        self._queue.append(json_answer(body, status, headers))

    def default(self, handler: Handler) -> None:
        """What answers while the queue is empty; at first that is the text "ok"."""
        self._default = handler

    def answer(self, exchange: Exchange) -> Raw:
        refused = self._refused_key(exchange)
        if refused:
            return self._refuse(exchange, refused)
        path = exchange.path.partition("?")[0]
        if path == "/v1/chat/completions" and exchange.method == "POST":
            return self._chat(exchange)
        if path == "/v1/models" and exchange.method == "GET":
            listed = [
                {"id": name, "object": "model", "created": CREATED, "owned_by": "system"} for name in self._models()
            ]
            return json_answer({"object": "list", "data": listed})
        return self._refuse(exchange, openai_error(f"Invalid URL ({exchange.method} {path})", status=404))

    def _models(self) -> list[str]:
        return list(MODELS) if self.official else ["local-model"]

    def _refused_key(self, exchange: Exchange) -> Refusal | None:
        given = exchange.headers.get("authorization", "")
        key = given.removeprefix("Bearer ")
        if not self.keys or (given.startswith("Bearer ") and key in self.keys):
            return None
        if not key:
            return openai_error(_NO_KEY, status=401)
        text = f"Incorrect API key provided: {key[:6]}***{key[-4:]}. "
        text += "You can find your API key at https://platform.openai.com/account/api-keys."
        return openai_error(text, None, "invalid_api_key", status=401)

    def _chat(self, exchange: Exchange) -> Raw:
        try:
            exchange.body = strict_json(exchange.raw)
        except ValueError:
            return self._refuse(exchange, openai_error(_NOT_JSON))
        if not isinstance(exchange.body, dict) or "json" not in exchange.headers.get("content-type", ""):
            return self._refuse(exchange, openai_error("you must provide a model parameter"))
        refused = self._refused_body(exchange.body)
        if refused:
            return self._refuse(exchange, refused)
        try:
            reply = self._queue.popleft()
        except IndexError:
            reply = self._default(exchange.body, exchange.headers)
        return reply if isinstance(reply, Raw) else self._render(reply, exchange.body)

    def _refused_body(self, body: dict[str, Any]) -> Refusal | None:
        general = refusal(body, find(body.get("model"))) if self.official else compatible_refusal(body)
        return general or quirk_refusal(self.quirks, body, self.window)

    def _refuse(self, exchange: Exchange, refused: Refusal) -> Raw:
        exchange.refusal = refused.message
        return json_answer(refused.body, refused.status, self._headers(f"refused-{exchange.number}"))

    def _render(self, reply: Reply, body: dict[str, Any]) -> Raw:
        if self.official and any(isinstance(part, Thinking) for part in reply.parts):
            raise ValueError("official Chat Completions never shows thinking")
        number = next(self._answers)
        written = sum(len(part.arguments if isinstance(part, ToolCall) else part.text) for part in reply.parts)
        frame = Frame(
            id=f"chatcmpl-{number:024d}",
            model=body["model"],
            official=self.official,
            body=body,
            usage=reply.usage or Usage(estimate_tokens(body), max(1, written // 4)),
            new_call_id=self._new_call_id,
        )
        headers = self._headers(f"{number:024d}") | reply.headers
        if body.get("stream"):
            content_type = "text/event-stream; charset=utf-8" if self.official else "text/event-stream"
            return Raw(stream(reply, frame), 200, content_type, headers, reply.hold)
        answer = json_answer(completion(reply, frame))
        return Raw(answer.steps, 200, answer.content_type, headers, [*reply.hold, *reply.pauses])

    def _new_call_id(self) -> str:
        number = next(self._calls)
        return f"{number:09d}" if "mistral" in self.quirks else f"call_{number:024d}"

    def _headers(self, request: str) -> dict[str, str]:
        if not self.official:
            return {}
        return {"x-request-id": f"req_{request}", "openai-version": "2020-10-01", "openai-processing-ms": "21"}
