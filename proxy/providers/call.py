"""One call to an upstream, which another thread can end at any moment.

A thread that is blocked in `recv` does not wake up when somebody closes the response; it does when the socket is shut
down. Before the response head has come there is no response to ask for its socket, so the network streams report: each
read and write notes itself in the call that the current thread is working for.

    who            thread    may
    pump           serving   cancel() at any time; finish() never
    reader         reader    enter, leave, finish(), sleep(); everything below happens inside `with call:`
    provider       reader    reads(), read_limit, complete
    network stream reader    uses()
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Protocol

import httpcore2
import httpx2

_DRAIN_LIMIT = 1.0
"""Seconds; what follows a complete answer is a few bytes, or a server that will not close."""
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
        """Seconds that one read may take from now on; None: the HTTP client's own."""
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
        self.read_limit = None

    def cancel(self) -> None:
        """Wakes the reader, whatever it waits for, and so ends the upstream's work. Safe to call twice."""
        self._cancelled.set()
        with _ownership:
            if self._stream is not None and self._stream.call is self:
                self._stream.shut_down()

    def give_up(self) -> None:
        """Closes the response that is being read, so that another can be asked for."""
        if self._response is not None:
            self._response.close()

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
        self.give_up()
