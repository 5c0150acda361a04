"""Where the marks of an axis stand, and how a span of time is cut into pieces. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from proxy.page import words

_NICE = (1, 2, 2.5, 5, 10)
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_STEPS = (
    *(n * _MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * _HOUR for n in (1, 2, 3, 6, 12)),
    *(n * _DAY for n in (1, 2, 7, 14, 28, 91, 182, 364)),
)
"""Seconds. Each is a part of a day or whole days, so that pieces begin at times that people name."""


@dataclass(frozen=True, slots=True)
class Mark:
    """`at` in the unit of the axis."""

    at: float
    label: str


def amounts(top: float, most: int = 4) -> list[float]:
    """From 0 in even steps up to `top` or just above, in `most` steps at most; [0, 1] for nothing."""
    if top <= 0:
        return [0, 1]
    size = 10.0 ** math.floor(math.log10(top / most))
    step = next(size * nice for nice in _NICE if top <= most * size * nice * (1 + 1e-9))
    steps = max(1, math.ceil(top / step - 1e-9))
    return [step * each for each in range(steps + 1)]


def pieces(start: float, end: float, zone: tzinfo | None, least: int = 15, most: int = 40) -> list[float]:
    """The borders of equal pieces that hold both times, `least` to `most` of them; what is too short begins earlier."""
    step = _step((end - start) / (most - 1))
    last = _floor(end, step, zone) + step
    number = max(least, round((last - _floor(start, step, zone)) / step))
    return [last - step * (number - each) for each in range(number + 1)]


def days(end: float, number: int, zone: tzinfo | None) -> list[float]:
    """The midnights around each of the last days, that of `end` included: one more than there are days."""
    last = words.local(end, zone).date()
    dates = [last - timedelta(days=number - 1 - each) for each in range(number + 1)]
    return [datetime(each.year, each.month, each.day, tzinfo=zone).timestamp() for each in dates]


def times(borders: Sequence[float], zone: tzinfo | None, most: int = 5) -> list[Mark]:
    """The marks of an axis from the first border to the last: whole days by their date, others by their time."""
    step = _step((borders[-1] - borders[0]) / most)
    if step < _DAY:
        first = _floor(borders[0], step, zone)
        found = [first + step * each for each in range(most + 2)]
        return [Mark(each, label(each, step, zone)) for each in found if borders[0] <= each <= borders[-1]]
    midnights = days(borders[-1] - 1, math.ceil((borders[-1] - borders[0]) / _DAY), zone)[:-1]
    kept = midnights[:: -(step // _DAY)][::-1]
    return [Mark(each, words.day(each, zone)) for each in kept if each >= borders[0]]


def label(time: float, step: float, zone: tzinfo | None) -> str:
    """The name of a piece that begins at this time."""
    if step >= _DAY * 0.9:  # a day in spring is shorter
        return words.day(time, zone)
    moment = words.local(time, zone)
    if moment.hour == moment.minute == 0:
        return words.day(time, zone)
    return f"{moment.hour:02}:{moment.minute:02}"


def _step(least: float) -> int:
    return next((each for each in _STEPS if each >= least), _STEPS[-1])


def _floor(time: float, step: int, zone: tzinfo | None) -> float:
    """The last multiple of the step, in local time."""
    offset = (words.local(time, zone).utcoffset() or timedelta()).total_seconds()
    return math.floor((time + offset) / step) * step - offset
