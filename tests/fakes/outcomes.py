"""How the tables of odd streams write down what has to come of a stream."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

STOP_REASONS = {"end": "end_turn", "tool_use": "tool_use", "max_tokens": "max_tokens", "refusal": "refusal"}
"""The `stop_reason` for each `finish` of a table but "error"."""

_SHOWN = {"text": ("text",), "thinking": ("thinking",), "tool_use": ("name", "input")}


def blocks_of(content: Iterable[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The content of a Message as the tables write it: ("text", text), ("thinking", text), ("tool", name, input)."""
    return [
        ("tool" if block["type"] == "tool_use" else block["type"], *(block[key] for key in _SHOWN[block["type"]]))
        for block in content
    ]
