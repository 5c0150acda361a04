"""What a connection waits for from its client, since when, and who has to go first where connections run short.

    waits for           began                                           limit
    ------------------  ----------------------------------------------  --------------------------------
    the first head      the accept                                      `head`
    a further request   the last answer                                 `idle`
    the rest of a head  its first byte, or the last answer if later     `head`
    the rest of a body  each span in which it has brought enough        `body_least` bytes within `body`

A byte now and then moves none of these clocks, and neither do blank lines. A connection with a complete request waits
for nothing from its client.
"""

from __future__ import annotations

from waitress.parser import HTTPRequestParser

from proxy.server.clocks import Clocks

_YOUNG = 1.0
"""Seconds in which a connection may still be about to send its request, whatever it looks like."""
_IDLE, _HEAD, _BODY = range(3)


class Progress:
    """Of one connection. `request` is always that of which not all has come yet; all times are monotonic."""

    def __init__(self, now: float) -> None:
        self._head: float | None = now
        """When the head began that is not complete yet."""
        self._rested = now
        self._received = 0
        self._body: HTTPRequestParser | None = None
        self._body_began = now
        self._span, self._span_received = now, 0

    def took(self, size: int, request: HTTPRequestParser | None, complete: bool, now: float) -> None:
        """So many bytes have come. `complete`: a whole request is there as well."""
        self._received += size
        if request is not None and request.headers_finished and request is not self._body:
            self._body, self._body_began = request, now
            self._span, self._span_received = now, self._received
        if complete or (request is not None and request.headers_finished):
            self._head = None
        elif self._head is None:
            self._head = now

    def answered(self, now: float) -> None:
        self._rested = self._span = now
        self._span_received = self._received

    def rests(self, request: HTTPRequestParser | None) -> bool:
        """Whether the client has had its answers and has begun nothing else."""
        return request is None and self._head is None

    def overdue(self, request: HTTPRequestParser | None, clocks: Clocks, now: float) -> bool:
        """Whether the client has had its time. Has to be asked again and again, since a body is measured by spans."""
        if request is not None and request.headers_finished:
            return self._stalls(clocks, now)
        return now - self._since() > (clocks.idle if self.rests(request) else clocks.head)

    def rank(self, request: HTTPRequestParser | None, clocks: Clocks, now: float) -> tuple[bool, int, float]:
        """The least is to go first: who has begun nothing, then heads, both by age, then bodies by their pace.

        Young ones come last, by age alone: else a crowd of slow senders would turn every newcomer out.
        """
        if now - self._since() < _YOUNG:
            return True, 0, self._since()
        if request is None:
            return False, _IDLE, self._since()
        if not request.headers_finished:
            return False, _HEAD, self._since()
        seconds = max(now - self._body_began, clocks.tick)
        return False, _BODY, (request.body_bytes_received + clocks.body_least) / seconds

    def _since(self) -> float:
        return self._rested if self._head is None else self._head

    def _stalls(self, clocks: Clocks, now: float) -> bool:
        if now - self._span < clocks.body:
            return False
        if self._received - self._span_received < clocks.body_least:
            return True
        self._span, self._span_received = now, self._received
        return False
