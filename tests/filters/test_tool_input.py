"""Repairs of tool input: what is mended, what is left alone, and that nothing is lost on the way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.answering.filters.tool_input import repair_tool_input, repaired
from proxy.protocol.deltas import Delta, Finish, TextDelta, ToolCallDelta, ToolCallEnd, ToolCallStart

SCHEMA = {
    "type": "object",
    "properties": {
        "file_path": {"type": "string"},
        "pages": {"type": "string"},
        "content": {"type": "string"},
        "todos": {"type": "array"},
        "options": {"type": "object"},
        "anything": {},
        "either": {"type": ["string", "array"]},
    },
    "required": ["file_path", "content"],
}


@pytest.mark.parametrize(
    ("tool", "written", "meant"),
    [
        pytest.param(
            "Read", {"file_path": "x", "pages": ""}, {"file_path": "x"}, id="CASES-30 optional filled with nothing"
        ),
        pytest.param("Write", {"file_path": "x", "content": ""}, None, id="CASES-30 required and empty"),
        pytest.param("Write", {"file_path": "x", "pages": ""}, None, id="CASES-30 another tool"),
        pytest.param("Read", {"file_path": "x", "pages": "1-5"}, None, id="CASES-30 optional with a value"),
        pytest.param("T", {"todos": '[{"a": 1}]'}, {"todos": [{"a": 1}]}, id="CASES-31 array as a string"),
        pytest.param("T", {"options": '{"a": 1}'}, {"options": {"a": 1}}, id="CASES-31 object as a string"),
        pytest.param("T", {"todos": '{"a": 1}'}, None, id="CASES-31 the other type"),
        pytest.param("T", {"todos": "[not json"}, None, id="CASES-31 no JSON"),
        pytest.param("T", {"content": "[1]"}, None, id="CASES-31 a string is wanted"),
        pytest.param("T", {"anything": "[1]", "either": "[1]"}, None, id="CASES-31 a string is allowed"),
        pytest.param("T", {"content ": "x"}, {"content": "x"}, id="CASES-32 white space in a key"),
        pytest.param("T", {"content ": "x", "content": "y"}, None, id="CASES-32 the key is there, too"),
        pytest.param("T", {"other ": "x"}, None, id="CASES-32 a key that the schema does not know"),
    ],
)
def test_repairs(tool: str, written: dict[str, Any], meant: dict[str, Any] | None) -> None:
    text = json.dumps(written)
    assert repaired(text, tool, SCHEMA) == (text if meant is None else json.dumps(meant))
    assert json.loads(repaired(json.dumps(text), tool, SCHEMA)) == (meant or written)


@pytest.mark.parametrize("text", ["", "null", "[1]", '{"a":', '"x"', "7"])
def test_what_is_no_object_is_left_alone(text: str) -> None:
    assert repaired(text, "T", SCHEMA) == text


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.integers())), st.integers(1, 5))
def test_nothing_is_changed_without_a_schema(value: dict[str, Any], size: int) -> None:
    text = json.dumps(value)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    deltas: list[Delta] = [TextDelta("a"), ToolCallStart(0, "T"), *(ToolCallDelta(0, piece) for piece in pieces)]
    batches = [[delta] for delta in [*deltas, ToolCallEnd(0), Finish()]]
    out = [delta for batch in repair_tool_input(batches, {"T": {}}, lambda _: True) for delta in batch]
    assert "".join(delta.json for delta in out if isinstance(delta, ToolCallDelta)) == text
    assert [type(delta) for delta in out if not isinstance(delta, ToolCallDelta)] == [
        TextDelta,
        ToolCallStart,
        ToolCallEnd,
        Finish,
    ]


def test_input_that_was_cut_off_is_passed_on() -> None:
    batches: list[list[Delta]] = [[ToolCallStart(0, "T"), ToolCallDelta(0, '{"a": "b')], [], [Finish("max_tokens")]]
    out = list(repair_tool_input(batches, {"T": {}}, lambda _: True))
    assert out == [[ToolCallStart(0, "T")], [], [ToolCallDelta(0, '{"a": "b'), Finish("max_tokens")]]


def test_a_tool_that_is_not_held_streams() -> None:
    batches: list[list[Delta]] = [[ToolCallStart(0, "T")], [ToolCallDelta(0, '{"todos": "[]"}')], [ToolCallEnd(0)]]
    assert list(repair_tool_input(batches, {"T": SCHEMA}, lambda _: False)) == batches
