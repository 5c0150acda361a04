"""Calls to Anthropic itself: what comes back is passed on as it is."""

from __future__ import annotations

import contextlib
import http.client
import socket
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse

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
from proxy.providers.anthropic.tapped import exchanged
from proxy.providers.base import Exchange, Head, Item, Plan, Wire, Written
from proxy.providers.call import Call, Cancelled, current_call
from proxy.providers.common.failures import Backend, Failure, plain_words
from proxy.providers.common.json_text import loads
from proxy.providers.common.tool_names import NameRules
from proxy.providers.connections import CONNECT_TIMEOUT, ERROR_LIMIT, EVENT_LIMIT, bounded
from proxy.providers.tap import current_tap
from proxy.settings.config import Config

OFFICIAL_URL = "https://api.anthropic.com"
_POOL_SIZE = 256
"""Connections to one host that are kept; as many as the server has threads by default, and each thread uses one."""
_HOSTS = 8
"""Hosts whose connections are kept; there is one upstream, so this is only room to spare."""
_REST_LIMIT = 1.0
"""Seconds; what follows a complete answer is a few bytes, or a server that will not close."""
_PIECE = 65536
"""Bytes that one read gives at most where an answer comes in one; an event stream gives each chunk as it comes."""
_EVENT_BEGINS = (b"event:", b"data:", b":")
_DECODED = tuple(HTTPResponse.CONTENT_DECODERS)
"""Encodings that are undone: an upstream may use them although it is asked for none."""
_ENCODINGS = ("", "identity", *_DECODED)
_SWITCHING = 101
"""Switching protocols, the one informational status that is an answer."""
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
        self._timeout = (CONNECT_TIMEOUT, read_timeout)
        self._session = requests.Session()
        self._session.auth = _untouched  # or requests would look for credentials in ~/.netrc
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(pool_connections=_HOSTS, pool_maxsize=_POOL_SIZE))

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
    ) -> requests.Response | Failure:
        received = plan.exchange.received
        if key is None and self._has_gate:
            raise ApiError(
                401,
                f"{self._endpoint.key_variable} is not set; it holds the key for {self._url}, where the key that the "
                "client sends is not good: it is the proxy's",
                should_retry=False,
            )
        try:
            response = self._session.request(
                received.method,
                self._url + written.path,
                headers=request_headers(received.headers, key),
                data=written.raw,
                stream=True,
                timeout=self._timeout,
                allow_redirects=False,
            )
            if response.status_code < 400 or not self._tells_of_failures(plan.exchange):
                return response
            with response:
                body = next(response.iter_content(ERROR_LIMIT), b"")
            return read_failure(response.status_code, response.headers, body)
        except (requests.RequestException, Cancelled) as error:
            return Failure(0, type(error).__name__)

    def read(self, response: requests.Response, written: Written[None], call: Call) -> Iterator[Sequence[Item]]:
        """The head, then the body: of a model's event stream in whole frames, of other answers of models in one piece,
        of anything else as it comes."""
        status, path, kind = response.status_code, written.path, response.headers.get("content-type", "")
        if status < 200 or 300 <= status < 400:
            raise ApiError(502, f"{self._url} answered {status}; set ANTHROPIC_UPSTREAM_URL to where it leads")
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if comes_whole(path) and encoding not in _ENCODINGS:
            raise ApiError(502, f"{self._url} answered in an encoding that it was not asked for")
        backend, decoded = self._backend(response), encoding in _DECODED
        pieces = _pieces(response.raw, decodes=decoded)
        call.reads(response, _quietly(pieces))
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
            except (HTTPError, OSError, Cancelled):
                is_cut = True
            if is_cut and not _is_json(bytes(body)):
                raise ApiError(502, CUT_OFF)
            makes_links = links and status < 400
            answer = with_own_results(bytes(body)) if makes_links else _checked(status, bytes(body), backend)
            yield [replace(head, is_stream=False), answer]
            call.complete = status < 400 and not is_cut and _ends_soon(response)
            return
        try:
            parts = pieces
            if framed:
                parts = whole_frames(bounded(pieces), EVENT_LIMIT, lambda event: _scrubbed(event, backend))
            first = next(parts, b"")  # until it is there, a failure can still be a status
            yield [head, first] if first else [head]
            yield from ([each] if each else [] for each in parts)
        except (HTTPError, OSError, Cancelled):
            raise ApiError(502, CUT_OFF) from None
        call.complete = _ends_soon(response)

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
        self._session.close()

    def _backend(self, response: requests.Response) -> Backend:
        """How to speak of it; what must not be repeated are the credentials that it was sent, whosever they are."""
        sent = {name: value for name, value in response.request.headers.items() if name.lower() in CREDENTIALS}
        return Backend(self._url, self._endpoint.key_variable, self._endpoint.api_keys, sent)

    def _tells_of_failures(self, exchange: Exchange) -> bool:
        """Whether a refusal may not be for the client: another target or key may answer."""
        return exchange.has_stand_ins or len(self._endpoint.api_keys) > 1


