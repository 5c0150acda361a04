"""What a request costs. Pure."""

from __future__ import annotations

from proxy.models.prices import Price
from proxy.protocol.deltas import Usage

_MILLION = 1_000_000


def cost_of(price: Price | None, usage: Usage) -> float | None:
    """USD; None where it is not known. Without a price it is what the server says that it has charged."""
    if price is None:
        return usage.cost
    if usage.input is None and usage.output is None:
        return None
    if price.long is not None and price.above is not None and input_tokens(usage) > price.above:
        price = price.long
    read, written = usage.cache_read or 0, usage.cache_write or 0
    hour = min(usage.cache_write_1h or 0, written)
    cached, write = (price.input if each is None else each for each in (price.cached, price.cache_write))
    write_1h = write if price.cache_write_1h is None else price.cache_write_1h
    total = (
        (usage.input or 0) * price.input
        + read * cached
        + (written - hour) * write
        + hour * write_1h
        + (usage.output or 0) * price.output
    )
    return total / _MILLION


def input_tokens(usage: Usage) -> int:
    """All tokens of input, those that caches gave or took included."""
    return (usage.input or 0) + (usage.cache_read or 0) + (usage.cache_write or 0)
