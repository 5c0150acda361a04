"""Who answers a whole request, and when.

request                                     answered by
------------------------------------------  ------------------------------------------------------------
malformed, too large, a stranger's          the loop, at once
`/health`, `/api/hello`, a program's `/`    one of two threads that are kept for them
any other but /health, in a stop            the loop, at once: 503
any other                                   the next free thread, first come, first served; few begin at a time
that has waited too long, or too many wait  the loop: 529
"""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import Any, cast

from proxy.protocol.errors import ApiError
from proxy.server.clocks import Clocks
from proxy.server.connections import Channel
from proxy.server.pool import Pool
from proxy.server.refusals import Refused
from proxy.web.access import OPEN_PATHS, PAGE

log = logging.getLogger(__name__)

_HEALTH = "/health"
_PROBE_THREADS = 2
_AT_A_TIME = 2
"""Requests that begin in one round of the loop. A request costs most at its beginning, and the loop has to share the
interpreter with all that begin: with hundreds at once, it would come to nothing else for seconds, /health included."""
_RETRY_OVERLOAD = 5
"""Seconds. A thread becomes free when an answer ends, and many take no longer."""
_RETRY_STOP = 10
"""Seconds at most. SDKs repeat twice, so they bear a stop of twice that, and do not wait much longer than it takes."""


class Dispatcher:
    """What waitress calls a task dispatcher. `turn` has to be called in each round of the loop."""

    def __init__(self, threads: int, places: int, clocks: Clocks) -> None:
        """`places`: how many requests may wait for a thread."""
        self._serving, self._probing = Pool("serving", threads), Pool("probing", _PROBE_THREADS)
        self._arrived: deque[Channel] = deque()
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
        for pool in (self._serving, self._probing):
            pool.close(timeout=1)

    def add_task(self, channel: Channel) -> None:
        """In any thread, and within a lock of the channel's: so the rest has to wait until `turn`. waitress wakes the
        loop for it."""
        request: Any = channel.requests[0]
        channel.queued = time.monotonic()
        # A probe behind an answer that is not taken could block its thread as that answer does.
        if self._is_probe(request) and not channel.total_outbufs_len:
            self._probing.add(channel)
        elif request.error is None:
            self._arrived.append(channel)
        else:
            self._refused.append(channel)

    @property
    def hurries(self) -> bool:
        """Whether the next `turn` should come at once."""
        return bool(self._arrived)

    def turn(self, now: float) -> None:
        late = self._serving.overdue(now - (0 if self._stopping else self._patience))
        if late and not self._stopping:
            log.warning("%d requests found no free thread in %.0f s (THREADS)", len(late), self._patience)
        for channel in late:
            self._refuse(channel)
        self._begin()
        for _ in range(len(self._refused)):
            channel = self._refused.popleft()
            if channel.total_outbufs_len:
                self._refused.append(channel)  # its last answer goes first; writing must not block the loop
            else:
                channel.service()

    def _begin(self) -> None:
        begun = 0
        while self._arrived and begun < _AT_A_TIME:
            channel = self._arrived.popleft()
            if self._stopping or self._serving.waiting >= self._places:
                self._refuse(channel)
            else:
                self._serving.add(channel)
                begun += not self._serving.waiting

    def _refuse(self, channel: Channel) -> None:
        cast(Any, channel.requests[0]).error = Refused(self._stopping or self._overloaded)
        self._refused.append(channel)

    def _is_probe(self, request: Any) -> bool:
        if request.error is not None or request.path not in OPEN_PATHS:
            return False
        if self._stopping:
            return bool(request.path == _HEALTH)
        # The status page is so large that who takes it slowly could block the thread.
        return request.path != PAGE or "text/html" not in request.headers.get("ACCEPT", "")
