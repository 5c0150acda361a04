"""CASES-52: reasoning that servers leave in the text, between tags."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.answering.filters.think_tags import think_tags
from proxy.protocol.deltas import Delta, Finish, TextDelta, ThinkingDelta, ToolCallStart, Usage
from tests.filters.pieces import cuttings, through

END = Finish("end")
TOOL = ToolCallStart(0, "Read")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("hello", [("text", "hello")], id="no tags"),
        pytest.param("<think>a</think>b", [("thinking", "a"), ("text", "b")], id="tags"),
        pytest.param("<thinking>a</thinking>b", [("thinking", "a"), ("text", "b")], id="thinking"),
        pytest.param("<thought>a</thought>b", [("thinking", "a"), ("text", "b")], id="thought"),
        pytest.param(
            "\n <think>\na\n</think>\n\nb\n", [("thinking", "\na\n"), ("text", "b\n")], id="white space around"
        ),
        pytest.param("<think></think>b", [("text", "b")], id="no thoughts"),
        pytest.param("<think>a</think>", [("thinking", "a")], id="no answer"),
        pytest.param("<think>a", [("thinking", "a")], id="never closed"),
        pytest.param("<think>a</thi", [("thinking", "a</thi")], id="never quite closed"),
        pytest.param("<thi", [("text", "<thi")], id="never quite opened"),
        pytest.param(" \n", [("text", " \n")], id="only white space"),
        pytest.param("a</think>b", [("text", "ab")], id="a bare closing tag"),
        pytest.param("a</thought>b</think>c", [("text", "ab</think>c")], id="only the first closing tag"),
        pytest.param("<think>a</thought>b</think>c", [("thinking", "a"), ("text", "b</think>c")], id="mixed tags"),
        pytest.param("<think>a</think>b<think>c", [("thinking", "a"), ("text", "b<think>c")], id="an answer on tags"),
        pytest.param("use <think> here", [("text", "use <think> here")], id="tags only at the head"),
        pytest.param("<thinker>a", [("text", "<thinker>a")], id="another tag"),
    ],
)
def test_texts(text: str, wanted: list[Any]) -> None:
    assert through(think_tags, [[TextDelta(text), END]]) == [*wanted, END]
    assert through(think_tags, [*([TextDelta(letter)] for letter in text), [END]]) == [*wanted, END]
    assert through(think_tags, [[TextDelta(letter)] for letter in text]) == wanted


@pytest.mark.parametrize(
    ("deltas", "wanted"),
    [
        pytest.param([TextDelta("<th"), TOOL], [("text", "<th"), TOOL], id="held back, then a call"),
        pytest.param(
            [TextDelta("<think>a</t"), TOOL, END], [("thinking", "a</t"), TOOL, END], id="thinking, then a call"
        ),
        pytest.param(
            [TextDelta("<thi"), Usage(output=1), TextDelta("nk>a")],
            [Usage(output=1), ("thinking", "a")],
            id="usage between",
        ),
        pytest.param(
            [ThinkingDelta("a"), TextDelta("b"), END], [("thinking", "a"), ("text", "b"), END], id="true reasoning too"
        ),
    ],
)
def test_other_deltas(deltas: list[Delta], wanted: list[Any]) -> None:
    assert through(think_tags, [[delta] for delta in deltas]) == wanted


def test_empty_batches_pass() -> None:
    assert [list(batch) for batch in think_tags([[], [TextDelta("a")], []])] == [[], [TextDelta("a")], [], []]


NAMES = ("think", "thinking", "thought")
OPEN, CLOSE = (f"<{slash}(?:{'|'.join(NAMES)})>" for slash in ("", "/"))
TAGS = [f"<{slash}{name}>" for slash in ("", "/") for name in NAMES]


def as_a_whole(text: str) -> list[Any]:
    """The rule, for a text that has come to its end."""
    headed = re.fullmatch(rf"\s*{OPEN}(.*?)(?:{CLOSE}\s*(.*))?", text, re.DOTALL)
    thought, answer = headed.groups("") if headed else ("", re.sub(CLOSE, "", text, count=1))
    return [part for part in (("thinking", thought), ("text", answer)) if part[1]]


@given(st.data(), st.lists(st.sampled_from([*TAGS, "a", "<", ">", " ", "\n", "</", "thi"]), max_size=8).map("".join))
@settings(max_examples=150, deadline=None)
def test_any_cutting(data: st.DataObject, text: str) -> None:
    assert through(think_tags, [*data.draw(cuttings(text)), [END]]) == [*as_a_whole(text), END]
