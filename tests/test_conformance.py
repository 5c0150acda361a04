"""The checker of streams: good ones pass, and each rule refuses what breaks it under its own name."""

from __future__ import annotations

import copy
import re
from typing import Any

import anthropic
import httpx2
import pytest

from tests.conformance import check_error_stream, check_message, check_stream, parse_sse
from tests.conformance.broken import BROKEN_ERROR_STREAMS, BROKEN_STREAMS, GOOD_TEXT
from tests.conformance.samples import (
    CITATION,
    COUNTRY,
    LATE,
    PING,
    REFUSED,
    REQUEST,
    RUN,
    STREAM_HEADERS,
    asking,
    delta,
    end,
    error,
    expect_violation,
    ids,
    search,
    sse,
    start,
    stop,
    text,
    thinking,
    tool,
    whole,
)
from tests.conformance.violation import Json, Violation

GOOD: dict[str, tuple[Json, bytes]] = {
    "text": (REQUEST, GOOD_TEXT),
    "pings": (REQUEST, sse(PING, start(), PING, *text(0, "a")[:2], PING, stop(0), PING, *end("end_turn"))),
    "thinking": (REQUEST, sse(start(), *thinking(0, "hm", "m"), *text(1, "Yes"), *end("end_turn", usage=LATE))),
    "thinking not shown": (
        asking(thinking={"type": "adaptive", "display": "omitted"}),
        sse(start(), *thinking(0), *text(1, "Yes"), *end("end_turn")),
    ),
    "redacted thinking": (
        REQUEST,
        sse(start(), *whole(0, type="redacted_thinking", data="eA=="), *text(1, "Yes"), *end("end_turn")),
    ),
    "tool use": (REQUEST, sse(start(), *text(0, "Look:"), *tool(1, "", *RUN), *end("tool_use"))),
    "parallel tools": (REQUEST, sse(start(), *tool(0, *RUN), *tool(1, name="Read"), *end("tool_use"))),
    "server tool": (
        REQUEST,
        sse(
            start(), *thinking(0, "a"), *text(1, "I search"), *search(2), *thinking(4), *text(5, "A"), *end("end_turn")
        ),
    ),
    "paused server tool": (REQUEST, sse(start(), *search(0), *end("pause_turn"))),
    "citations": (
        REQUEST,
        sse(
            start(),
            *text(0, "a")[:2],
            delta(0, "citations_delta", citation=CITATION),
            delta(0, "citations_delta", citation={**CITATION, "cited_text": "b"}),
            stop(0),
            *text(1, "b"),
            *tool(2, *RUN),
            *end("tool_use"),
        ),
    ),
    "cut tool": (REQUEST, sse(start(), *text(0, "a"), *tool(1, *RUN[:1]), *end("max_tokens"))),
    "cut before tool input": (REQUEST, sse(start(), *tool(0, *RUN), *tool(1, name="Read"), *end("max_tokens"))),
    "whole tool at the limit": (REQUEST, sse(start(), *tool(0, *RUN), *end("max_tokens"))),
    "refusal": (REQUEST, sse(start(), *end("refusal", stop_details=REFUSED))),
    "empty": (REQUEST, sse(start(), *end("end_turn"))),
    "stop sequence": (REQUEST, sse(start(), *text(0, "a"), *end("stop_sequence", stop_sequence="END"))),
    "text at the limit": (REQUEST, sse(start(), *text(0, "a"), *end("max_tokens"))),
    "all input cached": (
        REQUEST,
        sse(
            start(usage={"input_tokens": 0, "cache_read_input_tokens": 7, "output_tokens": 1}),
            *end("end_turn", usage={"input_tokens": 0}),
        ),
    ),
    "two deltas": (REQUEST, sse(start(), *text(0, "a"), end(None, tokens=4)[0], *end("end_turn"))),
    "structured output": (
        asking(output_config={"format": COUNTRY}),
        sse(start(), *text(0, '{"country":', '"FR"}'), *end("end_turn")),
    ),
}
CUT = {"cut tool": 1, "cut before tool input": 1}
"""Good streams whose last tool call is not whole: how many blocks are."""


@pytest.mark.parametrize("name", GOOD)
def test_good_stream_passes_and_adds_up_to_a_good_message(name: str) -> None:
    request, raw = GOOD[name]
    streamed = check_stream(raw, request, STREAM_HEADERS)
    assert check_stream(raw) == streamed
    assert check_message(copy.deepcopy(streamed), request) == streamed
    assert len(streamed["content"]) == CUT.get(name, raw.count(b"event: content_block_start"))


@pytest.mark.parametrize("name", GOOD)
def test_every_cut_of_a_good_stream_is_seen(name: str) -> None:
    request, raw = GOOD[name]
    for length in range(len(raw)):
        with pytest.raises(Violation) as caught:
            check_stream(raw[:length], request)
        assert caught.value.rule in ("S2", "S3", "S11")


@pytest.mark.parametrize("name", GOOD)
def test_good_stream_may_break_off_with_an_error_at_every_frame(name: str) -> None:
    request, raw = GOOD[name]
    last = len(parse_sse(raw)) - 1
    frames = re.findall(rb".*?\n\n", raw, re.DOTALL)
    for count in range(last + 1):
        broken_off = b"".join(frames[:count]) + sse({**error(), "request_id": "req_123456"})
        assert check_error_stream(broken_off, request, STREAM_HEADERS) == error()["error"]
        assert check_error_stream(broken_off) == error()["error"]


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("beta", [False, True])
def test_sdk_adds_up_the_same_message(name: str, beta: bool) -> None:
    request, raw = GOOD[name]
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, headers=STREAM_HEADERS, content=raw))
    with httpx2.Client(transport=transport) as http_client:
        client = anthropic.Anthropic(api_key="key", base_url="http://proxy.test", http_client=http_client)
        messages: Any = client.beta.messages if beta else client.messages
        with messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "a"}]) as stream:
            received = stream.get_final_message().to_dict()
    # The SDK shows a cut call with what it could read of its input.
    received["content"] = received["content"][: CUT.get(name)]
    assert received == check_stream(raw, request)


@pytest.mark.parametrize(("rule", "raw"), BROKEN_STREAMS, ids=ids(BROKEN_STREAMS))
def test_broken_stream(rule: str, raw: bytes) -> None:
    expect_violation(rule, check_stream, raw, REQUEST, STREAM_HEADERS)


@pytest.mark.parametrize(
    ("rule", "headers"),
    [
        ("S1", {**STREAM_HEADERS, "Content-Type": "application/json"}),
        ("S1", {**STREAM_HEADERS, "content-length": "7"}),
        ("H1", {"content-type": "text/event-stream"}),
        ("H5", {**STREAM_HEADERS, "anthropic-ratelimit-unified-reset": "1"}),
    ],
)
def test_broken_stream_headers(rule: str, headers: dict[str, str]) -> None:
    expect_violation(rule, check_stream, GOOD_TEXT, REQUEST, headers)
    expect_violation(rule, check_error_stream, sse(start(), error()), REQUEST, headers)


@pytest.mark.parametrize(("rule", "raw"), BROKEN_ERROR_STREAMS, ids=ids(BROKEN_ERROR_STREAMS))
def test_broken_error_stream(rule: str, raw: bytes) -> None:
    expect_violation(rule, check_error_stream, raw, REQUEST, STREAM_HEADERS)
