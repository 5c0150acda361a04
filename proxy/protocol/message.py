"""Events -> Message: the answer to a request that does not stream, folded from the very events that a stream sends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from proxy.protocol.events import BlockDelta, BlockStart, BlockStop, Event, MessageDelta, MessageStart
from proxy.protocol.tool_json import parsed_input

_FIELD_OF_DELTA = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


def fold(events: Iterable[Event]) -> dict[str, Any]:
    """The complete Message. A tool use whose input the answer's end cut short is left out: it must not run."""
    message: dict[str, Any] = {}
    block: dict[str, Any] = {}
    pieces: dict[str, list[Any]] = {}
    for event in events:
        match event:
            case MessageStart(start):
                message = {**start, "content": [], "usage": dict(start["usage"])}
            case BlockStart(_, start):
                block, pieces = dict(start), {}
            case BlockDelta(_, kind, value):
                pieces.setdefault(kind, []).append(value)
            case BlockStop():
                if (whole := _joined(block, pieces)) is not None:
                    message["content"].append(whole)
            case MessageDelta(stop_reason, stop_sequence, stop_details, usage, safeguards):
                message.update(stop_reason=stop_reason, stop_sequence=stop_sequence, stop_details=stop_details)
                message["usage"].update(usage)
                if safeguards is not None:
                    message["safeguard_results"] = safeguards
            case _:
                pass
    return message


def _joined(block: dict[str, Any], pieces: dict[str, list[Any]]) -> dict[str, Any] | None:
    """The block with what its deltas brought, joined once: an answer may come in 100,000 pieces."""
    if block["type"] in ("tool_use", "server_tool_use"):
        input = parsed_input("".join(pieces.get("input_json_delta", ())))
        return None if input is None else {**block, "input": input}
    for kind, field in _FIELD_OF_DELTA.items():
        if kind in pieces:
            block[field] = "".join(pieces[kind])
    if "citations_delta" in pieces:
        block["citations"] = pieces["citations_delta"]
    return block
