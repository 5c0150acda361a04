"""Calls to OpenAI and compatible servers, through the official SDK's client but past its typed streams.

The SDK gives authentication, connection pooling and request building; the body of the answer is read as bytes, because
its typed stream costs tens of microseconds per chunk, breaks on what compatible servers send and never reuses a
connection.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Literal, Protocol

import httpx2
import openai
from pydantic_core import to_json

from proxy import __version__
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
from proxy.providers.common.splitter import Event, Splitter
from proxy.providers.connections import ERROR_LIMIT, EVENT_LIMIT, bounded, decoded_body, http_client, read_count
from proxy.providers.openai.chat import request as chat_request
from proxy.providers.openai.chat.stream import ChatStream
from proxy.providers.openai.errors import api_error, failure_of, read_failure
from proxy.providers.openai.responses import request as responses_request
from proxy.providers.openai.responses.stream import ResponsesStream
from proxy.settings.config import Config
from proxy.settings.custom_models import CustomModel

OFFICIAL_URL = "https://api.openai.com/v1"
_KEY_HEADER = "Authorization"
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
    why it stops, `complete` once nothing that follows can spoil the answer."""

    backend: Backend
    done: bool

    @property
    def finished(self) -> bool: ...
    @property
    def complete(self) -> bool: ...
    def feed(self, chunk: Any) -> Iterator[Delta]: ...


class OpenAIProvider:
    """Answers for the providers "openai" and "custom"."""

    def __init__(self, config: Config, read_timeout: float) -> None:
        """`read_timeout` in seconds is a backstop: the pump's idle limit fires first."""
        self._config = config
        self._http = http_client(read_timeout)
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str | None], openai.OpenAI] = {}

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

    def send(
        self,
        plan: Plan,
        written: Written[_Stream],
        call: Call,  # noqa: ARG002
        key: str | None,
    ) -> httpx2.Response | Failure:
        return self._post(plan.route, written.path, written.body, key)

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
        except ApiError:
            if not stream.complete:
                raise
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
        answer = self._post(route, _INPUT_TOKENS, counted, key)
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

    def _post(self, route: Route, path: str, body: dict[str, Any], key: str | None) -> httpx2.Response | Failure:
        """The response, its body unread, or why there is none."""
        backend = self._backend(route)
        if key is None and backend.key_variable is not None:
            raise ApiError(
                401,
                f"{backend.key_variable} is not set; it holds the key for {backend.url}, which answers "
                f"{route.requested}",
                should_retry=False,
            )
        try:
            stream = self._client(route, backend, key).post(
                path, cast_to=object, content=to_json(body), stream=True, stream_cls=openai.Stream[object]
            )
        except openai.APIStatusError as error:
            return read_failure(error.status_code, error.response.headers, error.response.content[:ERROR_LIMIT])
        except openai.APIConnectionError as error:
            return Failure(0, _reason(error))
        except httpx2.HTTPError as error:  # a refusal that breaks off
            return Failure(0, str(error) or "the connection failed")
        return stream.response

    def _client(self, route: Route, backend: Backend, key: str | None) -> openai.OpenAI:
        name = (route.custom.model_id if route.custom is not None else "", key)
        with self._lock:
            if name not in self._clients:
                self._clients[name] = _Client(backend, key, route.custom, self._http)
            return self._clients[name]


class _Client(openai.OpenAI):
    """The SDK's client with nothing from the environment.

    OPENAI_ORG_ID, OPENAI_PROJECT_ID, OPENAI_ADMIN_KEY and OPENAI_CUSTOM_HEADERS are meant for OpenAI; the SDK would
    send them to every server.
    """

    def __init__(self, backend: Backend, key: str | None, custom: CustomModel | None, http: httpx2.Client) -> None:
        key_header = custom.api_key_header if custom is not None else _KEY_HEADER
        value = f"Bearer {key}" if key_header.lower() == _KEY_HEADER.lower() else key
        self._own_headers = {
            "Accept": "text/event-stream, application/json",
            "Content-Type": "application/json",
            "User-Agent": f"claude-proxy/{__version__}",
            **({key_header: value} if key and value else {}),
            **backend.headers,
        }
        super().__init__(api_key="unused", base_url=backend.url, max_retries=0, http_client=http)
        self._urls: dict[str, httpx2.URL] = {}

    @property
    def default_headers(self) -> dict[str, str | openai.Omit]:
        return dict(self._own_headers)

    def _prepare_url(self, url: str) -> httpx2.URL:
        """There are three paths, and the SDK takes a tenth of a millisecond to put each together."""
        if url not in self._urls:
            self._urls[url] = super()._prepare_url(url)
        return self._urls[url]

    def _auth_headers(self, _: object) -> dict[str, str]:
        return {}

    def _validate_headers(self, *_: object) -> None:
        """Servers without a key are served without an Authorization header."""


def _reason(error: openai.APIConnectionError) -> str:
    cause = error.__cause__
    if isinstance(error, openai.APITimeoutError):
        return "it did not answer in time"
    return str(cause) if cause is not None and str(cause) else "the connection failed"


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
        yield from batches.of(_event(data, stream) for data in _up_to_last(splitter.feed(piece), stream))
        if stream.done:
            return
        if not stream.finished:  # what servers say too early they take back
            call.read_limit, until = None, math.inf
        elif until == math.inf:
            call.read_limit, until = patience, time.monotonic() + patience
        elif time.monotonic() > until:
            return
    yield from batches.of(_event(data, stream) for data in splitter.end())


def _up_to_last(events: Iterable[Event], stream: _Stream) -> Iterator[Event]:
    """Nothing that stands behind the last word of the server counts, though it may come with it."""
    for data in events:
        yield data
        if stream.done:
            return


def _event(data: Event, stream: _Stream) -> Iterable[Delta]:
    if isinstance(data, dict):
        return stream.feed(data)
    if data.startswith(b"[DONE]"):
        stream.done = True
        return ()
    try:
        chunk = json_text.loads(data)
    except ValueError:
        raise _no_chunk(data, stream.backend) from None
    return stream.feed(chunk)


def _no_chunk(data: bytes, backend: Backend) -> ApiError:
    """Some servers end a stream with a sentence, such as `data: Error: ...`."""
    if data.startswith((b"{", b"[")):
        return ApiError(502, f"{backend.url} sent a chunk that is not JSON")
    return api_error(failure_of(plain_words(data)), backend)


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
