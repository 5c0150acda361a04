"""How much of the reasoning a client wants to see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from proxy.protocol.deltas import Delta, RedactedThinking, ThinkingDelta, ThinkingEnd
from proxy.protocol.request import MessagesRequest

Display = Literal["full", "omitted", "none"]


def wanted_display(request: MessagesRequest) -> Display:
    """ "none" where thinking is switched off, "omitted" where only its state is wanted."""
    thinking = request.thinking
    if thinking is None:
        return "full"
    if thinking.type == "disabled":
        return "none"
    return "omitted" if thinking.display == "omitted" else "full"


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
