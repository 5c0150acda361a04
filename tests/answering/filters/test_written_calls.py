"""Calls that stand in the text become calls; what only looks like one stays text, and nothing is lost."""

from __future__ import annotations

import functools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.answering.filters.written_calls import written_calls
from proxy.protocol.deltas import (
    Delta,
    Finish,
    FinishReason,
    Note,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from tests.answering.filters.pieces import cuttings, through
from tests.fuzz import examples
from tests.providers.common.call_forms import CITY, FORMS, JSON, NAMES, ONE

END = Finish("end")
LEFT_OUT = "the beginning of a tool call, which the model wrote as text, was left out"
HERMES = f"<tool_call>\n{JSON}\n</tool_call>"
KIMI = FORMS["Kimi K2"][0]


def shown(deltas: list[Delta], **options: Any) -> list[Any]:
    """What a client sees: texts, and calls as (name, input)."""
    seen: list[Any] = []
    for delta in through(functools.partial(written_calls, names=lambda: NAMES, **options), [[each] for each in deltas]):
        if isinstance(delta, ToolCallDelta):
            seen.append((seen.pop(), json.loads(delta.json)))
        elif isinstance(delta, ToolCallStart):
            seen.append(delta.name)
        elif not isinstance(delta, ToolCallEnd | Note):
            seen.append(delta)
    return seen


@pytest.mark.parametrize("form", FORMS)
def test_forms(form: str) -> None:
    text, wanted = FORMS[form]
    whole = [("text", "Sure.\n"), ("get_weather", wanted), END]
    assert shown([TextDelta(f"Sure.\n{text}"), END]) == whole
    assert shown([*map(TextDelta, f"Sure.\n{text}"), END]) == whole
    assert shown([*map(TextDelta, text), END]) == whole[1:]


QUOTED = [
    pytest.param(f"It writes\n```xml\n{HERMES}\n```\nto call.", id="in a fenced block"),
    pytest.param(f"```\na\n```\n\n~~~\n{HERMES}\n~~~", id="in the second fenced block"),
    pytest.param(f"It writes `{HERMES}`.", id="behind a backtick"),
    pytest.param("The mark <tool_call> stands before get_weather.", id="a mark in a sentence"),
    pytest.param(f"<tool_call> is a mark. {'It is long. ' * 50}", id="a mark and no name"),
    pytest.param('{"name": "Paris", "arguments": {}}', id="JSON of something else"),
    pytest.param(f"{JSON} is a call.", id="JSON with words behind"),
    pytest.param('{"a": 1}', id="other JSON"),
    pytest.param("[1](a) and [get](b)", id="links"),
    pytest.param("if a < b and c[0] < d[", id="code"),
    pytest.param("<tool_cal", id="never quite a mark"),
    pytest.param("[get_weather(", id="a call in Python, cut"),
    pytest.param("```python\nget_weather(1)\n```", id="a fenced block of Python"),
    pytest.param(" \n", id="only white space"),
]


@pytest.mark.parametrize("text", QUOTED)
def test_what_only_looks_like_a_call(text: str) -> None:
    assert shown([TextDelta(text), END]) == [("text", text), END]
    assert shown([*map(TextDelta, text), END]) == [("text", text), END]
    assert shown([*map(TextDelta, text)]) == [("text", text)]


def test_a_call_behind_a_fenced_block() -> None:
    before = "```\nls\n```\n"
    assert shown([*map(TextDelta, before + HERMES), END]) == [
        ("text", before),
        ("get_weather", {"city": "Paris", "days": 3}),
        END,
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param(JSON, {"city": "Paris", "days": 3}, id="an object"),
        pytest.param(f"```json\n{JSON}\n```", {"city": "Paris", "days": 3}, id="fenced"),
        pytest.param('[get_weather(city="Paris")]', ONE, id="Python"),
    ],
)
def test_bare_calls(text: str, wanted: dict[str, Any]) -> None:
    assert shown([*map(TextDelta, text), END]) == [("get_weather", wanted), END]
    assert shown([*map(TextDelta, text), END], bare=False) == [("text", text), END]


