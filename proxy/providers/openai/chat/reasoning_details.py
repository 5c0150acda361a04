"""OpenRouter's `reasoning_details`, which have to come back as they were: signatures and encrypted state stand in them.

They travel in the signatures of thinking blocks. One answer may need several blocks, as some of it comes late: the
signature of a text in a piece of its own, state after the tool call that it belongs to. Merging the blocks' lists in
their order gives the whole again.

Gemini 3 behind its OpenAI-compatible endpoint has one signature for a tool call, which wants to come back on it; it
travels in the same way, right before the call.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from proxy.protocol.blocks import ContentBlock, RedactedThinkingBlock, ThinkingBlock
from proxy.protocol.signature import seal, unseal

TRANSPORT = "openrouter"
"""Names these servers in the envelopes of reasoning state."""
CALL_TRANSPORT = "gemini-chat"
"""Names the endpoints that sign calls."""
SENTINEL = "skip_thought_signature_validator"
"""What Google takes in place of a lost signature (ai.google.dev/gemini-api/docs/thought-signatures, 2026-11)."""
_IN_PIECES = {"reasoning.text": "text", "reasoning.summary": "summary"}

Detail = dict[str, Any]


@dataclass(slots=True)
class _Entry:
    detail: Detail
    pieces: list[str] = field(default_factory=list)
    """Of the text, which comes in thousands of them."""


class Details:
    """The entries so far: the text of one type and index is one entry, signed once."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._unsigned: dict[tuple[str, Any], _Entry] = {}

    def __bool__(self) -> bool:
        return bool(self._entries)

    def merge(self, fragments: Iterable[Any]) -> None:
        """Adds the pieces of a stream."""
        for fragment in fragments:
            if isinstance(fragment, dict):
                self._add(fragment)

    def whole(self) -> list[Detail]:
        details: list[Detail] = []
        for entry in self._entries:
            text = {_IN_PIECES[entry.detail["type"]]: "".join(entry.pieces)} if entry.pieces else {}
            details.append({**entry.detail, **text})
        return details

    def clear(self) -> None:
        self._entries.clear()
        self._unsigned.clear()

    def _add(self, fragment: Detail) -> None:
        kind, index = fragment.get("type"), fragment.get("index")
        name = _IN_PIECES.get(kind) if isinstance(kind, str) else None
        if name is None:
            self._entries.append(_Entry(dict(fragment)))
            return
        place = (str(kind), index if isinstance(index, int | str) else None)
        entry = self._unsigned.get(place)
        if entry is None:
            entry = self._unsigned[place] = _Entry(dict(fragment))
            self._entries.append(entry)
        else:
            entry.detail.update({key: value for key, value in fragment.items() if value is not None and key != name})
        if isinstance(text := fragment.get(name), str) and text:
            entry.pieces.append(text)
        if entry.detail.get("signature"):
            del self._unsigned[place]


def sealed(details: list[Detail], model: str) -> str | None:
    """None where they cannot be written as JSON."""
    try:
        return seal(TRANSPORT, model, json.dumps(details, separators=(",", ":")))
    except (ValueError, RecursionError):
        return None


def opened(blocks: Iterable[ContentBlock], model: str) -> list[Detail]:
    """The details that the thinking in an assistant turn holds, if this model made it."""
    details = Details()
    for block in blocks:
        if payload := _unsealed(block, TRANSPORT, model):
            details.merge(_entries(payload))
    return details.whole()


def call_signature(block: ContentBlock, model: str) -> str | None:
    """The signature for the next tool call that a block of thinking holds, if this model made it."""
    return _unsealed(block, CALL_TRANSPORT, model)


def _unsealed(block: ContentBlock, transport: str, model: str) -> str | None:
    if not isinstance(block, ThinkingBlock | RedactedThinkingBlock):
        return None
    return unseal(block.signature if isinstance(block, ThinkingBlock) else block.data, transport, model)


def _entries(payload: str) -> list[Any]:
    try:
        entries = json.loads(payload)
    except (ValueError, RecursionError):
        return []
    return entries if isinstance(entries, list) else []
