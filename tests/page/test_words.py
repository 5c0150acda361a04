from __future__ import annotations

from datetime import UTC, timedelta, timezone
from typing import Any

import pytest

from proxy.page import words

INDIA = timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize(
    ("function", "value", "shown"),
    [
        ("count", None, "\u2013"),
        ("count", 0, "0"),
        ("count", 18195, "18,195"),
        ("short", 0, "0"),
        ("short", 950, "950"),
        ("short", 999.6, "1k"),
        ("short", 18_195, "18.2k"),
        ("short", 999_600, "1M"),
        ("short", 2_500_000, "2.5M"),
        ("short", 3e9, "3B"),
        ("seconds", None, "\u2013"),
        ("seconds", 0.842, "0.84 s"),
        ("seconds", 9.996, "10.0 s"),
        ("seconds", 59.96, "1 min 0 s"),
        ("seconds", 125, "2 min 5 s"),
        ("seconds", 7300, "2 h"),
        ("money", None, "\u2013"),
        ("money", 0, "$0"),
        ("money", 0.000045, "$0.000045"),
        ("money", 0.0123, "$0.0123"),
        ("money", 1234.5, "$1,234.50"),
        ("per", 60, "per minute"),
        ("per", 600, "per 10 min"),
        ("per", 3600, "per hour"),
        ("span", 43.9, "43 s"),
        ("span", 60, "1 min"),
        ("span", 7199, "1 h"),
        ("span", 86_400 * 3, "3 d"),
    ],
)
def test_numbers(function: str, value: Any, shown: str) -> None:
    assert getattr(words, function)(value).replace("\u00a0", " ") == shown


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        ([0, 1, 2], ["0", "1", "2"]),
        ([0, 0.25, 0.5], ["0.00", "0.25", "0.50"]),
        ([0, 1000, 2500.5], ["0.0", "1,000.0", "2,500.5"]),
        ([0, 0.0000025], ["0.0000000", "0.0000025"]),
    ],
)
def test_even_numbers(numbers: list[float], shown: list[str]) -> None:
    assert words.even(numbers) == shown


def test_shares() -> None:
    assert words.share(1, 3) == "33\u00a0%"
    assert words.share(0, 0) == words.NONE


def test_times() -> None:
    moment = 1_796_000_000.0
    assert words.iso(moment, UTC) == "2026-11-30T00:53:20+00:00"
    assert words.iso(moment, INDIA) == "2026-11-30T06:23:20+05:30"
    assert words.clock(moment, INDIA) == "06:23:20"
    assert words.absolute(moment, INDIA).replace("\u00a0", " ") == "30 Nov 2026 06:23:20 +05:30"
    assert words.relative(moment - 12, moment) == "12\u00a0s ago"
    assert words.relative(moment + 43, moment) == "in 43\u00a0s"
