"""OpenRouter's `reasoning_details`, which have to come back as they were: signatures and encrypted state stand in them.

They travel in the signatures of thinking blocks. One answer may need several blocks, as some of it comes late: the
signature of a text in a piece of its own, state after the tool call that it belongs to. Merging the blocks' lists in
their order gives the whole again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from proxy.protocol.blocks import ContentBlock, RedactedThinkingBlock, ThinkingBlock
from proxy.protocol.signature import seal, unseal

TRANSPORT = "openrouter"
"""Names these servers in the envelopes of reasoning state."""
_IN_PIECES = {"reasoning.text": "text", "reasoning.summary": "summary"}

Detail = dict[str, Any]


def merge(details: list[Detail], fragments: Iterable[Any]) -> None:
    """Adds the pieces of a stream to the entries so far: the text of one type and index is one entry, signed once."""
    for fragment in fragments:
        if not isinstance(fragment, dict):
            continue
        field = _IN_PIECES.get(str(fragment.get("type")))
        known = _unsigned(details, fragment) if field else None
        if field is None or known is None:
            details.append(dict(fragment))
            continue
        text = (known.get(field) or "") + (fragment.get(field) or "")
        known.update({name: value for name, value in fragment.items() if value is not None})
        if text:
            known[field] = text


def _unsigned(details: list[Detail], fragment: Detail) -> Detail | None:
    place = (fragment["type"], fragment.get("index"))
    same = (known for known in reversed(details) if (known.get("type"), known.get("index")) == place)
    found = next(same, None)
    return found if found is not None and not found.get("signature") else None


def sealed(details: list[Detail], model: str) -> str:
    return seal(TRANSPORT, model, json.dumps(details, ensure_ascii=False, separators=(",", ":")))


def opened(blocks: Iterable[ContentBlock], model: str) -> list[Detail]:
    """The details that the thinking in an assistant turn holds, if this model made it."""
    details: list[Detail] = []
    for block in blocks:
        if isinstance(block, ThinkingBlock | RedactedThinkingBlock):
            signature = block.signature if isinstance(block, ThinkingBlock) else block.data
            merge(details, _entries(unseal(signature, TRANSPORT, model)))
    return details


def _entries(payload: str | None) -> list[Any]:
    try:
        entries = json.loads(payload or "[]")
    except ValueError:
        return []
    return entries if isinstance(entries, list) else []
