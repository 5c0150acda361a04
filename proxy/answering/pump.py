"""The pump: turns a blocking upstream into batches of deltas that come in time.

The upstream's code runs as a task inside the thread that serves the client. Wherever it waits, for a socket or for a
pause to pass, the pump has the thread: it fills silence with pings, notices a dead upstream, and notices within a
fifth of a second that a client has gone away. What comes with one read becomes one write.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from proxy.answering.timing import Timing
from proxy.protocol.deltas import shows
from proxy.protocol.errors import ApiError
from proxy.providers.call import Cancelled
from proxy.providers.waiting import Task, Wanted, hand_out

_FRAMES = 20
"""The innermost ones say where; a recursion has a thousand."""
_MOST = 256
"""Items that are gathered for one write from an upstream that never makes the task wait."""

log = logging.getLogger(__name__)

Item = TypeVar("Item")
"""A delta, or what a pass-through hands on: its head, then frames."""


class Cancellable(Protocol):
    """What the pump needs of an upstream call; `providers.call.Call` is one."""

    def __enter__(self) -> object: ...
    def __exit__(self, *_: object) -> None: ...
    def cancel(self) -> None: ...
    def finish(self) -> None: ...
    @property
    def drains(self) -> bool: ...


class ClientGone(Exception):
    """The client hung up; there is nobody to tell."""


class Pump(Generic[Item]):
    """Reads one upstream answer.

    `start` it, and `close` it in every case: that cancels an upstream which is not through. Iterating gives batches of
    items; None in place of a batch means that `timing.ping_every` seconds have passed without one. All of that happens
    in one thread; only `stop` is for others.
    """

    def __init__(
        self,
        batches: Callable[[], Iterable[Sequence[Item]]],
        call: Cancellable,
        *,
        timing: Timing,
        idle_limit: float,
        content_limit: float = math.inf,
        client_gone: Callable[[], bool] = lambda: False,
        on_close: Callable[[Pump[Item]], None] = lambda _: None,
    ) -> None:
        """`batches` runs as a task, so it may wait with `providers.call.wait`; an empty batch is a sign of life.

        `idle_limit`: seconds without any; `content_limit`: seconds in which nothing but signs of life has come.
        """
        self._batches = batches
        self._call = call
        self._timing = timing
        self._idle_limit = idle_limit
        self._content_limit = content_limit
        self._client_gone = client_gone
        self._on_close = on_close
        self._thread = 0
        self._task: Task | None = None
        self._wanted: Wanted | None = None
        self._items: list[Item] = []
        self._shown = False
        self._held: list[Item] = []
        self._failure: ApiError | None = None
        self._stopped: ApiError | None = None
        self._done = self._closed = False
        self._last_sign = self._last_content = time.monotonic()

    def start(self) -> None:
        """Runs the task up to where it first has to wait: its request is on the way then."""
        self._thread = threading.get_ident()
        self._task = Task(self._read)
        self._take(self._task.switch())
        self._go_on()

    def close(self) -> None:
        """Ends the task and lets go of the upstream. Safe to call twice."""
        if not self._done:
            self._done = True
            self._call.cancel()
        # A server may drop the answer in another thread. Then the task stays as it is, and its connection is closed.
        while self._task and self._thread == threading.get_ident():
            self._task.throw(Cancelled)
        if not self._closed:
            self._closed = True
            if self._call.drains:  # for which nobody is kept waiting
                threading.Thread(target=self._finish, name="upstream-drain", daemon=True).start()
            else:
                self._finish()
        self._on_close(self)

    def stop(self, reason: str) -> None:
        """Ends the answer from another thread: who iterates gets an ApiError (503) with this reason."""
        self._stopped = ApiError(503, reason)
        self._call.cancel()

    @property
    def is_stopped(self) -> bool:
        """Whether `stop` has ended the answer."""
        return self._stopped is not None

    def wait_for_first(self, patience: float | None) -> None:
        """Waits until the upstream has produced something to show, or is through, or `patience` seconds are over.

        Raises:
            ApiError: the upstream failed before it had produced anything.
            ClientGone: the client hung up.
        """
        until = math.inf if patience is None else time.monotonic() + patience
        while not self._done and not any(map(shows, self._held)):
            batch = self._next(until)
            if batch is None:
                return
            self._held.extend(batch)

    @property
    def held(self) -> Sequence[Item]:
        """What has come while the first was waited for, and is still to be iterated."""
        return self._held

    def __iter__(self) -> Iterator[list[Item] | None]:
        """Raises ApiError when the upstream fails or falls silent, ClientGone when the client has hung up."""
        if self._held:
            held, self._held = self._held, []
            yield held
        while not self._done:
            batch = self._next(time.monotonic() + self._timing.ping_every)
            if batch or (batch is None and not self._done):
                yield batch

    def _next(self, until: float) -> list[Item] | None:
        """The items that have come, or None when the time `until` has come first; [] when the upstream is through."""
        self._look_up()
        self._go_on()
        while self._task and self._wanted is not None and not self._items:
            came = self._wait(self._wanted, until)
            if not came and time.monotonic() < self._wanted.until:
                return None
            self._take(self._task.switch(came))
            self._go_on()
            if self._task and not self._items:  # a sign of life, or less than one, of which there may be no end
                self._look_up()
                self._check_patience()
                if time.monotonic() >= until:
                    return None
        if self._items:
            items, self._items = self._items, []
            self._shown = self._shown or any(map(shows, items))
            return items
        self._done = True
        if self._failure is not None:
            raise self._stopped or self._failure
        return []

    def _go_on(self) -> None:
        """Lets the task run until it has to wait, or has handed out what leaves before more is read."""
        while self._task and self._wanted is None and not self._is_due():
            self._take(self._task.switch())

    def _is_due(self) -> bool:
        """What can be shown first leaves at once."""
        return len(self._items) >= _MOST or (not self._shown and any(map(shows, self._items)))

    def _take(self, given: Wanted | Sequence[Item] | None) -> None:
        """Takes what the task gave when it stopped: what it waits for, or a batch; None from one that has ended."""
        if isinstance(given, Wanted):
            self._wanted = given
            return
        self._wanted = None
        if given is not None:
            self._last_sign = time.monotonic()
            if given:
                self._last_content = self._last_sign
                self._items.extend(given)
            else:
                self._check_patience()

    def _wait(self, wanted: Wanted, until: float) -> bool:
        """Whether what the task waits for has come before its own time is over or `until` comes."""
        until = min(until, wanted.until)
        while True:
            left = until - time.monotonic()
            if wanted.source.wait(max(0.0, min(left, self._timing.poll))):
                return True
            self._look_up()
            self._check_patience()
            if left <= 0:
                return False

    def _look_up(self) -> None:
        if self._client_gone():
            self.close()
            raise ClientGone
        if self._stopped is not None:
            self.close()
            raise self._stopped

    def _check_patience(self) -> None:
        silent = time.monotonic() - self._last_sign
        if silent > self._idle_limit:
            self.close()
            raise ApiError(504, f"the upstream was silent for {silent:.0f} s (the limit is REQUEST_TIMEOUT)")
        empty = time.monotonic() - self._last_content
        if empty > self._content_limit:
            self.close()
            raise ApiError(
                504, f"the upstream gave only signs of life for {empty:.0f} s (the limit is CONTENT_TIMEOUT)"
            )

    def _read(self) -> None:
        """The task."""
        with self._call:
            try:
                for batch in self._batches():
                    hand_out(batch)
            except ApiError as error:
                self._failure = error
            except Exception as error:
                if not self._done:
                    log.error("reading the upstream failed: %s", where(error))
                self._failure = ApiError(500, f"the proxy failed while reading the upstream ({type(error).__name__})")

    def _finish(self) -> None:
        with self._call:
            self._call.finish()


def where(error: BaseException) -> str:
    """The kind of an unexpected error and where it came through, without its words: they may quote content."""
    lines: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        lines.append(f"{code.co_filename}:{trace.tb_lineno} in {code.co_name}")
        trace = trace.tb_next
    lines.reverse()
    return f"{type(error).__name__} at " + " <- ".join(lines[:_FRAMES])
