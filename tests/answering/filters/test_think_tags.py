"""CASES-52: reasoning that servers leave in the text, between tags."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.answering.filters.think_tags import Mode, think_tags
from proxy.protocol.deltas import Delta, Finish, Note, TextDelta, ThinkingDelta, ToolCallStart, Usage
from tests.answering.filters.pieces import cuttings, through
from tests.fuzz import examples

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


HARMONY = "<|channel|>analysis<|message|>a<|end|>"
FINAL = "<|start|>assistant<|channel|>final<|message|>b"
THOUGHT = [("thinking", "a"), ("text", "b")]

FAMILIES: list[Any] = [
    pytest.param("[THINK]a[/THINK]b", THOUGHT, id="Magistral"),
    pytest.param("<seed:think>a</seed:think>b", THOUGHT, id="Seed"),
    pytest.param("\u25c1think\u25b7a\u25c1/think\u25b7b", THOUGHT, id="Kimi"),
    pytest.param("<longcat_think>a</longcat_think>\nb", THOUGHT, id="LongCat"),
    pytest.param("<|START_THINKING|>a<|END_THINKING|>b", THOUGHT, id="Command"),
    pytest.param(
        "<|START_THINKING|>a<|END_THINKING|>\n<|START_RESPONSE|>b<|END_RESPONSE|>",
        THOUGHT,
        id="Command to its very end",
    ),
    pytest.param("<|START_RESPONSE|>b<|END_RESPONSE|>", [("text", "b")], id="Command without thoughts"),
    pytest.param("<|channel>thought\na<channel|>b", THOUGHT, id="Gemma 4"),
    pytest.param("<unused94>thought\na<unused95>b", THOUGHT, id="MedGemma"),
    pytest.param("<mm:think>a</mm:think>\n\nb", THOUGHT, id="MiniMax M3"),
    pytest.param(
        "<|begin_of_thought|>a<|end_of_thought|>\n\n<|begin_of_solution|>b<|end_of_solution|>",
        THOUGHT,
        id="OpenThinker",
    ),
    pytest.param("[THINK]a</think>b", [("thinking", "a</think>b")], id="a tag of another family closes nothing"),
    pytest.param(f"{HARMONY}{FINAL}", THOUGHT, id="gpt-oss"),
    pytest.param(f"{HARMONY}{FINAL}<|return|>", THOUGHT, id="gpt-oss to its very end"),
    pytest.param(f"<|start|>assistant{HARMONY}\n{FINAL}", THOUGHT, id="gpt-oss from its very beginning"),
    pytest.param(FINAL, [("text", "b")], id="gpt-oss without thoughts"),
    pytest.param(f"{HARMONY}b", THOUGHT, id="gpt-oss without a header of its answer"),
    pytest.param(HARMONY, [("thinking", "a")], id="gpt-oss without an answer"),
    pytest.param(
        f"{HARMONY}<|channel|>commentary<|message|>I read.<|end|>{HARMONY}{FINAL}",
        [("thinking", "a"), ("text", "I read."), ("thinking", "a"), ("text", "b")],
        id="gpt-oss in several messages",
    ),
    pytest.param(
        f"{HARMONY}<|start|>assistant to=functions.x",
        [("thinking", "a"), ("text", "<|start|>assistant to=functions.x")],
        id="gpt-oss with a call in the text",
    ),
    pytest.param("use [THINK] here", [("text", "use [THINK] here")], id="tags only at the head"),
    pytest.param("[THIN", [("text", "[THIN")], id="never quite opened"),
    pytest.param("<|channel|>other<|message|>b", [("text", "<|channel|>other<|message|>b")], id="another channel"),
]


@pytest.mark.parametrize(("text", "wanted"), FAMILIES)
@pytest.mark.parametrize("mode", ["always", "auto"])
def test_families(text: str, wanted: list[Any], mode: Mode) -> None:
    filter = functools.partial(think_tags, mode=mode)
    assert through(filter, [[TextDelta(text), END]]) == [*wanted, END]
    assert through(filter, [*([TextDelta(letter)] for letter in text), [END]]) == [*wanted, END]


def auto(batches: Iterable[Sequence[Delta]]) -> Iterator[Sequence[Delta]]:
    return think_tags(batches, "auto")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("<think>a</think>b", THOUGHT, id="tags"),
        pytest.param("\n<thinking>a</thinking>\n\nb", THOUGHT, id="white space around"),
        pytest.param("<think>a", [("thinking", "a")], id="never closed"),
        pytest.param("a</think>b", [("text", "a</think>b")], id="a bare closing tag is none of ours"),
        pytest.param("a <think>b</think>", [("text", "a <think>b</think>")], id="an answer on tags"),
        pytest.param("`<think>` opens", [("text", "`<think>` opens")], id="an answer that begins with one in quotes"),
    ],
)
def test_auto(text: str, wanted: list[Any]) -> None:
    assert through(auto, [[TextDelta(text), END]]) == [*wanted, END]
    assert through(auto, [*([TextDelta(letter)] for letter in text), [END]]) == [*wanted, END]


@pytest.mark.parametrize(
    ("deltas", "wanted"),
    [
        pytest.param(
            [ThinkingDelta("r"), TextDelta("<think>a</think>b"), END],
            [("thinking", "r"), ("text", "<think>a</think>b"), END],
            id="reasoning came in its own field",
        ),
        pytest.param(
            [ThinkingDelta(""), Usage(output=1), Note("n"), TextDelta("<think>a</think>b")],
            [Usage(output=1), Note("n"), ("thinking", "a"), ("text", "b")],
            id="signs of life are no reasoning",
        ),
        pytest.param([TOOL, TextDelta("<think>a")], [TOOL, ("text", "<think>a")], id="after a call"),
        pytest.param(
            [TextDelta("<th"), TOOL, TextDelta("ink>a")], [("text", "<th"), TOOL, ("text", "ink>a")], id="cut by a call"
        ),
    ],
)
def test_auto_and_other_deltas(deltas: list[Delta], wanted: list[Any]) -> None:
    assert through(auto, [[delta] for delta in deltas]) == wanted


@pytest.mark.parametrize("mode", ["always", "auto"])
@pytest.mark.parametrize("head", ["", "<think>", " " * 20_000, HARMONY])
def test_long_answers_in_small_pieces(head: str, mode: Mode) -> None:
    pieces = [*head, *(["ab"] * 50_000)]
    ((_, text),) = through(functools.partial(think_tags, mode=mode), [[TextDelta(piece)] for piece in pieces])[-1:]
    assert text.endswith("ab" * 50_000)


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
@settings(max_examples=examples(40), deadline=None)
def test_any_cutting(data: st.DataObject, text: str) -> None:
    assert through(think_tags, [*data.draw(cuttings(text)), [END]]) == [*as_a_whole(text), END]
