"""Server-sent events out of bytes, as tolerant as the servers are sloppy.

    a line                          between events      inside an unfinished value
    ------------------------------  ------------------  -------------------------------------------------------------
    data: VALUE                     an event            the next line of the value; a new event after a blank line
    data: VALUE, unfinished JSON    begins a value      -
    {... or [...                    an event            the next line of the value
    error: VALUE                    {"error": VALUE}    the next line inside a string, else skipped
    event: error                    names the event     the next line inside a string, else skipped
    blank                           ends the event      part of the value inside a string, else gives the value up
    all else                        skipped             the next line of the value; a comment is skipped

A value is an event as soon as it is whole: nearly every server writes its JSON on one line, and some forget the blank
line between two. The others: llama.cpp reports failures in a field `error:` (ggml-org/llama.cpp#16109), gateways write
bare JSON, SSE libraries cut a value with raw line ends into several data lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json

from proxy.providers.common.json_text import JsonScan, end_of_value, loads

_BOM = b"\xef\xbb\xbf"
_CONTROL = re.compile(rb"[\x00-\x1f]")
_BETWEEN = re.compile(r"\s*(?:data:)?\s*(?=\S)")
_FIELD = re.compile(rb"(?::|(?:event|id|retry|error):)")
_VALUE_MAX = 64 * 1024 * 1024
"""Bytes of memory for a value over several lines; a longer one has no end."""
_LINE_COST = 64

Event = dict[str, Any] | bytes


class Splitter:
    """Takes bytes as they come off the network and gives the `data` of each event: a sound JSON object that stands on a
    line of its own is parsed, all else is bytes.

    Tolerates events cut anywhere (inside a UTF-8 sequence, too), LF, CRLF and CR, a byte order mark, `data:` without a
    space or twice, and a last event without its blank line. JSON that is only readable leniently is given as sound
    JSON, so whoever parses it needs no leniency; what is no JSON is given as it came.
    """

    def __init__(self) -> None:
        self._line: list[bytes] = []
        """The pieces of the line that has not ended."""
        self._after_cr = False
        self._is_error = False
        self._value: list[bytes] = []
        """The lines of a value that has not ended."""
        self._size = 0
        """Bytes of memory that they take."""
        self._scan = JsonScan()
        self._blank = False
        """Whether a blank line stands in the value."""

    def feed(self, data: bytes) -> Iterator[Event]:
        if not data:
            return
        ends_with_cr = data.endswith(b"\r")
        if self._after_cr:
            data = data.removeprefix(b"\n")
        self._after_cr = ends_with_cr
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        first, *others = data.split(b"\n")
        self._line.append(first)
        for line in others:
            whole = b"".join(self._line)
            self._line = [line]
            value = None if self._value else _plain(whole)
            if value is not None:
                yield value
            elif whole or self._value:
                yield from self._take(whole)
            else:
                self._is_error = False

    def end(self) -> Iterator[bytes]:
        """What was left without a line end when the stream closed."""
        rest, self._line = b"".join(self._line), []
        yield from self._take(rest)
        yield from self._give_up()

    def _take(self, line: bytes) -> Iterator[bytes]:
        line = line.removeprefix(_BOM)
        if self._value and not (self._blank and line.startswith(b"data:")):
            yield from self._go_on(line)
            return
        yield from self._give_up()
        if line.startswith(b"data:"):
            yield from self._begin(line[5:])
        elif line.lstrip().startswith((b"{", b"[")):
            yield from self._begin(line)
        elif line.startswith(b"error:"):
            yield _error(line[6:].strip())
        elif line.startswith(b"event:"):
            self._is_error = line[6:].strip() == b"error"
        elif not line.strip():
            self._is_error = False

    def _begin(self, value: bytes) -> Iterator[bytes]:
        whole = value.strip()
        if whole.startswith((b"data: {", b"data: [", b"data:{", b"data:[")):
            value = whole[5:]
            whole = value.strip()
        if not whole.startswith((b"{", b"[")) or whole.startswith(b"[DONE]"):
            if whole:
                yield _error(whole) if self._is_error else whole
        elif _looks_whole(whole):
            yield from _values(whole)
        else:
            self._scan = JsonScan()
            self._blank, self._size = False, 0
            yield from self._append(value.lstrip())

    def _go_on(self, line: bytes) -> Iterator[bytes]:
        if line.startswith(b"data:"):
            yield from self._append(line[5:].removeprefix(b" "))
        elif self._scan.in_string:
            self._blank = self._blank or not line
            yield from self._append(line)
        elif not line:
            yield from self._give_up()
        elif not _FIELD.match(line):
            yield from self._append(line)

    def _append(self, line: bytes) -> Iterator[bytes]:
        """One more line of the value, which is given once it is whole."""
        self._value.append(line)
        self._size += len(line) + _LINE_COST
        self._scan.feed(line.decode("latin-1"))
        if self._scan.closed:
            value, self._value = b"\n".join(self._value), []
            yield _sound(value.strip())
        elif self._size > _VALUE_MAX:
            yield from self._give_up()

    def _give_up(self) -> Iterator[bytes]:
        """A value that has no end is given as it came."""
        value, self._value = b"\n".join(self._value).strip(), []
        if value:
            yield value


def _plain(line: bytes) -> dict[str, Any] | None:
    """The value of a line that is what nearly every line is: one sound JSON object."""
    if not (line.startswith(b"data: {") and line.endswith(b"}")):
        return None
    try:
        value: dict[str, Any] = from_json(line[6:])
    except ValueError:
        return None
    return value


def _looks_whole(value: bytes) -> bool:
    """Whether a line is a whole JSON value: counted first, since nearly every line is, and followed where in doubt."""
    ends = value.endswith((b"}", b"]"))
    if ends and value.count(b"{") == value.count(b"}") and (value.count(b'"') - value.count(b'\\"')) % 2 == 0:
        return True
    scan = JsonScan()
    scan.feed(value.decode("latin-1"))
    return scan.closed


def _values(line: bytes) -> Iterator[bytes]:
    """The values of a line: one, or several where a gateway forgot the line ends between its events."""
    at = 0
    if b"}data:" in line or b"}{" in line:
        text = line.decode("latin-1")
        while (end := end_of_value(text, at)) is not None and (follows := _BETWEEN.match(text, end)):
            yield _sound(line[at:end])
            at = follows.end()
    yield _sound(line[at:])


def _sound(value: bytes) -> bytes:
    """The same value in JSON that every parser takes, if it can be read at all."""
    if not _CONTROL.search(value):
        if value.isascii():
            return value
        try:
            value.decode()
        except UnicodeDecodeError:
            pass
        else:
            return value
    try:
        return json.dumps(loads(value)).encode()
    except (ValueError, RecursionError):
        return value


def _error(value: bytes) -> bytes:
    """A failure that was not reported in the data of an event, in the shape of one that was."""
    try:
        reported = loads(value)
    except ValueError:
        reported = value.decode("utf-8", "replace")
    if isinstance(reported, dict) and "error" in reported:
        return json.dumps(reported).encode()
    return json.dumps({"error": reported}).encode()
