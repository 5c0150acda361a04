"""HTTP connections to upstreams whose network streams know the call that they work for; see call.py."""

from __future__ import annotations

import contextlib
import functools
import json
import socket
import ssl
from collections.abc import Iterable, Iterator
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpcore2
import httpx2

from proxy.protocol.errors import ApiError
from proxy.providers.call import Call, current_call
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


class _WatchedStream(httpcore2.NetworkStream):
    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream
        self.call: Call | None = None

    def _note(self) -> Call | None:
        call = current_call()
        if call is not None:
            call.uses(self)
        return call

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        call = self._note()
        if call is not None and call.read_limit is not None:
            timeout = call.read_limit
        return self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._note()
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, *args: Any, **kwargs: Any) -> httpcore2.NetworkStream:
        return _WatchedStream(self._stream.start_tls(*args, **kwargs))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def shut_down(self) -> None:
        sock = self._stream.get_extra_info("socket")
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class _WatchingBackend(httpcore2.NetworkBackend):
    def __init__(self, backend: httpcore2.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore2.NetworkStream:
        return _WatchedStream(self._backend.connect_tcp(*args, **kwargs))

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore2.NetworkStream:
        return _WatchedStream(self._backend.connect_unix_socket(*args, **kwargs))

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


@functools.cache
def tls_context() -> ssl.SSLContext:
    """One for all clients: it takes tens of milliseconds to make."""
    return httpx2.create_ssl_context()


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

    `read_timeout` in seconds is a backstop: the pump's idle limit fires first.
    """
    client = httpx2.Client(
        verify=tls_context(),
        timeout=httpx2.Timeout(read_timeout, connect=CONNECT_TIMEOUT, pool=CONNECT_TIMEOUT),
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=256, keepalive_expiry=_KEEP_ALIVE),
        follow_redirects=False,
        # What one upstream sets must not reach another, nor another client's requests.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        event_hooks={"response": [_bound_error]},
    )
    for transport in _transports(client):
        # httpx2 has no public way to choose the network backend; a cancelled call before its first byte is the test.
        pool = transport._pool
        pool._network_backend = _WatchingBackend(pool._network_backend)
    client._transport = TappedTransport(client._transport)
    for pattern, mounted in client._mounts.items():
        client._mounts[pattern] = TappedTransport(mounted) if mounted is not None else None
    return client


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
