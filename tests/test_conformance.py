"""The checker of streams: good ones pass, and each rule refuses what breaks it under its own name."""

from __future__ import annotations

import copy
import re
from typing import Any

import anthropic
import httpx2
import pytest

from tests.conformance import check_error_stream, check_message, check_stream, parse_sse
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
    begin,
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
    "text": (REQUEST, sse(start(), *text(0, "Hal", "lo \U0001f600"), *end("end_turn"))),
    "pings": (REQUEST, sse(PING, start(), PING, *text(0, "a")[:2], PING, stop(0), PING, *end("end_turn"))),
    "thinking": (REQUEST, sse(start(), *thinking(0, "hm", "m"), *text(1, "Yes"), *end("end_turn", usage=LATE))),
    "unsigned thinking": (REQUEST, sse(start(), *thinking(0, "hm", signature=""), *text(1, "Yes"), *end("end_turn"))),
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


def broken(events: list[Json], *, ending: list[Json] | None = None) -> bytes:
    return sse(start(), *events, *(ending or end("end_turn")))


GOOD_TEXT = GOOD["text"][1]
BROKEN_STREAMS: list[tuple[str, bytes]] = [
    ("S2", GOOD_TEXT.replace(b"\n", b"\r\n")),
    ("S2", GOOD_TEXT[:-2] + b"\r\n\n"),
    ("S2", GOOD_TEXT[:-1]),
    ("S2", GOOD_TEXT + b"\n"),
    ("S2", GOOD_TEXT + b"data: [DONE]\n\n"),
    ("S2", b": hello\n\n" + GOOD_TEXT),
    ("S2", GOOD_TEXT.replace(b"event: message_stop\n", b"")),
    ("S2", GOOD_TEXT.replace(b"event: message_stop\n", b"event: message_delta\n")),
    ("S2", GOOD_TEXT.replace(b'"Hal"', b'"Hal\xff"')),
    ("S2", GOOD_TEXT.replace(b'"Hal"', b"NaN")),
    ("S2", GOOD_TEXT.replace(b'"Hal"', b'"Hal')),
    ("S2", sse({"type": "surprise"}) + GOOD_TEXT),
    ("S2", b"event: ping\ndata: []\n\n" + GOOD_TEXT),
    ("S2", GOOD_TEXT.replace(b"data: {", b"data: [] \ndata: {", 1)),
    ("S3", b""),
    ("S3", sse(PING)),
    ("S3", sse(*text(0, "a"), *end("end_turn"))),
    ("S3", broken([start(), *text(0, "a")])),
    ("S4", sse(start(content=[{"type": "text", "text": "a"}]), *end("end_turn"))),
    ("S5", broken(text(1, "a"))),
    ("S5", broken([begin(1, {"type": "text", "text": ""}), *text(0, "a")[1:]])),
    ("S5", broken([{"type": "content_block_stop"}])),
    ("S5", broken([*text(0, "a"), *tool(2, *RUN)], ending=end("tool_use"))),
    ("S5", broken([*text(0, "a")[:2], *tool(1, *RUN)])),
    ("S5", broken([*text(0, "a"), delta(0, "text_delta", text="b")])),
    ("S5", broken([begin(0, {"type": "text", "text": ""}), delta(1, "text_delta", text="b"), stop(0)])),
    ("S5", broken([*text(0, "a"), stop(0)])),
    ("S5", broken(text(0, "a")[:2])),
    ("S5", sse(start(), end("end_turn")[0], *text(0, "a"), end("end_turn")[1])),
    ("S6", broken([begin(0, {"type": "text", "text": ""}), delta(0, "thinking_delta", thinking="a"), stop(0)])),
    ("S6", broken([begin(0, {"type": "text", "text": ""}), delta(0, "text_delta", text=None), stop(0)])),
    ("S6", broken([begin(0, {"type": "text", "text": ""}), {"type": "content_block_delta", "index": 0}, stop(0)])),
    (
        "S6",
        broken([begin(0, {"type": "redacted_thinking", "data": "a"}), delta(0, "text_delta", text="a"), stop(0)]),
    ),
    ("S7", broken(whole(0, type="text", text="a"))),
    ("S7", broken(whole(0, type="thinking", thinking=""))),
    ("S7", broken(whole(0, type="surprise"))),
    ("S7", broken(whole(0, type="text", text="", citations=[CITATION]))),
    ("S7", broken([{"type": "content_block_start", "index": 0}, stop(0)])),
    (
        "S7",
        broken(whole(0, type="tool_use", id="toolu_1", name="Bash", input={"command": "ls"}), ending=end("tool_use")),
    ),
    ("S8", broken(tool(0, "null"), ending=end("tool_use"))),
    ("S8", broken(tool(0, "[1]"), ending=end("tool_use"))),
    ("S8", broken(tool(0, *RUN, "}"), ending=end("max_tokens"))),
    ("S8", broken(tool(0, "ls", name="Read"), ending=end("max_tokens"))),
    ("S8", broken(tool(0, RUN[0]), ending=end("tool_use"))),
    ("S8", broken([*tool(0, RUN[0]), *tool(1, *RUN)], ending=end("max_tokens"))),
    ("S8", broken(tool(0, '{"a":NaN}', name="Read"), ending=end("tool_use"))),
    ("S8", broken(tool(0, "\n", *RUN), ending=end("tool_use"))),
    ("S9", broken([*thinking(0, "a")[:-1], delta(0, "signature_delta", signature="b"), stop(0)])),
    ("S9", broken([*thinking(0, "a")[:-1], delta(0, "thinking_delta", thinking="b"), stop(0)])),
    ("S9", broken([thinking(0)[0], delta(0, "signature_delta", signature=""), stop(0)])),
    ("S10", sse(start(), {"type": "message_stop"})),
    ("S10", sse(start(), {"type": "message_delta", "usage": {"output_tokens": 9}}, {"type": "message_stop"})),
    ("S10", broken([], ending=end(None))),
    ("S10", broken([end("end_turn")[0]], ending=end(None))),
    ("S10", broken([], ending=end("end_turn", usage={"output_tokens": None}))),
    ("S10", broken([], ending=end("end_turn", usage={"input_tokens": 0}))),
    ("S10", broken([], ending=end("end_turn", tokens=0))),
    ("S10", sse(start(), {**end("end_turn")[0], "delta": {"stop_reason": "end_turn"}}, end("end_turn")[1])),
    ("S10", sse(start(), {"type": "message_delta", "delta": end("end_turn")[0]["delta"]}, end("end_turn")[1])),
    ("S11", sse(start(), *text(0, "a"), end("end_turn")[0])),
    ("S11", sse(start(), *text(0, "a")[:2])),
    ("S11", GOOD_TEXT + sse(PING)),
    ("S11", GOOD_TEXT + sse({"type": "message_stop"})),
    ("S12", GOOD_TEXT + sse(error())),
    ("S12", sse(start(), error())),
    ("S13", sse({"type": "ping", "time": 1}) + GOOD_TEXT),
    ("S16", broken([begin(0, {"type": "text", "text": ""}), delta(0, "text_delta", text=""), *text(0, "a")[1:]])),
    ("S16", broken(text(0, "\ud83d", "\ude00"))),
    ("S16", broken(tool(0, '{"command":"\\ud83d"}'), ending=end("tool_use"))),
    ("M1", sse(start(id="123"), *end("end_turn"))),
    ("M1", sse({"type": "message_start"}, *end("end_turn"))),
    ("M2", sse(start(stop_reason="end_turn"), *end("end_turn"))),
    ("M3", sse(start(stop_sequence="END"), *end("end_turn"))),
    ("M6", broken(tool(0, RUN[0], call="toolu_old"), ending=end("max_tokens"))),
    ("M9", sse(start(usage={"input_tokens": 1}), *end("end_turn"))),
]
BROKEN_ERROR_STREAMS: list[tuple[str, bytes]] = [
    ("S12", b""),
    ("S12", GOOD_TEXT),
    ("S12", sse(start(), *text(0, "a")[:2])),
    ("S12", sse(start(), error(), error())),
    ("S12", sse(start(), error(), PING)),
    ("S12", GOOD_TEXT + sse(error())),
    ("S12", sse(start(), error(kind="surprise"))),
    ("S12", sse(start(), error(message=""))),
    ("S16", sse(start(), error(message="\ud83d"))),
    ("S12", sse(start(), error(message="Traceback (most recent call last):"))),
    ("S12", sse(start(), {"type": "error", "message": "Overloaded"})),
    ("S3", sse(*text(0, "a"), error())),
    ("S5", sse(start(), *text(1, "a"), error())),
    ("S5", sse(start(), *text(0, "a")[:2], end("end_turn")[0], error())),
    ("M6", sse(start(), tool(0, name="Later")[0], error())),
    ("M10", sse(start(model="gpt-5.5"), error())),
    ("H1", sse(start(), {**error(), "request_id": "req_654321"})),
]


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
