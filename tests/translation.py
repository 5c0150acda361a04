"""Takes a request through the translation to Chat Completions, and an answer back, without a socket.

Requests are plain dicts, as clients send them. Every body is judged by the rules of the strict fakes.
"""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from proxy.answering.filters.think_tags import think_tags
from proxy.answering.plan import Limits, plan
from proxy.models.catalog import Catalog
from proxy.models.habits import Habits
from proxy.models.routing import Route, Router
from proxy.protocol import sse
from proxy.protocol.deltas import Delta
from proxy.protocol.errors import ApiError
from proxy.protocol.events import Event, MessageStart, StreamError
from proxy.protocol.message import fold
from proxy.protocol.request import MessagesRequest, parse_request
from proxy.protocol.writer import CUT_OFF, Writer
from proxy.providers.base import Exchange
from proxy.providers.common.splitter import Splitter
from proxy.providers.common.tool_names import ToolNames
from proxy.providers.openai.chat import request as chat_request
from proxy.providers.openai.chat.stream import ChatStream
from proxy.providers.openai.errors import Backend
from proxy.providers.openai.tools import NAME_RULES
from proxy.settings.config import load_config
from tests.conformance import check_error_stream, check_message, check_stream, same_message
from tests.fakes.openai.models import MODELS, ModelRules, find
from tests.fakes.openai.quirks import compatible_refusal, quirk_refusal
from tests.fakes.openai.rules import refusal
from tests.fakes.refusal import Refusal

Json = dict[str, Any]

TODAY = date(2026, 10, 1)
"""A day on which every model of `OFFICIAL` is still served."""
OFFICIAL = ("gpt-4o", "gpt-5", "gpt-5.4", "gpt-5.6-terra", "o3-mini", "gpt-9")
"""One model of each kind; the last is one that nobody knows yet."""
EVERYWHERE = (*OFFICIAL, "local")
PNG = "iVBORw0KGgo="
PDF = "JVBERi0xLjQK"
BACKEND = Backend("http://upstream.test/v1", "UPSTREAM_KEY", ("sk-live-0123456789abcdef",))


def case(number: int | str, names: Iterable[str]) -> list[Any]:
    """The names as parameters of a test, with the number of a failure case in their ids."""
    return [pytest.param(name, id=f"CASES-{number} {name}") for name in names]


def asking(*messages: Json, **fields: Any) -> Json:
    """A small request; `None` leaves a field out."""
    body = {"model": "claude-opus-5-5", "max_tokens": 4000, "messages": list(messages) or [user("hi")], **fields}
    return {name: value for name, value in body.items() if value is not None}


def user(*content: Json | str) -> Json:
    return {"role": "user", "content": [text(part) if isinstance(part, str) else part for part in content]}


def assistant(*content: Json | str) -> Json:
    return {**user(*content), "role": "assistant"}


def system(content: Any) -> Json:
    return {"role": "system", "content": content}


def text(value: str) -> Json:
    return {"type": "text", "text": value}


def image(data: str = PNG) -> Json:
    return {"type": "image", "source": {"data": data, "media_type": "image/png", "type": "base64"}}


def pdf(**more: Any) -> Json:
    return {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}, **more}


def thinking(value: str, signature: str = "sig") -> Json:
    return {"type": "thinking", "thinking": value, "signature": signature}


def call(id: str, name: str = "Read", **input: Any) -> Json:
    return {"type": "tool_use", "id": id, "name": name, "input": input}


def result(id: str, content: Any = "done", **more: Any) -> Json:
    return {"type": "tool_result", "tool_use_id": id, "content": content, **more}


def tool(name: str = "Read", schema: Json | None = None, **more: Any) -> Json:
    schema = {"type": "object", "properties": {"path": {"type": "string"}}} if schema is None else schema
    return {"name": name, "description": f"{name} it.", "input_schema": schema, **more}


def parsed(body: Json) -> MessagesRequest:
    return parse_request(json.dumps(body).encode())


def router(*customs: Json, **environ: str) -> Router:
    environ = {"PREFERRED_PROVIDER": "openai", "OPENAI_API_KEY": "sk-test", **environ}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "custom_models.yaml").write_text(json.dumps(customs), encoding="utf-8")
        config = load_config(environ, directory=Path(folder))
    return Router(config, Catalog.load(), today=lambda: TODAY)


@functools.cache
def route(name: str) -> Route:
    """Of a model of OpenAI's, or of the custom model "local"."""
    return router({"model_id": "local", "api_base": "http://localhost:1234/v1"}).resolve(name)


