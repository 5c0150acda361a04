"""One call to an upstream, which can be ended at any moment.

A call is made by a task (waiting.py) that the pump runs inside the serving thread. Wherever the task waits, the pump
has the thread; it ends the call by raising `Cancelled` in that place. So nothing has to wake anybody, and no connection
has to be known. Without a pump (a script, a test) a call simply blocks, and looks now and then whether it is cancelled.

    who             may
    pump            enter, leave, cancel(), drains, finish()
    other threads   cancel()
    attempts        sleep(), give_up(), complete; everything from here on happens inside `with call:`
    provider        reads(), read_limit, complete
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextvars import ContextVar
from typing import TypeVar

import httpcore2
import httpx2

from proxy.providers.waiting import Source, Wanted, hand_out, in_task

_DRAIN_LIMIT = 1.0
"""Seconds; what follows a complete answer is a few bytes, or a server that will not close."""
_GLANCE = 0.05
"""Seconds after which a call without a pump looks whether it is cancelled."""

T = TypeVar("T")


class Cancelled(httpcore2.ReadError):
    """The call that works here has been cancelled."""


class Call:
    """One upstream call: made inside `with call:`, cancelled from any thread.

    The provider sets `complete` when the upstream has said all; only such a connection can serve the next call.
    """

    def __init__(self) -> None:
        self._body: Iterator[bytes] | None = None
        self._response: httpx2.Response | None = None
        self._cancelled = threading.Event()
        self.cancelled = False
        """The same as a plain value: it is looked at with each read."""
        self.read_limit: float | None = None
        """Seconds that one read may take from now on; None: the HTTP client's own."""
        self.complete = False

    def __enter__(self) -> Call:
        _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _current.set(None)

    def sleep(self, seconds: float) -> None:
        """Waits between attempts, but no longer than until the call is cancelled."""
        with contextlib.suppress(Cancelled):
            wait(self._cancelled, seconds)

    def reads(self, response: httpx2.Response, body: Iterator[bytes]) -> None:
        """Notes the response whose body is being read; `finish` is what closes it."""
        self._response, self._body = response, body
        self.read_limit = None

    def cancel(self) -> None:
        """Whoever works for this call gets `Cancelled` at the next wait. Safe to call twice."""
        self.cancelled = True
        self._cancelled.set()

    def give_up(self) -> None:
        """Closes the response that is being read, so that another can be asked for."""
        if self._response is not None:
            self._response.close()

    @property
    def drains(self) -> bool:
        """Whether `finish` has to wait for the upstream: the end of a complete answer is not here yet."""
        if not self.complete or self.cancelled or self._response is None or self._response.is_closed:
            return False
        stream = self._response.extensions.get("network_stream")
        return stream is None or not stream.get_extra_info("is_ended")

    def finish(self) -> None:
        """Lets go of the connection; what may still follow a complete answer is read first, for a second at most."""
        if self.complete and self._body is not None and not self.cancelled:
            self.read_limit = _DRAIN_LIMIT
            deadline = time.monotonic() + _DRAIN_LIMIT
            with contextlib.suppress(httpx2.HTTPError):
                for _ in self._body:
                    if time.monotonic() > deadline:
                        break
        self.give_up()


_current: ContextVar[Call | None] = ContextVar("call", default=None)
"""Each thread has its own value, and each task."""


def is_cancelled() -> bool:
    """Whether the call that works here has been cancelled."""
    call = _current.get()
    return call is not None and call.cancelled


def current_call() -> Call | None:
    """The call that works here. Raises Cancelled."""
    call = _current.get()
    if call is not None and call.cancelled:
        raise Cancelled
    return call


def wait(source: Source, timeout: float | None) -> bool:
    """Whether `source` came within `timeout` seconds (None: however long it takes). Raises Cancelled."""
    until = math.inf if timeout is None else time.monotonic() + timeout
    call = current_call()
    if in_task():
        came = hand_out(Wanted(source, until))
        if call is not None and call.cancelled:
            raise Cancelled
        return bool(came)
    while True:
        left = until - time.monotonic()
        if source.wait(max(0.0, min(left, _GLANCE))):
            return True
        current_call()
        if left <= 0:
            return False


def elsewhere(work: Callable[[], T], discard: Callable[[T], object]) -> T:
    """The result of work that blocks where nothing can be waited for, such as a name look-up; raises what it raises.

    In a task it runs in a thread of its own. `discard` gets a result that nobody waits for any more.
    """
    if not in_task():
        return work()
    result: Future[T] = Future()
    done = threading.Event()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:
            result.set_exception(error)
        done.set()

    threading.Thread(target=run, name="upstream-helper", daemon=True).start()
    try:
        wait(done, None)
    except BaseException:
        result.add_done_callback(lambda late: late.exception() or discard(late.result()))
        raise
    return result.result()
