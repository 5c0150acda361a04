"""Tool calls that stand in the text, for servers that do not make calls of what their model writes -> calls.

    place     what comes                                            becomes          shown as
    HEAD      white space                                           HEAD
    HEAD      what begins as a call in bare JSON or in Python       BARE
    HEAD      other text                                            TEXT
    TEXT      a mark of `call_markup`, not quoted                   HELD
    TEXT      all else                                              TEXT             as it is
    HELD      no name of a tool in its first characters             TEXT             as it is
    HELD      the end of the text                                   TEXT             calls of known tools, else as it is
    BARE      as HELD, but it has to be calls and nothing else

An answer may speak of marks: what stands in a fenced block or behind a backtick is quoted, and only a complete call of
a tool that the request offers is made one. Calls come at the end of the answer, without those that the server made
itself: some do both (raullenchai/Rapid-MLX#1592), and nothing may run twice. Thoughts are looked at where they are all
that came, for models that call tools while they still think.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from proxy.protocol.deltas import (
    Delta,
    Finish,
    Note,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from proxy.providers.common.call_markup import MARK, MARKS, WrittenCall, calls_at_end, read_bare, read_calls
from proxy.providers.common.tool_names import ToolNames

_FIRST_KEY = 1_000_000
"""Keys of calls, beside those of the server's own."""
_LOOK = 400
"""Characters within which a call names its tool."""
_BARE = re.compile(
    r'(?:```(?:json)?\s*)?\[?\s*\{\s*"(?:name|tool_name|type|function|tool|id|arguments|parameters)"\s*:'
)
_BARE_PYTHON = re.compile(r"\[\s*[A-Za-z_][\w.]{0,200}\(")
_BARE_LOOK = 40
_BARE_BEGINS = re.compile(r"[`{\[]")
_MARK_BEGINS = re.compile(r"[<\[\]`]")
_MARK_MAX = max(map(len, MARKS))
_PREFIXES = frozenset(mark[:size] for mark in MARKS for size in range(1, len(mark)))
_ENDS = ("end", "stop_sequence")
_FENCE = re.compile(r"^[ \t>*-]*(?:```|~~~)", re.MULTILINE)


def written_calls(
    batches: Iterable[Sequence[Delta]], names: Callable[[], ToolNames], *, bare: bool = True
) -> Iterator[Sequence[Delta]]:
    """Makes calls of what the model wrote as text.

    `names` gives those of the offered tools; it is called only where there may be calls. `bare`: they may stand without
    any mark, which must not be where the client wants JSON.
    """
    text = _Text(names, _Place.HEAD if bare else _Place.TEXT)
    made = _Made()
    thoughts: list[str] = []
    for batch in batches:
        words = [delta.text for delta in batch if type(delta) is TextDelta]
        if len(words) == len(batch) and text.is_plain("".join(words)):
            yield batch
            continue
        out: list[Delta] = []
        for delta in batch:
            if isinstance(delta, TextDelta):
                out.extend(text.feed(delta.text))
                continue
            if isinstance(delta, Finish):
                is_cut = delta.reason not in _ENDS
                out.extend(text.rest(cut=is_cut))
                if not is_cut and text.is_empty and not made.calls:
                    text.calls += calls_at_end("".join(thoughts), lambda name: names().known(name))
                out.extend(made.others(text.calls))
            elif isinstance(delta, ThinkingDelta):
                out.extend(text.rest(cut=False) if delta.text else ())
                thoughts.append(delta.text)
            elif not isinstance(delta, Usage | Note):
                out.extend(text.rest(cut=False))
                made.see(delta)
            out.append(delta)
        yield out
    yield list(text.rest(cut=False))


class _Place(Enum):
    HEAD = auto()
    TEXT = auto()
    HELD = auto()
    BARE = auto()


