"""The chunks of an answer out of bytes, as tolerant as the servers in between are sloppy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from proxy.protocol.errors import ApiError
from proxy.providers.gemini.errors import read_failure

_FIELDS = (b":", b"event:", b"id:", b"retry:")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SHOWN_MAX = 200
"""Characters of what is no API's answer; mostly a page whose title tells enough."""

Chunk = dict[str, Any]


class Chunks:
    """Takes bytes as they come off the network and gives the JSON objects in them.

    Google sends `data: {...}` and a blank line for each, but reports some errors as bare JSON over several lines.
    CRLF, comments, a missing space after `data:`, `[DONE]`, lists of chunks, a last event without its blank line, a
    byte order mark, bytes that are no UTF-8 and control characters inside strings pass, too.
    """

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._lines: list[bytes] = []
        self._first = True
        self._began = False

    def feed(self, data: bytes) -> Iterator[Chunk]:
        """Raises ApiError (502) at an event that is not JSON."""
        head, *tail = data.split(b"\n")
        self._rest.append(head)
        for piece in tail:
            line = b"".join(self._rest)
            self._rest = [piece]
            yield from self._line(line)

    def end(self) -> Iterator[Chunk]:
        """What was left when the stream closed; half a chunk is left out, the answer has no end then.

        Raises ApiError (502) where nothing of all that was sent could be read.
        """
        for line in b"".join(self._rest).split(b"\r"):
            yield from self._line(line)
        yield from self._event()
        if self._lines and not self._began:
            words = read_failure(502, {}, b" ".join(self._lines)).message[:_SHOWN_MAX]
            raise ApiError(502, f"Gemini's server did not answer as an API ({words}); is GEMINI_BASE_URL right?")

    def _line(self, line: bytes) -> Iterator[Chunk]:
        if self._first:
            self._first = False
            line = line.removeprefix(_BYTE_ORDER_MARK)
        is_indented = line.startswith((b" ", b"\t"))
        line = line.strip()
        if line.startswith(b"data:"):
            line = line[5:].strip()
            if line.startswith(b"[DONE]"):
                return
        elif line.startswith(_FIELDS):
            return
        if line:
            self._lines.append(line)
            if line.endswith((b"}", b"]")) and not is_indented:
                yield from self._event()
        elif self._lines and self._began:
            yield from self._event()
            if self._lines:
                raise ApiError(502, "Gemini sent a chunk that is not JSON")

    def _event(self) -> Iterator[Chunk]:
        """The event, if its lines are a whole value. Of bare JSON only a line that is not indented can be the last."""
        try:
            value = json.loads(b"\n".join(self._lines).decode("utf-8", "replace"), strict=False)
        except ValueError:
            return
        except RecursionError:
            raise ApiError(502, "Gemini sent a chunk that is nested too deeply") from None
        self._lines.clear()
        self._began = True
        for chunk in value if isinstance(value, list) else [value]:
            if isinstance(chunk, dict):
                yield chunk
