"""Gemini's chunks -> deltas, rule by rule: parts of every kind, calls in every form, and how an answer ends."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.protocol.deltas import ToolCallDelta, ToolCallEnd, ToolCallStart, Usage
from proxy.protocol.errors import ApiError
from tests.mutation import TOO_DEEP, judged, nested, shown
from tests.providers.gemini.chunks import Json, call, chunk, piece, read, reader, text

READING = ("Read", {"file_path": "/a"})
ARGS = {"file_path": "/a"}
NO_SIGNATURES = ("thinking", "")


def blocks(*chunks: Json) -> list[tuple[Any, ...]]:
    written = judged(read(chunks))
    assert not isinstance(written, ApiError), written.message
    return [block for block in shown(written) if block != NO_SIGNATURES]


def failure(*chunks: Json) -> ApiError:
    written = judged(read(chunks))
    assert isinstance(written, ApiError), written
    return written


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"inlineData": {"mimeType": "image/png", "data": "aGk="}}, "[The model made an image (image/png), which"),
        ({"inlineData": {"mimeType": "audio/L16;rate=24000"}}, "[The model made a recording (audio/L16"),
        ({"inlineData": {"mimeType": "video/mp4"}}, "[The model made a video (video/mp4)"),
        ({"inlineData": {"mimeType": "application/pdf"}}, "[The model made a file (application/pdf)"),
        ({"inlineData": {"data": 5}}, "[The model made a file, which"),
        ({"fileData": {"mimeType": "image/png", "fileUri": "gs://b/a.png"}}, "at gs://b/a.png]"),
        ({"executableCode": {"language": "PYTHON", "code": "print(1)\n"}}, "```python\nprint(1)\n```"),
        ({"executableCode": {"code": "```\nx\n```"}}, "````\n```\nx\n```\n````"),
        ({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}}, "```\n1\n```"),
        ({"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "no"}}, "OUTCOME_FAILED]\n\n```\nno\n```"),
        ({"codeExecutionResult": {"outcome": "OUTCOME_OK"}}, "[The code ran without any output]"),
        ({"toolCall": {"name": "x"}}, "[Gemini sent a toolCall, which cannot be shown here]"),
    ],
)
def test_other_parts_are_described(part: Json, words: str) -> None:
    """Also where nothing else is said: such an answer is not asked for again."""
    stream = reader()
    (block,) = shown(judged(read([chunk(part, finish="STOP")], stream)))  # type: ignore[arg-type]
    assert words in block[1]
    assert stream.spoilt is None
    around = blocks(chunk(text("Look:")), chunk(part), chunk(text("Done."), finish="STOP"))
    assert around == [("text", f"Look:\n\n{block[1]}\n\nDone.")]


@pytest.mark.parametrize("part", [{}, {"text": ""}, {"thoughtSignature": "x"}, {"videoMetadata": {"fps": 1}}, {"x": 5}])
def test_parts_that_hold_nothing(part: Json) -> None:
    stream = reader()
    list(read([chunk(part, finish="STOP")], stream))
    assert stream.spoilt == "STOP"


CALLS: list[Any] = [
    pytest.param([call("Read", ARGS)], [READING], id="whole"),
    pytest.param([call("Read", ARGS, beside={"thought": True})], [READING], id="marked as a thought"),
    pytest.param([call("Read", ARGS, beside={"text": "I read."})], [("text", "I read."), READING], id="text beside it"),
    pytest.param([call("Read", '{"file_path": "/a"}')], [READING], id="args are JSON text"),
    pytest.param([call("Read", '"{\\"file_path\\": \\"/a\\"}"')], [READING], id="args are JSON text twice"),
    pytest.param([call("Read", '{"file_path": "a\nb"}')], [("Read", {"file_path": "a\nb"})], id="a raw line end"),
    pytest.param([call("List")], [("List", {})], id="no args"),
    pytest.param([call("List", {})], [("List", {})], id="empty args"),
    pytest.param([call("List", [])], [("List", {})], id="an empty list for args"),
    pytest.param([call("List", "null")], [("List", {})], id="null as text"),
    pytest.param([call("List"), call("Read", ARGS), call("List")], [("List", {}), READING, ("List", {})], id="several"),
    pytest.param([call("List"), text("Listed.")], [("List", {}), ("text", "Listed.")], id="text after no args"),
    pytest.param([call("Read", ARGS), call(None)], [READING], id="an empty call after a whole one is nothing"),
    pytest.param(
        [
            call("Read", willContinue=True),
            call(None, partialArgs=[piece("$.file_path", "/", willContinue=True)], willContinue=True),
            call(None, partialArgs=[piece("$.file_path", "a")], willContinue=True),
            call(None, willContinue=False),
        ],
        [READING],
        id="args in pieces",
    ),
    pytest.param(
        [
            call("Read", id="1", partialArgs=[piece("$.file_path", "/a")], willContinue=True),
            call(None, id="1"),
            call("List", id="2", willContinue=True),
            call(None, id="2", partialArgs=[piece("$.n", 5), piece("$.deep['a.b'][1].ok", True)]),
        ],
        [READING, ("List", {"n": 5, "deep": {"a.b": [None, {"ok": True}]}})],
        id="two calls in pieces",
    ),
    pytest.param([call("List", willContinue=True), call(None)], [("List", {})], id="announced pieces that never came"),
    pytest.param(
        [call("Read", partialArgs=[piece("$.file_path", "/a"), piece("$.limit")], willContinue=True)],
        [("Read", {"file_path": "/a", "limit": None})],
        id="pieces without their end",
    ),
]


@pytest.mark.parametrize(("parts", "wanted"), CALLS)
def test_calls(parts: list[Json], wanted: list[Any]) -> None:
    assert blocks(chunk(*parts, finish="STOP")) == wanted
    assert blocks(*(chunk(part) for part in parts), chunk(finish="STOP")) == wanted


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        pytest.param([call("Read", "file_path=/a")], "not a JSON object", id="args are no JSON"),
        pytest.param([call("Read", ["/a"])], "not a JSON object", id="args are a list"),
        pytest.param([call("Read", 5)], "not a JSON object", id="args are a number"),
        pytest.param([call("Read", {"n": float("inf")})], "not a JSON object", id="a number that JSON has not"),
        pytest.param([call("Read", {"n": nested(TOO_DEEP)})], "nested too deeply", id="too deep"),
        pytest.param([call(None, ARGS)], "without a name", id="no name"),
        pytest.param([call("", ARGS)], "without a name", id="an empty name"),
        pytest.param(
            [call("Read", partialArgs=[piece("$.a", "x", willContinue=True)], willContinue=True)],
            "in the middle of a function call",
            id="broken off inside a string",
        ),
        pytest.param([call("Read", willContinue=True)], "in the middle of a function call", id="broken off at once"),
        pytest.param([call("Read", partialArgs=[piece("a.b", 1)])], "belongs nowhere", id="no path"),
        pytest.param([call("Read", partialArgs=[piece("$[0]", 1)])], "belongs nowhere", id="a list at the root"),
        pytest.param(
            [call("Read", partialArgs=[piece("$.a[99999999]", 1)])], "contradict", id="an index out of all proportion"
        ),
        pytest.param(
            [call("Read", partialArgs=[piece("$.a", 1), piece("$.a.b", 1)])], "contradict", id="paths that cross"
        ),
    ],
)
def test_calls_that_cannot_run(parts: list[Json], words: str) -> None:
    """What came instead of an object is never taken for an empty one."""
    assert words in failure(chunk(*parts), chunk(finish="STOP")).message


@pytest.mark.parametrize("parts", [[call(None, ARGS)], [text("", thought=True), call("", ARGS)]])
def test_a_call_without_a_name_is_asked_for_again(parts: list[Json]) -> None:
    stream = reader()
    batches = read([chunk(*parts, finish="STOP")], stream)
    next(batches)
    assert stream.spoilt == "a function call without a name"
    assert "without a name" in blocks(chunk(text("Hm."), *parts, finish="STOP"))[0][1]


@pytest.mark.parametrize("args", [None, {}, "", "{}"])
@pytest.mark.parametrize("signature", ["", "c2ln"])
@pytest.mark.parametrize("finish", ["MAX_TOKENS", "length", "max_tokens", "CONTINUATION"])
def test_a_call_without_args_at_the_limit_was_cut(args: Any, signature: str, finish: str) -> None:
    """CASES-62: it must not run with the empty object."""
    last = call("List", args, beside={"thoughtSignature": signature})
    written = judged(read([chunk(text("a"), call("Read", ARGS), last), chunk(finish=finish)]))
    assert not isinstance(written, ApiError)
    assert [block for block in shown(written) if block != NO_SIGNATURES] == [("text", "a"), READING]
    assert written["stop_reason"] == "max_tokens"


def test_a_cut_call_is_begun_and_not_ended() -> None:
    deltas = [each for batch in read([chunk(call("List")), chunk(finish="MAX_TOKENS")]) for each in batch]
    assert [type(each) for each in deltas if isinstance(each, ToolCallStart | ToolCallDelta | ToolCallEnd)] == [
        ToolCallStart
    ]


@pytest.mark.parametrize(
    "parts",
    [
        [call("Read", ARGS)],
        [call("Read", partialArgs=[piece("$.file_path", "/a")])],
    ],
    ids=["args", "pieces"],
)
def test_a_whole_call_at_the_limit_is_whole(parts: list[Json]) -> None:
    assert blocks(chunk(*parts, finish="MAX_TOKENS")) == [READING]


@pytest.mark.parametrize("finish", ["MAX_TOKENS", "SAFETY"])
def test_pieces_that_were_cut(finish: str) -> None:
    cut = call("Read", partialArgs=[piece("$.file_path", "/", willContinue=True)], willContinue=True)
    assert blocks(chunk(text("a"), cut), chunk(finish=finish)) == [("text", "a")]


CANDIDATES: list[Any] = [
    pytest.param([(0, "a", None), (1, "x", "STOP"), (0, "b", "STOP")], "ab", id="0 wins"),
    pytest.param([(1, "x", None), (1, "y", "STOP")], "xy", id="only 1 is there"),
    pytest.param([(None, "a", None), (None, "b", "STOP")], "ab", id="no index"),
    pytest.param([(0.0, "a", None), (False, "b", None), ("0", "c", "STOP")], "abc", id="odd indices"),
]


@pytest.mark.parametrize(("pieces", "words"), CANDIDATES)
def test_one_candidate_is_read(pieces: list[Any], words: str) -> None:
    chunks = [chunk(text(piece), finish=finish, index=index) for index, piece, finish in pieces]
    assert blocks(*chunks) == [("text", words)]


def test_candidates_of_one_chunk() -> None:
    first, second = chunk(text("x"), index=1), chunk(text("a"), index=0)
    both = {"candidates": [*first["candidates"], *second["candidates"], 5, None]}
    assert blocks(both, both, chunk(finish="STOP")) == [("text", "aa")]


@pytest.mark.parametrize(
    ("finish", "stop_reason"),
    [
        ("STOP", "end_turn"),
        ("stop", "end_turn"),
        ("FINISH_REASON_STOP", "end_turn"),
        ("max_tokens", "max_tokens"),
        ("length", "max_tokens"),
        ("model_context_window_exceeded", "model_context_window_exceeded"),
        ("safety", "refusal"),
        ("Prohibited_Content", "refusal"),
        ("content_filter", "refusal"),
        ("BRAND_NEW", "end_turn"),
        ("MALFORMED_FUNCTION_CALL", "end_turn"),
        ("malformed_function_call", "end_turn"),
    ],
)
def test_finish_words_in_any_spelling(finish: str, stop_reason: str) -> None:
    written = judged(read([chunk(text("a"), finish=finish)]))
    assert not isinstance(written, ApiError)
    assert written["stop_reason"] == stop_reason


@pytest.mark.parametrize(
    ("finish", "status"),
    [("BRAND_NEW", 500), ("other", 500), ("abort", 502), ("error", 502), ("MALFORMED_FUNCTION_CALL", 500), (5, 502)],
)
def test_nothing_said_is_no_normal_end(finish: Any, status: int) -> None:
    assert failure(chunk(finish=finish)).status == status


def test_an_unspecified_reason_in_every_chunk_ends_nothing() -> None:
    stream = reader()
    list(stream.feed(chunk(text("a"), finish="FINISH_REASON_UNSPECIFIED")))
    assert not stream.finished
    list(stream.feed(chunk(text("b"), finish="STOP")))
    assert stream.finished


def test_a_server_that_breaks_off_is_an_error_after_text_too() -> None:
    assert failure(chunk(text("a"), finish="network_error")).status == 502


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"promptTokenCount": 9, "candidatesTokenCount": True}, (9, None)),
        ({"promptTokenCount": 9.0, "candidatesTokenCount": "5"}, (9, None)),
        ({"promptTokenCount": -1, "candidatesTokenCount": 10**30}, (None, None)),
        ({"promptTokenCount": [9], "candidatesTokenCount": 5}, (None, 5)),
    ],
    ids=str,
)
def test_only_counts_are_counts(usage: Json, counts: Any) -> None:
    chunks = [chunk(text("a"), finish="STOP", usageMetadata=usage)]
    reported = [each for batch in read(chunks) for each in batch if isinstance(each, Usage)]
    assert [(each.input, each.output) for each in reported] == [counts]


def test_long_answers_in_small_pieces() -> None:
    chunks = [chunk(text("ab"))] * 20_000
    assert blocks(*chunks, chunk(finish="STOP")) == [("text", "ab" * 20_000)]
    pieces = [call(None, partialArgs=[piece("$.x", "ab", willContinue=True)], willContinue=True) for _ in range(10_000)]
    parts = [call("Read", willContinue=True), *pieces, call(None)]
    assert blocks(*map(chunk, parts), chunk(finish="STOP")) == [("Read", {"x": "ab" * 10_000})]
