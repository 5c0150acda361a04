from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

import pytest

from proxy.usage.record import Record, dollars, session_hash
from tests.usage.records import record

NOTHING: dict[str, Any] = {
    **dict.fromkeys(("role", "model", "target", "reason", "session", "stop_reason"), ""),
    **dict.fromkeys(("first_byte", "tokens_in", "tokens_cached", "tokens_cache_write", "tokens_out", "cost")),
    "streamed": False,
    "tools": 0,
}


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        (
            {"notes": "x was dropped"},
            "req_1 main claude-opus-5-5 -> gemini/gemini-3.8-flash (BIG_MODEL) 200 stream 3.2s ttft 0.8s "
            "in 18195 (17000 cached) out 230 tools 24 $0.0123 end_turn notes: x was dropped",
        ),
        (
            {"streamed": False, "tokens_cached": 0, "tools": 0, "cost": None},
            "req_1 main claude-opus-5-5 -> gemini/gemini-3.8-flash (BIG_MODEL) 200 3.2s ttft 0.8s in 18195 out 230 "
            "end_turn",
        ),
        (
            {**NOTHING, "what": "POST /v1/messages", "status": 404, "error": "not_found_error"},
            "req_1 POST /v1/messages 404 3.2s not_found_error",
        ),
        ({**NOTHING, "what": "GET /health"}, "req_1 GET /health 200 3.2s"),
        (
            {
                "what": "POST /v1/messages/count_tokens",
                **dict.fromkeys(("tokens_in", "cost", "first_byte")),
                "tools": 0,
            },
            "req_1 POST /v1/messages/count_tokens main claude-opus-5-5 -> gemini/gemini-3.8-flash (BIG_MODEL) "
            "200 stream 3.2s end_turn",
        ),
        (
            {"stop_reason": "", "error": "api_error", "outcome": "failed in mid-stream: 502 api_error"},
            "req_1 main claude-opus-5-5 -> gemini/gemini-3.8-flash (BIG_MODEL) 200 stream 3.2s ttft 0.8s "
            "in 18195 (17000 cached) out 230 tools 24 $0.0123 failed in mid-stream: 502 api_error",
        ),
    ],
)
def test_line(fields: dict[str, Any], line: str) -> None:
    assert record(**fields).line() == line


def test_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        record().status = 500  # type: ignore[misc]


def test_values() -> None:
    assert Record(**record().values()) == record()


def test_the_day_is_local() -> None:
    assert record(time=datetime(2026, 11, 29, 23, 59, 59).timestamp()).day == "2026-11-29"
    assert record(time=datetime(2026, 11, 30).timestamp()).day == "2026-11-30"


@pytest.mark.parametrize(
    ("fields", "is_message"),
    [({}, True), ({"status": 402}, True), ({"model": ""}, False), ({"what": "POST /v1/messages/count_tokens"}, False)],
)
def test_what_asked_a_model(fields: dict[str, Any], is_message: bool) -> None:
    assert record(**fields).is_message is is_message


def test_session_hash() -> None:
    hashed = session_hash("7a1c0b9e-session")
    assert len(hashed) == 12
    assert int(hashed, 16)
    assert hashed == session_hash("7a1c0b9e-session") != session_hash("another")
    assert session_hash("\ud800")
    assert session_hash("") == ""


@pytest.mark.parametrize(
    ("cost", "text"), [(0, "$0.0000"), (0.0123, "$0.0123"), (0.000012, "$0.000012"), (12.5, "$12.5000")]
)
def test_dollars(cost: float, text: str) -> None:
    assert dollars(cost) == text
