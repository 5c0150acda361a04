"""Calls to OpenAI and compatible servers, with requests that the official SDK makes, but past its typed streams.

The body of the answer is read as bytes, because the typed stream costs tens of microseconds per chunk, breaks on what
compatible servers send and never reuses a connection.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Literal, Protocol

import httpx2

from proxy.models.habits import Habits, Lesson
from proxy.models.routing import Route
from proxy.protocol.deltas import Delta
from proxy.protocol.errors import ApiError
from proxy.protocol.writer import CUT_OFF
from proxy.providers.base import Plan, Reader, Wire, Written
from proxy.providers.call import Call
from proxy.providers.common import json_text
from proxy.providers.common.batches import Batches
from proxy.providers.common.failures import Backend, Failure, plain_words
from proxy.providers.common.learning import learn
from proxy.providers.common.splitter import Splitter
from proxy.providers.connections import EVENT_LIMIT, bounded, decoded_body, http_client, read_count, send
from proxy.providers.openai.chat import request as chat_request
from proxy.providers.openai.chat.stream import ChatStream
from proxy.providers.openai.errors import api_error, failure_of, read_failure
from proxy.providers.openai.responses import request as responses_request
from proxy.providers.openai.responses.stream import ResponsesStream
from proxy.providers.openai.sdk import Sdk
from proxy.settings.config import Config

OFFICIAL_URL = "https://api.openai.com/v1"
_AFTER_FINISH = 5.0
"""Seconds that a server without [DONE] is given for its usage after it has said why it stops. The usage comes at once
or never; longer, and the client would be waiting for an answer that it has read."""
_CHAT, _RESPONSES, _INPUT_TOKENS = "/chat/completions", "/responses", "/responses/input_tokens"
_COUNTED = (
    *("model", "input", "instructions", "tools", "tool_choice"),
    *("reasoning", "text", "parallel_tool_calls"),
)
"""The fields of a request that `POST /responses/input_tokens` takes."""
_EVENT_BEGINS = (b"data:", b"event:", b":")


class _Stream(Reader, Protocol):
    """What reads the events of one answer: `done` once the server has said its last word, `finished` once it has said
    why it stops."""

    backend: Backend
    done: bool

    @property
    def finished(self) -> bool: ...
    def feed(self, chunk: Any) -> Iterator[Delta]: ...


class OpenAIProvider:
    """Answers for the providers "openai" and "custom"."""

    def __init__(self, config: Config, read_timeout: float) -> None:
        """`read_timeout` in seconds is a backstop: the pump's idle limit fires first."""
        self._config = config
        self._http = http_client(read_timeout)
        self._lock = threading.Lock()
        self._sdks: dict[tuple[str, str | None], Sdk] = {}

    def server(self, route: Route) -> str:
        return self._backend(route).url

    def keys(self, route: Route) -> tuple[str, ...]:
        return self._backend(route).keys

    def wire(self, route: Route, habits: Habits) -> Wire:
        if self._api(route, habits) == "responses":
            return responses_request.wire(route)
        return chat_request.wire(route)

    def write(self, plan: Plan) -> Written[_Stream]:
        backend, model = self._backend(plan.route), plan.route.model
        if self._api(plan.route, plan.habits) == "chat":
            chat = chat_request.build(plan)
            return Written(_CHAT, chat.body, ChatStream(chat.names, backend, model), chat.notes)
        responses = responses_request.build(plan)
        stream = ResponsesStream(responses.names, backend, model, responses.search)
        return Written(_RESPONSES, responses.body, stream, responses.notes)

    def send(self, plan: Plan, written: Written[_Stream], call: Call, key: str | None) -> httpx2.Response | Failure:
        return self._post(plan.route, written.path, written.body, call, key)

    def read(self, response: httpx2.Response, written: Written[_Stream], call: Call) -> Iterator[Sequence[Delta]]:
        stream = written.reader
        body = bounded(decoded_body(response))
        call.reads(response, body)
        try:
            first = next(body, b"")
            pieces = chain([first], body)
            if "event-stream" in response.headers.get("content-type", "") or first.lstrip().startswith(_EVENT_BEGINS):
                yield from _events(pieces, stream, call, _patience(self._config))
            else:
                yield from _whole(pieces, stream)
        except httpx2.ReadTimeout:
            if not stream.finished:
                raise ApiError(504, f"{stream.backend.url} fell silent in the middle of its answer") from None
        except httpx2.HTTPError:
            if not stream.finished:
                raise ApiError(502, CUT_OFF) from None

    def learn(self, failure: Failure, written: Written[_Stream], habits: Habits) -> Lesson | None:
        return learn(failure, written.body, habits)

    def error(self, failure: Failure, route: Route) -> ApiError:
        return api_error(failure, self._backend(route))

    def count(self, plan: Plan, written: Written[_Stream], call: Call, key: str | None) -> int | None:
        route = plan.route
        if route.custom is not None or written.path != _RESPONSES:
            return None
        counted = {name: value for name, value in written.body.items() if name in _COUNTED}
        answer = self._post(route, _INPUT_TOKENS, counted, call, key)
        if isinstance(answer, Failure):
            raise self.error(answer, route)
        return read_count(answer, "input_tokens", call)

    def warm_up(self) -> None:
        """Its SDK is imported with this module."""

    def close(self) -> None:
        self._http.close()

    def _api(self, route: Route, habits: Habits) -> Literal["chat", "responses"]:
        """What was learned, else what the user says, else Responses with OpenAI itself and chat with all others."""
        chosen = habits.api or (route.custom.api if route.custom is not None else self._config.openai_api)
        if chosen == "auto":
            chosen = "responses" if route.official and route.facts.api != "chat" else "chat"
        return "responses" if chosen == "responses" else "chat"

    def _backend(self, route: Route) -> Backend:
        if route.custom is not None:
            custom = route.custom
            return Backend(custom.api_base, ", ".join(custom.api_key_names) or None, custom.api_keys, custom.headers)
        endpoint = self._config.endpoint("openai")
        return Backend(endpoint.base_url or OFFICIAL_URL, endpoint.key_variable, endpoint.api_keys)

    def _post(
        self, route: Route, path: str, body: dict[str, Any], call: Call, key: str | None
    ) -> httpx2.Response | Failure:
        """The response, its body unread, or why there is none."""
        backend = self._backend(route)
        if key is None and backend.key_variable is not None:
            raise ApiError(
                401,
                f"{backend.key_variable} is not set; it holds the key for {backend.url}, which answers "
                f"{route.requested}",
                should_retry=False,
            )
        return send(self._http, self._sdk(route, backend, key).request(path, body), call, read_failure)

    def _sdk(self, route: Route, backend: Backend, key: str | None) -> Sdk:
        name = (route.custom.model_id if route.custom is not None else "", key)
        with self._lock:
            if name not in self._sdks:
                self._sdks[name] = Sdk(self._http, backend, key, route.custom)
            return self._sdks[name]


