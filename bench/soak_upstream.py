"""All four vendors as one server that answers well, at length, or as `tests/faults` has it.

`python -m bench.soak_upstream` prints its port, and ends with its standard input. A prompt says by a mark what is
played, see `tests/faults/table.py`; beside the faults there are the `ANSWERS`. A GET tells how many other connections
are open.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tests.faults.fault import Part, Script, says
from tests.faults.forms import Form
from tests.faults.table import play
from tests.faults.upstream import Step, Upstream

_DELTAS = 200
_PAUSE = 0.005
"""Seconds between two of them."""
_COUNT = b'{"input_tokens": 9}'


def _long(form: Form) -> Iterator[Step]:
    paced: list[Part] = [form.more, _PAUSE] if form.content_type == "text/event-stream" else [form.more]
    yield from says("begin", "first", *paced * _DELTAS, "finish", "last")(form)


def _call(form: Form) -> Iterator[Step]:
    yield from says(*form.call)(form)


ANSWERS: dict[str, Script] = {"sound": says("sound"), "long": _long, "call": _call}


def main() -> None:
    def script(mark: str, request: bytes) -> Iterator[Step]:
        if mark:
            yield from play(mark, request, ANSWERS)
        else:
            yield from _whole(_COUNT if request.startswith(b"POST") else str(upstream.open - 1).encode())

    with Upstream(script) as upstream:
        print(upstream.port, flush=True)
        sys.stdin.read()


def _whole(body: bytes) -> Iterator[Step]:
    yield b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body


if __name__ == "__main__":
    main()
