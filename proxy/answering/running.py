"""The answers that are being given right now, so that a stopping server can wait for them or end them."""

from __future__ import annotations

import threading
from typing import Any

from proxy.answering.pump import Pump


class Running:
    """A set of pumps, safe to share between threads; `len()` is the number of running answers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pumps: set[Pump[Any]] = set()
        self.stopping = False
        """Whether the server begins no more answers."""

    def __len__(self) -> int:
        return len(self._pumps)

    def add(self, pump: Pump[Any]) -> None:
        with self._lock:
            self._pumps.add(pump)

    def remove(self, pump: Pump[Any]) -> None:
        with self._lock:
            self._pumps.discard(pump)

    def cancel_all(self) -> None:
        """Ends every running answer with an error event that says why."""
        with self._lock:
            pumps = list(self._pumps)
        for pump in pumps:
            pump.stop("the proxy is shutting down")
