"""Reasoning between tags at the head of an answer -> thinking, for servers that have no reasoning parser of their own.

    place      what comes                               becomes    shown as
    HEAD       an opening tag                           THINKING
    HEAD       the header of a message to the user      MESSAGE
    HEAD       other text                               TEXT       text ("auto": ANSWER)
    HEAD       reasoning in a field of its own, a call  HEAD       as it is ("auto": ANSWER)
    THINKING   its closing tag                          BEHIND     thinking
    BEHIND     white space                              BEHIND
    BEHIND     a header of the same family              THINKING or MESSAGE
    BEHIND     other text                               ANSWER     text
    MESSAGE    its end                                  BEHIND     text
    TEXT       a bare closing tag                       ANSWER     text
    ANSWER     anything                                 ANSWER     as it is

Tags may be cut anywhere. An answer may speak of tags, so they count only before any other text; the one exception is
the bare closing tag that is left by templates which open the tag themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum, auto
from typing import Literal

from proxy.answering.filters.overlap import tail_overlap
from proxy.protocol.deltas import Delta, Note, TextDelta, ThinkingDelta, Usage

Mode = Literal["always", "auto"]


class _Place(Enum):
    HEAD = auto()
    THINKING = auto()
    BEHIND = auto()
    MESSAGE = auto()
    TEXT = auto()
    ANSWER = auto()


_Opening = tuple[_Place, tuple[str, ...]]
"""Where an opening leads, and what closes it."""
_XML = ("</think>", "</thinking>", "</thought>")
_TAGS: dict[str, _Opening] = {
    "<think>": (_Place.THINKING, _XML),
    "<thinking>": (_Place.THINKING, _XML),
    "<thought>": (_Place.THINKING, _XML),
    "[THINK]": (_Place.THINKING, ("[/THINK]",)),  # Magistral
    "<seed:think>": (_Place.THINKING, ("</seed:think>",)),  # Seed-OSS
    "◁think▷": (_Place.THINKING, ("◁/think▷",)),  # Kimi
    "<longcat_think>": (_Place.THINKING, ("</longcat_think>",)),  # LongCat
    "<|START_THINKING|>": (_Place.THINKING, ("<|END_THINKING|>",)),  # Command A
    "<|channel>thought\n": (_Place.THINKING, ("<channel|>",)),  # Gemma 4
    "<unused94>thought\n": (_Place.THINKING, ("<unused95>",)),  # MedGemma
    "<mm:think>": (_Place.THINKING, ("</mm:think>",)),  # MiniMax M3
    "<|begin_of_thought|>": (_Place.THINKING, ("<|end_of_thought|>",)),  # OpenThinker, Sky-T1
}
_MESSAGES: dict[str, _Opening] = {
    "<|START_RESPONSE|>": (_Place.MESSAGE, ("<|END_RESPONSE|>",)),
    "<|begin_of_solution|>": (_Place.MESSAGE, ("<|end_of_solution|>",)),
}
"""What some of them put around the answer."""
_CHANNELS: dict[str, _Opening] = {
    f"{start}<|channel|>{channel}<|message|>": opening
    for start in ("", "<|start|>assistant")
    for channel, opening in (
        ("analysis", (_Place.THINKING, ("<|end|>",))),
        ("commentary", (_Place.MESSAGE, ("<|end|>", "<|return|>"))),
        ("final", (_Place.MESSAGE, ("<|end|>", "<|return|>"))),
    )
}
"""gpt-oss (github.com/openai/openai-cookbook, articles/openai-harmony.md): an answer is a row of messages."""
_OPENINGS = _TAGS | _MESSAGES | _CHANNELS
_BARE_CLOSINGS = tuple({closing: None for _, closings in _TAGS.values() for closing in closings})


def think_tags(batches: Iterable[Sequence[Delta]], mode: Mode = "always") -> Iterator[Sequence[Delta]]:
    """Makes thinking of what stands between tags.

    `mode` "auto" is for servers of which nothing is known: only an answer that begins with an opening tag is touched,
    and none whose reasoning comes in a field of its own.
    """
    parser = _Parser(_Place.TEXT if mode == "always" else _Place.ANSWER)
    batches = iter(batches)
    for batch in batches:
        out: list[Delta] = []
        for delta in batch:
            if isinstance(delta, TextDelta):
                out.extend(parser.feed(delta.text))
            else:
                if not isinstance(delta, Usage | Note) and delta != ThinkingDelta(""):
                    out.extend(parser.rest())
                    parser.interrupted()
                out.append(delta)
        yield out
        if parser.is_done:
            yield from batches
            return
    yield list(parser.rest())


class _Parser:
    def __init__(self, untagged: _Place) -> None:
        """`untagged` is the place of an answer that begins with no tag."""
        self._untagged = untagged
        self._place = _Place.HEAD
        self._blank: list[str] = []
        self._held = ""
        self._headers: Mapping[str, _Opening] = _OPENINGS
        self._closings = _BARE_CLOSINGS

    @property
    def is_done(self) -> bool:
        """Whether all that follows is the answer."""
        return self._place is _Place.ANSWER and not self._held

    def feed(self, text: str) -> Iterator[Delta]:
        self._held += text
        while self._held:
            before, place = self._held, self._place
            match place:
                case _Place.HEAD | _Place.BEHIND:
                    self._look_for_header()
                case _Place.THINKING | _Place.MESSAGE | _Place.TEXT:
                    yield from self._up_to_closing()
                case _Place.ANSWER:
                    yield TextDelta(self._take())
            if (self._held, self._place) == (before, place):
                return

    def rest(self) -> Iterator[Delta]:
        """What was held back, when it turns out that no tag follows."""
        if held := self._take():
            if self._place in (_Place.HEAD, _Place.BEHIND) and not held.isspace():
                self._place = self._untagged if self._place is _Place.HEAD else _Place.ANSWER
            yield self._shown(held)

    def interrupted(self) -> None:
        """Something other than text has come."""
        if self._place is _Place.HEAD and self._untagged is _Place.ANSWER:
            self._place = _Place.ANSWER

    def _take(self) -> str:
        held = "".join([*self._blank, self._held])
        self._blank, self._held = [], ""
        return held

    def _look_for_header(self) -> None:
        text = self._held.lstrip()
        if self._place is _Place.HEAD and (blank := self._held[: len(self._held) - len(text)]):
            self._blank.append(blank)
        self._held = text
        for header, (place, closings) in self._headers.items():
            if text.startswith(header):
                self._blank, self._held = [], text[len(header) :]
                self._place, self._closings = place, closings
                self._headers = _CHANNELS if header in _CHANNELS else _MESSAGES
                return
        if text and not any(header.startswith(text) for header in self._headers):
            self._place = self._untagged if self._place is _Place.HEAD else _Place.ANSWER
            self._held = self._take()

    def _up_to_closing(self) -> Iterator[Delta]:
        """What stands before the first closing tag, which is taken out with it, or before what may become one."""
        held = self._held
        found = [(at, len(tag)) for tag in self._closings if (at := held.find(tag)) >= 0]
        at, size = min(found, default=(len(held) - tail_overlap(held, self._closings), 0))
        self._held = held[at + size :]
        if at:
            yield self._shown(held[:at])
        if found:
            self._place = _Place.ANSWER if self._place is _Place.TEXT else _Place.BEHIND

    def _shown(self, text: str) -> Delta:
        return ThinkingDelta(text) if self._place is _Place.THINKING else TextDelta(text)
