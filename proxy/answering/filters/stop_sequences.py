"""Stop sequences, enforced here: no other vendor says which one it met, and some take none at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from proxy.answering.filters.overlap import tail_overlap
from proxy.protocol.deltas import Delta, Finish, Note, TextDelta, Usage


def stop_sequences(batches: Iterable[Sequence[Delta]], sequences: Sequence[str]) -> Iterator[Sequence[Delta]]:
    """Ends the answer before the first stop sequence in its text. Leaving the upstream unread cancels it."""
    held = ""
    for batch in batches:
        out: list[Delta] = []
        for delta in batch:
            if isinstance(delta, TextDelta):
                held += delta.text
                if found := _first(held, sequences):
                    at, sequence = found
                    yield [*out, TextDelta(held[:at]), Finish("stop_sequence", sequence)]
                    return
                keep = tail_overlap(held, sequences)
                out.append(TextDelta(held[: len(held) - keep]))
                held = held[len(held) - keep :]
                continue
            if held and not isinstance(delta, Usage | Note):
                out.append(TextDelta(held))
                held = ""
            out.append(delta)
        yield out
    if held:
        yield [TextDelta(held)]


def _first(text: str, sequences: Sequence[str]) -> tuple[int, str] | None:
    """Where the sequence begins that is complete first, the longest one if several are."""
    found = [(at + len(word), at, word) for word in sequences if word and (at := text.find(word)) >= 0]
    if not found:
        return None
    _, at, sequence = min(found)
    return at, sequence
