"""What a process writes down of its requests, and what it knows of the money: budgets are held to it."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING

from proxy.protocol.errors import ApiError
from proxy.usage.history import History, Past
from proxy.usage.record import MESSAGES, Record, dollars
from proxy.usage.recorder import CLOSE_PATIENCE, Recorder

if TYPE_CHECKING:
    from proxy.usage.store import Store

_LOAD_PATIENCE = 5.0
"""Seconds that the first requests with a budget wait for what was spent before the start."""
_MAX_TARGETS = 256
_DAYS_MAX = 100
"""Days of which it is known what they cost. More than a month has: a clock that was ahead must not make it forget."""
RECENT = 200
"""Records that are kept in memory."""

log = logging.getLogger(__name__)


class Ledger:
    """Safe to share between threads. Without a database it knows only of its own time."""

    def __init__(self, url: str | None = "off", clock: Callable[[], float] = time.time) -> None:
        """`url`: as in the setting USAGE_DB; None where it is not set."""
        self._clock = clock
        self._lock = threading.Lock()
        self._costs: dict[str, float] = {}
        self._unpriced: set[str] = set()
        self._has_budget = self._has_waited = False
        self._recent: deque[Record] = deque(maxlen=RECENT)
        self._history = None if url == "off" else History(url)
        self._recorder = None if url == "off" else Recorder(url, self._load)

    def close(self, patience: float = CLOSE_PATIENCE) -> None:
        """What is still to be written is written first, in `patience` seconds at most."""
        if self._recorder is not None:
            self._recorder.close(patience)

    def add(self, record: Record) -> None:
        """Takes a finished request; never waits and never fails. Requests to no model are in no sum."""
        if record.what == MESSAGES:
            with self._lock:
                self._recent.append(record)
        if not record.is_message:
            return
        self._count(record.day, record.cost or 0.0)
        if record.cost is None and record.tokens_in:
            self._warn_of(record.target)
        if self._recorder is not None:
            self._recorder.add(record)

    def recent(self) -> tuple[Record, ...]:
        """The last requests for messages, those included that named no model; oldest first."""
        with self._lock:
            return tuple(self._recent)

    def past(self, patience: float = 0.0) -> Past | None:
        """What the database has of the last days (see `History.past`); None without a database."""
        return None if self._history is None else self._history.past(patience)

    def spent(self) -> tuple[float, float]:
        """USD: today, and this month."""
        today = self._today().isoformat()
        with self._lock:
            costs = self._costs.items()
            return self._costs.get(today, 0.0), sum(cost for day, cost in costs if day[:7] == today[:7])

    def check(self, daily: float | None, monthly: float | None) -> None:
        """Raises ApiError (402) where a budget, in USD, is used up."""
        if daily is None and monthly is None:
            return
        self._has_budget = True
        if self._recorder is not None and not self._has_waited:
            self._recorder.wait_until_tried(_LOAD_PATIENCE)
            self._has_waited = True
        today, month = self.spent()
        if monthly is not None and month >= monthly:
            raise _used_up("MONTHLY_BUDGET_USD", monthly, month, "this month", "when the next month begins")
        if daily is not None and today >= daily:
            raise _used_up("DAILY_BUDGET_USD", daily, today, "today", "after midnight")

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock()).date()

    def _load(self, store: Store) -> None:
        """Adds what was spent before. Nothing of this process is in the database yet."""
        for day, cost in store.costs(self._today().replace(day=1).isoformat()).items():
            self._count(day, cost)

    def _count(self, day: str, cost: float) -> None:
        with self._lock:
            self._costs[day] = self._costs.get(day, 0.0) + cost
            if len(self._costs) > _DAYS_MAX:
                del self._costs[min(self._costs)]

    def _warn_of(self, target: str) -> None:
        with self._lock:
            if not self._has_budget or target in self._unpriced or len(self._unpriced) >= _MAX_TARGETS:
                return
            self._unpriced.add(target)
        log.warning(
            "%s: its price is not known, so that it counts as free in the budget; an entry of custom_models.yaml may "
            "have a price: {input: ..., output: ...}",
            target,
        )


def _used_up(variable: str, budget: float, spent: float, span: str, end: str) -> ApiError:
    words = (
        f"{variable}: the budget of {_amount(budget)} is used up, {_amount(spent)} were spent {span}. Requests are "
        f"answered again {end}, or when {variable} is raised or removed where the proxy runs"
    )
    log.warning("%s", words)
    return ApiError(402, words, should_retry=False)


def _amount(usd: float) -> str:
    return f"${usd:.2f}" if usd >= 0.01 else dollars(usd)
