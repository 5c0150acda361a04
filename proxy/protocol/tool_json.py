"""The JSON text of a tool's input: what may be handed to a client as an object."""

from __future__ import annotations

import json
import math
from typing import Any

from pydantic_core import from_json

from proxy.protocol.characters import whole_characters

_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def compact(value: Any) -> str:
    """JSON as models write it in calls: without white space, characters as they are."""
    return _compact(value)


def parsed_input(text: str) -> dict[str, Any] | None:
    """The object that `text` is, or None: it is cut, broken, no object, or holds a number that JSON has not.

    Python reads NaN and makes infinity of 1e400; written again, both would be no JSON.
    """
    try:
        value = json.loads(text, parse_constant=_refused, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def is_cut_input(text: str) -> bool:
    """Whether text is the beginning of an object: more of the same could complete it, and clients can read so far."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.msg != "Extra data" and _begins_object(text)
    except (ValueError, RecursionError):
        return False
    return False


def _begins_object(text: str) -> bool:
    try:
        return isinstance(from_json(whole_characters(text), allow_partial=True), dict)
    except ValueError:
        return False


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("the number is too large")
    return number
