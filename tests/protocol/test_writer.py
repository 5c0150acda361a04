"""Deltas -> events: whatever a provider sends, in whatever batches, one conforming answer comes of it."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.protocol import sse
from proxy.protocol.deltas import (
    Citation,
    Delta,
    Finish,
    RedactedThinking,
    ServerBlock,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from proxy.protocol.events import BlockDelta, BlockStart, BlockStop, MessageDelta, MessageStart
from proxy.protocol.message import fold
from proxy.protocol.signature import NO_STATE
from proxy.protocol.writer import Writer
from tests.conformance import check_stream, same_message
from tests.protocol.writing import CITED, END, FOUND, READ, READING, REQUEST, called, content, written
from tests.translation import Json, answer, case

CASES: list[Any] = [
    pytest.param([END], [], "end_turn", id="nothing"),
    pytest.param([TextDelta("he"), TextDelta("llo"), END], [("text", "hello")], "end_turn", id="text"),
    pytest.param([TextDelta(""), TextDelta(" \n"), END], [], "end_turn", id="CASES-17 no blank text block"),
    pytest.param([TextDelta("\n"), TextDelta("a"), END], [("text", "\na")], "end_turn", id="blank before text"),
    pytest.param(
        [TextDelta(" "), *READING, TextDelta("\n"), END], [READ], "tool_use", id="1.8 a turn of tools has no text block"
    ),
    pytest.param(
        [ThinkingDelta("a"), ThinkingDelta("b"), TextDelta("c"), END],
        [("thinking", "ab", NO_STATE), ("text", "c")],
        "end_turn",
        id="thinking without signature",
    ),
    pytest.param(
        [ThinkingDelta("a"), ThinkingEnd("s1"), ThinkingDelta("b"), ThinkingEnd("s2"), END],
        [("thinking", "a", "s1"), ("thinking", "b", "s2")],
        "end_turn",
        id="CASES-51 each run signed",
    ),
    pytest.param([ThinkingEnd("s"), END], [("thinking", "", "s")], "end_turn", id="only a signature"),
    pytest.param([RedactedThinking("x"), END], ["redacted_thinking"], "end_turn", id="redacted"),
    pytest.param(
        [TextDelta("a"), ServerBlock(FOUND), TextDelta("b"), END],
        [("text", "a"), "web_search_tool_result", ("text", "b")],
        "end_turn",
        id="server block",
    ),
    pytest.param(
        [ToolCallStart(0, "Read"), ToolCallEnd(0), END], [("tool_use", "Read", {})], "tool_use", id="no arguments"
    ),
    pytest.param(
        [*called(0, "Read", "nu", "ll"), END], [("tool_use", "Read", {})], "tool_use", id="null for no arguments"
    ),
    pytest.param([*called(0, "Read", " ", "\n"), END], [("tool_use", "Read", {})], "tool_use", id="blank arguments"),
    pytest.param([*called(0, "Read", " ", '{"path": "a"}'), END], [READ], "tool_use", id="blank before the object"),
    pytest.param([*READING[:-1], END], [READ], "tool_use", id="call never ended by the provider"),
    pytest.param(
        [
            ToolCallStart(0, "Read"),
            ToolCallStart(1, "Grep"),
            ToolCallDelta(0, '{"path'),
            ToolCallDelta(1, '{"x"'),
            ToolCallEnd(1),
            ToolCallDelta(0, '": "a"}'),
            END,
        ],
        None,
        None,
        id="CASES-53+54 broken second call",
    ),
    pytest.param(
        [
            ToolCallStart(0, "Read"),
            ToolCallStart(1, "Grep"),
            ToolCallDelta(0, '{"path'),
            ToolCallDelta(1, '{"x"'),
            ToolCallDelta(0, '": "a"}'),
            ToolCallDelta(1, ": 1}"),
            ToolCallEnd(1),
            TextDelta("after"),
            ToolCallEnd(0),
            END,
        ],
        [READ, ("tool_use", "Grep", {"x": 1}), ("text", "after")],
        "tool_use",
        id="CASES-53+54 interleaved",
    ),
    pytest.param(
        [TextDelta("a"), *READING, TextDelta("b"), END],
        [("text", "a"), READ, ("text", "b")],
        "tool_use",
        id="CASES-55 text after a tool",
    ),
    pytest.param([TextDelta("a"), *READING, END], [("text", "a"), READ], "tool_use", id="CASES-60 end means tool_use"),
    pytest.param([*READING, Finish("max_tokens")], [READ], "max_tokens", id="limit after a whole call"),
    pytest.param(
        [TextDelta("a"), *READING[:2], Finish("max_tokens")], [("text", "a")], "max_tokens", id="CASES-62 cut call"
    ),
    pytest.param(
        [ToolCallStart(0, "Read"), Finish("max_tokens")], [], "max_tokens", id="CASES-62 cut before the input"
    ),
    pytest.param(
        [*called(0, "Read"), *called(1, "Grep", '{"x'), Finish("max_tokens")],
        [("tool_use", "Read", {})],
        "max_tokens",
        id="CASES-62 only the last call is cut",
    ),
    pytest.param([*READING[:2], END], None, None, id="CASES-62 cut without a limit is an error"),
    pytest.param(
        [TextDelta("a"), ToolCallStart(0, "Read"), ToolCallEnd(0), Finish("max_tokens")],
        [("text", "a")],
        "max_tokens",
        id="CASES-62 cut before the input, though its end was said",
    ),
    pytest.param(
        [*called(0, "Read", "null"), Usage(output=5), Finish("context_window_exceeded")],
        [],
        "model_context_window_exceeded",
        id="CASES-62 no input when the window is full",
    ),
    pytest.param(
        [*called(0, "Read"), TextDelta("a"), Finish("max_tokens")],
        [("tool_use", "Read", {}), ("text", "a")],
        "max_tokens",
        id="CASES-62 a call that something follows was whole",
    ),
    pytest.param(
        [*called(0, "Read", "{}"), Finish("max_tokens")],
        [("tool_use", "Read", {})],
        "max_tokens",
        id="CASES-62 an empty object that was said is whole",
    ),
    pytest.param([*called(0, "Read"), END], [("tool_use", "Read", {})], "tool_use", id="no arguments at the end"),
    pytest.param(
        [*called(0, "Read"), *called(1, "Grep"), END],
        [("tool_use", "Read", {}), ("tool_use", "Grep", {})],
        "tool_use",
        id="two calls without arguments",
    ),
    pytest.param(
        [TextDelta("a"), *READING[:2], Finish("context_window_exceeded")],
        [("text", "a")],
        "model_context_window_exceeded",
        id="CASES-62 cut by the window",
    ),
    pytest.param([*READING[:2], Finish("refusal")], [], "refusal", id="CASES-62 cut by a filter"),
    pytest.param([ToolCallStart(0, "Read"), Finish("refusal")], [], "refusal", id="cut by a filter before the input"),
    pytest.param(
        [*called(0, "Read"), Finish("refusal")],
        [("tool_use", "Read", {})],
        "refusal",
        id="a call whose end was said is not cut by a filter",
    ),
    pytest.param(
        [ToolCallStart(0, "Read"), ToolCallDelta(0, '{"a"{}'), Finish("max_tokens")],
        None,
        None,
        id="what cannot be completed was broken before it was cut",
    ),
    pytest.param(
        [*READING, ToolCallDelta(0, " \n"), ToolCallDelta(9, ""), ToolCallEnd(0), ToolCallEnd(7), END],
        [READ],
        "tool_use",
        id="nothing for calls that are over or unknown",
    ),
    pytest.param([*READING, ToolCallDelta(0, "}"), END], None, None, id="a piece after the call's end"),
    pytest.param([*READING, TextDelta("a"), ToolCallDelta(0, "{}"), END], None, None, id="a piece long after it"),
    pytest.param([ToolCallDelta(3, "{}"), END], None, None, id="a piece of a call that never began"),
    pytest.param(
        [*READING, *called(0, "Grep", "{}"), END], [READ, ("tool_use", "Grep", {})], "tool_use", id="key reused"
    ),
    pytest.param([Citation(CITED), END], [], "end_turn", id="M7 a citation of nothing"),
    pytest.param([TextDelta(" "), Citation(CITED), END], [], "end_turn", id="M7 a citation of white space"),
    pytest.param([*READING, Citation(CITED), TextDelta(" "), END], [READ], "tool_use", id="M7 a citation after a call"),
    pytest.param([*called(0, "Read", '{"a": 1e400}'), END], None, None, id="input holds a number that is no JSON"),
    pytest.param(
        [*called(0, "Read", '{"a": ' + "9" * 5000 + "}"), END], None, None, id="input holds too long a number"
    ),
    pytest.param(
        [*called(0, "Read", '{"x'), *called(1, "Grep", "{}"), Finish("max_tokens")],
        None,
        None,
        id="CASES-62 the limit cannot have cut an earlier call",
    ),
    pytest.param([*called(0, "Read", "[1]"), END], None, None, id="input is no object"),
    pytest.param([*called(0, "Read", '{"a": NaN}'), END], None, None, id="input is no JSON"),
    pytest.param([*called(0, "Read", "{}{}"), END], None, None, id="input is two objects"),
    pytest.param([*called(0, "Read", '{"a": ' + "[" * 5000), END], None, None, id="input is too deep"),
    pytest.param([TextDelta("a"), Finish("refusal")], [("text", "a")], "refusal", id="CASES-77 refusal"),
    pytest.param([*READING, Finish("refusal")], [READ], "refusal", id="refusal wins over a tool"),
    pytest.param(
        [TextDelta("a"), Finish("context_window_exceeded")],
        [("text", "a")],
        "model_context_window_exceeded",
        id="window",
    ),
    pytest.param(
        [TextDelta("a"), Finish("stop_sequence", "END")], [("text", "a")], "stop_sequence", id="stop sequence"
    ),
    pytest.param([*READING, Finish("stop_sequence", "END")], [READ], "tool_use", id="a tool wins over a stop sequence"),
    pytest.param([TextDelta("a")], None, None, id="CASES-63 no finish"),
    pytest.param([], None, None, id="CASES-64 no events"),
    pytest.param([Usage(input=5, output=1)], None, None, id="CASES-64 only usage"),
    pytest.param([TextDelta("a"), END, Usage(output=9)], [("text", "a")], "end_turn", id="CASES-59 usage after finish"),
]


@pytest.mark.parametrize(("deltas", "blocks", "stop_reason"), CASES)
@pytest.mark.parametrize("apart", [False, True], ids=["one batch", "each alone"])
def test_answers(deltas: list[Delta], blocks: list[Any] | None, stop_reason: str | None, apart: bool) -> None:
    answered = answer([[delta] for delta in deltas] if apart else [deltas], REQUEST)
    if blocks is None:
        assert answered.error is not None
        assert answered.error.status == 502
    else:
        assert answered.message is not None
        assert content(answered.message) == blocks
        assert answered.message["stop_reason"] == stop_reason


def test_stop_details_and_sequence() -> None:
    refused = written([TextDelta("no"), Finish("refusal", explanation="against the rules")])
    assert refused["stop_details"] == {"type": "refusal", "category": None, "explanation": "against the rules"}
    stopped = written([TextDelta("a"), Finish("stop_sequence", "END")])
    assert (stopped["stop_sequence"], stopped["stop_details"]) == ("END", None)


def test_citations_follow_their_text() -> None:
    message = written([TextDelta("x"), Citation(CITED), TextDelta("y"), END])
    assert message["content"] == [{"type": "text", "text": "xy", "citations": [CITED]}]


def test_an_error_names_the_tool_and_not_its_input() -> None:
    error = answer([[*called(0, "Read", '{"path": "secret'), END]], REQUEST).error
    assert error is not None
    assert "Read" in error.message
    assert "secret" not in error.message


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        pytest.param([], {"input_tokens": 7, "output_tokens": 1}, id="CASES-72 no input reported: the estimate"),
        pytest.param([Usage()], {"input_tokens": 7, "output_tokens": 1}, id="CASES-72 null told"),
        pytest.param(
            [Usage(output=9)], {"input_tokens": 7, "output_tokens": 9}, id="CASES-72 only the output reported"
        ),
        pytest.param(
            [Usage(output=9, cache_read=5)],
            {"input_tokens": 2, "output_tokens": 9, "cache_read_input_tokens": 5},
            id="CASES-73 the estimate has what was read from the cache in it",
        ),
        pytest.param(
            [Usage(output=9, cache_read=40)],
            {"input_tokens": 1, "output_tokens": 9, "cache_read_input_tokens": 40},
            id="CASES-73 more was read from the cache than estimated",
        ),
        pytest.param([Usage(input=50, output=9)], {"input_tokens": 50, "output_tokens": 9}, id="CASES-71 true numbers"),
        pytest.param([Usage(input=0, output=0)], {"input_tokens": 7, "output_tokens": 1}, id="zeros told"),
        pytest.param(
            [Usage(input=0, output=9, cache_read=40, cache_write=0)],
            {"input_tokens": 1, "output_tokens": 9, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 0},
            id="CASES-73 all read from the cache",
        ),
        pytest.param(
            [Usage(input=0, output=9, cache_read=0, cache_write=40)],
            {"input_tokens": 1, "output_tokens": 9, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 40},
            id="CASES-73 all written to the cache",
        ),
        pytest.param(
            [Usage(input=5, output=1), Usage(output=4), Usage(input=6, output=9)],
            {"input_tokens": 6, "output_tokens": 9},
            id="CASES-72 cumulative: the last one told",
        ),
        pytest.param(
            [Usage(input=5, output=9, thinking=4, web_searches=2)],
            {
                "input_tokens": 5,
                "output_tokens": 9,
                "output_tokens_details": {"thinking_tokens": 4},
                "server_tool_use": {"web_search_requests": 2},
            },
            id="details",
        ),
        pytest.param(
            [Usage(input=5, output=9, thinking=30)],
            {"input_tokens": 5, "output_tokens": 9, "output_tokens_details": {"thinking_tokens": 9}},
            id="more thinking than output",
        ),
    ],
)
def test_usage(told: list[Delta], usage: Json) -> None:
    message = written([TextDelta("x" * 100)], told, [END])
    caches = {"cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}
    assert message["usage"] == {**caches, **usage}


def test_the_end_of_a_stream_says_the_input_whoever_counted_it() -> None:
    """CASES-72"""
    *_, last, _ = answer([[TextDelta("x"), END]], REQUEST).events
    assert isinstance(last, MessageDelta)
    assert last.usage == {"output_tokens": 1, "input_tokens": 7}


@pytest.mark.parametrize("model", case("67+71", ["claude-x"]))
def test_start_is_sent_at_once_and_only_once(model: str) -> None:
    """One owner of the start, which has an estimate."""
    writer = Writer(model, 7)
    (start,) = writer.feed([])
    assert isinstance(start, MessageStart)
    assert start.message["model"] == model
    assert start.message["usage"]["input_tokens"] == 7
    assert writer.feed([]) == []
    assert start.message["id"] != Writer("claude-x", 7).feed([])[0].message["id"]  # type: ignore[union-attr]


@pytest.mark.parametrize("model", case(68, ["claude-x"]))
def test_deltas_are_shown_as_they_come(model: str) -> None:
    """Nothing of the first call waits, though a second has begun."""
    writer = Writer(model, 7)
    writer.feed([ToolCallStart(0, "Read")])
    assert [type(event) for event in writer.feed([ToolCallDelta(0, "{")])] == [BlockDelta]
    assert writer.feed([ToolCallStart(1, "Grep"), ToolCallDelta(1, "{}")]) == []
    assert writer.feed([ToolCallDelta(0, '"a"')]) == [BlockDelta(0, "input_json_delta", '"a"')]
    events = writer.feed([ToolCallDelta(0, ": 1}"), ToolCallEnd(0)])
    assert [type(event) for event in events] == [BlockDelta, BlockStop, BlockStart, BlockDelta]
    assert writer.feed([TextDelta("x"), TextDelta("y")]) == []


@pytest.mark.parametrize(
    ("deltas", "nudge"),
    [
        pytest.param(
            [], [BlockStart(0, {"type": "thinking", "thinking": "", "signature": ""})], id="CASES-69 before anything"
        ),
        pytest.param([ThinkingDelta("a")], [BlockDelta(0, "thinking_delta", "")], id="CASES-69 while thinking"),
        pytest.param([ToolCallStart(0, "Read")], [BlockDelta(0, "input_json_delta", "")], id="CASES-69 inside a call"),
        pytest.param([TextDelta(" ")], [], id="CASES-69 while a blank text waits"),
    ],
)
def test_nudge(deltas: list[Delta], nudge: list[Any]) -> None:
    """Claude Code 2.1.197 counts real events only, and they must not change the answer."""
    writer = Writer("claude-x", 7)
    writer.feed(deltas)
    assert writer.nudge() == nudge


@pytest.mark.parametrize(
    ("before", "after", "blocks"),
    [
        pytest.param([], [TextDelta("b")], [("thinking", "", NO_STATE), ("text", "b")], id="nothing, then text"),
        pytest.param([], [ThinkingDelta("a")], [("thinking", "a", NO_STATE)], id="nothing, then thinking"),
        pytest.param(
            [ThinkingDelta("a")], [ThinkingDelta("b"), ThinkingEnd("s")], [("thinking", "ab", "s")], id="thinking"
        ),
        pytest.param(READING[:2], READING[2:], [READ], id="call"),
    ],
)
def test_nudged_answers_conform(before: list[Delta], after: list[Delta], blocks: list[Any]) -> None:
    writer = Writer("claude-opus-5-5", 7)
    events = [*writer.feed(before), *writer.nudge(), *writer.nudge(), *writer.feed([*after, END]), *writer.finish()]
    message = check_stream(sse.encode(events), REQUEST)
    assert content(message) == blocks
    same_message(message, fold(events))
