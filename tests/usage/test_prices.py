from __future__ import annotations

import pytest

from proxy.models.prices import Price, price_of
from proxy.protocol.deltas import Usage
from proxy.usage.prices import cost_of, input_tokens

PLAIN = Price(input=1, output=10)
CACHED = Price(input=1, output=10, cached=0.1, cache_write=1.25, cache_write_1h=2)
LONG = price_of({"input": 1, "cached": 0.1, "output": 10, "long": {"above": 1000, "input": 2, "output": 15}})


@pytest.mark.parametrize(
    ("price", "usage", "millionths"),
    [
        (PLAIN, Usage(input=5, output=7), 75),
        (PLAIN, Usage(input=5, output=7, cache_read=3, cache_write=2), 80),
        (PLAIN, Usage(input=5), 5),
        (PLAIN, Usage(output=7), 70),
        (PLAIN, Usage(0, 0), 0),
        (PLAIN, Usage(5, 7, cost=1.0), 75),
        (CACHED, Usage(5, 7, cache_read=10, cache_write=4), 81),
        (CACHED, Usage(5, 7, cache_read=10, cache_write=4, cache_write_1h=4), 84),
        (CACHED, Usage(5, 7, cache_write_1h=4), 75),
        (LONG, Usage(600, 1, cache_read=400), 650),
        (LONG, Usage(601, 1, cache_read=400), 2 * 601 + 0.2 * 400 + 15),
        (Price(0, 0), Usage(5, 7), 0),
    ],
)
def test_costs(price: Price, usage: Usage, millionths: float) -> None:
    assert cost_of(price, usage) == pytest.approx(millionths / 1e6, rel=1e-12)


@pytest.mark.parametrize(
    ("price", "usage", "cost"),
    [
        (None, Usage(5, 7), None),
        (None, Usage(5, 7, cost=0.5), 0.5),
        (None, Usage(cost=0.0), 0.0),
        (PLAIN, Usage(), None),
    ],
)
def test_what_is_not_known(price: Price | None, usage: Usage, cost: float | None) -> None:
    assert cost_of(price, usage) == cost


def test_input_tokens() -> None:
    assert input_tokens(Usage(1, 100, cache_read=20, cache_write=3, cache_write_1h=2)) == 24
