"""What requests to one target have used within a span of time: the value from which plots and sums are made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from proxy.usage.record import Record


@dataclass(frozen=True, slots=True)
class Tally:
    start: float
    """When the span began, in seconds since 1970; of a day, its local midnight."""
    target: str
    """Vendor and model; empty where nobody was found to answer."""
    requests: int
    failed: int
    """Those that ended with an error, or were cut off by one."""
    unpriced: int
    """Those that used tokens of which no price is known."""
    tokens_in: int
    """All tokens of input, cached ones included."""
    tokens_cached: int
    tokens_out: int
    cost: float
    """USD, as far as prices are known."""
    begun: int
    """Requests whose answer has begun."""
    waited: float
    """Seconds until then, of all of these together."""

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out

    @property
    def first_byte(self) -> float | None:
        """Seconds, in the mean."""
        return self.waited / self.begun if self.begun else None


def tally_of(record: Record) -> Tally:
    """That of one request."""
    return Tally(
        start=record.time,
        target=record.target,
        requests=1,
        failed=int(record.has_failed),
        unpriced=int(record.cost is None and bool(record.tokens_in)),
        tokens_in=record.tokens_in or 0,
        tokens_cached=record.tokens_cached or 0,
        tokens_out=record.tokens_out or 0,
        cost=record.cost or 0.0,
        begun=int(record.first_byte is not None),
        waited=record.first_byte or 0.0,
    )


def by_target(tallies: Iterable[Tally]) -> list[Tally]:
    """One for each target: those with most tokens first."""
    sums: dict[str, Tally] = {}
    for each in tallies:
        sums[each.target] = _sum(sums[each.target], each) if each.target in sums else each
    return sorted(sums.values(), key=lambda each: (-each.tokens, -each.requests, each.target))


def midnight(day: str) -> float:
    """The local beginning of a day such as "2026-11-29", in seconds since 1970."""
    first = date.fromisoformat(day)
    return datetime(first.year, first.month, first.day).timestamp()


def _sum(one: Tally, other: Tally) -> Tally:
    return Tally(
        start=min(one.start, other.start),
        target=one.target,
        requests=one.requests + other.requests,
        failed=one.failed + other.failed,
        unpriced=one.unpriced + other.unpriced,
        tokens_in=one.tokens_in + other.tokens_in,
        tokens_cached=one.tokens_cached + other.tokens_cached,
        tokens_out=one.tokens_out + other.tokens_out,
        cost=one.cost + other.cost,
        begun=one.begun + other.begun,
        waited=one.waited + other.waited,
    )
