"""What a check raises, and the two readings of JSON text that all checks share."""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]


class Violation(AssertionError):
    """A broken rule; `rule` is its name, such as "S5"."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(f"{rule}: {text}")
        self.rule = rule


def need(condition: object, rule: str, text: str) -> None:
    if not condition:
        raise Violation(rule, text)


def is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def strict_json(text: str, rule: str) -> Any:
    """Parses what every JSON parser accepts: `json.loads` alone would let NaN and Infinity pass."""

    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except ValueError as error:
        raise Violation(rule, f"{error} in {text[:200]!r}") from error


def need_whole_characters(value: Any) -> None:
    """S16: half of a surrogate pair survives `json.loads`, but no strict reader and no UTF-8 encoder takes it."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise Violation("S16", f"lone surrogate in {error.object[max(0, error.start - 40) : error.end]!r}") from error
