"""The network streams under the HTTP client: where one has to wait, it waits as call.py does it."""

from __future__ import annotations

import functools
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast
from weakref import WeakSet

import httpcore2

from proxy.providers.call import current_call, elsewhere, wait
from proxy.providers.chunked import ChunkError, Chunks
from proxy.providers.waiting import Ready

_READ = 65536
_LAST_CHUNK = b"0\r\n\r\n"
_HEAD_END = re.compile(rb"\n\r?\n")
"""As the HTTP library has it, which must find no more than a head where it is given one."""

T = TypeVar("T")

_MANY = 32
"""Connections from which on one is let go of that has rested. The pool goes through all of them twice for each request:
200 that a peak has left cost each one a millisecond."""
_RESTED = 15.0
"""Seconds."""

_open: WeakSet[HttpStream] = WeakSet()
_buffers: list[bytearray] = []
"""Those into which nobody reads at this moment: never more than there were threads at that at a time."""


def _exactly(read: Callable[[memoryview], int], most: int) -> bytes:
    """What `read` has put into the room that it is given, in memory of its own size.

    Where each read asks for room for 64 KB and has it cut to what has come, many threads leave a heap of small pieces
    with holes between them, in which no further room is found: it grows for hours, by megabytes for a thousand answers.
    """
    try:
        buffer = _buffers.pop()
    except IndexError:
        buffer = bytearray(_READ)
    try:
        with memoryview(buffer) as view, view[:most] as room:
            return bytes(room[: read(room)])
    finally:
        _buffers.append(buffer)


