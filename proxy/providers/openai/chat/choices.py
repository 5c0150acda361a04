"""Choices beside the first: parts of the one answer, or answers of their own.

We never ask for more than one answer (`n`). Copilot's Claude puts the text of an answer into one choice and each of its
calls into another (HKUDS/nanobot#1481); a gateway may ask for several answers all the same. So they wait until the end:

    the first choice                        another choice           of it is shown
    --------------------------------------  -----------------------  ------------------------------------------
    ended for tool calls and has none       any                      all
    has no calls                            has calls                its calls
    has calls                               calls numbered after     its calls
    has no text                             has text, the first so   its text
    all else                                                         nothing: it is another answer
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from proxy.providers.openai.chat.content import pieces
from proxy.providers.openai.chat.repeats import Repeat
from proxy.providers.openai.chat.tool_calls import fragments

CALL_FIELDS = ("tool_calls", "function_call")


@dataclass(frozen=True, slots=True)
class ChoiceDelta:
    """A delta or message of a choice, and whether it may repeat what came before."""

    choice: int
    delta: dict[str, Any]
    repeat: Repeat
    whole: bool


@dataclass(slots=True)
class OtherChoices:
    """`words` are their finish reasons, by choice; "" for one that has not ended."""

    words: dict[int, str] = field(default_factory=dict)
    left_out: int = 0
    """Choices that turned out to be answers of their own."""
    _held: dict[int, list[ChoiceDelta]] = field(default_factory=dict)

    def hold(self, part: ChoiceDelta) -> None:
        self._held.setdefault(part.choice, []).append(part)

    @property
    def all_ended(self) -> bool:
        return all(self.words.values())

    @property
    def have_content(self) -> bool:
        return any(
            _has_text(part) or any(map(part.delta.get, CALL_FIELDS)) for held in self._held.values() for part in held
        )

    def parts(self, *, has_text: bool, calls: int, wants_calls: bool) -> Iterator[ChoiceDelta]:
        """What belongs to the answer, given what the first choice has and whether it ended for tool calls."""
        has_calls = calls > 0
        for choice in sorted(self._held):
            held = self._held[choice]
            takes_calls = not has_calls or _smallest_index(held) >= calls > 0
            takes_text = wants_calls and not calls
            if not has_text and any(map(_has_text, held)):
                takes_text = has_text = True
            taken = [kept for part in held if (kept := _kept(part, text=takes_text, calls=takes_calls))]
            if not wants_calls or calls:
                has_calls = has_calls or any(kept.delta.get("tool_calls") for kept in taken)
            self.left_out += not taken and any(part.delta for part in held)
            yield from taken


def _kept(part: ChoiceDelta, *, text: bool, calls: bool) -> ChoiceDelta | None:
    delta = {key: value for key, value in part.delta.items() if (calls if key in CALL_FIELDS else text)}
    return ChoiceDelta(part.choice, delta, part.repeat, part.whole) if delta else None


def _has_text(part: ChoiceDelta) -> bool:
    return any(piece.kind in ("text", "refusal", "notice") for piece in pieces(part.delta))


def _smallest_index(held: list[ChoiceDelta]) -> int:
    """Of the calls that are numbered, -1 without one."""
    indices = [
        fragment.place[1]
        for part in held
        for fragment in fragments(part.delta.get("tool_calls"), part.choice, whole=False)
        if fragment.place is not None
    ]
    return min(indices, default=-1)
