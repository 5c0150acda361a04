from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.protocol.errors import ApiError
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
from proxy.protocol.sse import encode
from tests.conformance import parse_sse

DELTA = {"type": "content_block_delta", "index": 3}
CITED = {"type": "char_location", "cited_text": 'a "quote"\n'}

EVENTS: list[tuple[Event, dict[str, Any]]] = [
    (
        MessageStart({"id": "msg_1", "content": []}),
        {"type": "message_start", "message": {"id": "msg_1", "content": []}},
    ),
    (
        BlockStart(2, {"type": "text", "text": ""}),
        {"type": "content_block_start", "index": 2, "content_block": {"type": "text", "text": ""}},
    ),
    (BlockDelta(3, "text_delta", "a\n"), {**DELTA, "delta": {"type": "text_delta", "text": "a\n"}}),
    (BlockDelta(3, "thinking_delta", ""), {**DELTA, "delta": {"type": "thinking_delta", "thinking": ""}}),
    (BlockDelta(3, "signature_delta", "s"), {**DELTA, "delta": {"type": "signature_delta", "signature": "s"}}),
    (
        BlockDelta(3, "input_json_delta", '{"a":"\\u00e9'),
        {**DELTA, "delta": {"type": "input_json_delta", "partial_json": '{"a":"\\u00e9'}},
    ),
    (BlockDelta(3, "citations_delta", CITED), {**DELTA, "delta": {"type": "citations_delta", "citation": CITED}}),
    (BlockStop(12), {"type": "content_block_stop", "index": 12}),
    (
        MessageDelta("stop_sequence", "END", None, {"output_tokens": 5}),
        {
            "type": "message_delta",
            "delta": {"stop_reason": "stop_sequence", "stop_sequence": "END", "stop_details": None},
            "usage": {"output_tokens": 5},
        },
    ),
    (MessageStop(), {"type": "message_stop"}),
    (Ping(), {"type": "ping"}),
    (
        StreamError(ApiError(529, "busy\n\nevent: x"), "req_123456"),
        {
            "type": "error",
            "error": {"type": "overloaded_error", "message": "busy\n\nevent: x"},
            "request_id": "req_123456",
        },
    ),
]


@pytest.mark.parametrize(("event", "data"), EVENTS, ids=lambda value: value["type"] if isinstance(value, dict) else "")
def test_each_event(event: Event, data: dict[str, Any]) -> None:
    assert parse_sse(encode([event])) == [(data["type"], data)]


def test_many_events_are_one_piece() -> None:
    events = [event for event, _ in EVENTS]
    assert encode(events) == b"".join(encode([event]) for event in events)
    assert encode([]) == b""


@given(st.text())
def test_any_text_stays_on_its_line(text: str) -> None:
    raw = encode([BlockDelta(0, "text_delta", text)])
    assert raw.count(b"\n") == 3
    assert raw.isascii()
    assert json.loads(raw.split(b"data: ")[1])["delta"]["text"] == text
