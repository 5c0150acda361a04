"""Halves of UTF-16 characters: Python strings can hold them, UTF-8 and strict readers of JSON cannot."""

from __future__ import annotations

import re
from typing import Any

_SURROGATE = re.compile("[\ud800-\udfff]")


def has_halves(text: str) -> bool:
    return not text.isascii() and _SURROGATE.search(text) is not None


def joined_halves(text: str, *, is_last: bool) -> tuple[str, str]:
    """`text` without half characters, and a half at its end whose other half may come with the next piece.

    Vendors cut JSON escapes between the two halves of an emoji.
    """
    half = "" if is_last or not "\ud800" <= text[-1:] <= "\udbff" else text[-1]
    whole = text[: len(text) - len(half)]
    return whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), half


def whole_characters(value: Any) -> Any:
    """A JSON value with the replacement character in place of halves that stay alone."""
    match value:
        case str():
            return joined_halves(value, is_last=True)[0] if has_halves(value) else value
        case list():
            return [whole_characters(inner) for inner in value]
        case dict():
            return {whole_characters(name): whole_characters(inner) for name, inner in value.items()}
        case _:
            return value
