"""The input tokens of a request: estimated here and corrected by what is known of the model, or counted upstream."""

from __future__ import annotations

import functools
import logging

from proxy.answering.attempts import Attempts
from proxy.answering.calibration import Calibration
from proxy.answering.pump import Pump
from proxy.answering.timing import Timing
from proxy.models.routing import Route
from proxy.protocol.errors import ApiError, prompt_too_long
from proxy.protocol.request import MessagesRequest
from proxy.providers.base import Exchange
from proxy.providers.call import Call
from proxy.tokens.request import estimate

log = logging.getLogger(__name__)


class Estimate:
    """Of one request for one model."""

    def __init__(self, request: MessagesRequest, route: Route, calibration: Calibration) -> None:
        self._request = request
        self._route = route
        self._calibration = calibration

    @functools.cached_property
    def _raw(self) -> int:
        """Without correction. It takes milliseconds, so who has something to wait for does that first."""
        return estimate(self._request)

    @property
    def tokens(self) -> int:
        return self._calibration.corrected(self._route.target, self._raw)

    def learn(self, true: int) -> None:
        """Takes in what the upstream counted, 0 if it reported nothing; safe in any thread."""
        self._calibration.learn(self._route.target, self._raw, true)

    def check_window(self, body_size: int) -> None:
        """Spares the upstream what it would refuse. `body_size` in bytes, of which a token of text has at least one.

        Raises ApiError (400) if the model cannot take so much.
        """
        window = self._route.facts.context_window
        if window is None or body_size <= window:
            return
        if self._calibration.at_least(self._route.target, estimate(self._request, surely=True)) > window:
            raise prompt_too_long(max(self.tokens, window + 1), window)

    def fits(self, body_size: int) -> bool:
        """Whether the model probably takes so much; `body_size` as above."""
        window = self._route.facts.context_window
        return window is None or body_size <= window or self.tokens <= window


def counted_upstream(exchange: Exchange, attempts: Attempts, timing: Timing) -> int | None:
    """What the upstream counts; None where it cannot, does not answer in time or fails."""
    call = Call()
    pump: Pump[int | None] = Pump(
        lambda: [[attempts.count(exchange, call)]], call, timing=timing, idle_limit=timing.count_patience
    )
    try:
        pump.start()
        counts = [count for batch in pump for count in batch or ()]  # to its end, or its connection would be given up
        return counts[0]
    except ApiError as error:
        log.info("%s did not count tokens: %d %s", exchange.route.target, error.status, error.type)
        return None
    finally:
        pump.close()
