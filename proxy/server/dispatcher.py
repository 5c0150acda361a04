"""Who answers a whole request, and when.

request                                     answered by
------------------------------------------  ------------------------------------------------------------
malformed, too large, a stranger's          the loop, at once
`/health`, `/` and `/api/hello`             one of two threads that are kept for them
any other but /health, in a stop            the loop, at once: 503
any other                                   the next free thread, first come, first served
that has waited too long, or too many wait  the loop: 529
"""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import Any

from waitress.task import ThreadedTaskDispatcher

from proxy.protocol.errors import ApiError
from proxy.server.clocks import Clocks
from proxy.server.connections import Channel
from proxy.server.refusals import Refused
from proxy.web.access import OPEN_PATHS

log = logging.getLogger(__name__)

_HEALTH = "/health"
_PROBE_THREADS = 2
_RETRY_OVERLOAD = 5
"""Seconds. A thread becomes free when an answer ends, and many take no longer."""
_RETRY_STOP = 10
"""Seconds at most. SDKs repeat twice, so they bear a stop of twice that, and do not wait much longer than it takes."""


class _Lane(ThreadedTaskDispatcher):
    """Threads with a queue before them."""

    queue: deque[Any]

    def __init__(self, threads: int) -> None:
        super().__init__()
        self.set_thread_count(threads)

    def waiting(self) -> int:
        """How many requests no thread is free for."""
        return len(self.queue) - (len(self.threads) - self.active_count)

    def overdue(self, since: float) -> list[Channel]:
        """Takes out those that have waited since then or longer."""
        with self.lock:
            count = next((at for at, channel in enumerate(self.queue) if channel.queued > since), len(self.queue))
            return [self.queue.popleft() for _ in range(count)]


class Dispatcher:
    """What waitress calls a task dispatcher. `turn` has to be called in each round of the loop."""

    def __init__(self, threads: int, places: int, clocks: Clocks) -> None:
        """`places`: how many requests may wait for a thread."""
        self._serving, self._probing = _Lane(threads), _Lane(_PROBE_THREADS)
        self._refused: deque[Channel] = deque()
        self._places, self._patience = places, clocks.thread
        self._overloaded = ApiError(
            529,
            f"the proxy is overloaded: no thread became free in time, all {threads} are busy (the limit is THREADS)",
            retry_after=_RETRY_OVERLOAD,
        )
        self._stopping: ApiError | None = None

    def stop(self, grace: float) -> None:
        """From now on nothing new is begun. `grace`: seconds that the stop may take."""
        self._stopping = ApiError(503, "the proxy is shutting down", retry_after=min(grace, _RETRY_STOP))

    def shutdown(self) -> None:
        for lane in (self._serving, self._probing):
            lane.shutdown(timeout=1)

    def add_task(self, channel: Channel) -> None:
        """In any thread, and within a lock of the channel's: so what the loop answers has to wait until `turn`."""
        channel.queued = time.monotonic()
        lane = self._lane(channel)
        if lane is not None:
            lane.add_task(channel)  # type: ignore[arg-type]
        else:
            self._refused.append(channel)
            channel.server.pull_trigger()

    def turn(self, now: float) -> None:
        late = self._serving.overdue(now - (0 if self._stopping else self._patience))
        if late and not self._stopping:
            log.warning("%d requests found no free thread in %.0f s (THREADS)", len(late), self._patience)
        for channel in late:
            channel.refuse(self._stopping or self._overloaded)
        for _ in range(len(self._refused)):
            self._refused.popleft().refuse()

    def _lane(self, channel: Channel) -> _Lane | None:
        """None where the request is refused, which stands in its `error` then."""
        request: Any = channel.requests[0]
        if request.error is not None:
            return None
        # A probe behind an answer that is not taken could block its thread as that answer does.
        if request.path in (OPEN_PATHS if self._stopping is None else (_HEALTH,)) and not channel.total_outbufs_len:
            return self._probing
        if self._stopping is not None:
            request.error = Refused(self._stopping)
        elif self._serving.waiting() >= self._places:
            request.error = Refused(self._overloaded)
        else:
            return self._serving
        return None
