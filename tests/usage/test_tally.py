from __future__ import annotations

from datetime import datetime

import pytest

from proxy.usage.tally import Tally, by_target, midnight, tally_of
from tests.usage.records import NOON, record


def test_of_one_request() -> None:
    assert tally_of(record()) == Tally(NOON, "gemini/gemini-3.8-flash", 1, 0, 0, 18195, 17000, 230, 0.0123, 1, 0.84)


@pytest.mark.parametrize(
    ("fields", "failed", "unpriced", "begun"),
    [
        ({"cost": None}, 0, 1, 1),
        ({"cost": None, "tokens_in": 0}, 0, 0, 1),
        ({"status": 429, "cost": None, "tokens_in": None, "first_byte": None}, 1, 0, 0),
        ({"error": "api_error"}, 1, 0, 1),
        ({"outcome": "the client went away"}, 0, 0, 1),
    ],
)
def test_what_is_counted(fields: dict[str, object], failed: int, unpriced: int, begun: int) -> None:
    tally = tally_of(record(**fields))  # type: ignore[arg-type]
    assert (tally.failed, tally.unpriced, tally.begun) == (failed, unpriced, begun)


def test_sums() -> None:
    records = [
        record(target="a", tokens_in=1, tokens_out=1, first_byte=1.0),
        record(target="b", tokens_in=5, tokens_out=5, first_byte=None),
        record(target="a", time=NOON - 9, tokens_in=2, tokens_out=2, first_byte=2.0, cost=None),
    ]
    first, second = by_target(map(tally_of, records))
    assert (first.target, first.tokens, first.first_byte) == ("b", 10, None)
    assert second == Tally(NOON - 9, "a", 2, 0, 1, 3, 34000, 3, 0.0123, 2, 3.0)
    assert second.first_byte == 1.5
    assert by_target([]) == []


def test_midnight() -> None:
    assert datetime.fromtimestamp(midnight("2026-11-29")) == datetime(2026, 11, 29)
