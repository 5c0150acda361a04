"""What the usage database has of the last days, for a page that waits for no database.

It is read in a thread of its own, and only while somebody looks.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from proxy.usage.tally import Tally

DAYS = 30
"""Today and those before it."""
_FRESH = 30.0
"""Seconds for which what was read is not read again."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Past:
    """`days`: for each day and target; empty as long as nothing is read. `problem`: why the database was not read."""

    days: tuple[Tally, ...] = ()
    problem: str = ""


class History:
    """Safe to share between threads."""

    def __init__(self, url: str | None) -> None:
        """`url`: as for `Store.open`."""
        self._url = url
        self._lock = threading.Lock()
        self._due = 0.0
        self._past = Past()
        self._tried = threading.Event()

    def past(self, patience: float) -> Past:
        """What was read last; for the first time it waits `patience` seconds at most. Has old news read anew."""
        with self._lock:
            if time.monotonic() >= self._due:
                self._due = float("inf")
                threading.Thread(target=self._read, name="usage-history", daemon=True).start()
        self._tried.wait(patience)
        return self._past

    def _read(self) -> None:
        try:
            self._past = Past(self._days())
        except Exception as error:
            # Its words may hold the address, which may hold a password.
            kind = type(getattr(error, "orig", None) or error).__name__
            log.debug("USAGE_DB: reading failed: %s", kind)
            self._past = Past(self._past.days, kind)
        finally:
            self._due = time.monotonic() + _FRESH
            self._tried.set()

    def _days(self) -> tuple[Tally, ...]:
        from proxy.usage.store import Store, missing_file  # SQLAlchemy would delay every start

        if missing_file(self._url) is not None:
            return ()
        store = Store.open(self._url)
        try:
            return tuple(store.days((datetime.now() - timedelta(days=DAYS - 1)).date().isoformat()))
        finally:
            store.close()
