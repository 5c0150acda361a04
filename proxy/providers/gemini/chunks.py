"""The chunks of an answer out of bytes, as tolerant as the servers in between are sloppy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from proxy.protocol.errors import ApiError
from proxy.providers.gemini.errors import read_failure

_FIELDS = (b":", b"event:", b"id:", b"retry:")
_SHOWN = 200

Chunk = dict[str, Any]


class Chunks:
    """Takes bytes as they come off the network and gives the JSON objects in them.

    Google sends `data: {...}` and a blank line for each, but reports some errors as bare JSON over several lines.
    CRLF, comments, a missing space after `data:`, `[DONE]`, lists of chunks and a last event without its blank line
    pass, too.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[bytes] = []
        self._began = False

    def feed(self, data: bytes) -> Iterator[Chunk]:
        """Raises ApiError (502) at an event that is not JSON."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            yield from self._line(line.strip())

    def end(self) -> Iterator[Chunk]:
        """What was left when the stream closed; half a chunk is left out, the answer has no end then.

        Raises ApiError (502) where nothing of all that was said could be read.
        """
        yield from self._line(self._rest.strip())
        if self._lines and not self._began:
            said = read_failure(502, {}, b" ".join(self._lines)).message[:_SHOWN]
            raise ApiError(502, f"Gemini's server did not answer as an API ({said}); is GEMINI_BASE_URL right?")

    def _line(self, line: bytes) -> Iterator[Chunk]:
        if line.startswith(b"data:"):
            line = line[5:].strip()
            if line.startswith(b"[DONE]"):
                return
        elif line.startswith(_FIELDS):
            return
        if line:
            self._lines.append(line)
            if line.endswith((b"}", b"]")):
                yield from self._event()
        elif self._lines and self._began:
            raise ApiError(502, "Gemini sent a chunk that is not JSON")

    def _event(self) -> Iterator[Chunk]:
        """The event, as soon as its lines are a whole value."""
        try:
            value = json.loads(b"\n".join(self._lines))
        except ValueError:
            return
        self._lines.clear()
        self._began = True
        for chunk in value if isinstance(value, list) else [value]:
            if isinstance(chunk, dict):
                yield chunk
