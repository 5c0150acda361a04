"""An upstream that plays bytes as they stand: heads, framing and all, so that each of them can be wrong.

It takes what is asked from a mark in the prompt, `mark(...)`, and so keeps no state of its own: whoever knows the table
can play it, in the process of a test or in one of its own.
"""

from __future__ import annotations

import contextlib
import re
import select
import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from types import TracebackType
from typing import Self

PATIENCE = 20.0
"""Seconds after which something that has to happen counts as missing."""
_MARK = re.compile(rb"<<([^<>]+)>>")
_PIECE = 65536
_REMEMBERED = 1000
_LINGER_OF_ZERO = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
"""The option with which a close is a reset."""


class End(Enum):
    """As a step: how the connection ends, or that it does not."""

    HOLD = auto()
    """Nothing more is said, until the other side closes."""
    CLOSE = auto()
    RESET = auto()


Step = bytes | float | End
"""Bytes are sent as they are, a number pauses (seconds)."""


@dataclass
class Played:
    """One request and what became of its answer."""

    mark: str
    connection: int
    sent: int = 0
    """Bytes that the other side's machine has taken."""
    said: threading.Event = field(default_factory=threading.Event)
    """All was played up to where nothing more is said."""
    gone: threading.Event = field(default_factory=threading.Event)
    """The other side has closed, or cannot be reached any more."""
    over: threading.Event = field(default_factory=threading.Event)
    """Played to the end."""


Script = Callable[[str, bytes], Iterable[Step]]
"""The mark (empty where there is none) and the whole request -> what is played."""


def mark(name: str) -> str:
    """Words for a prompt that have `name` played."""
    return f"<<{name}>>"


class Upstream:
    """Listens on a port of 127.0.0.1 while it is entered; each connection has a thread."""

    def __init__(self, script: Script) -> None:
        self.played: deque[Played] = deque(maxlen=_REMEMBERED)
        self.errors: list[BaseException] = []
        self._script = script
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._connections: dict[int, socket.socket] = {}
        self._count = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def open(self) -> int:
        """Connections that neither side has closed."""
        with self._changed:
            return len(self._connections)

    def wait_for(self, name: str) -> Played:
        """The answer that plays `name`, once it is asked for; AssertionError where it never is."""

        def found() -> Played | None:
            return next((each for each in self.played if each.mark == name), None)

        with self._changed:
            assert self._changed.wait_for(found, PATIENCE), f"nobody asked for {name}"
            played = found()
        assert played is not None
        return played

    def forget(self) -> None:
        with self._changed:
            self.played.clear()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._listener.close()
        with self._changed:
            for connection in self._connections.values():
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        if self.errors and error is None:
            raise self.errors[0]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with self._changed:
                    self._count += 1
                    self._connections[self._count] = connection
                threading.Thread(target=self._serve, args=(connection, self._count), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(PATIENCE)
        try:
            while (request := _request(connection)) is not None and self._answer(connection, number, request):
                pass
        except Exception as error:
            if not self._stopping.is_set() and not isinstance(error, OSError):
                self.errors.append(error)
        finally:
            with self._changed:
                self._connections.pop(number, None)
            connection.close()

    def _answer(self, connection: socket.socket, number: int, request: bytes) -> bool:
        """Whether the connection can serve another request."""
        found = _MARK.search(request)
        played = Played(found[1].decode() if found else "", number)
        with self._changed:
            self.played.append(played)
            self._changed.notify_all()
        try:
            return self._play(connection, played, request)
        except OSError:
            played.gone.set()
            return False
        finally:
            played.said.set()
            played.over.set()

    def _play(self, connection: socket.socket, played: Played, request: bytes) -> bool:
        for step in self._script(played.mark, request):
            match step:
                case End.HOLD:
                    played.said.set()
                    self._wait(connection, played, None)
                    return False
                case End.RESET:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_OF_ZERO)
                    connection.close()
                    return False
                case End.CLOSE:
                    connection.close()
                    return False
                case bytes():
                    connection.sendall(step)
                    played.sent += len(step)
                case _:
                    if self._wait(connection, played, step):
                        return False
        return True

    def _wait(self, connection: socket.socket, played: Played, seconds: float | None) -> bool:
        """Whether the other side has closed meanwhile; None waits until it has."""
        until = None if seconds is None else time.monotonic() + seconds
        while not self._stopping.is_set():
            left = 0.05 if until is None else min(0.05, until - time.monotonic())
            if left <= 0:
                return False
            if select.select([connection], [], [], left)[0] and not connection.recv(1, socket.MSG_PEEK):
                played.gone.set()
                return True
        return True


def _request(connection: socket.socket) -> bytes | None:
    """The next request on the connection, None where there is none."""
    data = b""
    connection.settimeout(None)
    while b"\r\n\r\n" not in data:
        piece = connection.recv(_PIECE)
        if not piece:
            return None
        data += piece
    connection.settimeout(PATIENCE)
    head, _, body = data.partition(b"\r\n\r\n")
    found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    pieces, missing = [head, b"\r\n\r\n", body], (int(found[1]) if found else 0) - len(body)
    while missing > 0:
        piece = connection.recv(min(missing, _PIECE * 16))
        if not piece:
            return None
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)
