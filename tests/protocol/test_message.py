"""Events -> Message. That it equals the streamed answer is shown wherever `tests.translation.answer` is used."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.protocol.events import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Event,
    MessageDelta,
    MessageStart,
    MessageStop,
    Ping,
)
from proxy.protocol.message import fold

USAGE = {"input_tokens": 7, "cache_read_input_tokens": 0, "output_tokens": 1}
START = MessageStart({"id": "msg_1", "content": [], "stop_reason": None, "usage": USAGE})
END: list[Event] = [MessageDelta("end_turn", None, None, {"output_tokens": 9, "input_tokens": 12}), MessageStop()]
CITED = {"type": "char_location", "cited_text": "x"}


def block(start: dict[str, Any], *deltas: tuple[Any, Any]) -> list[Event]:
    return [BlockStart(0, start), *(BlockDelta(0, kind, value) for kind, value in deltas), BlockStop(0)]


TOOL = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}
TEXT = {"type": "text", "text": ""}
THINKING = {"type": "thinking", "thinking": "", "signature": ""}


@pytest.mark.parametrize(
    ("events", "content"),
    [
        ([], []),
        (block(TEXT, ("text_delta", "a"), ("text_delta", "b")), [{"type": "text", "text": "ab"}]),
        (
            block(TEXT, ("text_delta", "a"), ("citations_delta", CITED), ("citations_delta", CITED)),
            [{"type": "text", "text": "a", "citations": [CITED, CITED]}],
        ),
        (
            block(THINKING, ("thinking_delta", "a"), ("thinking_delta", ""), ("signature_delta", "s")),
            [{"type": "thinking", "thinking": "a", "signature": "s"}],
        ),
        (block({"type": "redacted_thinking", "data": "x"}), [{"type": "redacted_thinking", "data": "x"}]),
        (
            block(TOOL, ("input_json_delta", ""), ("input_json_delta", '{"a"'), ("input_json_delta", ":1}")),
            [{**TOOL, "input": {"a": 1}}],
        ),
        (block(TOOL, ("input_json_delta", "{}")), [TOOL]),
        (block(TOOL, ("input_json_delta", '{"a"')), []),
        (block(TOOL, ("input_json_delta", '{"a": NaN}')), []),
        (block(TOOL), []),
    ],
    ids=["empty", "text", "citations", "thinking", "redacted", "tool", "no input", "cut", "no JSON", "not begun"],
)
def test_content(events: list[Event], content: list[Any]) -> None:
    message = fold([START, Ping(), *events, *END])
    assert message["content"] == content
    json.dumps(message, allow_nan=False)


def test_end() -> None:
    message = fold([START, MessageDelta("refusal", None, {"type": "refusal"}, {"output_tokens": 9}), MessageStop()])
    assert message["id"] == "msg_1"
    assert (message["stop_reason"], message["stop_sequence"]) == ("refusal", None)
    assert message["stop_details"] == {"type": "refusal"}
    assert message["usage"] == {**USAGE, "output_tokens": 9}


def test_events_are_left_as_they_are() -> None:
    """They may still be sent."""
    events: list[Event] = [START, *block(TEXT, ("text_delta", "a"), ("citations_delta", CITED)), *END]
    assert fold(events) == fold(events)
    assert START.message["content"] == []
    assert START.message["usage"] == USAGE
    assert TEXT == {"type": "text", "text": ""}
