"""Calls to Anthropic itself: what comes back is passed on as it is."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from proxy.models.habits import Habits, Lesson
from proxy.models.routing import Route
from proxy.protocol.errors import ApiError
from proxy.protocol.writer import CUT_OFF
from proxy.providers.anthropic.errors import read_failure
from proxy.providers.anthropic.rewrite import (
    holds_messages,
    request_body,
    request_headers,
    response_headers,
    tells_of_batches,
    with_own_results,
)
from proxy.providers.base import Exchange, Head, Item, Plan, Wire, Written
from proxy.providers.call import Call, Cancelled, current_call
from proxy.providers.common.failures import Failure
from proxy.providers.common.tool_names import NameRules
from proxy.providers.connections import CONNECT_TIMEOUT, ERROR_LIMIT, EVENT_LIMIT
from proxy.settings.config import Config

OFFICIAL_URL = "https://api.anthropic.com"
_POOL_SIZE = 256
"""Connections to one host that are kept; as many as the server has threads by default, and each thread uses one."""
_HOSTS = 8
"""Hosts whose connections are kept; there is one upstream, so this is only room to spare."""
_PIECE = 65536
"""Bytes that one read gives at most where an answer comes in one; an event stream gives each chunk as it comes."""
_FRAME_ENDS = (b"\n\n", b"\r\n\r\n")
_DECODED = ("gzip", "x-gzip", "deflate")
"""Encodings that an upstream may use although it is asked for none."""
_NAMES = NameRules(characters="a-zA-Z0-9_-", first="", limit=128, kept=119)
"""`^[a-zA-Z0-9_-]{1,128}$` (Anthropic's API reference, `tools.name`, 2026-11). 119 characters, `_` and 8 digits of a
hash are just 128. Only the plan sees these names: the body goes on with the client's own."""
_LAST_EVENTS = (b"event: message_stop", b"event: error", b"event:message_stop", b"event:error")


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
        """The head, then the body: of a model's event stream in whole frames, of anything else in pieces."""
        if response.status_code < 200 or 300 <= response.status_code < 400:
            raise ApiError(
                502, f"{self._url} answered {response.status_code}; set ANTHROPIC_UPSTREAM_URL to where it leads"
            )
        encoding = response.headers.get("content-encoding", "").strip().lower()
        pieces = response.raw.stream(_PIECE, decode_content=encoding in _DECODED)
        call.reads(response, pieces)
        kind = response.headers.get("content-type", "")
        framed = "event-stream" in kind and holds_messages(written.path)
        links = "json" in kind and tells_of_batches(written.path) and encoding in ("", "identity", *_DECODED)
        yield [_head(response, decoded=encoding in _DECODED, pings=framed, changed=links)]
        try:
            if framed:
                yield from _frames(pieces)
            elif links:
                yield [with_own_results(b"".join(pieces))]
            else:
                yield from ([piece] for piece in pieces)
        except (HTTPError, OSError, Cancelled):
            raise ApiError(502, CUT_OFF) from None
        call.complete = True

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

    def _tells_of_failures(self, exchange: Exchange) -> bool:
        """Whether a refusal may not be for the client: another target or key may answer."""
        return exchange.has_stand_ins or len(self._endpoint.api_keys) > 1


def _head(response: requests.Response, *, decoded: bool, pings: bool, changed: bool) -> Head:
    """`decoded` and `changed` say what becomes of the body."""
    length = response.headers.get("content-length", "")
    return Head(
        response.status_code,
        response_headers(response.headers, decoded=decoded),
        "event-stream" in response.headers.get("content-type", ""),
        pings,
        int(length) if length.isdecimal() and not (decoded or changed) else None,
    )


def _frames(pieces: Iterator[bytes]) -> Iterator[list[Item]]:
    """Whole frames only, so that a ping may stand between any two batches. An incomplete end is an error.

    Nothing is read after the last event: some upstreams leave the connection open.
    """
    parts: list[bytes] = []
    size = 0
    last = b""
    for piece in pieces:
        # A mark may be cut: what is kept of earlier pieces ends with less than one.
        joint = (parts[-1][-3:] if parts else b"") + piece
        end = max(joint.rfind(mark) + len(mark) if mark in joint else 0 for mark in _FRAME_ENDS)
        if not end:
            parts.append(piece)
            size += len(piece)
            if size > EVENT_LIMIT:
                raise ApiError(502, "the upstream sent an event without end")
            yield []
            continue
        cut = end - (len(joint) - len(piece))
        whole, rest = b"".join([*parts, piece[: max(cut, 0)]]), piece[max(cut, 0) :]
        parts, size, last = [rest] if rest else [], len(rest), whole
        yield [whole]
        if any(event in whole for event in _LAST_EVENTS):
            return
    if b"".join(parts).strip() or not any(event in last for event in _LAST_EVENTS):
        raise ApiError(502, CUT_OFF)


def _untouched(request: Any) -> Any:
    return request


class _Watched:
    """A connection that notes itself in the call it works for; see providers/call.py."""

    call: Call | None = None
    sock: socket.socket | None

    def _note(self) -> None:
        call = current_call()
        if call is not None:
            call.uses(self)

    def shut_down(self) -> None:
        if self.sock is not None:
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


class _Connection(_Watched, HTTPConnection):
    def send(self, data: Any) -> None:
        super().send(data)
        self._note()


class _SecureConnection(_Watched, HTTPSConnection):
    def send(self, data: Any) -> None:
        super().send(data)
        self._note()


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager
