"""Which key of a pool is used: a conversation stays with one as long as that is good, so that prompt caches hold."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence

from proxy.answering.cooling import Cooling
from proxy.protocol.errors import ApiError
from proxy.providers.base import Exchange
from proxy.providers.common.failures import Failure
from proxy.providers.common.words import kind_of

_KEYS_FAULT = ("key", "money", "rate_limit")
"""Kinds of refusals that another key may not get."""
_KEYS_FAULT_STATUSES = (401, 402, 429)

log = logging.getLogger(__name__)


class KeyPools:
    """The keys that rest, by server; safe to share between threads."""

    def __init__(self) -> None:
        self._resting: Cooling[tuple[str, str]] = Cooling()

    def resting(self) -> dict[str, list[float]]:
        """By server, when the rests of its keys end by the monotonic clock: one number for each key that rests."""
        ends: dict[str, list[float]] = {}
        for (server, _), until in self._resting.resting().items():
            ends.setdefault(server, []).append(until)
        return ends

    def choice(self, server: str, keys: Sequence[str], exchange: Exchange) -> KeyChoice:
        """The key for one request. `server` is its base URL."""
        if len(keys) > 1:
            conversation = _conversation(exchange)
            keys = sorted(keys, key=lambda key: hashlib.sha256(f"{conversation} {key}".encode()).digest())
        return KeyChoice(server, keys, self._resting)


class KeyChoice:
    """The key that one request is sent with: `value`, None where there is none."""

    def __init__(self, server: str, keys: Sequence[str], resting: Cooling[tuple[str, str]]) -> None:
        """`keys` in the order in which they are to be tried; one that rests is used only where all do."""
        self._server = server
        self._keys = keys
        self._resting = resting
        self.value = self._best()

    def changed(self, failure: Failure | ApiError) -> bool:
        """Whether the request is worth sending again, with what is the key by now: that was at fault, and it rests."""
        if self.value is None or len(self._keys) < 2 or not _is_keys_fault(failure):
            return False
        wish = failure.wait if isinstance(failure, ApiError) else failure.retry_after
        seconds = self._resting.failed((self._server, self.value), wish)
        status, count = failure.status, len(self._keys)
        log.warning("%s: one of %d keys rests for %.0f s (status %d)", self._server, count, seconds, status)
        self.value = self._best()
        return self._left(self.value) == 0

    def answered(self) -> None:
        if self.value is not None:
            self._resting.answered((self._server, self.value))

    def _best(self) -> str | None:
        return min(self._keys, key=self._left, default=None)

    def _left(self, key: str | None) -> float:
        return self._resting.left((self._server, key)) if key is not None else 0.0


def _is_keys_fault(failure: Failure | ApiError) -> bool:
    if isinstance(failure, ApiError):
        return failure.status in _KEYS_FAULT_STATUSES
    return kind_of(failure) in _KEYS_FAULT


def _conversation(exchange: Exchange) -> str:
    """What names the conversation: the session, or else what all its requests begin with."""
    if exchange.session:
        return exchange.session
    first = exchange.request.messages[:1]
    return str(hash((tuple(map(repr, exchange.request.system)), tuple(map(repr, first)))))
