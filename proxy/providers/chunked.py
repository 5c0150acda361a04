"""Takes the data out of a chunked body, for which the HTTP library needs more time than all the rest of an answer.

It knows chunks as everybody sends them. Of what is rare, the last chunk with its trailers included, it keeps its hands
off: from there on the library reads. Pure.
"""

from __future__ import annotations

import re

_FIRST = re.compile(rb"([0-9A-Fa-f]{1,16})\r\n")
_NEXT = re.compile(rb"\r\n([0-9A-Fa-f]{1,16})\r\n")
_LINE_LIMIT = 64
"""Bytes; a longer line is none of the usual ones."""


class ChunkError(ValueError):
    """What came cannot be a chunked body."""


class Chunks:
    """The beginning of one body. `rest` is None until there is something for the library to read: from there on."""

    def __init__(self) -> None:
        self.rest: bytes | None = None
        self._header = _FIRST
        self._kept = b""
        self._left = 0

    def feed(self, data: bytes) -> bytes:
        """The data in what has come. Raises ChunkError."""
        if self._kept:
            data, self._kept = self._kept + data, b""
        parts: list[bytes] = []
        at, size = 0, len(data)
        while True:
            if self._left:
                part = data[at : at + self._left]
                parts.append(part)
                at += len(part)
                self._left -= len(part)
                if self._left:
                    break
            found = self._header.match(data, at)
            if found is None:
                self._puzzled(data, at)
                break
            self._left = int(found[1], 16)
            if not self._left:
                self.rest = data[found.start(1) :]
                break
            self._header = _NEXT
            at = found.end()
            if at == size:
                break
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _puzzled(self, data: bytes, at: int) -> None:
        """At the place of a header: there is more to come, or it is of another kind."""
        begins = at + 2 if self._header is _NEXT else at
        if data.find(b"\n", begins) < 0 and len(data) - at < _LINE_LIMIT:
            self._kept = data[at:]
        elif data[at:begins] in (b"", b"\r\n"):
            self.rest = data[begins:]
        else:
            raise ChunkError("a chunk does not end where it should")
