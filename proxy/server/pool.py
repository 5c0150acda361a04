"""Threads for requests: the last to become free is asked first, one begins where none is free, an idle one ends.

What few threads do stays in few stacks and few of glibc's caches, which it has for each thread, and the processor still
knows what the last one touched. waitress's own dispatcher wakes all its threads in turn.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from queue import Empty, SimpleQueue

from proxy.server.connections import Channel

log = logging.getLogger(__name__)

_IDLE = 10.0
"""Seconds. To begin a thread takes a ten-thousandth of one."""

_Inbox = SimpleQueue[Channel | None]
"""Of one thread. None tells it to end."""


class Pool:
    """So many threads at most, and a queue for what finds none: first come, first served."""

    def __init__(self, name: str, limit: int, idle: float = _IDLE) -> None:
        """`idle`: seconds until a thread ends that nothing came for."""
        self._name, self._limit, self._patience = name, limit, idle
        self._lock = threading.Lock()
        self._closed = False
        self._threads: set[threading.Thread] = set()
        self._idle: list[_Inbox] = []
        """The one that became free last is the last."""
        self._queue: deque[Channel] = deque()

    def add(self, channel: Channel) -> None:
        with self._lock:
            if self._idle:
                self._idle.pop().put(channel)
            elif len(self._threads) < self._limit:
                self._begin(channel)
            else:
                self._queue.append(channel)

    @property
    def waiting(self) -> int:
        """How many channels no thread is free for."""
        return len(self._queue)

    @property
    def idle(self) -> int:
        """How many threads nothing has come for."""
        return len(self._idle)

    def overdue(self, since: float) -> list[Channel]:
        """Takes out those that have waited since then or longer."""
        with self._lock:
            count = next((at for at, channel in enumerate(self._queue) if channel.queued > since), len(self._queue))
            return [self._queue.popleft() for _ in range(count)]

    def close(self, timeout: float) -> None:
        """Ends the threads, and waits so many seconds for those that are busy."""
        with self._lock:
            self._closed = True
            while self._idle:
                self._idle.pop().put(None)
            busy, waiting = list(self._threads), list(self._queue)
            self._queue.clear()
        for channel in waiting:
            channel.cancel()
        until = time.monotonic() + timeout
        for thread in busy:
            thread.join(max(0.0, until - time.monotonic()))

    def _begin(self, channel: Channel) -> None:
        thread = threading.Thread(target=self._serve, args=(channel,), name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            log.warning("a request waits for another thread to become free: %s", error)
            self._queue.append(channel)
        else:
            self._threads.add(thread)

    def _serve(self, first: Channel) -> None:
        inbox: _Inbox = SimpleQueue()
        channel: Channel | None = first
        while channel is not None:
            try:
                channel.service()
            except BaseException:  # the thread is needed for others; the log says where, and no words
                log.exception("a request failed outside the application")
            channel = self._next(inbox)

    def _next(self, inbox: _Inbox) -> Channel | None:
        with self._lock:
            if self._queue:
                return self._queue.popleft()
            if self._closed:
                return None
            self._idle.append(inbox)
        try:
            return inbox.get(timeout=self._patience)
        except Empty:
            with self._lock:
                if inbox in self._idle:
                    self._idle.remove(inbox)
                    self._threads.discard(threading.current_thread())
                    return None
            return inbox.get()
