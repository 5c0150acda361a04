from __future__ import annotations

import json
import re
from typing import Any

import pytest

from proxy.protocol.errors import TYPE_OF_STATUS, ApiError, output_too_long, prompt_too_long
from tests.conformance import check_error
from tests.protocol.patterns import OUTPUT_TOO_LONG, PROMPT_TOO_LONG


@pytest.mark.parametrize("status", [*TYPE_OF_STATUS, 418, 599])
def test_bodies_conform(status: int) -> None:
    error = ApiError(status, "something is wrong", retry_after=5)
    headers = {"request-id": "req_123456", "content-type": "application/json"}
    if error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    body = json.dumps(error.body("req_123456")).encode()
    assert check_error(status, headers, body) == {"type": error.type, "message": "something is wrong"}


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("the model called \ud83d", "the model called \ufffd"),
        ("\ude00 is unknown", "\ufffd is unknown"),
        ("\ud83d\ude00 is whole", "\U0001f600 is whole"),
        ("model: gpt-\U0001f600", "model: gpt-\U0001f600"),
    ],
)
def test_messages_hold_no_half_characters(message: str, shown: str) -> None:
    """No UTF-8 can hold them, so the error itself could not be sent."""
    body = ApiError(400, message).body("req_1")
    assert body["error"]["message"] == shown
    json.dumps(body, ensure_ascii=False).encode()


def test_details() -> None:
    error = ApiError(400, "x", details={"error_code": "tool_name_conflict"})
    assert error.body("req_1")["error"]["details"] == {"error_code": "tool_name_conflict"}


@pytest.mark.parametrize(
    ("status", "asked", "retry_after", "should_retry"),
    [
        pytest.param(429, 41.724, 42, None, id="CASES-81 whole seconds, upwards"),
        pytest.param(429, 0.2, 1, None, id="CASES-81 at least one"),
        pytest.param(429, 0, 1, None, id="CASES-81 zero"),
        pytest.param(429, 60, 60, None, id="CASES-81 a minute"),
        pytest.param(429, 60.5, None, False, id="CASES-81 more than Claude Code waits"),
        pytest.param(429, None, None, None, id="unknown"),
        pytest.param(503, 3, 3, None, id="CASES-82 503"),
        pytest.param(529, 3, 3, None, id="CASES-82 529"),
        pytest.param(400, 3, None, None, id="waiting does not help a 400"),
        pytest.param(401, 3, None, None, id="waiting does not help a 401"),
        pytest.param(500, 300, None, None, id="nor is a long wait told of a 500"),
    ],
)
def test_waits(status: int, asked: float | None, retry_after: int | None, should_retry: bool | None) -> None:
    error = ApiError(status, "x", retry_after=asked)
    assert (error.retry_after, error.should_retry) == (retry_after, should_retry)


def test_should_retry_is_kept() -> None:
    assert ApiError(401, "x", should_retry=False).should_retry is False
    assert ApiError(429, "x", retry_after=5, should_retry=False).should_retry is False


def numbers(pattern: re.Pattern[str], error: ApiError) -> Any:
    found = pattern.search(error.message)
    assert found is not None, error.message
    return [int(number) for number in found.groups()]


def test_overflow_in_the_words_that_claude_code_reads() -> None:
    """CASES-78, CASES-79"""
    prompt = prompt_too_long(140_004, 128_000)
    assert (prompt.status, prompt.type) == (400, "invalid_request_error")
    assert numbers(PROMPT_TOO_LONG, prompt) == [140_004, 128_000]
    output = output_too_long(24_235, 64_000, 64_001)
    assert (output.status, output.type) == (400, "invalid_request_error")
    assert numbers(OUTPUT_TOO_LONG, output) == [24_235, 64_000, 64_001]


@pytest.mark.parametrize("known", [(None, None), (5, None), (None, 5)])
def test_overflow_without_numbers(known: tuple[int | None, int | None]) -> None:
    assert "prompt is too long" in prompt_too_long(*known).message
