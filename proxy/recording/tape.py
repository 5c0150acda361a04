"""What is heard of one request while it is answered: in memory, as it is, and bounded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from proxy.models.habits import Habits
from proxy.models.routing import Route
from proxy.providers.call import is_cancelled
from proxy.providers.tap import Reply, Sent
from proxy.settings.config import Config
from proxy.usage.record import Record

SIZE_MAX = 16 * 1024 * 1024
"""Bytes of one recording as they are; what is more is left out."""
ATTEMPTS_MAX = 50
_POLL = 0.02
"""Seconds."""

Ending = Literal["", "end", "closed", "cancelled", "failed"]
"""Of an upstream's answer: nothing yet, its own end, the proxy had read enough, the proxy gave up, it broke off."""

Pieces = list[tuple[float, bytes]]
"""Bytes as they came, each with the seconds since the request began."""


@dataclass(slots=True)
class Attempt:
    """One request to an upstream."""

    sent: Sent
    began: float
    """Seconds since the client's request."""
    status: int = 0
    """0: no answer came."""
    headers: Sequence[tuple[str, str]] = ()
    pieces: Pieces = field(default_factory=list)
    ended: Ending = ""
    error: tuple[str, str] = ("", "")
    """Kind and words of what the HTTP client raised."""


class Tape:
    """Written while the request is served and its answers are read to their end; read when all is over."""

    def __init__(
        self,
        method: str,
        path: str,
        headers: Sequence[tuple[str, str]],
        config: Config,
        habits: Mapping[tuple[str, str], Habits],
    ) -> None:
        self.method, self.path, self.headers = method, path, headers
        self.config, self.habits = config, habits
        self.time = time.time()
        self._began = time.monotonic()
        self.body = bytearray()
        self.routes: list[Route] = []
        """Who was to answer: first of all, then each one that was asked."""
        self.estimate: int | None = None
        self.record: Record | None = None
        self.attempts: list[Attempt] = []
        self.status = 0
        self.answer_headers: Sequence[tuple[str, str]] = ()
        self.emitted: Pieces = []
        self.size = 0
        """Bytes that were heard, of which no more than `SIZE_MAX` are kept."""
        self.is_cut = False
        """Whether something was left out because it was too much."""

    def routed(self, route: Route) -> None:
        self.routes.append(route)

    def estimated(self, tokens: int) -> None:
        self.estimate = tokens

    def ended(self, record: Record) -> None:
        self.record = record

    def received(self, data: bytes) -> None:
        """A piece of the client's body."""
        if self._has_room(data):
            self.body += data

    def answered(self, status: int, headers: Sequence[tuple[str, str]]) -> None:
        self.status, self.answer_headers = status, headers

    def emits(self, data: bytes) -> None:
        """A piece of the answer."""
        if self._has_room(data):
            self.emitted.append((self._now(), data))

    def exchange(self, sent: Sent, send: Callable[[], Reply]) -> Reply:
        """As `providers.tap.Tap`."""
        if len(self.attempts) >= ATTEMPTS_MAX or not self._has_room(sent.body):
            self.is_cut = True
            return send()
        attempt = Attempt(sent, self._now())
        self.attempts.append(attempt)
        try:
            reply = send()
        except Exception as error:
            self._failed(attempt, error)
            raise
        attempt.status, attempt.headers = reply.status, reply.headers
        return Reply(reply.status, reply.headers, self._heard(attempt, reply.pieces))

    def wait_for_readers(self, patience: float) -> None:
        """Until all upstreams are done with, or `patience` seconds; the answer may have ended before."""
        until = time.monotonic() + patience
        while time.monotonic() < until and not all(attempt.ended for attempt in self.attempts):
            time.sleep(_POLL)

    def _heard(self, attempt: Attempt, pieces: Iterator[bytes]) -> Iterator[bytes]:
        try:
            for piece in pieces:
                if self._has_room(piece):
                    attempt.pieces.append((self._now(), piece))
                yield piece
            attempt.ended = "end"
        except GeneratorExit:
            attempt.ended = "cancelled" if is_cancelled() else "closed"
            raise
        except Exception as error:
            self._failed(attempt, error)
            raise

    def _failed(self, attempt: Attempt, error: Exception) -> None:
        attempt.ended = "cancelled" if is_cancelled() else "failed"
        attempt.error = (type(error).__name__, str(error))

    def _has_room(self, data: bytes) -> bool:
        self.size += len(data)
        self.is_cut = self.is_cut or self.size > SIZE_MAX
        return not self.is_cut

    def _now(self) -> float:
        return time.monotonic() - self._began
