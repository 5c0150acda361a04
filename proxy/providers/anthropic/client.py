"""Calls to Anthropic itself: what comes back is passed on as it is."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import httpx2

from proxy.models.habits import Habits, Lesson
from proxy.models.routing import Route
from proxy.protocol.errors import ApiError
from proxy.protocol.writer import CUT_OFF
from proxy.providers.anthropic.errors import read_failure
from proxy.providers.anthropic.frames import whole_frames
from proxy.providers.anthropic.rewrite import (
    CREDENTIALS,
    comes_whole,
    holds_messages,
    request_body,
    request_headers,
    response_headers,
    tells_of_batches,
    with_own_results,
)
from proxy.providers.base import Exchange, Head, Item, Plan, Wire, Written
from proxy.providers.call import Call
from proxy.providers.common.failures import Backend, Failure, plain_words
from proxy.providers.common.json_text import loads
from proxy.providers.common.tool_names import NameRules
from proxy.providers.connections import ERROR_LIMIT, EVENT_LIMIT, bounded, decoded_body, http_client, raw_body
from proxy.settings.config import Config

OFFICIAL_URL = "https://api.anthropic.com"
_EVENT_BEGINS = (b"event:", b"data:", b":")
_DECODED = ("gzip", "deflate")
"""Encodings that are undone: an upstream may use them although it is asked for none."""
_MARK = "x-claude-proxy-mark"
"""The header by which a proxy knows its own requests: the marks of all that they came through."""
_ENCODINGS = ("", "identity", *_DECODED)
_NAMES = NameRules(characters="a-zA-Z0-9_-", first="", limit=128, kept=119)
"""`^[a-zA-Z0-9_-]{1,128}$` (Anthropic's API reference, `tools.name`, 2026-11). 119 characters, `_` and 8 digits of a
hash are just 128. Only the plan sees these names: the body goes on with the client's own."""


class AnthropicProvider:
    """Passes requests on, and answers as they come: a head, then bytes. One pool of connections for all."""

    def __init__(self, config: Config, read_timeout: float) -> None:
        """`read_timeout` in seconds is a backstop: the pump's idle limit fires first."""
        self._endpoint = config.endpoint("anthropic")
        self._has_gate = bool(config.proxy_api_keys)
        self._url = self._endpoint.base_url or OFFICIAL_URL
        self._mark = secrets.token_hex(8)
        self._http = http_client(read_timeout)

    def server(self, route: Route) -> str:  # noqa: ARG002 - one for all routes
        return self._url

    def keys(self, route: Route) -> tuple[str, ...]:  # noqa: ARG002 - one pool for all routes
        """Without any the client's own credentials go on."""
        return self._endpoint.api_keys

    def wire(self, route: Route, habits: Habits) -> Wire:  # noqa: ARG002 - it has one API
        return Wire("anthropic", "Anthropic", _NAMES, 0, verbatim=True, searches="beside tools")

    def write(self, plan: Plan) -> Written[None]:
        received, route = plan.exchange.received, plan.route
        raw = received.body
        if raw and holds_messages(received.path):
            raw = request_body(raw, route.requested, route.model, route.effort)
        return Written(received.path, {}, None, raw=raw)

    def send(
        self,
        plan: Plan,
        written: Written[None],
        call: Call,  # noqa: ARG002
        key: str | None,
    ) -> httpx2.Response | Failure:
        received = plan.exchange.received
        if key is None and self._has_gate:
            raise ApiError(
                401,
                f"{self._endpoint.key_variable} is not set; it holds the key for {self._url}, where the key that the "
                "client sends is not good: it is the proxy's",
                should_retry=False,
            )
        headers = request_headers(received.headers, key)
        if self._endpoint.base_url:
            self._mark_way(headers)
        try:
            request = self._http.build_request(
                received.method,
                self._url + written.path,
                headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
                content=written.raw,
            )
            response = self._http.send(request, stream=True, auth=_untouched)
            if response.status_code < 400 or not self._tells_of_failures(plan.exchange):
                return response
            with closing(response):
                body = b"".join(_beginning(response.iter_bytes()))
            return read_failure(response.status_code, response.headers, body)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return Failure(0, _reason(error))

    def read(self, response: httpx2.Response, written: Written[None], call: Call) -> Iterator[Sequence[Item]]:
        """The head, then the body: of a model's event stream in whole frames, of other answers of models in one piece,
        of anything else as it comes."""
        status, path, kind = response.status_code, written.path, response.headers.get("content-type", "")
        if status < 200 or 300 <= status < 400:
            raise ApiError(502, f"{self._url} answered {status}; set ANTHROPIC_UPSTREAM_URL to where it leads")
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if comes_whole(path) and encoding not in _ENCODINGS:
            raise ApiError(502, f"{self._url} answered in an encoding that it was not asked for")
        backend, decoded = self._backend(response), encoding in _DECODED
        pieces = decoded_body(response) if decoded else raw_body(response)
        call.reads(response, pieces)
        framed = status < 400 and "event-stream" in kind and holds_messages(path)
        links = "json" in kind and tells_of_batches(path) and encoding in _ENCODINGS
        whole = not framed and (status >= 400 or links or comes_whole(path))
        head = _head(response, backend, decoded=decoded, pings=framed, changed=framed or whole)
        if whole:
            body, is_cut = bytearray(), False
            try:
                for piece in bounded(pieces) if status < 400 else _beginning(pieces):
                    body += piece
                    yield []
            except httpx2.HTTPError:
                is_cut = True
            if is_cut and not _is_json(bytes(body)):
                raise ApiError(502, CUT_OFF)
            makes_links = links and status < 400
            answer = with_own_results(bytes(body)) if makes_links else _checked(status, bytes(body), backend)
            yield [replace(head, is_stream=False), answer]
            call.complete = status < 400 and not is_cut and _has_end(response)
            return
        try:
            parts = pieces
            if framed:
                parts = whole_frames(bounded(pieces), EVENT_LIMIT, lambda event: _scrubbed(event, backend))
            first = next(parts, b"")  # until it is there, a failure can still be a status
            yield [head, first] if first else [head]
            yield from ([each] if each else [] for each in parts)
        except httpx2.HTTPError:
            raise ApiError(502, CUT_OFF) from None
        call.complete = _has_end(response)

    def learn(self, failure: Failure, written: Written[None], habits: Habits) -> Lesson | None:  # noqa: ARG002
        """Its refusals are for the client."""
        return None

    def error(self, failure: Failure, route: Route) -> ApiError:  # noqa: ARG002 - one server for all routes
        if failure.status:
            return ApiError(failure.status, failure.message, retry_after=failure.retry_after)
        reason = f"({failure.message}); check the network and ANTHROPIC_UPSTREAM_URL"
        return ApiError(502, f"cannot reach {self._url} {reason}")

    def count(self, plan: Plan, written: Written[None], call: Call, key: str | None) -> int | None:  # noqa: ARG002
        """A request to count is passed on like any other."""
        return None

    def warm_up(self) -> None:
        """Its HTTP client is imported with this module."""

    def close(self) -> None:
        self._http.close()

    def _mark_way(self, headers: dict[str, str]) -> None:
        """A request that comes back would go round until no thread is left. Anthropic's own address gets no mark.

        Raises ApiError (502) for one that carries the mark.
        """
        passed = headers.get(_MARK, "")
        if self._mark in passed:
            raise ApiError(
                502,
                f"ANTHROPIC_UPSTREAM_URL: {self._url} leads back to this proxy; give Anthropic's address or a "
                "gateway's, or leave it out (ANTHROPIC_BASE_URL is what tells clients of the proxy)",
                should_retry=False,
            )
        headers[_MARK] = f"{passed} {self._mark}".lstrip()

    def _backend(self, response: httpx2.Response) -> Backend:
        """How to speak of it; what must not be repeated are the credentials that it was sent, whosever they are."""
        sent = {name: value for name, value in response.request.headers.items() if name.lower() in CREDENTIALS}
        return Backend(self._url, self._endpoint.key_variable, self._endpoint.api_keys, sent)

    def _tells_of_failures(self, exchange: Exchange) -> bool:
        """Whether a refusal may not be for the client: another target or key may answer."""
        return exchange.has_stand_ins or len(self._endpoint.api_keys) > 1


def _head(response: httpx2.Response, backend: Backend, *, decoded: bool, pings: bool, changed: bool) -> Head:
    """`decoded` and `changed` say what becomes of the body."""
    length = response.headers.get("content-length", "")
    received = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw]
    headers = response_headers(received, decoded=decoded)
    return Head(
        response.status_code,
        [(name, backend.without_keys(value)) for name, value in headers],
        "event-stream" in response.headers.get("content-type", ""),
        pings,
        int(length) if length.isdecimal() and not (decoded or changed) else None,
    )