class _Text:
    """`calls` are those found so far."""

    def __init__(self, names: Callable[[], ToolNames], place: _Place) -> None:
        self.calls: list[WrittenCall] = []
        self._names = names
        self._place = place
        self._held = ""
        self._pieces: list[str] = []
        """What follows, once it is held to the end."""
        self._lines: list[str] = []
        """What was shown since fences were last counted."""
        self._in_fence = False

    @property
    def is_empty(self) -> bool:
        """Whether no text and no call has come of it so far."""
        return not self.calls and not any(map(str.strip, self._lines))

    def is_plain(self, text: str) -> bool:
        """Whether the text goes on as it is, which is then taken for shown: speed, no other rule."""
        if self._place is not _Place.TEXT or self._held or _MARK_BEGINS.search(text):
            return False
        self._lines.append(text)
        return True

    def feed(self, text: str) -> Iterator[Delta]:
        if self._pieces:
            self._pieces.append(text)
        elif self.is_plain(text):
            yield TextDelta(text)
        else:
            self._held += text
            yield from self._look()

    def rest(self, *, cut: bool) -> Iterator[Delta]:
        """The text is over. Where it was `cut`, the beginning of a call is left out."""
        text, place = self._held + "".join(self._pieces), self._place
        self._held, self._pieces = "", []
        if not text.isspace():
            self._place = _Place.TEXT
        calls: Sequence[str | WrittenCall] = []
        if place in (_Place.HEAD, _Place.BARE):
            calls = read_bare(text, self._names().known)
        if place is _Place.HELD:
            calls = read_calls(text, self._names().known, cut=cut)
        for part in calls or filter(None, [text]):
            if isinstance(part, WrittenCall):
                self.calls.append(part)
            elif cut and place is _Place.HELD and self._is_beginning(part):
                yield Note("the beginning of a tool call, which the model wrote as text, was left out")
            else:
                yield self._shown(part)

    def _is_beginning(self, text: str) -> bool:
        """Whether a text is a call that was not finished."""
        return bool(MARK.match(text.lstrip())) and self._names().named_in(text)

    def _look(self) -> Iterator[Delta]:
        while self._held:
            before = self._held, self._place
            match self._place:
                case _Place.HEAD:
                    self._look_at_head()
                case _Place.TEXT:
                    yield from self._up_to_mark()
                case _:
                    yield from self._look_for_name()
            if (self._held, self._place) == before:
                return

    def _look_at_head(self) -> None:
        head = self._held.lstrip()
        if not head:
            return
        if not _BARE_BEGINS.match(head):
            self._place = _Place.TEXT
        elif _BARE.match(head) or _BARE_PYTHON.match(head):
            self._place = _Place.BARE
        elif len(head) > _BARE_LOOK:
            self._place = _Place.TEXT

    def _up_to_mark(self) -> Iterator[Delta]:
        held = self._held
        found = MARK.search(held)
        at = found.start() if found else _begins_mark(held)
        self._held = held[at:]
        if at:
            yield self._shown(held[:at])
        if found and self._is_quoted():
            self._held = held[found.end() :]
            yield self._shown(found[0])
        elif found:
            self._place = _Place.HELD

    def _look_for_name(self) -> Iterator[Delta]:
        if self._names().named_in(self._held):
            self._pieces = [""]
        elif len(self._held) > _LOOK:
            self._place = _Place.TEXT
            first = self._held[:1]
            self._held = self._held[1:]
            yield self._shown(first)

    def _shown(self, text: str) -> Delta:
        self._lines.append(text)
        return TextDelta(text)

    def _is_quoted(self) -> bool:
        lines, _, rest = "".join(self._lines).rpartition("\n")
        self._in_fence ^= len(_FENCE.findall(lines)) % 2 == 1
        self._lines = [rest]
        return self._in_fence or rest.endswith("`")


def _begins_mark(text: str) -> int:
    """Where the text ends in what may become a mark; its length where it does not."""
    start = max(0, len(text) - _MARK_MAX)
    places = (found.start() for found in _MARK_BEGINS.finditer(text, start))
    return next((at for at in places if text[at:] in _PREFIXES), len(text))


@dataclass(slots=True)
class _Made:
    """The calls that the server made itself."""

    calls: dict[int, tuple[str, list[str]]] = field(default_factory=dict)

    def see(self, delta: Delta) -> None:
        if isinstance(delta, ToolCallStart):
            self.calls[delta.key] = (delta.name, [])
        elif isinstance(delta, ToolCallDelta) and delta.key in self.calls:
            self.calls[delta.key][1].append(delta.json)

    def others(self, calls: Sequence[WrittenCall]) -> Iterator[Delta]:
        """The calls that are none of these."""
        if not calls:
            return
        known = {(name, _alike("".join(pieces))) for name, pieces in self.calls.values()}
        written = [call for call in calls if (call.name, _alike(json.dumps(call.input))) not in known]
        yield Note(f"{len(written)} of {len(calls)} tool calls that came as text were made calls")
        for key, call in enumerate(written, _FIRST_KEY):
            yield ToolCallStart(key, call.name)
            yield ToolCallDelta(key, json.dumps(call.input, ensure_ascii=False))
            yield ToolCallEnd(key)


def _alike(text: str) -> str:
    """The same for inputs that differ in nothing but whether values are written as strings."""
    try:
        value: Any = json.loads(text or "{}")
    except ValueError:
        return text
    if not isinstance(value, dict):
        return text
    plain = {key: each if isinstance(each, str) else json.dumps(each) for key, each in value.items()}
    return json.dumps(plain, sort_keys=True)
