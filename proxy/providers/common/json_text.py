"""JSON as servers and models really write it: raw control characters, broken UTF-8, several values in a row."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic_core import from_json

_OUTSIDE = re.compile(r'["{}\[\]]')
_INSIDE = re.compile(r'"|\\[^\x00-\x1f]?|[\x00-\x1f]')
_LENIENT = json.JSONDecoder(strict=False)
_BOM = b"\xef\xbb\xbf"


def loads(data: bytes) -> Any:
    """Reads JSON without insisting on what does not matter: control characters in strings, bytes that are no UTF-8.

    Models write raw line ends into strings (earendil-works/pi#3637), and byte-level tokens cut characters in half
    (unslothai/llama.cpp#202). Raises ValueError, also where the value is nested too deeply.
    """
    try:
        return from_json(data)
    except ValueError:  # what is not sound is read by the parser that is slower and lenient
        pass
    try:
        return _LENIENT.decode(data.removeprefix(_BOM).decode("utf-8", "replace"))
    except RecursionError:
        raise ValueError("nested too deeply") from None


class JsonScan:
    """Follows JSON that comes in pieces, without parsing it: each character is looked at once.

    `closed` once the first array, object or string is complete; `in_string` while inside one.
    """

    __slots__ = ("_depth", "_escaped", "begun", "closed", "in_string")

    def __init__(self) -> None:
        self._depth = 0
        self._escaped = False
        self.begun = False
        self.closed = False
        self.in_string = False

    def feed(self, piece: str) -> tuple[str, str]:
        """The piece as far as it belongs to the value, raw control characters in strings escaped, and the rest."""
        sound: list[str] = []
        copied = at = 0
        while not self.closed:
            if self._escaped and at < len(piece):
                self._escaped = False
                at += 1
            found = (_INSIDE if self.in_string else _OUTSIDE).search(piece, at)
            if found is None:
                break
            at, mark = found.end(), found[0]
            if mark[0] == "\\":
                self._escaped = len(mark) == 1
            elif self.in_string and mark < " ":
                sound += (piece[copied : at - 1], json.dumps(mark)[1:-1])
                copied = at
            else:
                self._take(mark)
        end = at if self.closed else len(piece)
        sound.append(piece[copied:end])
        return "".join(sound), piece[end:]

    def _take(self, mark: str) -> None:
        self.begun = True
        if mark == '"':
            self.in_string = not self.in_string
        else:
            self._depth += 1 if mark in "{[" else -1
        self.closed = self._depth <= 0 and not self.in_string
