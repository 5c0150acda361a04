"""Calls to OpenAI and compatible servers, with requests that the official SDK makes, but past its typed streams.

The body of the answer is read as bytes, because the typed stream costs tens of microseconds per chunk, breaks on what
compatible servers send and never reuses a connection.
"""

from __future__ import annotations

import threading
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
from proxy.providers.common.failures import Backend, Failure
from proxy.providers.common.learning import learn
from proxy.providers.common.splitter import Splitter
from proxy.providers.connections import bounded, decoded_body, http_client, read_count, send
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
        self._sdks: dict[str, Sdk] = {}

    def server(self, route: Route) -> str:
        return self._backend(route).url

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

    def send(self, plan: Plan, written: Written[_Stream], call: Call) -> httpx2.Response | Failure:
        return self._post(plan.route, written.path, written.body, call)

    def read(self, response: httpx2.Response, written: Written[_Stream], call: Call) -> Iterator[Sequence[Delta]]:
        stream = written.reader
        body = bounded(decoded_body(response))
        call.reads(response, body)
        try:
            first = next(body, b"")
            if "event-stream" not in response.headers.get("content-type", "") and not first.lstrip().startswith(
                _EVENT_BEGINS
            ):
                yield list(_whole(b"".join([first, *body]), stream))
            else:
                yield from _events(chain([first], body), stream, call)
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

    def count(self, plan: Plan, written: Written[_Stream], call: Call) -> int | None:
        route = plan.route
        if route.custom is not None or written.path != _RESPONSES:
            return None
        counted = {name: value for name, value in written.body.items() if name in _COUNTED}
        answer = self._post(route, _INPUT_TOKENS, counted, call)
        if isinstance(answer, Failure):
            raise self.error(answer, route)
        return read_count(answer, "input_tokens", call)

    def warm_up(self) -> None:
        """Its SDK is imported with this module."""

    def _api(self, route: Route, habits: Habits) -> Literal["chat", "responses"]:
        """What was learned, else what the user says, else Responses with OpenAI itself and chat with all others."""
        chosen = habits.api or (route.custom.api if route.custom is not None else self._config.openai_api)
        if chosen == "auto":
            chosen = "responses" if route.official and route.facts.api != "chat" else "chat"
        return "responses" if chosen == "responses" else "chat"

    def _backend(self, route: Route) -> Backend:
        if route.custom is not None:
            custom = route.custom
            return Backend(custom.api_base, custom.api_key_name, custom.api_key, custom.headers)
        endpoint = self._config.endpoint("openai")
        return Backend(endpoint.base_url or OFFICIAL_URL, endpoint.key_variable, endpoint.api_key)

    def _post(self, route: Route, path: str, body: dict[str, Any], call: Call) -> httpx2.Response | Failure:
        """The response, its body unread, or why there is none."""
        backend = self._backend(route)
        if backend.key is None and backend.key_variable is not None:
            raise ApiError(
                401,
                f"{backend.key_variable} is not set; it holds the key for {backend.url}, which answers "
                f"{route.requested}",
                should_retry=False,
            )
        return send(self._http, self._sdk(route, backend).request(path, body), call, read_failure)

    def _sdk(self, route: Route, backend: Backend) -> Sdk:
        name = route.custom.model_id if route.custom is not None else ""
        with self._lock:
            if name not in self._sdks:
                self._sdks[name] = Sdk(self._http, backend, route.custom)
            return self._sdks[name]


def _events(body: Iterator[bytes], stream: _Stream, call: Call) -> Iterator[Sequence[Delta]]:
    """A batch for each piece that comes off the network, empty ones included: they are signs of life."""
    splitter, batches = Splitter(), Batches()
    for piece in body:
        yield from batches.of(_fed(splitter.feed(piece), stream))
        if stream.done:
            return
        if stream.finished:
            call.read_limit = _AFTER_FINISH
    yield from batches.of(_fed(splitter.end(), stream))


def _fed(events: Iterable[bytes], stream: _Stream) -> Iterator[Iterable[Delta]]:
    """The deltas of each event, up to the server's last word."""
    for data in events:
        yield _event(data, stream)
        if stream.done:
            return


def _event(data: bytes, stream: _Stream) -> Iterable[Delta]:
    if data.startswith(b"[DONE]"):
        stream.done = True
        return ()
    try:
        chunk = json_text.loads(data)
    except ValueError:
        raise ApiError(502, f"{stream.backend.url} sent a chunk that is not JSON") from None
    return stream.feed(chunk)


def _whole(body: bytes, stream: _Stream) -> Iterator[Delta]:
    """An answer in one piece: asked for where `can_stream` is false, and sent unasked by some servers."""
    try:
        answer = json_text.loads(body)
    except ValueError:
        failure = read_failure(502, {}, body)
        hint = "is the base URL right (most end in /v1)?"
        words = stream.backend.without_keys(failure.message)
        raise ApiError(502, f"{stream.backend.url} did not answer as an API: {words}; {hint}") from None
    if not isinstance(answer, dict) or not answer.keys() & {"choices", "output"}:
        raise api_error(failure_of(answer), stream.backend)
    stream.done = True
    yield from stream.feed(answer)
