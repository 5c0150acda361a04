"""A strict fake of OpenAI: the official endpoints, or an OpenAI-compatible server with its quirks.

    with FakeOpenAI("compatible", quirks={"mistral"}) as upstream:
        upstream.reply(Text("hello"), ToolCall("Read", {"file_path": "x"}))
        client = openai.OpenAI(base_url=upstream.base_url, api_key="none")

It serves Chat Completions and Responses from one queue of replies, each written in the form that was asked for.
Requests that break a rule are refused as the real server would and leave the queue of replies alone.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Literal

from tests.fakes.openai.models import find, with_extra
from tests.fakes.openai.quirks import QUIRKS, compatible_refusal, quirk_refusal
from tests.fakes.openai.replies import (
    CREATED,
    Ending,
    Failure,
    Frame,
    Part,
    Pause,
    Reply,
    Text,
    Thinking,
    Usage,
    WebSearch,
    completion,
    stream,
)
from tests.fakes.openai.rules import estimate_tokens, refusal
from tests.fakes.refusal import Refusal, openai_error
from tests.fakes.responses import quirks as responses_quirks
from tests.fakes.responses import replies as responses_replies
from tests.fakes.responses import rules as responses_rules
from tests.fakes.responses.input import items_of
from tests.fakes.responses.quirks import RESPONSES_QUIRKS, SERVING_QUIRKS
from tests.fakes.responses.state import Ledger, Replay, State
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


_COUNTED = {
    *("model", "input", "instructions", "tools", "tool_choice", "reasoning", "text", "parallel_tool_calls"),
    *("conversation", "previous_response_id", "truncation", "personality"),
}
"""The fields of `POST /responses/input_tokens`, as the SDK's types have them."""


