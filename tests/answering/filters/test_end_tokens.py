from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.answering.filters.end_tokens import TOKENS, end_tokens
from proxy.protocol.deltas import Delta, Finish, Note, TextDelta, ThinkingDelta, ToolCallStart, Usage
from proxy.providers.common.placeholders import EMPTY_ANSWER
from tests.answering.filters.pieces import cuttings, through
from tests.fuzz import examples

END = Finish("end")
LEFT_OUT = Note("control tokens at the end of the text were left out")


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("behind", ["", "\n", "<|im_end|>", " \n</s>\n"])
def test_at_the_end(token: str, behind: str) -> None:
    wanted = [("text", "Hello. "), LEFT_OUT, END]
    text = f"Hello. {token}{behind}"
    assert through(end_tokens, [[TextDelta(text)], [END]]) == wanted
    assert through(end_tokens, [[TextDelta(each)] for each in text] + [[END]]) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "It ends with `<|im_end|>`",
        "It ends with <|im_end|>.",
        "<|im_end|> ends it",
        "<|im_end",
        "a < b",
        "a <",
        "<s>old</s>",
        "x = y[",
        "</strong>",
        "<|im_end|>" * 20 + "a",
        "",
    ],
)
def test_what_stays(text: str) -> None:
    wanted = [*([("text", text)] if text else []), END]
    assert through(end_tokens, [[TextDelta(text)], [END]]) == wanted
    assert through(end_tokens, [[TextDelta(each)] for each in text] + [[END]]) == wanted


@pytest.mark.parametrize(
    "follows", [Finish("max_tokens"), Finish("stop_sequence", "x"), ToolCallStart(0, "Read"), ThinkingDelta("b")]
)
def test_only_before_a_normal_end(follows: Delta) -> None:
    out = through(end_tokens, [[TextDelta("a</s>")], [follows]])
    assert out[0] == ("text", "a</s>")
    assert LEFT_OUT not in out


@pytest.mark.parametrize("before", [[], [ThinkingDelta("hm")], [TextDelta(" \n")], [Usage(output=1)]])
def test_an_answer_of_nothing_else_is_told(before: list[Delta]) -> None:
    out = through(end_tokens, [[each] for each in (*before, TextDelta("<|im_end|>"), END)])
    assert out[-1] == END
    assert [each[1].strip() for each in out if isinstance(each, tuple)][-1] == EMPTY_ANSWER
    said = through(end_tokens, [[each] for each in (*before, ToolCallStart(0, "Read"), TextDelta("</s>"), END)])
    assert EMPTY_ANSWER not in str(said)


def test_of_an_answer_that_breaks_off() -> None:
    assert through(end_tokens, [[TextDelta("a</s>")]]) == [("text", "a</s>")]


def test_counts_and_notes_are_no_end() -> None:
    deltas: list[Delta] = [TextDelta("a<|im_"), Usage(output=1), Note("n"), TextDelta("end|>"), Usage(output=2), END]
    assert through(end_tokens, [[each] for each in deltas]) == [
        ("text", "a"),
        Usage(output=1),
        Note("n"),
        Usage(output=2),
        LEFT_OUT,
        END,
    ]


PARTS = st.sampled_from(["a", " ", "\n", "<", "[", "|>", "<|im_end|>", "</s>", "<s>", "[e~[", "<|im_", "end|>"])


@settings(max_examples=examples(100), deadline=None)
@given(st.data(), st.lists(PARTS, max_size=10).map("".join))
def test_wherever_the_text_is_cut(data: st.DataObject, text: str) -> None:
    whole = through(end_tokens, [[TextDelta(text)], [END]])
    assert through(end_tokens, [*data.draw(cuttings(text)), [END]]) == whole
    shown = "".join(each[1] for each in whole if isinstance(each, tuple))
    assert text.startswith(shown.removesuffix(EMPTY_ANSWER))
    assert shown == text or LEFT_OUT in whole
    assert shown.strip() or not text.strip()
