"""Calls to OpenAI and compatible servers, through the official SDK's client but past its typed streams.

The SDK gives authentication, connection pooling and request building; the body of the answer is read as bytes, because
its typed stream costs tens of microseconds per chunk, breaks on what compatible servers send and never reuses a
connection.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Protocol

import httpx2
import openai

from proxy import __version__
from proxy.models.routing import Route
from proxy.protocol.deltas import Delta
from proxy.protocol.errors import ApiError
from proxy.protocol.writer import CUT_OFF
from proxy.providers.base import Exchange
from proxy.providers.common.splitter import Splitter
from proxy.providers.connections import Call, http_client, read_count
from proxy.providers.openai.chat import request as chat_request
from proxy.providers.openai.chat.stream import ChatStream
from proxy.providers.openai.errors import Backend, Failure, api_error, failure_of, read_failure
from proxy.providers.openai.quirks import QuirkBook, Quirks, learn, told
from proxy.providers.openai.responses import request as responses_request
from proxy.providers.openai.responses.stream import ResponsesStream
from proxy.settings.config import Config
from proxy.settings.custom_models import CustomModel

OFFICIAL_URL = "https://api.openai.com/v1"
_KEY_HEADER = "Authorization"
_MOST_LESSONS = 4
_FIRST_PAUSE = 0.5
_AFTER_FINISH = 5.0
_TRANSIENT = (500, 502, 504)
_COUNTED = (
    *("model", "input", "instructions", "tools", "tool_choice"),
    *("reasoning", "text", "parallel_tool_calls"),
)
"""The fields of a request that `POST /responses/input_tokens` takes."""
_EVENT_BEGINS = (b"data:", b"event:", b":")

log = logging.getLogger(__name__)


class _Stream(Protocol):
    """What reads the events of one answer: `done` once the server has said its last word, `finished` once it has said
    why it stops."""

    backend: Backend
    done: bool

    @property
    def finished(self) -> bool: ...
    def feed(self, chunk: dict[str, Any]) -> Iterator[Delta]: ...
    def end(self) -> Iterator[Delta]: ...


@dataclass(frozen=True, slots=True)
class _Request:
    path: str
    body: dict[str, Any]
    stream: _Stream


class OpenAIProvider:
    """Answers for the providers "openai" and "custom"."""

    def __init__(self, config: Config, read_timeout: float) -> None:
        self._config = config
        self._http = http_client(read_timeout)
        self._lock = threading.Lock()
        self._clients: dict[str, openai.OpenAI] = {}
        self._book = QuirkBook()

    def translate(self, exchange: Exchange) -> dict[str, Any]:
        return self._build(exchange, self._quirks(exchange.route)).body

    def stream(self, exchange: Exchange, call: Call) -> Iterator[Sequence[Delta]]:
        backend = self._backend(exchange.route)
        quirks = self._quirks(exchange.route)
        lessons = attempts = 0
        while True:
            exchange.notes.clear()
            request = self._build(exchange, quirks)
            failed = self._post(exchange.route, request)
            if isinstance(failed, httpx2.Response):
                yield from _read(failed, request.stream, call)
                return
            lesson = learn(failed, request.body, quirks) if lessons < _MOST_LESSONS else None
            if lesson is not None:
                lessons += 1
                quirks = lesson.quirks
                exchange.notes.add(f"the server wanted another form of request ({lesson.name})")
                log.info("%s, %s: learned %s", backend.url, exchange.route.model, lesson.name)
                if lesson.lasting:
                    self._book.remember(backend.url, exchange.route.model, quirks)
            elif attempts < exchange.retries and failed.status in (*_TRANSIENT, 0) and not call.cancelled:
                call.sleep(_FIRST_PAUSE * 2**attempts)
                attempts += 1
            else:
                raise _final_error(failed, backend)

    def count(self, exchange: Exchange, call: Call) -> int | None:
        route, quirks = exchange.route, self._quirks(exchange.route)
        if route.custom is not None or self._api(route, quirks) == "chat":
            return None
        request = self._build(exchange, quirks)
        counted = {name: value for name, value in request.body.items() if name in _COUNTED}
        answer = self._post(route, replace(request, path="/responses/input_tokens", body=counted))
        if isinstance(answer, Failure):
            raise _final_error(answer, request.stream.backend)
        return read_count(answer, "input_tokens", call)

    def searches(self, route: Route) -> bool:
        quirks = self._quirks(route)
        return self._api(route, quirks) == "responses" and responses_request.searches(route, quirks)

    def _build(self, exchange: Exchange, quirks: Quirks) -> _Request:
        backend, most = self._backend(exchange.route), self._config.max_tokens_limit
        model = exchange.route.model
        if self._api(exchange.route, quirks) == "chat":
            chat = chat_request.build(exchange, quirks, most_tokens=most)
            return _Request("/chat/completions", chat.body, ChatStream(chat.names, backend, model))
        responses = responses_request.build(exchange, quirks, most_tokens=most)
        return _Request(
            "/responses", responses.body, ResponsesStream(responses.names, backend, model, responses.search)
        )

    def _api(self, route: Route, quirks: Quirks) -> str:
        """What was learned, else what the user says, else Responses with OpenAI itself and chat with all others."""
        if quirks.api is not None:
            return quirks.api
        if route.custom is not None:
            return route.custom.api
        if self._config.openai_api != "auto":
            return self._config.openai_api
        return "responses" if route.official and route.facts.api != "chat" else "chat"

    def _quirks(self, route: Route) -> Quirks:
        learned = self._book.get(self._backend(route).url, route.model)
        return learned or told(route.custom.quirks if route.custom is not None else ())

    def _backend(self, route: Route) -> Backend:
        if route.custom is not None:
            custom = route.custom
            return Backend(custom.api_base, custom.api_key_name, custom.api_key, custom.headers)
        endpoint = self._config.openai
        return Backend(endpoint.base_url or OFFICIAL_URL, endpoint.key_variable, endpoint.api_key)

    def _post(self, route: Route, request: _Request) -> httpx2.Response | Failure:
        """The response, its body unread, or why there is none; status 0 stands for a connection that failed."""
        backend = self._backend(route)
        if backend.key is None and backend.key_variable is not None:
            raise ApiError(
                401,
                f"{backend.key_variable} is not set; it holds the key for {backend.url}, which answers "
                f"{route.requested}",
                should_retry=False,
            )
        try:
            stream = self._client(route, backend).post(
                request.path, cast_to=object, body=request.body, stream=True, stream_cls=openai.Stream[object]
            )
        except openai.APIStatusError as error:
            return read_failure(error.status_code, error.response.headers, error.response.content)
        except openai.APIConnectionError as error:
            return Failure(0, _reason(error))
        return stream.response

    def _client(self, route: Route, backend: Backend) -> openai.OpenAI:
        name = route.custom.model_id if route.custom is not None else ""
        with self._lock:
            if name not in self._clients:
                self._clients[name] = _Client(backend, route.custom, self._http)
            return self._clients[name]


class _Client(openai.OpenAI):
    """The SDK's client with nothing from the environment.

    OPENAI_ORG_ID, OPENAI_PROJECT_ID, OPENAI_ADMIN_KEY and OPENAI_CUSTOM_HEADERS are meant for OpenAI; the SDK would
    send them to every server.
    """

    def __init__(self, backend: Backend, custom: CustomModel | None, http: httpx2.Client) -> None:
        key_header = custom.api_key_header if custom is not None else _KEY_HEADER
        key = f"Bearer {backend.key}" if key_header.lower() == _KEY_HEADER.lower() else backend.key
        self._own_headers = {
            "Accept": "text/event-stream, application/json",
            "Content-Type": "application/json",
            "User-Agent": f"claude-proxy/{__version__}",
            **({key_header: key} if backend.key and key else {}),
            **backend.headers,
        }
        super().__init__(api_key="unused", base_url=backend.url, max_retries=0, http_client=http)

    @property
    def default_headers(self) -> dict[str, str | openai.Omit]:
        return dict(self._own_headers)

    def _auth_headers(self, _: object) -> dict[str, str]:
        return {}

    def _validate_headers(self, *_: object) -> None:
        """Servers without a key are served without an Authorization header."""


def _reason(error: openai.APIConnectionError) -> str:
    cause = error.__cause__
    if isinstance(error, openai.APITimeoutError):
        return "it did not answer in time"
    return str(cause) if cause is not None and str(cause) else "the connection failed"


def _final_error(failure: Failure, backend: Backend) -> ApiError:
    if failure.status == 0:
        return ApiError(
            502, f"cannot reach {backend.url} ({failure.message}); check that the server runs and that the URL is right"
        )
    return api_error(failure, backend)


def _read(response: httpx2.Response, stream: _Stream, call: Call) -> Iterator[Sequence[Delta]]:
    body = response.iter_bytes()
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
    yield list(stream.end())
    call.complete = True


def _events(body: Iterator[bytes], stream: _Stream, call: Call) -> Iterator[Sequence[Delta]]:
    """A batch for each piece that comes off the network, empty ones included: they are signs of life."""
    splitter = Splitter()
    for piece in body:
        deltas: list[Delta] = []
        for data in splitter.feed(piece):
            deltas.extend(_event(data, stream))
        yield deltas
        if stream.done:
            return
        if stream.finished:
            call.read_limit = _AFTER_FINISH
    yield [delta for data in splitter.end() for delta in _event(data, stream)]


def _event(data: bytes, stream: _Stream) -> Iterator[Delta]:
    if data.startswith(b"[DONE]"):
        stream.done = True
        return
    try:
        chunk = json.loads(data)
    except ValueError:
        raise ApiError(502, f"{stream.backend.url} sent a chunk that is not JSON") from None
    if isinstance(chunk, dict):
        yield from stream.feed(chunk)


def _whole(body: bytes, stream: _Stream) -> Iterator[Delta]:
    """An answer in one piece: asked for where `can_stream` is false, and sent unasked by some servers."""
    try:
        answer = json.loads(body)
    except ValueError:
        failure = read_failure(502, {}, body)
        hint = "is the base URL right (most end in /v1)?"
        raise ApiError(502, f"{stream.backend.url} did not answer as an API: {failure.message}; {hint}") from None
    if not isinstance(answer, dict) or not answer.keys() & {"choices", "output"}:
        raise api_error(failure_of(answer), stream.backend)
    stream.done = True
    yield from stream.feed(answer)
