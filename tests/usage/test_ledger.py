from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from proxy.protocol.errors import ApiError
from proxy.usage.ledger import Ledger
from tests.usage.records import record


def moment(day: int, month: int = 11, hour: int = 12) -> float:
    return datetime(2026, month, day, hour).timestamp()


class Clock:
    """Says what it is set to."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock(moment(29))


def spend(ledger: Ledger, clock: Clock, cost: float | None, **fields: Any) -> None:
    ledger.add(record(time=clock.now, cost=cost, **fields))


def test_days_and_months(clock: Clock) -> None:
    ledger = Ledger(clock=clock)
    for day, month, cost in [(31, 10, 8.0), (1, 11, 4.0), (28, 11, 2.0), (29, 11, 1.0)]:
        ledger.add(record(time=moment(day, month), cost=cost))
    assert ledger.spent() == (1.0, 7.0)
    clock.now = moment(30)
    assert ledger.spent() == (0.0, 7.0)
    clock.now = moment(1, 12)
    assert ledger.spent() == (0.0, 0.0)
    spend(ledger, clock, 3.0)
    assert ledger.spent() == (3.0, 3.0)


@pytest.mark.parametrize("wrong", [moment(29, 12), moment(1, 1)], ids=["ahead", "behind"])
def test_a_clock_that_is_wrong_for_a_while_forgets_nothing(wrong: float, clock: Clock) -> None:
    ledger = Ledger(clock=clock)
    ledger.add(record(time=moment(2), cost=2.0))
    spend(ledger, clock, 1.0)
    right, clock.now = clock.now, wrong
    spend(ledger, clock, 0.5)
    clock.now = right
    spend(ledger, clock, 0.25)
    assert ledger.spent() == (1.25, 3.25)


def test_days_that_are_long_past_are_forgotten(clock: Clock) -> None:
    ledger = Ledger(clock=clock)
    for day in range(400):
        ledger.add(record(time=moment(29) - day * 86400, cost=1.0))
    assert len(ledger._costs) == 100
    assert ledger.spent() == (1.0, 29.0)


@pytest.mark.parametrize(
    ("spent", "daily", "monthly", "variable"),
    [
        (5.0, None, None, None),
        (4.99, 5.0, 5.0, None),
        (5.0, 5.0, None, "DAILY_BUDGET_USD"),
        (5.0, 5.0, 6.0, "DAILY_BUDGET_USD"),
        (6.5, 5.0, 6.0, "MONTHLY_BUDGET_USD"),
        (6.5, None, 6.0, "MONTHLY_BUDGET_USD"),
    ],
)
def test_budgets(spent: float, daily: float | None, monthly: float | None, variable: str | None, clock: Clock) -> None:
    ledger = Ledger(clock=clock)
    spend(ledger, clock, spent)
    if variable is None:
        ledger.check(daily, monthly)
        return
    with pytest.raises(ApiError) as refused:
        ledger.check(daily, monthly)
    error = refused.value
    assert (error.status, error.type, error.should_retry) == (402, "billing_error", False)
    assert error.message.startswith(f"{variable}: the budget of $")
    assert f"${spent:.2f} were spent" in error.message
    assert f"when {variable} is raised or removed" in error.message


def test_the_next_day_is_another_one(clock: Clock) -> None:
    ledger = Ledger(clock=clock)
    spend(ledger, clock, 9.0)
    with pytest.raises(ApiError):
        ledger.check(5.0, None)
    clock.now = moment(30, hour=0)
    ledger.check(5.0, None)


def test_a_restart_forgets_nothing(tmp_path: Path, clock: Clock) -> None:
    url = f"sqlite:///{(tmp_path / 'usage.db').as_posix()}"
    first = Ledger(url, clock)
    spend(first, clock, 2.0, id="a")
    first.add(record("b", time=moment(3), cost=1.0))
    first.add(record("c", time=moment(31, 10), cost=50.0))
    first.close()
    second = Ledger(url, clock)
    with pytest.raises(ApiError, match=r"\$2\.00 were spent today"):
        second.check(2.0, None)
    assert second.spent() == (2.0, 3.0)
    spend(second, clock, 1.0, id="d")
    assert second.spent() == (3.0, 4.0)
    second.close()
    third = Ledger(url, clock)
    third.check(100, 100)
    assert third.spent() == (3.0, 4.0)
    third.close()


def test_a_broken_database_stops_nobody(clock: Clock) -> None:
    ledger = Ledger("sqlite:////no/such/directory/usage.db", clock)
    ledger.check(5.0, 5.0)
    spend(ledger, clock, 9.0)
    with pytest.raises(ApiError):
        ledger.check(5.0, None)
    ledger.close(patience=0.1)


def test_a_model_without_a_price_is_named_once(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    ledger = Ledger(clock=clock)
    with caplog.at_level(logging.WARNING):
        spend(ledger, clock, None, target="custom/qwen")
        assert caplog.messages == []  # there is no budget that it could be missing in
        ledger.check(5.0, None)
        for _ in range(3):
            spend(ledger, clock, None, target="custom/qwen")
            spend(ledger, clock, None, target="custom/failed", tokens_in=None)
            spend(ledger, clock, 0.0, target="custom/free")
    (warning,) = caplog.messages
    assert warning.startswith("custom/qwen: its price is not known")
    assert ledger.spent() == (0.0, 0.0)


def test_other_requests_are_left_out(clock: Clock) -> None:
    ledger = Ledger(clock=clock)
    spend(ledger, clock, 9.0, what="GET /v1/models")
    assert ledger.spent() == (0.0, 0.0)
