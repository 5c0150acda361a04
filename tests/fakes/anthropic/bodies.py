"""What Anthropic's API answers: blocks, messages and their streams.

Thinking signatures depend on nothing but the text they sign, so that they outlive the fake that issued them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

_KEY = b"the fake's own key"


def sign(text: str) -> str:
    """The signature of a thinking block with this text, base64; for `redacted_thinking` the whole data."""
    mac = hmac.digest(_KEY, text.encode("utf-8", "surrogatepass"), "sha256")
    return base64.b64encode(b"\x12\xa8\x01" + mac + hashlib.shake_256(mac).digest(130)).decode()


def thinking(text: str = "The user wants a short answer.") -> Json:
    return {"type": "thinking", "thinking": text, "signature": sign(text)}


def redacted() -> Json:
    return {"type": "redacted_thinking", "data": sign("redacted")}


def message(model: str, *blocks: Json, number: int = 1, **fields: Any) -> Json:
    """A whole answer. `fields` replace the top-level ones; stop_reason follows from the blocks."""
    stop = "tool_use" if any(block["type"] == "tool_use" for block in blocks) else "end_turn"
    usage = {"input_tokens": 25, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 42}
    frame = {"id": f"msg_01{number:022d}", "type": "message", "role": "assistant", "model": model}
    ending = {"stop_reason": stop, "stop_sequence": None, "stop_details": None, "usage": usage}
    return {**frame, "content": list(blocks), **ending, **fields}


def events(whole: Json) -> Iterator[Json]:
    """The same answer as a stream, with the usual ping."""
    usage = whole["usage"]
    start = {**whole, "content": [], "stop_reason": None, "stop_sequence": None, "usage": {**usage, "output_tokens": 1}}
    yield {"type": "message_start", "message": start}
    yield {"type": "ping"}
    for index, block in enumerate(whole["content"]):
        opened, deltas = _parts(block)
        yield {"type": "content_block_start", "index": index, "content_block": opened}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ending = {key: whole[key] for key in ("stop_reason", "stop_sequence", "stop_details")}
    yield {"type": "message_delta", "delta": ending, "usage": usage}
    yield {"type": "message_stop"}


def _parts(block: Json) -> tuple[Json, list[Json]]:
    match block["type"]:
        case "text":
            return {**block, "text": ""}, [{"type": "text_delta", "text": part} for part in _halves(block["text"])]
        case "thinking":
            deltas = [{"type": "thinking_delta", "thinking": part} for part in _halves(block["thinking"])]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
            return {**block, "thinking": "", "signature": ""}, deltas
        case "tool_use":
            parts = ["", *_halves(json.dumps(block["input"]))]
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": part} for part in parts]
    return block, []


def _halves(text: str) -> list[str]:
    return [part for part in (text[: len(text) // 2], text[len(text) // 2 :]) if part]


def sse(event: Json) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()


def model_info(id_: str) -> Json:
    """An entry of the list of models."""
    name = id_.removeprefix("claude-").replace("-", " ").title()
    info = {"type": "model", "id": id_, "display_name": f"Claude {name}", "created_at": "2026-01-01T00:00:00Z"}
    return {
        **info,
        "lifecycle": "active",
        "line": id_.split("-")[1],
        "max_input_tokens": 1_000_000,
        "max_tokens": 128_000,
    }
