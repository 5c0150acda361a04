"""HTTP connections to upstreams that another thread can interrupt at any moment.

A thread that is blocked in `recv` does not wake up when somebody closes the response; it does when the socket is shut
down. Before the response head has come there is no response to ask for its socket, so the network streams tell: each
read and write notes itself in the call that the current thread is working for.
"""

from __future__ import annotations

import contextlib
import functools
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import httpcore2
import httpx2

from proxy.protocol.errors import ApiError

CONNECT_TIMEOUT = 10.0
_KEEP_ALIVE = 300.0
_DRAIN_LIMIT = 1.0
_current = threading.local()
_ownership = threading.Lock()
"""Guards which call a connection works for: a drained one may serve the next call before the last has let go of it."""


def current_call() -> Call | None:
    """The call that this thread is working for."""
    call: Call | None = getattr(_current, "call", None)
    return call


class Closeable(Protocol):
    def close(self) -> None: ...


class Interruptible(Protocol):
    """A connection whose socket can be shut down while another thread reads from it."""

    call: Call | None

    def shut_down(self) -> None: ...


class Cancelled(httpcore2.ReadError):
    """The call that a connection works for has been cancelled."""


class Call:
    """One upstream call: made by a reader thread inside `with call:`, cancelled from any other.

    The provider sets `complete` when the upstream has said all; only such a connection can serve the next call.
    """

    def __init__(self) -> None:
        self._stream: Interruptible | None = None
        self._body: Iterator[bytes] | None = None
        self._response: Closeable | None = None
        self._cancelled = threading.Event()
        self.read_limit: float | None = None
        self.complete = False

    def __enter__(self) -> Call:
        _current.call = self
        return self

    def __exit__(self, *_: object) -> None:
        _current.call = None

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def sleep(self, seconds: float) -> None:
        """Waits between attempts, but no longer than until the call is cancelled."""
        self._cancelled.wait(seconds)

    def uses(self, stream: Interruptible) -> None:
        """Notes the connection on which this call now works.

        Raises:
            Cancelled: by another thread.
        """
        if stream.call is not self:
            with _ownership:
                self._stream = stream
                stream.call = self
        if self.cancelled:
            raise Cancelled

    def reads(self, response: Closeable, body: Iterator[bytes]) -> None:
        """Notes the response whose body is being read; `finish` is what closes it."""
        self._response, self._body = response, body

    def cancel(self) -> None:
        """Wakes the reader, whatever it waits for, and so ends the upstream's work. Safe to call twice."""
        self._cancelled.set()
        with _ownership:
            if self._stream is not None and self._stream.call is self:
                self._stream.shut_down()

    def finish(self) -> None:
        """Lets go of the connection; what may still follow a complete answer is read first, for a second at most."""
        if self.complete and self._body is not None and not self.cancelled:
            self.read_limit = _DRAIN_LIMIT
            deadline = time.monotonic() + _DRAIN_LIMIT
            with contextlib.suppress(httpx2.HTTPError):
                for _ in self._body:
                    if time.monotonic() > deadline:
                        break
        with _ownership:
            if self._stream is not None and self._stream.call is self:
                self._stream.call = None
            self._stream = None
        if self._response is not None:
            self._response.close()


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


def http_client(read_timeout: float) -> httpx2.Client:
    """A pooled client for all calls of one vendor; it honours HTTPS_PROXY, NO_PROXY and the system's CA store.

    `read_timeout` in seconds is a backstop: the pump's idle limit fires first.
    """
    client = httpx2.Client(
        verify=tls_context(),
        timeout=httpx2.Timeout(read_timeout, connect=CONNECT_TIMEOUT, pool=CONNECT_TIMEOUT),
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=256, keepalive_expiry=_KEEP_ALIVE),
        follow_redirects=False,
    )
    for transport in _transports(client):
        # httpx2 has no public way to choose the network backend; a cancelled call before its first byte is the test.
        pool = transport._pool
        pool._network_backend = _WatchingBackend(pool._network_backend)
    return client


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
