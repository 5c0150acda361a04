"""Server-sent events out of bytes, as tolerant as the servers are sloppy."""

from __future__ import annotations

from collections.abc import Iterator


class Splitter:
    """Takes bytes as they come off the network and gives the `data` of each event.

    Tolerates CRLF, `data:` without a space, comments, fields other than data, events cut anywhere (inside a UTF-8
    sequence, too), and a last event without its blank line. A data line is an event by itself as soon as it holds a
    whole line: every server writes its JSON on one line, and some forget the blank line between two.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            if value := _data(line):
                yield value

    def end(self) -> Iterator[bytes]:
        """What was left without a line end when the stream closed."""
        rest, self._rest = self._rest, b""
        if value := _data(rest):
            yield value


def _data(line: bytes) -> bytes:
    return line[5:].strip() if line.startswith(b"data:") else b""