def _has_end(response: httpx2.Response) -> bool:
    """Whether the body has another end than that of the connection, which can serve again then."""
    return "content-length" in response.headers or "transfer-encoding" in response.headers


def _beginning(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Of an error, which some servers send without end."""
    room = ERROR_LIMIT
    for piece in pieces:
        yield piece[:room]
        room -= len(piece)
        if room <= 0:
            return


def _checked(status: int, body: bytes, backend: Backend) -> bytes:
    """A body that is passed on: an answer byte for byte, everything else without keys.

    Raises ApiError (502) where a success is no answer of an API; of an empty one the head may have been cut.
    """
    if status >= 400 or (status != 200 and not body):
        return _scrubbed(body, backend)
    if body.startswith(_EVENT_BEGINS):  # a stream by another name
        return b"".join(whole_frames([body], EVENT_LIMIT, lambda event: _scrubbed(event, backend)))
    try:
        value = loads(body)
    except ValueError:
        value = None
    if isinstance(value, dict) and (_is_answer(value) or len(body) <= ERROR_LIMIT):
        return body if _is_answer(value) else _scrubbed(body, backend)
    if not body.strip() or body.lstrip().startswith(b"{"):
        raise ApiError(502, CUT_OFF)
    words = backend.shown(plain_words(body))
    raise ApiError(502, f"{backend.url} did not answer as an API: {words}; is ANTHROPIC_UPSTREAM_URL right?")


def _is_json(body: bytes) -> bool:
    """Whether it is all of a JSON, whatever HTTP says of where it ends."""
    try:
        loads(body)
    except ValueError:
        return False
    return True


def _is_answer(value: dict[str, Any]) -> bool:
    """Whether it is a message, a count or (a list of) models, and no report of a failure."""
    return value.get("type") in ("message", "model") or "input_tokens" in value or isinstance(value.get("data"), list)


def _scrubbed(body: bytes, backend: Backend) -> bytes:
    """Without keys; bytes that are no text stay what they are."""
    return backend.without_keys(body.decode("latin-1")).encode("latin-1")


def _reason(error: Exception) -> str:
    """The words of a connection that was not made. Other failures may quote what the server sent."""
    own_words = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError) and str(error)
    return f"{type(error).__name__}: {own_words}" if own_words else type(error).__name__


def _untouched(request: httpx2.Request) -> httpx2.Request:
    """Credentials are the headers': without this those of a base URL would take their place."""
    return request
