"""Halves of UTF-16 characters: Python strings can hold them, UTF-8 and strict readers of JSON cannot."""

from __future__ import annotations

import re
from typing import Any

_SURROGATE = re.compile("[\ud800-\udfff]")
_HALF_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", re.DOTALL)
_CUT_ESCAPE = re.compile(
    r"(?<!\\)(?:\\\\)*(\\(?:u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?|u[0-9a-fA-F]{0,3})?)\Z"
)
"""An escape at the end of a text that more may belong to; before it only whole ones stand."""
_TAIL = 40
"""Characters in which it is looked for: those of two escapes, and a row of backslashes before them."""


def has_halves(text: str) -> bool:
    return not text.isascii() and _SURROGATE.search(text) is not None


def joined_halves(text: str, *, is_last: bool) -> tuple[str, str]:
    """`text` without half characters, and a half at its end whose other half may come with the next piece.

    Vendors cut JSON escapes between the two halves of an emoji.
    """
    half = "" if is_last or not "\ud800" <= text[-1:] <= "\udbff" else text[-1]
    whole = text[: len(text) - len(half)]
    return whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), half


def joined_escapes(text: str, *, is_last: bool) -> tuple[str, str]:
    """The same of JSON text, in which the halves are escapes: models cut them, too."""
    cut = None if is_last else _CUT_ESCAPE.search(text, max(len(text) - _TAIL, 0))
    whole, rest = (text, "") if cut is None else (text[: cut.start(1)], cut[1])
    if _HALF_ESCAPE.search(whole):
        whole = _ESCAPE.sub(_without_half, whole)
    return whole, rest


def _without_half(escape: re.Match[str]) -> str:
    return "\\ufffd" if len(escape[0]) == 6 and _HALF_ESCAPE.match(escape[0]) else escape[0]


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