class SocketStream(httpcore2.NetworkStream):
    """A socket that does not block."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._readable, self._writable = Ready(sock), Ready(sock, writing=True)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        call = current_call()
        if call is not None and call.read_limit is not None:
            timeout = call.read_limit
        try:
            while True:
                if not wait(self._readable, timeout):
                    raise httpcore2.ReadTimeout("the read timed out")
                try:
                    return _exactly(self._sock.recv_into, max_bytes)
                except BlockingIOError:
                    continue
        except OSError as error:
            raise httpcore2.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        current_call()
        view = memoryview(buffer)
        try:
            while view:
                try:
                    view = view[self._sock.send(view) :]
                except BlockingIOError:
                    if not wait(self._writable, timeout):
                        raise httpcore2.WriteTimeout("the write timed out") from None
        except OSError as error:
            raise httpcore2.WriteError(str(error)) from error

    def close(self) -> None:
        self._sock.close()

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._readable.wait(0)
        return self._sock if info == "socket" else None


class TlsStream(httpcore2.NetworkStream):
    """TLS over another stream, which may itself be encrypted: a proxy can be spoken to by TLS."""

    def __init__(self, stream: httpcore2.NetworkStream, context: ssl.SSLContext, server_hostname: str | None) -> None:
        self._stream = stream
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)

    def shake_hands(self, timeout: float | None) -> None:
        self._exchange(self._tls.do_handshake, timeout)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return self._exchange(functools.partial(_exactly, self._decrypt, max_bytes), timeout)
        except ssl.SSLEOFError:  # the end without a farewell, which is common
            return b""
        except ssl.SSLError as error:
            raise httpcore2.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        view = memoryview(buffer)
        try:
            while view:
                view = view[self._exchange(functools.partial(self._tls.write, view), timeout) :]
        except ssl.SSLError as error:
            raise httpcore2.WriteError(str(error)) from error

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._tls if info == "ssl_object" else self._stream.get_extra_info(info)

    def _decrypt(self, room: memoryview) -> int:
        return cast(int, self._tls.read(len(room), room))

    def _exchange(self, operation: Callable[[], T], timeout: float | None) -> T:
        """The result of an operation, for which is sent and received what it needs."""
        while True:
            try:
                result = operation()
            except ssl.SSLWantReadError:
                self._send(timeout)
            else:
                self._send(timeout)
                return result
            if data := self._stream.read(_READ, timeout):
                self._incoming.write(data)
            else:
                self._incoming.write_eof()

    def _send(self, timeout: float | None) -> None:
        if self._outgoing.pending:
            self._stream.write(self._outgoing.read(), timeout)


class HttpStream(httpcore2.NetworkStream):
    """A connection as the HTTP library gets it. It gives the head of an answer alone, so that `body` may have the rest.

    Where nobody takes the body from here, the library reads it as ever.
    """

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        _open.add(self)
        self._stream = stream
        self._used = time.monotonic()
        self._head: bytes | None = b""
        """The end of what has been read of a head; None where no head is being read."""
        self._rest = b""
        self._is_parted = False
        self._last = b""
        self._is_spoilt = False
        """Whether something has come that belongs to no answer; the next one must not begin with it."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._is_parted = False
        data, self._rest = self._rest, b""
        data = data or self._receive(max_bytes, timeout)
        if self._head is None:
            return data
        joint = self._head + data
        end = _HEAD_END.search(joint)
        if end is None:
            self._head = joint[-2:]
            return data
        cut = end.end() - len(self._head)
        self._head = None
        self._rest, self._is_parted = data[cut:], True
        return data[:cut]

    def body(self, timeout: float | None) -> Iterator[bytes]:
        """The data of a chunked body: a piece for each read, up to where the library has to read on.

        Nothing where it has begun to. `timeout` in seconds, of a read.

        Raises:
            httpcore2.NetworkError, httpcore2.ReadTimeout, httpcore2.ProtocolError
        """
        if not self._is_parted:
            return
        chunks = Chunks()
        data, self._rest, self._is_parted = self._rest, b"", False
        while True:
            try:
                if piece := chunks.feed(data):
                    yield piece
            except ChunkError as error:
                raise httpcore2.RemoteProtocolError(str(error)) from None
            if chunks.rest is not None:
                self._rest = chunks.rest
                if self._rest.startswith(_LAST_CHUNK):
                    self._is_spoilt = len(self._rest) > len(_LAST_CHUNK)
                    self._rest = _LAST_CHUNK
                return
            data = self._receive(_READ, timeout)
            if not data:
                raise httpcore2.RemoteProtocolError("the connection was closed before the answer was complete")

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Raises httpcore2.ConnectionNotAvailable, at which the pool takes another: the server has left meanwhile."""
        is_late = self._head is None and (self._rest or self._stream.get_extra_info("is_readable"))
        if self._is_spoilt or is_late:
            raise httpcore2.ConnectionNotAvailable
        self._head = b""
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        _open.discard(self)
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        try:
            encrypted = TlsStream(self._stream, ssl_context, server_hostname)
            encrypted.shake_hands(timeout)
        except BaseException as error:
            self.close()
            if isinstance(error, ssl.SSLError):
                raise httpcore2.ConnectError(str(error)) from error
            raise
        _open.discard(self)
        return HttpStream(encrypted)

    def get_extra_info(self, info: str) -> Any:
        """`is_ended`, of our own: whether the end of a chunked body has come already, or something that may be it.

        `is_readable` is nothing about the socket: for each request the pool asks all connections that rest, twice, with
        all threads behind it, and closes those that say so. A connection is looked at when it is used.
        """
        if info == "is_ended":
            return self._last.endswith(_LAST_CHUNK) or self._stream.get_extra_info("is_readable")
        if info == "is_readable":
            goes = len(_open) > _MANY and time.monotonic() - self._used > _RESTED
            if goes:  # the next one is asked before this one is closed
                _open.discard(self)
            return goes
        return self._stream.get_extra_info(info)

    def _receive(self, max_bytes: int, timeout: float | None) -> bytes:
        data = self._last = self._stream.read(max_bytes, timeout)
        self._used = time.monotonic()
        return data


class Backend(httpcore2.NetworkBackend):
    """Connects as the library does."""

    def __init__(self) -> None:
        self._backend = httpcore2.SyncBackend()

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore2.NetworkStream:
        """Looking up a name blocks, so all of it is done elsewhere."""
        connect = functools.partial(self._backend.connect_tcp, *args, **kwargs)
        stream = elsewhere(connect, discard=httpcore2.NetworkStream.close)
        return HttpStream(SocketStream(stream.get_extra_info("socket")))
