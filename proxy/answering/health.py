"""Which targets of lists rest after a failure, so that others are asked first."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import NamedTuple

from proxy.answering.cooling import Cooling
from proxy.protocol.errors import RETRY_AFTER_MAX, ApiError
from proxy.providers.base import Exchange
from proxy.providers.common.failures import others_may_answer

log = logging.getLogger(__name__)


class Resting(NamedTuple):
    """A target that is not asked `until` then, by the monotonic clock, and what its last failure was."""

    target: str
    until: float
    status: int
    error: str
    """The type of the error."""


class Health:
    """Which targets of lists rest, and with what they failed; safe to share between threads."""

    def __init__(self) -> None:
        self._resting: Cooling[str] = Cooling()
        self._errors: dict[str, ApiError] = {}

    def ready(self, exchanges: Sequence[Exchange]) -> list[Exchange]:
        """Those whose target may be asked now; one that has no stand-ins always may."""
        return [each for each in exchanges if not each.has_stand_ins or not self._resting.left(each.route.target)]

    def is_passed_over(self, exchange: Exchange, error: ApiError) -> bool:
        """Takes in that a target failed. Whether others may answer in its place; it rests then."""
        if not exchange.has_stand_ins or not others_may_answer(error.status):
            return False
        target = exchange.route.target
        self._errors[target] = error
        seconds = self._resting.failed(target, error.wait)
        log.warning("%s rests for %.0f s: %d %s", target, seconds, error.status, error.type)
        return True

    def answered(self, exchange: Exchange) -> None:
        self._resting.answered(exchange.route.target)

    def resting(self) -> list[Resting]:
        """All that rest now."""
        errors = self._errors
        return [
            Resting(target, until, errors[target].status, errors[target].type)
            for target, until in self._resting.resting().items()
        ]

    def error(self, exchanges: Sequence[Exchange]) -> ApiError:
        """For a list whose targets all rest: the error of the first that failed, with the shortest wait."""
        targets = [exchange.route.target for exchange in exchanges]
        first = next(self._errors[target] for target in targets if target in self._errors)
        wait = max(1, math.ceil(min(map(self._resting.left, targets))))
        error = ApiError(first.status, first.message, should_retry=True, details=first.details)
        error.retry_after = wait if wait <= RETRY_AFTER_MAX else None
        return error
