"""JSON as servers and models really write it: raw control characters, broken UTF-8, several values in a row."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic_core import from_json

from proxy.protocol.depth import is_deeper

_OUTSIDE = re.compile(r'["{}\[\]]')
_INSIDE = re.compile(r'"|\\[^\x00-\x1f]?|[\x00-\x1f]')
_LENIENT = json.JSONDecoder(strict=False)
_BOM = b"\xef\xbb\xbf"
_DEPTH_MAX = 200
"""Levels; `from_json` reads no more either. Whoever walks a value needs a few of Python's 1000 frames for each."""


def loads(data: bytes | str) -> Any:
    """Reads JSON of an upstream without insisting on what does not matter: control characters in strings, bytes that
    are no UTF-8. It is the only reader of what upstreams send, so that nobody behind it meets a value that cannot be
    walked or written again; what types it has is for `fields.py`.

    Models write raw line ends into strings (earendil-works/pi#3637), and byte-level tokens cut characters in half
    (unslothai/llama.cpp#202). Raises ValueError, also where the value is nested too deeply or a number is too long.
    """
    try:
        return from_json(data)
    except ValueError:  # what is not sound is read by the parser that is slower and lenient
        pass
    try:
        text = data if isinstance(data, str) else data.removeprefix(_BOM).decode("utf-8", "replace")
        value = _LENIENT.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if is_deeper(value, _DEPTH_MAX):
        raise ValueError("nested too deeply")
    return value


def end_of_value(text: str, start: int) -> int | None:
    """Where the JSON value that begins at `start` ends; None where it cannot be read."""
    try:
        return _LENIENT.raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        return None


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
