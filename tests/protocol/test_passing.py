from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.protocol.deltas import Usage
from proxy.protocol.passing import PassedAnswer

START = {"input_tokens": 10, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 2, "output_tokens": 1}
BEGUN = Usage(input=10, output=1, cache_read=5, cache_write=2)


def frame(kind: str, line: str = "\n", **fields: Any) -> bytes:
    return f"event: {kind}{line}data: {json.dumps({'type': kind, **fields})}{line}{line}".encode()


def started(**usage: Any) -> bytes:
    return frame("message_start", message={"id": "msg_1", "usage": {**START, **usage}})


def ended(line: str = "\n", **usage: Any) -> bytes:
    return frame("message_delta", line, delta={"stop_reason": "tool_use"}, usage=usage)


TEXT = frame("content_block_delta", index=0, delta={"type": "text_delta", "text": 'data: "message_delta" "error"\n'})


@pytest.mark.parametrize(
    ("pieces", "usage", "stop_reason", "error"),
    [
        ([started()], BEGUN, "", ""),
        ([started() + TEXT, TEXT + ended(output_tokens=40)], Usage(10, 40, 5, 2), "tool_use", ""),
        ([started(), ended("\r\n", output_tokens=40, input_tokens=11)], Usage(11, 40, 5, 2), "tool_use", ""),
        ([started(), ended(output_tokens=7), ended(output_tokens=9)], Usage(10, 9, 5, 2), "tool_use", ""),
        ([started(cache_creation={"ephemeral_1h_input_tokens": 2})], Usage(10, 1, 5, 2, cache_write_1h=2), "", ""),
        ([started(), frame("error", error={"type": "overloaded_error"})], BEGUN, "", "overloaded_error"),
        (
            [started(input_tokens=None, output_tokens="x", cache_creation=[])],
            Usage(cache_read=5, cache_write=2),
            "",
            "",
        ),
        ([TEXT, b'data: {"type": "message_delta", \n\n', b'data: ["message_delta"]\n\n', b""], Usage(), "", ""),
        ([frame("message_start", message="x"), frame("message_delta", usage=3, delta=4)], Usage(), "", ""),
    ],
)
def test_frames(pieces: list[bytes], usage: Usage, stop_reason: str, error: str) -> None:
    answer = PassedAnswer()
    for piece in pieces:
        answer.saw_frames(piece)
    assert (answer.usage, answer.stop_reason, answer.error) == (usage, stop_reason, error)


@pytest.mark.parametrize(
    ("body", "usage", "stop_reason", "error"),
    [
        ({"type": "message", "usage": START, "stop_reason": "end_turn"}, BEGUN, "end_turn", ""),
        ({"type": "error", "error": {"type": "rate_limit_error"}}, Usage(), "", "rate_limit_error"),
        ({"input_tokens": 12}, Usage(), "", ""),
        ([], Usage(), "", ""),
        ("<html>", Usage(), "", ""),
    ],
)
def test_bodies(body: Any, usage: Usage, stop_reason: str, error: str) -> None:
    answer = PassedAnswer()
    answer.saw_body(body.encode() if isinstance(body, str) else json.dumps(body).encode())
    assert (answer.usage, answer.stop_reason, answer.error) == (usage, stop_reason, error)
