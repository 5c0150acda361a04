"""Notes are values: they come with what is shown, and none is lost or repeated."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.answering.pump import Pump
from proxy.answering.timing import Timing
from proxy.protocol.deltas import Delta, Finish, Note, TextDelta
from proxy.protocol.notes import header_value
from proxy.providers.call import Call

ROUNDS = 10_000


def test_ten_thousand_notes() -> None:
    def batches() -> Iterator[list[Delta]]:
        for n in range(ROUNDS):
            yield [Note(f"note {n}")]
            if n % 1000 == 0:
                yield [TextDelta("x")]
        yield [Finish()]

    pump: Pump[Delta] = Pump(batches, Call(), timing=Timing(), idle_limit=20.0)
    pump.start()
    pump.wait_for_first(None)
    seen: list[str] = []
    known = [delta.text for delta in pump.held if isinstance(delta, Note)]
    header = header_value(known)
    for batch in pump:
        seen += [delta.text for delta in batch or () if isinstance(delta, Note)]
    assert seen == [f"note {n}" for n in range(ROUNDS)]
    assert known == seen[: len(known)]
    assert header == header_value(known)
