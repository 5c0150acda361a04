"""Finds what is said in JSON and event streams, however broken, without ever taking a text for structure.

What is neither white space nor one of `{}[],:"` is part of a token, so who replaces all tokens leaves nothing behind.
In a frame that cannot be read, tokens are no longer `sure`: strings and what is between them may have changed places.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["key", "string", "number", "bare", "event", "line"]
Zone = Literal["protocol", "data", "schema", "names", "required"]
"""What a value is: part of a protocol; of a user; a schema; an object whose keys are names; a list of such names."""
_FIELD = re.compile(r"(data|error|event|id|retry)?:[ ]?")
_STRING = re.compile(r'(?:[^"\\]|\\.)*', re.DOTALL)
_STRING_IN_FRAME = re.compile(r'(?:[^"\\\r\n]|\\.|(?:\r\n|\r|\n)(?![\r\n]|data:[ ]*[{\[]))*', re.DOTALL)
_BARE = re.compile(r'[^\s{}\[\],:"]+')
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_LINE_END = re.compile(r"[^\r\n]*")
_BLANK = re.compile(r"(?:\r\n|\r|\n)[ \t]*(?:\r\n|\r|\n)")
_WORDS = ("true", "false", "null")
_MARKS = ("index", "output_index", "content_index", "summary_index", "item_id", "type", "thought")
"""Members of events by which it is told to what a delta belongs."""


@dataclass(slots=True)
class Place:
    """An object or a list that is being read."""

    is_object: bool
    zone: Zone
    name: str = ""
    """The key under which it stands."""
    parent: Place | None = None
    key: str = ""
    """Of the member that is being read."""
    number: int = 0
    """Its place in a list."""
    count: int = 0
    """Of commas."""
    marks: dict[str, str] = field(default_factory=dict)

    def path(self) -> tuple[object, ...]:
        """Where it is, by names, numbers and marks; a type counts only where it is that of the event, and an id
        only where there is no number."""
        if self.parent is None:
            return ()
        is_event = self.parent.parent is None
        left_out = {"type"} if not is_event else {"item_id"} if "output_index" in self.marks else set()
        marks = [each for each in sorted(self.marks.items()) if each[0] not in left_out]
        return (*self.parent.path(), self.name, self.number, *marks)


@dataclass(slots=True)
class Token:
    """`start` and `end` are those of the content, without quotes."""

    kind: Kind
    start: int
    end: int
    place: Place
    key: str
    """Under which it stands."""
    sure: bool


ZoneOf = Callable[[Place, str, bool], Zone]
"""The zone of an object (True) or list that stands in a place, under a key."""


class Scanner:
    """Reads one text."""

    def __init__(self, text: str, zone_of: ZoneOf, zone: Zone = "protocol", *, framed: bool = False) -> None:
        """`framed`: it is an event stream; `zone`: that of its outermost value."""
        self._text = text
        self._zone_of = zone_of
        self._framed = framed
        self._root = zone
        self._at = 0
        self._reset()

    def _reset(self) -> None:
        self._place = Place(False, self._root)
        self._sure = True
        self._is_value = True
        """Whether a value is to come, in an object."""

    def __iter__(self) -> Iterator[Token]:
        text, size = self._text, len(self._text)
        string = _STRING_IN_FRAME if self._framed else _STRING
        while self._at < size:
            at, char = self._at, text[self._at]
            if self._framed and (at == 0 or text[at - 1] in "\r\n"):
                yield from self._line()
                if self._at != at:
                    continue
            if char.isspace():
                self._at += 1
                if self._framed and char in "\r\n" and _BLANK.match(text, at):
                    self._reset()
            elif char == '"':
                end = string.match(text, at + 1).end()  # type: ignore[union-attr]
                yield self._string(at + 1, end)
                self._at = end + (text[end : end + 1] == '"')
            elif char in "{}[],:":
                self._structure(char)
            else:
                yield self._bare()

    def _line(self) -> Iterator[Token]:
        """The beginning of a line of an event stream: the name of a field, and values that are no JSON."""
        found = _FIELD.match(self._text, self._at)
        if found is None:
            return
        end = found.end()
        if found[1] in ("data", "error"):
            self._at = end
            if self._text.startswith("[DONE]", end):
                self._at += len("[DONE]")
            return
        self._at = _LINE_END.match(self._text, end).end()  # type: ignore[union-attr]
        if end < self._at:
            yield Token("event" if found[1] == "event" else "line", end, self._at, self._place, "", self._sure)

    def _structure(self, char: str) -> None:
        self._at += 1
        place = self._place
        match char:
            case "{" | "[":
                key = place.key if place.is_object else place.name
                zone = self._zone_of(place, key, char == "{")
                self._place = Place(char == "{", zone, key, place, number=0 if place.is_object else place.count)
                self._is_value = char == "["
            case "}" | "]":
                self._sure = self._sure and place.parent is not None and place.is_object == (char == "}")
                self._place = place.parent or place
                self._is_value = not self._place.is_object
            case ",":
                place.count += 1
                self._is_value = not place.is_object
            case _:
                self._sure = self._sure and place.is_object and not self._is_value
                self._is_value = True

    def _string(self, start: int, end: int) -> Token:
        place, text = self._place, self._text
        if place.is_object and not self._is_value:
            place.key = text[start:end]
            return Token("key", start, end, place, place.key, self._sure)
        self._sure = self._sure and text[end : end + 1] == '"'
        key = place.key if place.is_object else place.name
        if key in _MARKS and place.is_object:
            place.marks[key] = text[start:end]
        return Token("string", start, end, place, key, self._sure)

    def _bare(self) -> Token:
        start, place = self._at, self._place
        self._at = end = _BARE.match(self._text, start).end()  # type: ignore[union-attr]
        word = self._text[start:end]
        is_json = self._is_value and (word in _WORDS or _NUMBER.fullmatch(word) is not None)
        if not is_json:
            self._sure = False
        key = place.key if place.is_object else place.name
        if key in _MARKS and place.is_object:
            place.marks[key] = word
        return Token("number" if is_json else "bare", start, end, place, key, self._sure)
