"""For clients that read an answer to the letter: no blank space around it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from proxy.protocol.deltas import Delta, Finish, TextDelta


def bare_text(batches: Iterable[Sequence[Delta]]) -> Iterator[Sequence[Delta]]:
    """Leaves out the white space before the first word and after the last one of the text."""
    begun = False
    blank = ""
    for batch in batches:
        out: list[Delta] = []
        for delta in batch:
            if not isinstance(delta, TextDelta):
                blank = "" if isinstance(delta, Finish) else blank
                out.append(delta)
                continue
            text = blank + delta.text if begun else delta.text.lstrip()
            words = text.rstrip()
            blank = text[len(words) :]
            begun = begun or bool(words)
            if words:
                out.append(TextDelta(words))
        yield out
