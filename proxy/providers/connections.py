"""HTTP clients for upstreams, and what is read of their answers."""

from __future__ import annotations

import functools
import json
import ssl
from collections.abc import Iterable, Iterator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpcore2
import httpx2

from proxy.protocol.errors import ApiError
from proxy.providers.call import Call
from proxy.providers.streams import Backend, HttpStream
from proxy.providers.tap import TappedTransport

CONNECT_TIMEOUT = 10.0
"""Seconds."""
ERROR_LIMIT = 64 * 1024
"""Bytes that are read of an error's body; what is wrong stands at its beginning."""
EVENT_LIMIT = 64 * 1024 * 1024
"""Bytes of one event: pictures come as base64 in one line."""
ANSWER_LIMIT = 16 * EVENT_LIMIT
_KEEP_ALIVE = 300.0
"""Seconds an idle connection is kept; vendors close theirs after some minutes."""
_IDLE_MAX = 256
"""Idle connections that are kept: as many as there are threads by default, since new ones cost a TLS handshake. The
pool goes through all of them twice for every request, which costs less."""
_NO_CONTENT = 204
_NO_PROXY = "NO_PROXY names the hosts that are reached without it"


@functools.cache
def tls_context() -> ssl.SSLContext:
    """One for all clients: it takes tens of milliseconds to make. Raises ApiError (502)."""
    try:
        return httpx2.create_ssl_context()
    except OSError as error:  # ssl.SSLError is one
        raise ApiError(
            502,
            f"SSL_CERT_FILE, SSL_CERT_DIR: the certificates cannot be read ({error.strerror or error}); name a "
            "readable file in PEM format where the proxy runs, or leave the variables out",
            should_retry=False,
        ) from None


class _ByProxy(httpx2.BaseTransport):
    """Leads through a proxy of the environment, and says so where that fails: the address alone would mislead."""

    def __init__(self, inner: httpx2.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            return self._inner.handle_request(request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as error:
            words = str(error) or "no answer in time"
            raise type(error)(f"{words}, at the proxy of HTTP_PROXY, HTTPS_PROXY or ALL_PROXY; {_NO_PROXY}") from error

    def close(self) -> None:
        self._inner.close()


class _ErrorBody(httpx2.SyncByteStream):
    """The body of a refusal, cut where nobody reads on: some servers answer without end."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        room = ERROR_LIMIT
        for piece in self._stream:
            yield piece[:room]
            room -= len(piece)
            if room <= 0:
                return

    def close(self) -> None:
        self._stream.close()


def _bound_error(response: httpx2.Response) -> None:
    if response.status_code >= 400:
        response.stream = _ErrorBody(response.stream)


def http_client(read_timeout: float) -> httpx2.Client:
    """A pooled client for all calls of one vendor; it honours HTTPS_PROXY, NO_PROXY and the system's CA store.

    `read_timeout` in seconds is a backstop: the pump's idle limit fires first. Raises ApiError (502) where what the
    environment says of proxies or certificates cannot be used.
    """
    client = _made(read_timeout, tls_context())
    for transport in _transports(client):
        # httpx2 has no public way to choose the network backend; a cancelled call before its first byte is the test.
        transport._pool._network_backend = Backend()
    client._transport = TappedTransport(client._transport)
    for pattern, mounted in client._mounts.items():
        client._mounts[pattern] = TappedTransport(_ByProxy(mounted)) if mounted is not None else None
    return client


def _made(read_timeout: float, context: ssl.SSLContext) -> httpx2.Client:
    try:
        return httpx2.Client(
            verify=context,
            timeout=httpx2.Timeout(read_timeout, connect=CONNECT_TIMEOUT, pool=CONNECT_TIMEOUT),
            limits=httpx2.Limits(
                max_connections=None, max_keepalive_connections=_IDLE_MAX, keepalive_expiry=_KEEP_ALIVE
            ),
            follow_redirects=False,
            # What one upstream sets must not reach another, nor another client's requests.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            event_hooks={"response": [_bound_error]},
        )
    except (ImportError, ValueError, httpx2.InvalidURL) as error:  # their words hold the address, and its password
        if isinstance(error, ImportError):
            remedy = "for socks5://... run pip install socksio where the proxy runs, or take an http:// address"
        else:
            remedy = "give addresses like http://host:port, in NO_PROXY host names with commas between"
        raise ApiError(
            502,
            f"HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY: what the environment says cannot be used; {remedy}",
            should_retry=False,
        ) from None


def raw_body(response: httpx2.Response) -> Iterator[bytes]:
    """As `response.iter_raw()`, but a piece for each read where the chunks of a body come faster than one by one."""
    stream, request = response.extensions.get("network_stream"), response.request
    is_chunked = response.headers.get("transfer-encoding", "").lower() == "chunked"
    # An error's body has a bound of its own.
    has_body = request.method != "HEAD" and response.is_success and response.status_code != _NO_CONTENT
    if isinstance(stream, HttpStream) and is_chunked and has_body:
        try:
            yield from stream.body(request.extensions.get("timeout", {}).get("read"))
        except httpcore2.ReadTimeout as error:
            raise httpx2.ReadTimeout(str(error)) from error
        except httpcore2.NetworkError as error:
            raise httpx2.ReadError(str(error)) from error
        except httpcore2.ProtocolError as error:
            raise httpx2.RemoteProtocolError(str(error)) from error
    yield from response.iter_raw()


def decoded_body(response: httpx2.Response) -> Iterator[bytes]:
    """As `response.iter_bytes()`; see `raw_body`."""
    is_plain = response.headers.get("content-encoding", "identity") in ("identity", "")
    return raw_body(response) if is_plain else response.iter_bytes()


def bounded(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """An answer's body, as long as it stays within what one answer can need.

    Raises:
        ApiError: 502, where an event or the whole has no end.
    """
    line = total = 0
    for piece in pieces:
        end = piece.rfind(b"\n")
        line = line + len(piece) if end < 0 else len(piece) - end - 1
        total += len(piece)
        if line > EVENT_LIMIT or total > ANSWER_LIMIT:
            raise ApiError(502, "the upstream sent more than one answer can hold")
        yield piece


def read_count(response: httpx2.Response, field: str, call: Call) -> int:
    """The number of tokens that stands in `field` of an answer whose body is unread.

    Raises:
        ApiError: 502, where there is none.
    """
    call.reads(response, iter(()))
    try:
        count = json.loads(response.read())[field]
    except (httpx2.HTTPError, ValueError, KeyError, TypeError):
        count = None
    if not isinstance(count, int):
        raise ApiError(502, "the upstream was asked for a number of tokens and gave none")
    return count


def _transports(client: httpx2.Client) -> Iterable[httpx2.HTTPTransport]:
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx2.HTTPTransport):
            yield transport
