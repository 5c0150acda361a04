"""Events as bytes on the wire: `event: NAME`, `data: JSON`, blank line.

Deltas are the hot path: constant bytes around one escaped string, no dict per event. Strings are escaped to ASCII, so
that a frame can never be cut inside a UTF-8 sequence.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from json.encoder import encode_basestring_ascii
from typing import Any

from proxy.protocol.events import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Event,
    MessageDelta,
    MessageStart,
    MessageStop,
    Ping,
    StreamError,
)

_FIELD = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": "partial_json",
    "citations_delta": "citation",
}
_DELTA_HEAD = {kind: f'"delta":{{"type":"{kind}","{field}":' for kind, field in _FIELD.items()}
_PING = 'event: ping\ndata: {"type": "ping"}\n\n'
_STOP = 'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def encode(events: Iterable[Event]) -> bytes:
    """All events as one piece of the response body."""
    return "".join([_encode_one(event) for event in events]).encode("ascii")


def _encode_one(event: Event) -> str:
    match event:
        case BlockDelta(index, kind, value):
            text = encode_basestring_ascii(value) if isinstance(value, str) else _json(value)
            return (
                'event: content_block_delta\ndata: {"type":"content_block_delta","index":'
                f"{index},{_DELTA_HEAD[kind]}{text}}}}}\n\n"
            )
        case BlockStart(index, block):
            return _frame({"type": "content_block_start", "index": index, "content_block": block})
        case BlockStop(index):
            return f'event: content_block_stop\ndata: {{"type":"content_block_stop","index":{index}}}\n\n'
        case Ping():
            return _PING
        case MessageStart(message):
            return _frame({"type": "message_start", "message": message})
        case MessageDelta(stop_reason, stop_sequence, stop_details, usage, safeguards):
            delta: dict[str, Any] = {
                "stop_reason": stop_reason,
                "stop_sequence": stop_sequence,
                "stop_details": stop_details,
            }
            if safeguards is not None:
                delta["safeguard_results"] = safeguards
            return _frame({"type": "message_delta", "delta": delta, "usage": usage})
        case MessageStop():
            return _STOP
        case StreamError(error, request_id):
            return _frame(error.body(request_id))


def _frame(data: dict[str, Any]) -> str:
    return f"event: {data['type']}\ndata: {_json(data)}\n\n"


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
