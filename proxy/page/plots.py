"""Tallies and times -> what a plot is drawn of: bars, dots and marks, in the units of its drawing. Pure.

A model has the same number, that is colour, pattern and form of dots, in all plots of the page. Whatever a plot shows
stands in its table as well.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

from proxy.page import scales, words
from proxy.page.scales import Mark
from proxy.usage.tally import Tally, by_target

WIDTH, HEIGHT = 440.0, 190.0
RIGHT, TOP, BOTTOM = 418.0, 10.0, 164.0
"""Where the area between the axes ends; on the left it leaves room for what is written there."""
_LEFT_MIN, _LETTER = 44.0, 6.8
_GAP = 1.5
"""Between two bars."""
_MODELS = 5
OTHERS = "all others"

_NOTHING = "Nothing yet."

Amount = Callable[[Tally], float]
Words = Callable[[float], str]
Marked = Callable[[Sequence[float]], Sequence[str]]
"""What stands at the marks of an axis."""
Column = dict[int, float]
"""Of one piece: amounts by the number of the model."""


@dataclass(frozen=True, slots=True)
class Span:
    """What is plotted: `tallies` within the pieces between `borders`."""

    tallies: tuple[Tally, ...]
    borders: tuple[float, ...]
    models: tuple[str, ...]
    """Those that have a number of their own; it is their place, from 1."""
    zone: tzinfo | None

    @property
    def step(self) -> float:
        return self.borders[1] - self.borders[0]

    def name(self, piece: int) -> str:
        return scales.label(self.borders[piece], self.step, self.zone)

    def number(self, target: str) -> int:
        return self.models.index(target) + 1 if target in self.models else _MODELS + 1

    def model(self, number: int) -> str:
        return self.models[number - 1] if number <= len(self.models) else OTHERS


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    number: int
    """That of its model."""
    title: str


@dataclass(frozen=True, slots=True)
class Dot:
    x: float
    y: float
    number: int
    title: str


@dataclass(frozen=True, slots=True)
class Plot:
    """`legend`: number and name of each model. `rows`: the name of each piece, an amount for each model, and their sum
    if it `has_sums`."""

    id: str
    title: str
    summary: str
    left: float
    across: tuple[Mark, ...]
    up: tuple[Mark, ...]
    legend: tuple[tuple[int, str], ...]
    rows: tuple[tuple[str, ...], ...]
    has_sums: bool
    bars: tuple[Bar, ...] = ()
    dots: tuple[Dot, ...] = ()


@dataclass(frozen=True, slots=True)
class _Area:
    """What lies between the axes."""

    span: Span
    amounts: tuple[float, ...]
    labels: tuple[str, ...]

    @property
    def left(self) -> float:
        return max(_LEFT_MIN, 10 + _LETTER * max(map(len, self.labels)))

    def x(self, time: float) -> float:
        first, last = self.span.borders[0], self.span.borders[-1]
        return round(self.left + (RIGHT - self.left) * (time - first) / (last - first), 1)

    def y(self, amount: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * amount / self.amounts[-1], 1)


def named(tallies: Iterable[Tally]) -> tuple[str, ...]:
    """The models that get a number of their own: those with most tokens."""
    return tuple(each.target for each in by_target(tallies) if each.target)[:_MODELS]


def stacked(id: str, title: str, span: Span, amount: Amount, shown: Words, marked: Marked) -> Plot:
    """Bars, one on the other, of what the models have used in each piece."""
    table = _table(span, amount)
    sums = [sum(column.values()) for column in table]
    area = _area(span, max(sums), marked)
    best = sums.index(max(sums))
    summary = f"{shown(sum(sums))} in all, most at {span.name(best)}: {shown(sums[best])}." if any(sums) else _NOTHING
    has_sums = len({number for column in table for number in column}) > 1
    return replace(_frame(id, title, summary, area, table, shown, has_sums), bars=tuple(_bars(area, table, shown)))


def scattered(id: str, title: str, span: Span, dots: Iterable[tuple[float, str, float]]) -> Plot:
    """A dot for each time, target and number of seconds."""
    found = list(dots)
    lengths = sorted(length for _, _, length in found)
    area = _area(span, max(lengths, default=0), lambda marks: [f"{each}\u00a0s" for each in words.even(marks)])
    summary = _NOTHING
    if lengths:
        least, middle, most = (words.seconds(each) for each in (lengths[0], lengths[len(lengths) // 2], lengths[-1]))
        summary = f"{least} to {most}, half within {middle}."
    begun, waited = _table(span, lambda each: each.begun), _table(span, lambda each: each.waited)
    means = [{n: waited[at].get(n, 0.0) / count for n, count in column.items()} for at, column in enumerate(begun)]
    drawn = [_dot(area, *each) for each in found]
    return replace(_frame(id, title, summary, area, means, words.seconds, False), dots=tuple(drawn))


def _area(span: Span, top: float, marked: Marked) -> _Area:
    amounts = tuple(scales.amounts(top))
    return _Area(span, amounts, tuple(marked(amounts)))


def _bars(area: _Area, table: Sequence[Column], shown: Words) -> Iterator[Bar]:
    span = area.span
    for piece, column in enumerate(table):
        name, below = span.name(piece), 0.0
        left, right = area.x(span.borders[piece]), area.x(span.borders[piece + 1])
        for number, amount in sorted(column.items()):
            bottom, top = area.y(below), area.y(below + amount)
            said = f"{name}: {span.model(number)}, {shown(amount)}"
            yield Bar(left + _GAP / 2, top, right - left - _GAP, bottom - top, number, said)
            below += amount


def _dot(area: _Area, time: float, target: str, length: float) -> Dot:
    name = scales.label(time, area.span.step, area.span.zone)
    return Dot(area.x(time), area.y(length), area.span.number(target), f"{name}: {target}, {words.seconds(length)}")


def _frame(
    id: str, title: str, summary: str, area: _Area, table: Sequence[Column], shown: Words, has_sums: bool
) -> Plot:
    """All of a plot but what is drawn in its area."""
    span = area.span
    numbers = sorted({number for column in table for number in column})
    rows: list[tuple[str, ...]] = []
    for piece, column in enumerate(table):
        if column:
            cells = [shown(column[number]) if number in column else words.NONE for number in numbers]
            rows.append((span.name(piece), *cells, *([shown(sum(column.values()))] if has_sums else [])))
    return Plot(
        id,
        title,
        summary,
        left=area.left,
        across=tuple(Mark(area.x(each.at), each.label) for each in scales.times(span.borders, span.zone)),
        up=tuple(Mark(area.y(at), label) for at, label in zip(area.amounts, area.labels, strict=True)),
        legend=tuple((number, span.model(number)) for number in numbers),
        rows=tuple(rows),
        has_sums=has_sums,
    )


def _table(span: Span, amount: Amount) -> list[Column]:
    """For each piece the amounts by the number of the model, those that are more than nothing."""
    table: list[Column] = [{} for _ in span.borders[1:]]
    for each in span.tallies:
        piece, value = bisect_right(span.borders, each.start) - 1, amount(each)
        if 0 <= piece < len(table) and value > 0:
            number = span.number(each.target)
            table[piece][number] = table[piece].get(number, 0.0) + value
    return table
