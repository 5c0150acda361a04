"""How far damage goes: a little in each run, more with `pytest --fuzz N`."""

from __future__ import annotations

import os

VARIABLE = "PYTEST_FUZZ"
"""Hands `--fuzz` on to where decorators are evaluated, in all worker processes."""


def examples(number: int) -> int:
    """So many examples of a property in an ordinary run, times `--fuzz`."""
    return number * int(os.environ.get(VARIABLE, "1"))