@pytest.mark.parametrize(
    ("deltas", "wanted"),
    [
        pytest.param([Usage(output=1), TextDelta("a<"), Usage(output=2)], ["a", "<"], id="usage"),
        pytest.param([TextDelta("a<"), ThinkingDelta("b"), TextDelta("c")], ["a", "<", "c"], id="thinking"),
    ],
)
def test_other_deltas(deltas: list[Delta], wanted: list[str]) -> None:
    batches = list(written_calls([deltas], lambda: NAMES))
    assert [delta.text for batch in batches for delta in batch if isinstance(delta, TextDelta)] == wanted
    assert [delta for batch in batches for delta in batch if not isinstance(delta, TextDelta)] == [
        delta for delta in deltas if not isinstance(delta, TextDelta)
    ]


MADE: list[Delta] = [ToolCallStart(0, "get_weather"), ToolCallDelta(0, CITY), ToolCallEnd(0)]


def test_what_the_server_made_a_call_does_not_run_twice() -> None:
    assert shown([TextDelta(KIMI), *MADE, END]) == [("get_weather", ONE), END]
    assert shown([*MADE, TextDelta(KIMI), END]) == [("get_weather", ONE), END]
    assert shown([TextDelta(FORMS["Qwen coder, without its mark"][0]), *MADE, END]) == [("get_weather", ONE), END]


def test_a_call_while_the_model_still_thinks() -> None:
    """vllm-project/vllm#39056."""
    thoughts = ThinkingDelta(f"I read it.\n{HERMES}\n</think>")
    call = ("get_weather", {"city": "Paris", "days": 3})
    assert shown([thoughts, END])[1:] == [call, END]
    assert shown([thoughts, TextDelta("Done."), END])[1:] == [("text", "Done."), END]
    assert shown([thoughts, *MADE, END])[1:] == [("get_weather", ONE), END]
    assert shown([ThinkingDelta(f"{HERMES} is what I could write."), END])[1:] == [END]
    assert shown([thoughts, Finish("max_tokens")])[1:] == [Finish("max_tokens")]


def test_what_the_server_missed_follows() -> None:
    both = [("get_weather", ONE), ("get_weather", {"city": "Paris", "days": 3}), END]
    assert shown([TextDelta(HERMES), *MADE, END]) == both


@pytest.mark.parametrize("reason", ["max_tokens", "context_window_exceeded"])
def test_a_call_that_was_cut(reason: FinishReason) -> None:
    text = "Sure.\n<function=get_weather>\n<parameter=city>\nPar"
    filter = functools.partial(written_calls, names=lambda: NAMES)
    out = through(filter, [[TextDelta(text)], [Finish(reason)]])
    assert out == [("text", "Sure.\n"), Note(LEFT_OUT), Finish(reason)]
    assert shown([TextDelta(text), END]) == [("text", text), END]
    assert shown([TextDelta(HERMES), Finish(reason)]) == [
        ("get_weather", {"city": "Paris", "days": 3}),
        Finish(reason),
    ]


def test_a_note_says_it() -> None:
    filter = functools.partial(written_calls, names=lambda: NAMES)
    out = through(filter, [[TextDelta(HERMES)], [END]])
    assert out[0] == Note("1 of 1 tool calls that came as text were made calls")


PARTS = st.sampled_from(["a", "\n", "<", "[", "```", "`", "<tool_call>", "{", JSON, "</tool_call>", "get_weather", " "])


@settings(max_examples=examples(100), deadline=None)
@given(st.data(), st.lists(PARTS, max_size=12).map("".join))
def test_wherever_the_text_is_cut(data: st.DataObject, text: str) -> None:
    """The pieces in which a text comes change nothing; without calls it comes out as it went in."""
    whole = shown([TextDelta(text), END])
    cut = [delta for batch in data.draw(cuttings(text)) for delta in batch]
    assert shown([*cut, END]) == whole
    if not any(isinstance(each, tuple) and each[0] == "get_weather" for each in whole):
        assert whole == [*([("text", text)] if text else []), END]
