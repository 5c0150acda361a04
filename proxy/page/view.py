"""A snapshot -> what the sections of the page are made of. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from proxy.page import plots, scales, words
from proxy.page.plots import Plot, Span
from proxy.page.snapshot import Backend, Snapshot
from proxy.usage.history import DAYS
from proxy.usage.record import Record
from proxy.usage.tally import Tally, by_target, tally_of


@dataclass(frozen=True, slots=True)
class Model:
    """A line of the sums by model; what each bar shows is a part of the most that any model has, 0 to 1."""

    tally: Tally
    tokens: float
    cost: float
    first_byte: float


@dataclass(frozen=True, slots=True)
class Period:
    plots: tuple[Plot, ...]
    models: tuple[Model, ...]


@dataclass(frozen=True, slots=True)
class BackendLine:
    """A backend, and the last request that it got, if that is one of those in memory."""

    backend: Backend
    last: Record | None

    @property
    def fails(self) -> bool:
        return self.last is not None and self.last.has_failed


def state(snapshot: Snapshot) -> tuple[str, bool]:
    """The health of all backends in a sentence, and whether all is well."""
    resting = [each.target for each in snapshot.backends if each.rests is not None]
    keys = sum(len(each.resting_keys) for each in {each.server: each for each in snapshot.backends}.values())
    said = []
    if resting:
        said.append(f"{', '.join(resting)} {'rests' if len(resting) == 1 else 'rest'} after a failure.")
    if keys:
        said.append(f"{keys} {'key rests' if keys == 1 else 'keys rest'}.")
    return " ".join(said) or "All backends may be asked.", not said


def backends(snapshot: Snapshot) -> list[BackendLine]:
    last = {record.target: record for record in snapshot.requests}
    return [BackendLine(each, last.get(each.target)) for each in snapshot.backends]


def recent(snapshot: Snapshot) -> Period | None:
    """The requests in memory; None as long as there are none."""
    records = snapshot.requests
    if not records:
        return None
    times = [record.time for record in records]
    borders = scales.pieces(min(times), max(times), snapshot.zone)
    tallies = tuple(map(tally_of, records))
    span = Span(tallies, tuple(borders), _numbered(snapshot), snapshot.zone)
    dots = [(each.time, each.target, each.first_byte) for each in records if each.first_byte is not None]
    return _period("recent", span, words.per(span.step), dots, "each request")


def past(snapshot: Snapshot) -> Period | None:
    """What the database has; None where it has nothing."""
    if snapshot.past is None or not snapshot.past.days:
        return None
    tallies = snapshot.past.days
    span = Span(tallies, tuple(scales.days(snapshot.now, DAYS, snapshot.zone)), _numbered(snapshot), snapshot.zone)
    noon = span.step / 2
    dots = [(each.start + noon, each.target, mean) for each in tallies if (mean := each.first_byte) is not None]
    return _period("past", span, "per day", dots, "mean of each day")


def _numbered(snapshot: Snapshot) -> tuple[str, ...]:
    days = snapshot.past.days if snapshot.past is not None else ()
    return plots.named([*map(tally_of, snapshot.requests), *days])


def _period(id: str, span: Span, per: str, dots: Iterable[tuple[float, str, float]], of_what: str) -> Period:
    drawn = (
        plots.stacked(f"{id}-tokens", f"Tokens {per}", span, lambda each: each.tokens, words.count, words.shorts),
        plots.stacked(f"{id}-cost", f"Cost {per}", span, lambda each: each.cost, words.money, words.prices),
        plots.scattered(f"{id}-latency", f"Time to the first byte, {of_what}", span, dots),
    )
    return Period(drawn, tuple(_models(by_target(span.tallies))))


def _models(sums: list[Tally]) -> Iterable[Model]:
    tokens = max(each.tokens for each in sums) or 1
    cost = max(each.cost for each in sums) or 1
    longest = max(each.first_byte or 0 for each in sums) or 1
    for each in sums:
        yield Model(each, each.tokens / tokens, each.cost / cost, (each.first_byte or 0) / longest)
