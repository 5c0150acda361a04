"""What tokens cost, as it stands in `catalog.yaml` and in the entries of custom models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_ENDING = re.compile(r"(?:-preview)?(?:-\d{2,4}-[\d-]+|-\d{3,8})$|-latest$")
"""What vendors put behind a name for one of its releases."""


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens. None: as much as `input`."""

    input: float
    output: float
    cached: float | None = None
    """Of input that was read from a cache."""
    cache_write: float | None = None
    cache_write_1h: float | None = None
    """Of what a cache keeps for an hour; None: as `cache_write`."""
    above: int | None = None
    """Tokens of input, cached ones included; None where length does not matter."""
    long: Price | None = None
    """What holds for a request with more input than that."""


def price_of(fields: Mapping[str, Any]) -> Price:
    """From the fields of `Price`, with `long` as `{above, input, output}`: the cache's prices rise as input does."""
    base: dict[str, Any] = {name: float(value) for name, value in fields.items() if name != "long"}
    if (long := fields.get("long")) is None:
        return Price(**base)
    rise = long["input"] / base["input"]
    longer = {name: value * rise for name, value in base.items()} | {"output": float(long["output"])}
    return Price(**base, above=long["above"], long=Price(**longer))


def priced_names(model: str) -> tuple[str, ...]:
    """The names under which a model's price may stand, best first.

    A release has its model's price; a member of a family has none of its family's.
    """
    name = model.lower().rpartition("/")[2]
    # `ft:` and the model come before whose it is.
    name = ":".join(name.split(":")[:2]) if name.startswith("ft:") else re.split("[:@]", name)[0]
    return tuple(dict.fromkeys((name, _ENDING.sub("", name))))
