"""One connection: what came of it so far, and whether a client that has ended its side is still there."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import WSGITask

from proxy.protocol.errors import ApiError
from proxy.server.progress import Progress
from proxy.server.refusals import Parser, RefusalTask

_JOINED_MAX = 65536
"""Bytes that are copied to go out at once."""
_SPARE = 64
_PROBES = 4
"""A connection that is gone breaks at the second one at the latest, unless the way to it takes longer than a second."""


class _Task(WSGITask):
    """Lets its channel know what of the answer is out, as long as it runs: it holds on to the whole request."""

    channel: Any

    def __init__(self, channel: Any, request: Any) -> None:
        super().__init__(channel, request)
        with channel.outbuf_lock:
            channel.begun, channel.task = request, self

    def service(self) -> None:
        try:
            super().service()
        finally:
            with self.channel.outbuf_lock:
                self.channel.task = None

    def write(self, data: bytes) -> None:
        """The head goes out with the first piece of the body."""
        if self.wrote_header:
            super().write(data)
        else:
            with self.channel.at_once():
                super().write(data)


class Channel(HTTPChannel):
    """Adds to waitress's: a client that has shut down only its writing side gets its answer.

    Nothing tells such a client from one that has left: both send the same end. So it is asked, with bytes that mean
    nothing: a client that has left answers them with a reset.
    """

    task_class = _Task
    error_task_class = RefusalTask
    parser_class = Parser
    requests_lock: threading.Lock
    socket: Any
    queued = 0.0
    """When the request began to wait for a thread; monotonic."""
    begun: Any = None
    """The request that a thread has answered last, or is answering with `task`."""
    task: _Task | None = None

    def __init__(self, server: Any, sock: Any, addr: Any, adj: Any, map: Any = None) -> None:
        self.progress = Progress(time.monotonic())
        self._ended = False
        self._probes = 0
        self._joined: list[bytes] | None = None
        if (refusal := server.refusal(addr[0])) is not None:
            self.parser_class = partial(Parser, refusal=refusal)  # type: ignore[assignment]
            server.strangers.append(self)
        super().__init__(server, sock, addr, adj, map=map)

    @property
    def last_activity(self) -> float:
        """When something last came or went; monotonic."""
        return self._moved

    @last_activity.setter
    def last_activity(self, _: float) -> None:
        # What waitress gives is the time of day, which is set anew at times: all clients would be late at once.
        self._moved = time.monotonic()

    @property
    def busy(self) -> bool:
        """Whether a whole request is here that is not yet answered to the last byte."""
        return bool(self.requests or self.total_outbufs_len)

    def received(self, data: bytes) -> bool:
        taken = super().received(data)
        self.progress.took(len(data), self.request, bool(self.requests), time.monotonic())
        return taken

    def readable(self) -> bool:
        return not self._ended and super().readable()

    def handle_read(self) -> None:
        if not (self.busy and self._at_end()):
            super().handle_read()
            return
        with self.requests_lock:
            self._ended = True
            if not self.requests:
                self.close_when_flushed = True
                return
            request = self.requests[0]
        self._is_there(request, waiting=True)  # so that it is known when a thread comes to it

    def service(self) -> None:
        size = self.requests[0].body_bytes_received
        if self.check_client_disconnected():
            self.connected = False
        super().service()
        self.progress.answered(time.monotonic())
        self.server.served(size)  # type: ignore[attr-defined]
        with self.requests_lock:
            if self._ended and not self.requests:
                self.close_when_flushed = True
                self.server.pull_trigger()

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """What is written meanwhile goes out in one piece, and no probe before it. In the thread of the answer."""
        with self.outbuf_lock:
            self._joined = []
            try:
                yield
            finally:
                joined, self._joined = self._joined, None
            if sum(map(len, joined)) <= _JOINED_MAX:
                joined = [b"".join(joined)]
            for piece in joined:
                self.write_soon(piece)

    def write_soon(self, data: Any) -> int:
        """In the thread of the answer. What the socket takes at once goes past the buffers, which cost as much as all
        else of a short piece does; what it does not take, and all failures, are waitress's."""
        if self._joined is not None:
            self._joined.append(data)
            return len(data)
        if type(data) is bytes and data and not self.total_outbufs_len:
            with self.outbuf_lock:
                if self.connected and not self.total_outbufs_len:
                    try:
                        sent: int = self.socket.send(data)
                    except OSError:
                        sent = 0
                    if sent:
                        self.last_activity = time.monotonic()
                    if sent == len(data):
                        return sent
                    return sent + super().write_soon(data[sent:])
        return super().write_soon(data)

    def check_client_disconnected(self) -> bool:  # type: ignore[override]
        """Of the running request; in the thread that serves it."""
        return not self.connected or (self._ended and not self._is_there(self.requests[0]))

    def _at_end(self) -> bool:
        try:
            return not self.socket.recv(1, socket.MSG_PEEK)
        except OSError:
            return False  # reading will tell

    def _is_there(self, request: Any, waiting: bool = False) -> bool:
        """Asks a client that has ended its side. `waiting`: only where no thread has come to its request yet."""
        with self.outbuf_lock:
            if not self.connected or request.version != "1.1":
                return False
            if self._probes < _PROBES and not self.total_outbufs_len and not (waiting and self.begun is request):
                self._probes += 1
                try:
                    self.socket.send(_probe(self.task))
                except BlockingIOError:
                    pass
                except OSError:
                    return False
            return not self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def _probe(task: _Task | None) -> bytes:
    """What means nothing at this place of an answer.

    Every client has to bear an interim response (RFC 9110, 15.2; most bear this one best) and zeros before the size of
    a chunk (RFC 9112, 7.1). HTTP/1.0 has neither: there who has ended its side counts as gone.
    """
    if task is None or not task.wrote_header:
        return b"HTTP/1.1 100 Continue\r\n\r\n"
    return b"0" if task.chunked_response else b""


def spare(limit: int) -> int:
    """How many connections are taken at a time, and kept free for it, where so many are allowed."""
    return max(1, min(_SPARE, limit // 8))


class Listener(TcpWSGIServer):
    """One listening socket. What waitress does of maintenance is done in `keeping.py`, which closes at once: waitress
    waits until the connection can be written to, which one with a client that reads nothing never can."""

    channel_class = Channel

    def __init__(
        self,
        app: Any,
        listening: socket.socket,
        sockets: dict[int, Any],
        refusal: Callable[[str], ApiError | None],
        served: Callable[[int], None],
        **options: Any,
    ) -> None:
        """`refusal`: what the peer of an address gets for an answer, if it is not served at all. `served` is told, in
        any thread, the size of each body whose request is done."""
        self._sockets, self.refusal, self.served = sockets, refusal, served
        self.strangers: list[Channel] = []
        """Open connections of peers that get nothing but a refusal, and some that are closed; oldest first."""
        super().__init__(
            app,
            map=sockets,
            _sock=listening,
            sockinfo=(listening.family, listening.type, None, listening.getsockname()),
            bind_socket=False,
            **options,
        )

    def maintenance(self, now: float) -> None:
        pass

    def handle_accept(self) -> None:
        for _ in range(spare(self.adj.connection_limit)):
            before = len(self._sockets)
            if before >= self.adj.connection_limit:
                return
            super().handle_accept()
            if len(self._sockets) == before:
                return
