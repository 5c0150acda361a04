"""Waiting without keeping the thread: what a call waits for, and the task that is put aside meanwhile.

The thread that serves a client runs the upstream's blocking code, too, as a `Task`: on a stack of its own (a greenlet),
which stops where the code has to wait and goes on later. While it is stopped the pump has the thread.
"""

from __future__ import annotations

import math
import select
import socket
from typing import Any, NamedTuple, Protocol

from greenlet import getcurrent, greenlet


class Source(Protocol):
    """What can be waited for; a `threading.Event` is one."""

    def wait(self, timeout: float) -> bool:
        """Whether it came within `timeout` seconds."""
        ...


class Ready:
    """A socket that can be read from, or written to."""

    def __init__(self, sock: socket.socket, *, writing: bool = False) -> None:
        self._sock = sock
        self._writing = writing
        self._poll = select.poll() if hasattr(select, "poll") else None
        if self._poll is not None and sock.fileno() >= 0:
            self._poll.register(sock, select.POLLOUT if writing else select.POLLIN)

    def wait(self, timeout: float) -> bool:
        if self._sock.fileno() < 0:  # closed, which the next operation tells
            return True
        if self._poll is not None:
            return bool(self._poll.poll(math.ceil(timeout * 1000)))
        # Windows has nothing else, and takes 512 sockets at a time: here it is one.
        sockets = [self._sock]
        reading, writing = ([], sockets) if self._writing else (sockets, [])
        return any(select.select(reading, writing, [], timeout))


class Wanted(NamedTuple):
    """What a task waits for, and until when at most: a moment of `time.monotonic()`."""

    source: Source
    until: float


class Task(greenlet):
    """Code that may wait. A switch to it returns a `Wanted`, what it hands out, or None when it has come to its end.

    It belongs to the thread that has made it: no other can go on with it.
    """


def in_task() -> bool:
    return isinstance(getcurrent(), Task)


def hand_out(value: object) -> Any:
    """Gives the thread back to who runs this task, with a value; returns what the task is gone on with."""
    parent = getcurrent().parent
    assert parent is not None
    return parent.switch(value)
