"""`<think>...</think>` at the head of an answer -> thinking, for servers that have no reasoning parser of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from proxy.filters.overlap import tail_overlap
from proxy.protocol.deltas import Delta, TextDelta, ThinkingDelta, Usage

_OPEN = ("<think>", "<thinking>", "<thought>")
_CLOSE = ("</think>", "</thinking>", "</thought>")


def think_tags(batches: Iterable[Sequence[Delta]]) -> Iterator[Sequence[Delta]]:
    """Tags count only before any other text, so that an answer may speak of them. They may be cut anywhere."""
    parser = _Parser()
    for batch in batches:
        out: list[Delta] = []
        for delta in batch:
            if isinstance(delta, TextDelta):
                out.extend(parser.feed(delta.text))
            else:
                if not isinstance(delta, Usage):
                    out.extend(parser.rest())
                out.append(delta)
        yield out
    yield list(parser.rest())


class _Parser:
    def __init__(self) -> None:
        self._held = ""
        self._place = "head"

    def feed(self, text: str) -> Iterator[Delta]:
        self._held += text
        if self._place == "head":
            yield from self._head()
        if self._place == "thinking":
            yield from self._thinking()
        if self._place in ("text", "opened") and self._held:
            yield from self._answer()

    def rest(self) -> Iterator[Delta]:
        """What was held back, when it turns out that no tag follows."""
        held, self._held = self._held, ""
        if held:
            yield ThinkingDelta(held) if self._place == "thinking" else TextDelta(held)

    def _head(self) -> Iterator[Delta]:
        text = self._held.lstrip()
        for tag in _OPEN:
            if text.startswith(tag):
                self._place, self._held = "thinking", text[len(tag) :]
                return
        if text and not any(tag.startswith(text) for tag in _OPEN):
            self._place = "text"
        yield from ()

    def _thinking(self) -> Iterator[Delta]:
        for tag in _CLOSE:
            before, found, after = self._held.partition(tag)
            if found:
                if before:
                    yield ThinkingDelta(before)
                self._place, self._held = "opened", after.lstrip()
                return
        keep = tail_overlap(self._held, _CLOSE)
        ready, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        if ready:
            yield ThinkingDelta(ready)

    def _answer(self) -> Iterator[Delta]:
        """Text. Templates that open the tag themselves leave a bare closing tag in it, which is taken out."""
        if self._place == "opened":
            ready, self._held = self._held, ""
        else:
            for tag in _CLOSE:
                before, found, after = self._held.partition(tag)
                if found:
                    self._place, self._held = "opened", before + after
                    break
            keep = tail_overlap(self._held, _CLOSE) if self._place == "text" else 0
            ready, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        if ready:
            yield TextDelta(ready)
