from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest

from proxy.page import scales

INDIA = timezone(timedelta(hours=5, minutes=30))
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


def at(hour: int, minute: int = 0, day: int = 29, zone: tzinfo = UTC) -> float:
    return datetime(2026, 11, day, hour, minute, tzinfo=zone).timestamp()


@pytest.mark.parametrize(
    ("top", "marks"),
    [
        (0, [0, 1]),
        (1, [0, 0.25, 0.5, 0.75, 1]),
        (4, [0, 1, 2, 3, 4]),
        (4.01, [0, 2, 4, 6]),
        (976_030, [0, 250_000, 500_000, 750_000, 1_000_000]),
        (0.00042, [0, 0.0002, 0.0004, 0.0006]),
    ],
)
def test_amounts(top: float, marks: list[float]) -> None:
    assert scales.amounts(top) == pytest.approx(marks)


@pytest.mark.parametrize("top", [10.0**n * m for n in range(-7, 13) for m in (1, 1.01, 1.99, 2.5, 3, 7.77, 9.99)])
def test_amounts_of_any_size(top: float) -> None:
    marks = scales.amounts(top)
    assert 2 <= len(marks) <= 5
    assert marks[-2] < top <= marks[-1] * (1 + 1e-9)


@pytest.mark.parametrize(
    ("start", "end", "step", "number"),
    [
        (at(14, 3), at(14, 3), MINUTE, 15),
        (at(13, 30), at(14, 3), MINUTE, 34),
        (at(9, 40), at(14, 3), 10 * MINUTE, 27),
        (at(9, 40, 27), at(14, 3), 2 * HOUR, 28),
        (at(9, 40, 1), at(14, 3), DAY, 29),
    ],
)
def test_pieces(start: float, end: float, step: float, number: int) -> None:
    borders = scales.pieces(start, end, UTC)
    assert borders[0] <= start
    assert borders[-2] <= end < borders[-1]
    assert {after - before for before, after in pairwise(borders)} == {step}
    assert len(borders) - 1 == number
    assert borders[0] % step == 0


def test_pieces_begin_at_local_times() -> None:
    borders = scales.pieces(at(3, 10, zone=INDIA), at(23, 50, zone=INDIA), INDIA)
    assert {datetime.fromtimestamp(each, INDIA).minute for each in borders} <= {0, 30}


@pytest.mark.skipif("Europe/Berlin" not in available_timezones(), reason="the system has no time zones")
def test_days() -> None:
    """Also where a day has 25 hours."""
    berlin = ZoneInfo("Europe/Berlin")
    borders = scales.days(datetime(2026, 10, 26, 9, tzinfo=berlin).timestamp(), 3, berlin)
    assert [datetime.fromtimestamp(each, berlin).strftime("%d %H") for each in borders] == [
        *("24 00", "25 00", "26 00", "27 00")
    ]
    assert borders[2] - borders[1] == 25 * HOUR


@pytest.mark.parametrize(
    ("borders", "labels"),
    [
        ([at(13, 48), at(14, 3)], ["13:50", "13:55", "14:00"]),
        ([at(9, 30), at(14, 10)], ["10:00", "11:00", "12:00", "13:00", "14:00"]),
        ([at(20, day=28), at(8, day=29)], ["21:00", "29 Nov", "03:00", "06:00"]),
        ([at(0, day=d) for d in range(1, 31)], ["1 Nov", "8 Nov", "15 Nov", "22 Nov", "29 Nov"]),
        ([at(0, day=28), at(0, day=30)], ["28 Nov", "12:00", "29 Nov", "12:00", "30 Nov"]),
    ],
)
def test_times(borders: list[float], labels: list[str]) -> None:
    marks = scales.times(borders, UTC)
    assert [mark.label.replace("\u00a0", " ") for mark in marks] == labels
    assert all(borders[0] <= mark.at <= borders[-1] for mark in marks)
