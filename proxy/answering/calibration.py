"""By how much estimates of input tokens are off, learned from the counts that upstreams report."""

from __future__ import annotations

import statistics
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence

from proxy.protocol.deltas import Delta, Usage, merged
from proxy.tokens.output import count_output

_MODELS = 256
_REMEMBERED = 15
_LEARNED_MIN = 500
"""Tokens. Of less, what every request costs besides its content is too large a part."""
_BOUNDS = (0.25, 4.0)
_SURE_OF_UNKNOWN = 0.7
_SURE_OF_KNOWN = 0.9


class Calibration:
    """Learns for each model.

    The median of the latest ratios counts, so that a request of an odd kind changes little. Kept in memory, of the
    latest models; safe to share between threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ratios: OrderedDict[str, deque[float]] = OrderedDict()

    def learn(self, model: str, estimated: int, true: int) -> None:
        """A request was `estimated` at so many input tokens and had `true` of them, those from caches included."""
        if estimated < _LEARNED_MIN or true <= 0:
            return
        low, high = _BOUNDS
        with self._lock:
            ratios = self._ratios.setdefault(model, deque(maxlen=_REMEMBERED))
            ratios.append(min(max(true / estimated, low), high))
            self._ratios.move_to_end(model)
            if len(self._ratios) > _MODELS:
                self._ratios.popitem(last=False)

    def knows(self, model: str) -> bool:
        """Whether the model's server has ever reported its input tokens."""
        return self._ratio(model) is not None

    def corrected(self, model: str, estimated: int) -> int:
        """The estimate as it should have been, at least 1."""
        return max(1, round(estimated * (self._ratio(model) or 1)))

    def at_least(self, model: str, estimated: int) -> int:
        """What the request surely has: no client should be refused for an error of ours.

        What was learned never makes that more than was estimated; it may come from requests of another kind.
        """
        if self._ratio(model) is None:
            return round(estimated * _SURE_OF_UNKNOWN)
        return min(round(self.corrected(model, estimated) * _SURE_OF_KNOWN), estimated)

    def forget(self, model: str) -> None:
        """Another model goes by this name now."""
        with self._lock:
            self._ratios.pop(model, None)

    def _ratio(self, model: str) -> float | None:
        with self._lock:
            ratios = self._ratios.get(model)
            return statistics.median(ratios) if ratios else None


def learn_input(batches: Iterator[Sequence[Delta]], learn: Callable[[int], None]) -> Iterator[Sequence[Delta]]:
    """Passes an answer on, with a count of the output where none is reported.

    When it is complete, `learn` gets the input tokens that it reported, cached ones included. Nothing is to be learned
    from a search, whose results count as input.
    """
    reported = Usage()
    for batch in count_output(batches):
        for delta in batch:
            if isinstance(delta, Usage):
                reported = merged(reported, delta)
        yield batch
    if not reported.web_searches:
        learn((reported.input or 0) + (reported.cache_read or 0) + (reported.cache_write or 0))
