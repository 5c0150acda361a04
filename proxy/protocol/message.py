"""Events -> Message: the answer to a request that does not stream, folded from the very events that a stream sends."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from proxy.protocol.events import BlockDelta, BlockStart, BlockStop, Event, MessageDelta, MessageStart


def fold(events: Iterable[Event]) -> dict[str, Any]:
    """The complete Message. A tool use whose input the token limit cut short is left out: it must not run."""
    message: dict[str, Any] = {}
    block: dict[str, Any] = {}
    arguments: list[str] = []
    for event in events:
        match event:
            case MessageStart(start):
                message = {**start, "content": [], "usage": dict(start["usage"])}
            case BlockStart(_, start):
                block, arguments = dict(start), []
            case BlockDelta(_, kind, value):
                _apply(block, arguments, kind, value)
            case BlockStop():
                if block["type"] not in ("tool_use", "server_tool_use") or _parsed_input(block, arguments):
                    message["content"].append(block)
            case MessageDelta(stop_reason, stop_sequence, stop_details, usage):
                message.update(stop_reason=stop_reason, stop_sequence=stop_sequence, stop_details=stop_details)
                message["usage"].update(usage)
            case _:
                pass
    return message


def _apply(block: dict[str, Any], arguments: list[str], kind: str, value: Any) -> None:
    match kind:
        case "input_json_delta":
            arguments.append(value)
        case "text_delta":
            block["text"] += value
        case "thinking_delta":
            block["thinking"] += value
        case "signature_delta":
            block["signature"] = value
        case "citations_delta":
            block.setdefault("citations", []).append(value)


def _parsed_input(block: dict[str, Any], arguments: list[str]) -> bool:
    try:
        block["input"] = json.loads("".join(arguments), parse_constant=int)  # int refuses NaN, which is no JSON
    except ValueError:
        return False
    return True
