"""How much of the reasoning a client wants to see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from proxy.protocol.deltas import Delta, RedactedThinking, ThinkingDelta, ThinkingEnd
from proxy.protocol.effort import Display


def thinking_display(batches: Iterable[Sequence[Delta]], display: Display) -> Iterator[Sequence[Delta]]:
    """Leaves out the text of thinking ("omitted": the block stays, for its signature) or all of it ("none")."""
    if display == "full":
        yield from batches
        return
    dropped = ThinkingDelta if display == "omitted" else (ThinkingDelta, ThinkingEnd, RedactedThinking)
    in_run = False
    for batch in batches:
        out: list[Delta] = []
        for delta in batch:
            if not isinstance(delta, dropped):
                out.append(delta)
                in_run = False
            elif display == "omitted" and not in_run:
                out.append(ThinkingDelta(""))
                in_run = True
        yield out
