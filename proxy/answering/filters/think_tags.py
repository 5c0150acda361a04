"""`<think>...</think>` at the head of an answer -> thinking, for servers that have no reasoning parser of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from proxy.answering.filters.overlap import tail_overlap
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
    """Places: "head", then "thinking" or "text"; "opened" is behind a closing tag, "answer" behind its blank lines."""

    def __init__(self) -> None:
        self._held = ""
        self._place = "head"

    def feed(self, text: str) -> Iterator[Delta]:
        self._held += text
        if self._place == "head":
            self._head()
        if self._place == "thinking":
            yield from self._thinking()
        if self._place not in ("head", "thinking"):
            yield from self._answer()

    def rest(self) -> Iterator[Delta]:
        """What was held back, when it turns out that no tag follows."""
        held, self._held = self._held, ""
        if held:
            yield ThinkingDelta(held) if self._place == "thinking" else TextDelta(held)

    def _head(self) -> None:
        text = self._held.lstrip()
        for tag in _OPEN:
            if text.startswith(tag):
                self._place, self._held = "thinking", text[len(tag) :]
                return
        if text and not any(tag.startswith(text) for tag in _OPEN):
            self._place = "text"

    def _thinking(self) -> Iterator[Delta]:
        before, found = self._up_to_close()
        if found:
            self._place = "opened"
        if before:
            yield ThinkingDelta(before)

    def _answer(self) -> Iterator[Delta]:
        """Text. Templates that open the tag themselves leave a bare closing tag in it, which is taken out."""
        ready = ""
        if self._place == "text":
            ready, found = self._up_to_close()
            if found:
                self._place = "answer"
        if self._place == "opened":
            self._held = self._held.lstrip()
            if self._held:
                self._place = "answer"
        if self._place == "answer":
            ready, self._held = ready + self._held, ""
        if ready:
            yield TextDelta(ready)

    def _up_to_close(self) -> tuple[str, bool]:
        """What stands before the first closing tag, which is taken out with it, or before what may become one."""
        places = [(at, len(tag)) for tag in _CLOSE if (at := self._held.find(tag)) >= 0]
        at, size = min(places, default=(len(self._held) - tail_overlap(self._held, _CLOSE), 0))
        before, self._held = self._held[:at], self._held[at + size :]
        return before, bool(places)
