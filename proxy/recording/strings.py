"""JSON strings as they are written: one unit for each character, whatever escape it is in."""

from __future__ import annotations

import re
from collections.abc import Sequence

_UNIT = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|(?<=\n)data:[ ]?|[^\\]|\\\Z",
    re.DOTALL,
)
"""A pair of surrogates is one character; the beginning of a line of an event stream is part of its frame."""
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_FRAME = "\x00"
"""Stands for what is no character of the text, and stays."""


class Written:
    """The text of a string between its quotes, and how it is written."""

    def __init__(self, raw: str) -> None:
        self._raw = raw
        self._units: Sequence[str] | None = None
        self.text = raw
        if "\\" in raw or "\ndata:" in raw:
            self._units = _UNIT.findall(raw)
            self.text = "".join(map(_char, self._units))

    def with_text(self, text: str) -> str:
        """Another text of the same length in the same writing."""
        if self._units is None:
            return text
        return "".join(map(_unit, self._units, self.text, text))


def _char(unit: str) -> str:
    if len(unit) == 1:
        return unit
    if unit.startswith("data"):
        return _FRAME
    if len(unit) == 2:
        return _SIMPLE.get(unit[1], unit[1])
    code = int(unit[2:6], 16)
    return chr(0x10000 + ((code - 0xD800) << 10) + int(unit[8:], 16) - 0xDC00) if len(unit) > 6 else chr(code)


def _unit(unit: str, old: str, new: str) -> str:
    # A letter that escapes nothing stays, or another one might.
    if new == old or (len(unit) == 2 and unit[1].isascii()):
        return unit
    if len(unit) <= 2:
        return unit[:-1] + new
    code = ord(new)
    if len(unit) == 6:
        return f"\\u{code:04x}"
    return f"\\u{0xD800 + ((code - 0x10000) >> 10):04x}\\u{0xDC00 + ((code - 0x10000) & 0x3FF):04x}"