class FakeOpenAI(FakeServer):
    """`keys`, when given, are the only API keys let in. `window` (tokens) is the context of a compatible server.

    `quirks` are names from `QUIRKS` (what chat refuses besides), `RESPONSES_QUIRKS` (what Responses refuses) and
    `SERVING_QUIRKS` (how Responses is served). `extra_models` are known to the official server as well, under the
    rules of the newest generation. Raises ValueError on a quirk that does not exist.
    """

    def __init__(
        self,
        rules: Literal["openai", "compatible"] = "openai",
        *,
        quirks: Collection[str] = (),
        keys: Collection[str] = (),
        window: int = 131_072,
        extra_models: Collection[str] = (),
    ) -> None:
        if unknown := set(quirks) - QUIRKS.keys() - RESPONSES_QUIRKS.keys() - SERVING_QUIRKS:
            raise ValueError(f"no such quirk: {unknown}")
        super().__init__()
        self.official = rules == "openai"
        self.quirks = frozenset(quirks)
        self.keys = frozenset(keys)
        self.window = window
        self.count_answer: Raw | None = None
        """What /responses/input_tokens answers in place of a count."""
        self.models = with_extra(extra_models)
        self._ledger = Ledger()
        self._queue: deque[Reply | Raw] = deque()
        self._default: Handler = lambda body, headers: Reply(Text("ok"))
        self._answers = itertools.count(1)
        self._calls = itertools.count(1)

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The bodies of all requests to chat and Responses so far, the refused ones too."""
        return [exchange.body for exchange in list(self.exchanges) if isinstance(exchange.body, dict)]

    @property
    def issued(self) -> list[State]:
        """The encrypted reasoning that was given away so far, in its order."""
        return list(self._ledger.issued)

    @property
    def replayed(self) -> list[Replay]:
        """The encrypted reasoning that came back so far in requests that were accepted, in its order."""
        return list(self._ledger.replayed)

    def reply(
        self,
        *parts: Part | Pause,
        usage: Usage | None = None,
        finish: str | None = None,
        headers: Mapping[str, str] | None = None,
        hold: Iterable[Step] = (),
        ending: Ending | None = None,
    ) -> None:
        """Queue one answer, rendered for chat or Responses, as a stream or as one JSON body, as the request asks."""
        self._queue.append(Reply(*parts, usage=usage, finish=finish, headers=headers, hold=hold, ending=ending))

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
        path = exchange.path.partition("?")[0].removeprefix("/openai")  # as Azure has it
        if path == "/v1/chat/completions" and exchange.method == "POST":
            return self._answer(exchange, self._refused_chat, self._render_chat)
        if path == "/v1/responses" and exchange.method == "POST":
            if "no_responses" in self.quirks:
                return self._refuse(exchange, Refusal(404, {"detail": "Not Found"}))
            return self._answer(exchange, self._refused_response, self._render_response)
        if path == "/v1/responses/input_tokens" and exchange.method == "POST" and self.official:
            return self._refused_body(exchange, self._refused_count) or self._counted(exchange)
        if path == "/v1/models" and exchange.method == "GET":
            names = list(self.models) if self.official else ["local-model"]
            listed = [{"id": name, "object": "model", "created": CREATED, "owned_by": "system"} for name in names]
            return json_answer({"object": "list", "data": listed})
        return self._refuse(exchange, openai_error(f"Invalid URL ({exchange.method} {path})", status=404))

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

    def _answer(
        self,
        exchange: Exchange,
        refused_body: Callable[[dict[str, Any]], Refusal | None],
        render: Callable[[Reply, Exchange], Raw],
    ) -> Raw:
        if refused := self._refused_body(exchange, refused_body):
            return refused
        self._ledger.record(exchange.number, items_of(exchange.body))
        try:
            reply = self._queue.popleft()
        except IndexError:
            reply = self._default(exchange.body, exchange.headers)
        return reply if isinstance(reply, Raw) else render(reply, exchange)

    def _refused_body(self, exchange: Exchange, refused_body: Callable[[dict[str, Any]], Refusal | None]) -> Raw | None:
        try:
            exchange.body = strict_json(exchange.raw)
        except ValueError:
            return self._refuse(exchange, openai_error(_NOT_JSON))
        if not isinstance(exchange.body, dict) or "json" not in exchange.headers.get("content-type", ""):
            return self._refuse(exchange, openai_error("you must provide a model parameter"))
        refused = refused_body(exchange.body)
        return (self._overflow(exchange, refused) or self._refuse(exchange, refused)) if refused else None

    def _counted(self, exchange: Exchange) -> Raw:
        tokens = responses_rules.estimate_tokens(exchange.body)
        return self.count_answer or json_answer({"object": "response.input_tokens", "input_tokens": tokens})

    def _refused_chat(self, body: dict[str, Any]) -> Refusal | None:
        model = find(body.get("model"), self.models)
        general = refusal(body, model) if self.official else compatible_refusal(body)
        return general or quirk_refusal(self.quirks, body, self.window)

    def _refused_count(self, body: dict[str, Any]) -> Refusal | None:
        unknown = next((name for name in body if name not in _COUNTED), None)
        if unknown is not None:
            return openai_error(f"Unknown parameter: '{unknown}'.", unknown, "unknown_parameter")
        return self._refused_response(body)

    def _refused_response(self, body: dict[str, Any]) -> Refusal | None:
        model = find(body.get("model"), self.models)
        if self.official:
            general = responses_rules.refusal(body, model, self._ledger)
        else:
            general = responses_quirks.compatible_refusal(body)
        return general or quirk_refusal(self.quirks, body, self.window, RESPONSES_QUIRKS)

    def _overflow(self, exchange: Exchange, refused: Refusal) -> Raw | None:
        """The stream that says that the prompt is too long, on a server that says it so."""
        path, code = exchange.path, refused.code
        asked = exchange.body.get("stream") and path.startswith("/v1/responses")
        if code != "context_length_exceeded" or not asked or "overflow_in_stream" not in self.quirks:
            return None
        exchange.refusal = refused.message
        return self._render_response(Reply(ending=Failure(code, refused.message, "error")), exchange)

    def _refuse(self, exchange: Exchange, refused: Refusal) -> Raw:
        exchange.refusal = refused.message
        return json_answer(refused.body, refused.status, self._headers(f"refused-{exchange.number}"))

    def _render_chat(self, reply: Reply, exchange: Exchange) -> Raw:
        if self.official and any(isinstance(part, Thinking) for part in reply.parts):
            raise ValueError("official Chat Completions never shows thinking")
        if any(isinstance(part, WebSearch) for part in reply.parts):
            raise ValueError("only Responses searches the web")
        if reply.ending is not None:
            raise ValueError(f"only Responses ends with {reply.ending!r}")
        number = next(self._answers)
        body = exchange.body
        frame = Frame(
            id=f"chatcmpl-{number:024d}",
            model=body["model"],
            official=self.official,
            body=body,
            usage=reply.usage or Usage(estimate_tokens(body), reply.written),
            new_call_id=self._new_call_id,
        )
        return self._send(number, reply, body, lambda: stream(reply, frame), lambda: completion(reply, frame))

    def _render_response(self, reply: Reply, exchange: Exchange) -> Raw:
        number = next(self._answers)
        body = exchange.body
        model = find(body["model"], self.models)
        frame = responses_replies.Frame(
            number=number,
            body=body,
            official=self.official,
            thinks=not self.official or (model is not None and responses_rules.effort_of(body, model) != "none"),
            sealed=self.official and responses_rules.wants_sealed(body),
            quirks=self.quirks,
            usage=reply.usage or Usage(responses_rules.estimate_tokens(body), reply.written),
            new_call_id=self._new_call_id,
            ledger=self._ledger,
        )
        answer = responses_replies.Answer(reply, frame)
        return self._send(number, reply, body, answer.stream, answer.whole)

    def _send(
        self,
        number: int,
        reply: Reply,
        body: dict[str, Any],
        steps: Callable[[], Iterator[Step]],
        whole: Callable[[], dict[str, Any]],
    ) -> Raw:
        headers = self._headers(f"{number:024d}") | reply.headers
        if body.get("stream"):
            content_type = "text/event-stream; charset=utf-8" if self.official else "text/event-stream"
            return Raw(steps(), 200, content_type, headers, reply.hold)
        answer = json_answer(whole())
        return Raw(answer.steps, 200, answer.content_type, headers, [*reply.hold, *reply.pauses])

    def _new_call_id(self) -> str:
        number = next(self._calls)
        return f"{number:09d}" if "mistral" in self.quirks else f"call_{number:024d}"

    def _headers(self, request: str) -> dict[str, str]:
        if not self.official:
            return {}
        return {"x-request-id": f"req_{request}", "openai-version": "2020-10-01", "openai-processing-ms": "21"}
