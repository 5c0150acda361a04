"""What failed rests for a while: a target of a list, a key of a pool. Kept in memory, for this process alone."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

_FIRST_REST = 15.0
"""Seconds; each further failure in a row doubles it."""
_LONGEST_REST = 300.0
_LONGEST_WISH = 86_400.0
"""Seconds that are believed of a server which says itself how long it wants to be left alone."""
_REMEMBERED = 1024

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class _Rest:
    until: float
    pause: float
    """Seconds of the rest that this one is, had the server said nothing."""


class Cooling(Generic[Name]):
    """Who rests until when; safe to share between threads. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._rests: OrderedDict[Name, _Rest] = OrderedDict()

    def failed(self, name: Name, wish: float | None = None) -> float:
        """Seconds that it rests from now on: `wish`, which the server has said, or else longer each time."""
        now = self._clock()
        with self._lock:
            last = self._rests.pop(name, None)
            pause = _FIRST_REST
            if last is not None:
                # Requests that ran at the same time fail together; that is one failure.
                pause = last.pause if last.until > now else min(2 * last.pause, _LONGEST_REST)
            length = pause if wish is None else min(max(wish, 1.0), _LONGEST_WISH)
            self._rests[name] = _Rest(now + length, pause)
            if len(self._rests) > _REMEMBERED:
                self._rests.popitem(last=False)
        return length

    def answered(self, name: Name) -> None:
        """Its failures are forgotten."""
        if name in self._rests:
            with self._lock:
                self._rests.pop(name, None)

    def resting(self) -> dict[Name, float]:
        """Who rests now, and until when by the clock."""
        now = self._clock()
        with self._lock:
            return {name: rest.until for name, rest in self._rests.items() if rest.until > now}

    def left(self, name: Name) -> float:
        """Seconds for which it still rests; 0 for who may be asked."""
        with self._lock:
            rest = self._rests.get(name)
        return max(0.0, rest.until - self._clock()) if rest is not None else 0.0