def custom_route(**fields: Any) -> Route:
    """Of a custom model with these fields in its entry."""
    entry = {"model_id": "local", "api_base": "http://localhost:1234/v1", **fields}
    return router(entry).resolve("local")


@dataclass(frozen=True, slots=True)
class Translation:
    body: Json
    names: ToolNames
    notes: list[str]

    @property
    def messages(self) -> list[Json]:
        """Text alone as one string, in which form it goes to all models without prompt cache breakpoints."""
        return [{**message, "content": _as_string(message["content"])} for message in self.body["messages"]]

    @property
    def roles(self) -> list[str]:
        return [message["role"] for message in self.messages]

    def tool(self, name: str) -> Json:
        """The function of this name."""
        return next(each["function"] for each in self.body["tools"] if each["function"]["name"] == name)


def _as_string(content: Any) -> Any:
    if isinstance(content, list) and all(part["type"] == "text" for part in content):
        return "\n\n".join(part["text"] for part in content)
    return content


def unmarked(value: Any) -> Any:
    """A body or a part of it without prompt cache breakpoints, which are no part of the prompt and move on."""
    if isinstance(value, list):
        return [unmarked(item) for item in value]
    if isinstance(value, dict):
        return {name: unmarked(item) for name, item in value.items() if name != "prompt_cache_breakpoint"}
    return value


def translate(
    body: Json,
    to: str | Route = "local",
    habits: Habits | None = None,
    *,
    session: str = "",
    limit: int = 200_000,
) -> Translation:
    """The body that would be sent. Fails where the strict fake of that server refuses it."""
    where = route(to) if isinstance(to, str) else to
    exchange = Exchange(parsed(body), where, session=session)
    planned = plan(exchange, chat_request.wire(where), habits or Habits(), Limits(limit))
    built = chat_request.build(planned)
    sent = json.loads(json.dumps(built.body))
    refused = refusal_of(sent, where)
    assert refused is None, refused
    return Translation(sent, built.names, [*planned.notes, *built.notes])


def refusal_of(body: Json, where: Route, *quirks: str, window: int = 131_072) -> Refusal | None:
    """What the server behind a route would answer instead; a custom one may have `quirks`."""
    general = refusal(body, _rules(body["model"])) if where.official else compatible_refusal(body)
    return general or quirk_refusal(frozenset(quirks), body, window)


def _rules(model: str) -> ModelRules | None:
    return replace(MODELS["gpt-6-sol"], name=model) if model == "gpt-9" else find(model)


def chat_deltas(
    pieces: Iterable[bytes], tools: Iterable[str], content_type: str = "text/event-stream", *, cut: bool = False
) -> Iterator[list[Delta]]:
    """Bytes off the network -> batches of deltas, one for each piece and one for the end."""
    stream = ChatStream(ToolNames(tools, NAME_RULES), BACKEND, "local")
    if content_type == "text/event-stream":
        splitter = Splitter()
        for piece in pieces:
            yield [delta for data in splitter.feed(piece) for delta in _chunk(data, stream)]
        if cut and not stream.finished:
            raise ApiError(502, CUT_OFF)
        yield [delta for data in splitter.end() for delta in _chunk(data, stream)]
    else:
        stream.done = True
        yield list(stream.feed(json.loads(b"".join(pieces))))
    yield list(stream.end())


def _chunk(data: bytes | Json, stream: ChatStream) -> Iterator[Delta]:
    if data == b"[DONE]":
        stream.done = True
    else:
        yield from stream.feed(json.loads(data) if isinstance(data, bytes) else data)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client is sent: `message` is None where the answer broke off with `error`."""

    events: list[Event]
    message: Json | None
    error: ApiError | None


def answer(batches: Iterable[Sequence[Delta]], request: Json, *, tags: bool = False) -> Answer:
    """Writes an answer, and checks that it conforms and that both forms of it say the same."""
    writer = Writer(request["model"], 7)
    events: list[Event] = []
    try:
        for batch in think_tags(batches) if tags else batches:
            events += writer.feed(batch)
        events += writer.finish()
    except ApiError as error:
        events = events or [*writer.feed(())]
        check_error_stream(sse.encode([*events, StreamError(error, "req_000000")]), request)
        return Answer(events, None, error)
    message = check_stream(sse.encode(events), request)
    folded = check_message(fold(events), request)
    same_message(message, folded)
    assert isinstance(events[0], MessageStart)
    return Answer(events, message, None)
