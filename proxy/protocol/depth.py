"""How deeply JSON is nested. Pure, and never in need of more frames than one."""

from __future__ import annotations

from itertools import chain
from typing import Any


def is_deeper(value: Any, limit: int) -> bool:
    """Whether lists and objects stand in each other on more than `limit` levels."""
    level: list[Any] = [[value]]
    depth = -1
    while level and depth < limit:
        inside = chain.from_iterable([node.values() if type(node) is dict else node for node in level])
        level = [inner for inner in inside if type(inner) is dict or type(inner) is list]
        depth += 1
    return bool(level)
