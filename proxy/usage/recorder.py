"""Writes records to the usage database in a thread of its own, so that no request waits for it.

What the database does not take is kept and tried again, up to a number; a warning says so, once until it works again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from proxy.usage.record import Record

if TYPE_CHECKING:
    from proxy.usage.store import Store

_WAITING_MAX = 10_000
"""Records, some 10 MB. With a database that works a few wait."""
_BATCH = 500
_LINGER = 0.2
"""Seconds between the first record of a batch and its transaction."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Seconds after a failure until the next try; doubled each time."""
_LAST_PAUSE = 0.2
"""Seconds between two tries of a recorder that is to end."""
_NO_FILE = "unable to open database file"
"""All that SQLite says where a directory is missing or must not be written to."""
CLOSE_PATIENCE = 8.0
"""Seconds in which what waits at the end must be written."""

log = logging.getLogger(__name__)


class Recorder:
    """Works from the moment it is made until `close`."""

    def __init__(self, url: str | None, on_open: Callable[[Store], None]) -> None:
        """`url`: as for `Store.open`. `on_open` gets the open database once, before anything is written."""
        self._url = url
        self._on_open = on_open
        self._store: Store | None = None
        self._records: deque[Record] = deque()
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._until = float("inf")
        self._failing = self._is_full = False
        self.lost = 0
        """Records for which there was no room, or no time at the end."""
        self._tried = threading.Event()
        self._thread = threading.Thread(target=self._run, name="usage-recorder", daemon=True)
        self._thread.start()

    def add(self, record: Record) -> None:
        """Never waits and never fails."""
        with self._changed:
            if len(self._records) < _WAITING_MAX:
                self._records.append(record)
                self._changed.notify()
                return
            self.lost += 1
            first, self._is_full = not self._is_full, True
        if first:
            log.warning(
                "USAGE_DB: %d records wait for the database; until it takes them, others are lost", _WAITING_MAX
            )

    def wait_until_tried(self, patience: float) -> bool:
        """Whether the database was opened, or has failed to open, within `patience` seconds."""
        return self._tried.wait(patience)

    def close(self, patience: float = CLOSE_PATIENCE) -> None:
        """Returns when all is written, or after `patience` seconds."""
        self._until = time.monotonic() + patience
        self._closing.set()
        with self._changed:
            self._changed.notify()
        self._thread.join(patience + 1)
        with self._changed:
            self.lost += len(self._records)
            self._records.clear()
        if self.lost:
            log.warning("USAGE_DB: %d records of requests were not written", self.lost)

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            if self._works():
                pause = _FIRST_PAUSE
                if not self._wait_for_records():
                    break
            elif not self._closing.is_set():
                self._closing.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            elif self._records and time.monotonic() < self._until:
                time.sleep(_LAST_PAUSE)
            else:
                break
        if self._store is not None:
            self._store.close()

    def _wait_for_records(self) -> bool:
        """Whether there are any; False at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._records or self._closing.is_set())
            if not self._records:
                return False
        self._closing.wait(_LINGER)
        return True

    def _works(self) -> bool:
        """Whether the database is open and has taken what has waited."""
        try:
            if self._store is None:
                self._store = self._opened()
            while self._write_batch(self._store):
                pass
        except Exception as error:
            if not self._failing:
                log.warning("USAGE_DB: the database cannot be used, requests go on: %s", words_of(error))
            self._failing = True
            return False
        finally:
            self._tried.set()
        self._failing = self._is_full = False
        return True

    def _opened(self) -> Store:
        from proxy.usage.store import Store  # SQLAlchemy takes long to import, and only this thread can wait for it

        store = Store.open(self._url)
        try:
            self._on_open(store)
        except BaseException:
            store.close()
            raise
        return store

    def _write_batch(self, store: Store) -> bool:
        """Whether there was one. It leaves the queue when it is written."""
        with self._changed:
            batch = [self._records[at] for at in range(min(_BATCH, len(self._records)))]
        if not batch:
            return False
        store.add(batch)
        with self._changed:
            for _ in batch:
                self._records.popleft()
        return True


def words_of(error: Exception) -> str:
    """The driver's own words, without SQLAlchemy's: those hold the whole statement."""
    cause = getattr(error, "orig", None) or error
    first, *_ = str(cause).splitlines() or [""]
    remedy = "; make its directory, and let the proxy write there" if first == _NO_FILE else ""
    return f"{type(cause).__name__}: {first[:300]}{remedy}"
