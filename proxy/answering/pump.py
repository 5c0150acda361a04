"""The pump: turns a blocking upstream into batches of deltas that come in time.

A reader thread owns the upstream and fills a queue; the thread that serves the client empties it. So silence can be
filled with pings, a dead upstream is noticed, a client that has gone away is noticed within a quarter of a second, and
several deltas that wait together become one write.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, Protocol, TypeVar

from proxy.answering.timing import Timing
from proxy.protocol.deltas import shows
from proxy.protocol.errors import ApiError

_FRAMES = 20
"""The innermost ones say where; a recursion has a thousand."""
_BACKLOG = 256
"""Batches that wait for a client which does not read; then the upstream waits, too. A batch is one read: 64 KB."""
_BACKLOG_PAUSE = 0.02
"""Seconds."""

log = logging.getLogger(__name__)

Item = TypeVar("Item")
"""A delta, or what a pass-through hands on: its head, then frames."""


class Cancellable(Protocol):
    """What the pump needs of an upstream call; `providers.call.Call` is one."""

    def __enter__(self) -> object: ...
    def __exit__(self, *_: object) -> None: ...
    def cancel(self) -> None: ...
    def finish(self) -> None: ...


class ClientGone(Exception):
    """The client hung up; there is nobody to tell."""


class Pump(Generic[Item]):
    """Reads one upstream answer.

    `start` it, and `close` it in every case: that cancels an upstream which is not through. Iterating gives batches of
    items; None in place of a batch means that `timing.ping_every` seconds have passed without one.
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
        """`batches` runs in the reader thread; an empty batch is a sign of life.

        `idle_limit`: seconds without any; `content_limit`: seconds in which nothing but signs of life has come.
        """
        self._batches = batches
        self._call = call
        self._timing = timing
        self._idle_limit = idle_limit
        self._content_limit = content_limit
        self._client_gone = client_gone
        self._on_close = on_close
        self._queue: SimpleQueue[Sequence[Item] | ApiError | None] = SimpleQueue()
        self._held: list[Item] = []
        self._failure: ApiError | None = None
        self._done = False
        self.is_stopped = False
        """Whether `stop` has ended the answer."""
        self._last_sign = self._last_content = time.monotonic()
        self._reader = threading.Thread(target=self._read, name="upstream-reader", daemon=True)

    def start(self) -> None:
        self._reader.start()

    def close(self) -> None:
        """Safe to call twice, and from any thread."""
        if not self._done:
            self._done = True
            self._call.cancel()
        self._on_close(self)

    def stop(self, reason: str) -> None:
        """Ends the answer from another thread: who iterates gets an ApiError (503) with this reason."""
        self.is_stopped = True
        self._queue.put(ApiError(503, reason))
        self._call.cancel()

    def wait_for_first(self, patience: float | None) -> None:
        """Waits until the upstream has produced something to show, or is through, or `patience` seconds are over.

        Raises:
            ApiError: the upstream failed before it had produced anything.
            ClientGone: the client hung up.
        """
        until = None if patience is None else time.monotonic() + patience
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

    def _next(self, until: float | None) -> list[Item] | None:
        """All items that wait, or None when the time `until` has come first or the upstream is through."""
        poll = self._timing.poll
        while True:
            if self._failure is not None:
                self._done = True
                raise self._failure
            if self._client_gone():
                self.close()
                raise ClientGone
            now = time.monotonic()
            if until is not None and now >= until:
                return None
            try:
                item = self._queue.get(timeout=poll if until is None else min(poll, until - now))
            except Empty:
                self._check_patience()
                continue
            self._last_sign = time.monotonic()
            if item:
                self._last_content = self._last_sign
            else:
                self._check_patience()
            items: list[Item] = []
            while True:
                if item is None:
                    self._done = True
                    return items
                if isinstance(item, ApiError):
                    self._failure = item
                    break
                items.extend(item)
                if len(items) >= _BACKLOG:
                    break
                try:
                    item = self._queue.get_nowait()
                except Empty:
                    break
            if items:
                return items

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
        with self._call:
            try:
                for batch in self._batches():
                    self._queue.put(batch)
                    while self._queue.qsize() > _BACKLOG and not self._done:
                        time.sleep(_BACKLOG_PAUSE)
                    if self._done:  # closed: nobody reads on
                        break
                self._queue.put(None)
            except ApiError as error:
                self._queue.put(error)
            except Exception as error:
                if not self._done:
                    log.error("reading the upstream failed: %s", where(error))
                self._queue.put(ApiError(500, f"the proxy failed while reading the upstream ({type(error).__name__})"))
            finally:
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
