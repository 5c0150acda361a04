"""What JSON holds, however deeply it is nested. Pure, and never in need of more frames than one."""

from __future__ import annotations

import math
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


def holds_infinity(value: Any) -> bool:
    """Whether a number in it was too large for a float."""
    level: list[Any] = [[value]]
    while level:
        inside = list(chain.from_iterable([node.values() if type(node) is dict else node for node in level]))
        if any(map(math.isinf, [inner for inner in inside if type(inner) is float])):
            return True
        level = [inner for inner in inside if type(inner) is dict or type(inner) is list]
    return False
