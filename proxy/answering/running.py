"""The answers that are being given right now, so that a stopping server can wait for them or end them, and a page can
show them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from proxy.answering.pump import Pump


@dataclass(frozen=True, slots=True)
class Answering:
    """A request that is being answered: what is known of it so far. As in its record, without any content."""

    time: float
    """When it began, in seconds since 1970."""
    id: str
    what: str
    role: str
    model: str
    target: str
    first_byte: float | None


class Running:
    """Pumps, safe to share between threads; `len()` is the number of running answers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pumps: dict[Pump[Any], Callable[[], Answering]] = {}
        self.stopping = False
        """Whether the server begins no more answers."""

    def __len__(self) -> int:
        return len(self._pumps)

    def add(self, pump: Pump[Any], about: Callable[[], Answering]) -> None:
        """`about` says, in any thread, of which request it is."""
        with self._lock:
            self._pumps[pump] = about

    def remove(self, pump: Pump[Any]) -> None:
        with self._lock:
            self._pumps.pop(pump, None)

    def answers(self) -> list[Answering]:
        """The requests that are being answered, oldest first; several pumps may work for one."""
        with self._lock:
            asked = list(self._pumps.values())
        found = {answer.id: answer for answer in (about() for about in asked)}
        return sorted(found.values(), key=lambda answer: (answer.time, answer.id))

    def cancel_all(self) -> None:
        """Ends every running answer with an error event that says why."""
        with self._lock:
            pumps = list(self._pumps)
        for pump in pumps:
            pump.stop("the proxy is shutting down")
