"""Answers cut in pieces, for the tests of filters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

from proxy.protocol.deltas import Delta, TextDelta, ThinkingDelta

Filter = Callable[[Iterable[Sequence[Delta]]], Iterator[Sequence[Delta]]]


def through(filter: Filter, batches: Iterable[Sequence[Delta]]) -> list[Any]:
    """What comes out: text and thinking joined to ("text", ...) and ("thinking", ...), other deltas as they are."""
    out: list[Any] = []
    for batch in filter(batches):
        for delta in batch:
            if not isinstance(delta, TextDelta | ThinkingDelta):
                out.append(delta)
                continue
            kind = "text" if isinstance(delta, TextDelta) else "thinking"
            if out and isinstance(out[-1], tuple) and out[-1][0] == kind:
                out[-1] = (kind, out[-1][1] + delta.text)
            elif delta.text:
                out.append((kind, delta.text))
    return out


@st.composite
def cuttings(draw: st.DrawFn, text: str) -> list[list[Delta]]:
    """The text in pieces, the pieces in batches, some of them empty."""
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    batches: list[list[Delta]] = [[]]
    for piece in pieces:
        if draw(st.booleans()):
            batches.append([])
        batches[-1].append(TextDelta(piece))
    return batches
