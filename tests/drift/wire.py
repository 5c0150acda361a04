"""An answer of the scripted model as the Anthropic Messages API writes it, whole or as a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

_USAGE = {"input_tokens": 1000, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 20}
_EMPTY: dict[str, dict[str, Any]] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
    "server_tool_use": {"input": {}},
}


def numbered(blocks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The blocks, calls with ids of their own."""
    return [{**block, "id": f"toolu_{uuid4().hex}"} if block["type"] == "tool_use" else {**block} for block in blocks]


def message(model: str, blocks: Sequence[Mapping[str, Any]], results: Sequence[Any]) -> dict[str, Any]:
    """`results` are the `safeguard_results`; empty where none were requested."""
    called = any(block["type"] == "tool_use" for block in blocks)
    return {
        "id": f"msg_{uuid4().hex}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": list(blocks),
        "stop_reason": "tool_use" if called else "end_turn",
        "stop_sequence": None,
        "usage": _USAGE,
        **({"safeguard_results": results} if results else {}),
    }


def frames(whole: Mapping[str, Any]) -> Iterator[bytes]:
    """The events of a message, each as the bytes of its frame."""
    results = whole.get("safeguard_results")
    start = {name: value for name, value in whole.items() if name != "safeguard_results"}
    yield frame("message_start", message={**start, "content": [], "stop_reason": None, "usage": _USAGE})
    for index, block in enumerate(whole["content"]):
        empty = {**block, **_EMPTY.get(block["type"], {})}
        yield frame("content_block_start", index=index, content_block=empty)
        for delta in _deltas(block):
            yield frame("content_block_delta", index=index, delta=delta)
        yield frame("content_block_stop", index=index)
    stop = {name: whole[name] for name in ("stop_reason", "stop_sequence")}
    judged = {"safeguard_results": results} if results else {}
    yield frame("message_delta", delta={**stop, **judged}, usage=_USAGE)
    yield frame("message_stop")


def error(kind: str, words: str, request_id: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": words}, "request_id": request_id}


def frame(type: str, **data: Any) -> bytes:
    return f"event: {type}\ndata: {json.dumps({'type': type, **data})}\n\n".encode()


def _deltas(block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    match block["type"]:
        case "text":
            yield {"type": "text_delta", "text": block["text"]}
        case "thinking":
            yield {"type": "thinking_delta", "thinking": block["thinking"]}
            yield {"type": "signature_delta", "signature": block["signature"]}
        case "tool_use" | "server_tool_use":
            yield {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