def _head(response: requests.Response, backend: Backend, *, decoded: bool, pings: bool, changed: bool) -> Head:
    """`decoded` and `changed` say what becomes of the body."""
    length = response.headers.get("content-length", "")
    headers = response_headers(response.headers, decoded=decoded)
    return Head(
        response.status_code,
        [(name, backend.without_keys(value)) for name, value in headers],
        "event-stream" in response.headers.get("content-type", ""),
        pings,
        int(length) if length.isdecimal() and not (decoded or changed) else None,
    )


def _pieces(raw: Any, *, decodes: bool) -> Iterator[bytes]:
    """The body as it comes: without chunks, `stream` would wait until it has a piece of full size."""
    if raw.chunked:
        yield from raw.stream(_PIECE, decode_content=decodes)
    else:
        while piece := raw.read1(_PIECE, decode_content=decodes):
            yield piece


def _decoded_pieces(raw: Any) -> Iterator[bytes]:
    return _pieces(raw, decodes=raw.headers.get("content-encoding", "").strip().lower() in _DECODED)


def _quietly(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """What follows a complete answer; nobody wants to know how it ends."""
    with contextlib.suppress(HTTPError, OSError, Cancelled):
        yield from pieces


def _ends_soon(response: requests.Response) -> bool:
    """Whether the rest of the body can be read without waiting long for it, so that the connection serves again.

    Without chunks or a length it has no end but that of the connection, whose socket has left the connection then.
    """
    sock = getattr(response.raw.connection, "sock", None)
    if sock is not None:
        sock.settimeout(_REST_LIMIT)
    return sock is not None


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


def _untouched(request: Any) -> Any:
    return request


class _Watched:
    """A connection that notes itself in the call it works for; see providers/call.py."""

    call: Call | None = None
    sock: socket.socket | None
    _used: socket.socket | None = None
    """Also that of an answer after which the connection closes; http.client lets go of it with the head."""

    def _note(self) -> None:
        self._used = self.sock
        call = current_call()
        if call is not None:
            call.uses(self)

    def shut_down(self) -> None:
        if self._used is not None:
            with contextlib.suppress(OSError):
                self._used.shutdown(socket.SHUT_RDWR)


class _HeadFile:
    """What a head is read from. http.client takes the end of the connection for the end of the head."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.close = file.close

    def readline(self, limit: int) -> bytes:
        line: bytes = self._file.readline(limit)
        if not line:
            raise http.client.RemoteDisconnected("it closed the connection within the head of its answer")
        return line


class _Final(http.client.HTTPResponse):
    """The answer itself; what comes before it, such as early hints (103), is passed over."""

    def begin(self) -> None:
        file, self.fp = self.fp, _HeadFile(self.fp)  # type: ignore[assignment]
        try:
            super().begin()
        finally:
            if self.fp is not None:  # it is closed where there is no body
                self.fp = file

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not _SWITCHING < status < 200:
                return version, status, reason
            http.client.parse_headers(self.fp)


class _Connection(_Watched, HTTPConnection):
    response_class = _Final

    def send(self, data: Any) -> None:
        super().send(data)
        self._note()


class _SecureConnection(_Watched, HTTPSConnection):
    response_class = _Final

    def send(self, data: Any) -> None:
        super().send(data)
        self._note()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        send = partial(super().send, request, *args, **options)
        if (tap := current_tap()) is None:
            return send()
        return exchanged(tap, request, send, _decoded_pieces, self.build_response)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager
