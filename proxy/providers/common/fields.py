"""Fields of an upstream's JSON, of which no type is certain. Pure."""

from __future__ import annotations

import json
from typing import Any

_COUNT_END = 2**53
"""Beyond it, not every client's numbers are exact."""


def text_of(value: Any) -> str:
    """The string, or "" for anything else."""
    return value if isinstance(value, str) else ""


def name_of(value: Any) -> str:
    """The name of a tool, or "" for anything else; one of nothing but white space calls nobody."""
    return value if isinstance(value, str) and value.strip() else ""


def object_of(value: Any) -> dict[str, Any]:
    """The object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def objects_of(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; none for anything else."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def count_of(value: Any) -> int | None:
    """A count or an index: a whole number from 0, and no boolean."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _COUNT_END else None


def json_text(value: Any) -> str:
    """The text of a value that was once read from JSON. Raises RecursionError."""
    return json.dumps(value, ensure_ascii=False)