def _patience(config: Config) -> float:
    """Seconds for what may follow an answer: less than counts as silence."""
    return min(_AFTER_FINISH, (config.request_timeout or math.inf) / 2)


def _events(body: Iterator[bytes], stream: _Stream, call: Call, patience: float) -> Iterator[Sequence[Delta]]:
    """A batch for each piece that comes off the network, empty ones included: they are signs of life.

    `patience`: seconds that a server without [DONE] is given for its usage after it has said why it stops.
    """
    splitter, batches = Splitter(), Batches()
    until = math.inf
    for piece in body:
        yield from batches.of(_event(data, stream) for data in splitter.feed(piece))
        if stream.done:
            return
        if not stream.finished:  # what servers say too early they take back
            call.read_limit, until = None, math.inf
        elif until == math.inf:
            call.read_limit, until = patience, time.monotonic() + patience
        elif time.monotonic() > until:
            return
    yield from batches.of(_event(data, stream) for data in splitter.end())


def _event(data: bytes, stream: _Stream) -> Iterable[Delta]:
    if data.startswith(b"[DONE]"):
        stream.done = True
        return ()
    try:
        chunk = json_text.loads(data)
    except ValueError:
        raise ApiError(502, f"{stream.backend.url} sent a chunk that is not JSON") from None
    return stream.feed(chunk)


def _whole(pieces: Iterator[bytes], stream: _Stream) -> Iterator[Sequence[Delta]]:
    """An answer in one piece: asked for where `can_stream` is false, and sent unasked by some servers."""
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > EVENT_LIMIT:
            raise ApiError(502, f"{stream.backend.url} sent more than one answer can hold")
        yield []
    try:
        answer = json_text.loads(bytes(body))
    except ValueError:
        words = stream.backend.shown(plain_words(bytes(body)))
        hint = "is the base URL right (most end in /v1)?"
        raise ApiError(502, f"{stream.backend.url} did not answer as an API: {words}; {hint}") from None
    if not isinstance(answer, dict) or not answer.keys() & {"choices", "output"}:
        raise api_error(failure_of(answer), stream.backend)
    stream.done = True
    yield list(stream.feed(answer))
