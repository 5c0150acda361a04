"""Records to try things with, and a ledger that keeps those of a running proxy."""

from __future__ import annotations

import threading
from typing import Any

from proxy.usage.ledger import Ledger
from proxy.usage.record import MESSAGES, Record
from proxy.web.ledger import use_ledger
from tests.web.serving import PATIENCE, Proxy

NOON = 1_796_040_000.0
"""Noon of 2026-11-30, give or take the hours of a time zone."""


def record(id: str = "req_1", **fields: Any) -> Record:
    """That of an answered request; `fields` replace its own."""
    usual: dict[str, Any] = {
        "time": NOON,
        "id": id,
        "what": MESSAGES,
        "role": "main",
        "model": "claude-opus-5-5",
        "target": "gemini/gemini-3.8-flash",
        "reason": "BIG_MODEL",
        "session": "0123456789ab",
        "status": 200,
        "streamed": True,
        "seconds": 3.21,
        "first_byte": 0.84,
        "tokens_in": 18195,
        "tokens_cached": 17000,
        "tokens_cache_write": 0,
        "tokens_out": 230,
        "tools": 24,
        "cost": 0.0123,
        "stop_reason": "end_turn",
        "notes": "",
        "error": "",
        "outcome": "",
    }
    return Record(**{**usual, **fields})


class Kept(Ledger):
    """Keeps the records; the answer may be with the client before its record is here."""

    def __init__(self) -> None:
        super().__init__()
        self._records: list[Record] = []
        self._came = threading.Condition()

    def add(self, record: Record) -> None:
        super().add(record)
        with self._came:
            self._records.append(record)
            self._came.notify()

    def take(self) -> Record:
        """The next record."""
        with self._came:
            assert self._came.wait_for(lambda: self._records, PATIENCE)
            return self._records.pop(0)


def kept(proxy: Proxy) -> Kept:
    """Has the records of a running proxy kept."""
    ledger = Kept()
    use_ledger(proxy.app, ledger)
    return ledger
