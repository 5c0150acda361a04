"""Deltas -> events: pieces of any size, cut anywhere, in any order that providers may choose."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.protocol.deltas import (
    Citation,
    Delta,
    Finish,
    FinishReason,
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
from tests.conformance import same_message
from tests.fuzz import examples
from tests.protocol.writing import CITED, END, FOUND, READING, called, content, written
from tests.translation import Json

HALVES = "a\U0001f600b\U0001f680"


@pytest.mark.parametrize("kind", ["text", "thinking", "tool"])
@pytest.mark.parametrize("apart", [False, True], ids=["one batch", "each alone"])
def test_half_characters_wait_for_their_other_half(kind: str, apart: bool) -> None:
    """S16: vendors cut JSON escapes between the two halves."""
    units = HALVES.encode("utf-16-le")
    halves = [units[at : at + 2].decode("utf-16-le", "surrogatepass") for at in range(0, len(units), 2)]
    deltas: list[Delta]
    if kind == "tool":
        deltas = [ToolCallStart(0, "Read"), *(ToolCallDelta(0, piece) for piece in ['{"path": "', *halves, '"}'])]
    else:
        deltas = [TextDelta(half) if kind == "text" else ThinkingDelta(half) for half in halves]
    deltas.append(END)
    block = content(written(*([[delta] for delta in deltas] if apart else [deltas])))[0]
    assert (block[2]["path"] if kind == "tool" else block[1]) == HALVES


@pytest.mark.parametrize("after", [[], [TextDelta("b")], READING], ids=["end", "text", "tool"])
@pytest.mark.parametrize("half", [chr(0xD83D), chr(0xDE00)])
def test_half_characters_that_stay_alone_are_replaced(half: str, after: list[Delta]) -> None:
    message = written([TextDelta("a")], [TextDelta(half)], after, [END])
    assert message["content"][0]["text"] == "a\ufffd" + ("b" if after and after != READING else "")


def test_half_characters_are_replaced_everywhere() -> None:
    """S16: in what comes whole, too."""
    found = {**FOUND, "content": [{"title": "a\ud83d", "\ude00": ["\ud83d"]}]}
    search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "\ud83d"}}
    deltas: list[Delta] = [ServerBlock(search), ServerBlock(found), TextDelta("a")]
    deltas.append(Citation({**CITED, "cited_text": "\ud83d"}))
    message = written([*deltas, Finish("refusal", explanation="no\ud83d")])
    assert "\\ud83d" not in json.dumps(message)
    assert message["stop_details"]["explanation"] == "no\ufffd"


ESCAPED = [
    pytest.param(r"\ud83d\ude00 \\ud83d", "\U0001f600 \\ud83d", id="whole"),
    pytest.param(r"a\ud83d", "a\ufffd", id="a first half at the end"),
    pytest.param(r"\ud83db\n", "\ufffdb\n", id="a first half before something else"),
    pytest.param(r"\uDE00\ude00", "\ufffd\ufffd", id="second halves"),
    pytest.param(r"\ud83d\ud83d\ude00", "\ufffd\U0001f600", id="a half before a whole one"),
    pytest.param("\\\\" * 30 + r"\ud83d", "\\" * 30 + "\ufffd", id="after many backslashes"),
]


@pytest.mark.parametrize(("escaped", "meant"), ESCAPED)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_escapes_of_half_characters_in_a_tools_input(escaped: str, meant: str, size: int) -> None:
    """S16, fuzzing: they are sound JSON, but no client can write what they stand for to a file."""
    arguments = f'{{"path": "{escaped}"}}'
    pieces = [ToolCallDelta(0, arguments[at : at + size]) for at in range(0, len(arguments), size)]
    message = written([ToolCallStart(0, "Read")], *([piece] for piece in pieces), [ToolCallEnd(0)], [END])
    assert message["content"][0]["input"] == {"path": meant}


def test_half_characters_in_signatures_are_replaced() -> None:
    """S16, fuzzing: Gemini's reader hands on what a server sent as a signature."""
    message = written([ThinkingDelta("a"), ThinkingEnd("s\ud83d"), RedactedThinking("\ude00"), TextDelta("b"), END])
    assert [block.get("signature", block.get("data")) for block in message["content"][:2]] == ["s\ufffd", "\ufffd"]


def test_long_answers_in_small_pieces() -> None:
    """Every piece is looked at once, also white space that waits, and calls that wait for their turn."""
    blank: list[Delta] = [TextDelta(" ")] * 20_000
    pieces: list[Delta] = [ToolCallDelta(1, "ab")] * 20_000
    waiting: list[Delta] = [
        ToolCallStart(0, "Read"),
        ToolCallStart(1, "Grep"),
        *(ToolCallDelta(0, "\n") for _ in range(20_000)),
    ]
    ends: list[Delta] = [ToolCallDelta(0, "{}"), ToolCallEnd(0), ToolCallDelta(1, '"}'), ToolCallEnd(1)]
    deltas: list[Delta] = [*blank, TextDelta("a"), *waiting, ToolCallDelta(1, '{"x": "'), *pieces, *ends, END]
    message = written(*([delta] for delta in deltas))
    assert message["content"][0]["text"] == " " * 20_000 + "a"
    assert message["content"][2]["input"] == {"x": "ab" * 20_000}


TEXTS = st.text(st.sampled_from(' \nab"\\é\u2028\U0001f600'), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def lanes(draw: st.DrawFn) -> tuple[list[list[Delta]], list[tuple[str, Json]]]:
    """Deltas that keep their order only within a lane: one lane of text, one for each call; and the calls."""
    speech: list[Delta] = draw(
        st.lists(
            st.builds(TextDelta, TEXTS) | st.just(ServerBlock(FOUND)) | st.builds(Usage, output=st.integers(0, 99)),
            max_size=8,
        )
    )
    calls = draw(
        st.lists(st.tuples(st.sampled_from(["Read", "Grep"]), st.dictionaries(TEXTS, VALUES, max_size=3)), max_size=3)
    )
    every: list[list[Delta]] = [speech]
    for key, (name, input) in enumerate(calls):
        arguments = json.dumps(input, ensure_ascii=draw(st.booleans()))
        cuts = sorted(draw(st.sets(st.integers(0, len(arguments)), max_size=4)))
        pieces = [arguments[a:b] for a, b in zip([0, *cuts], [*cuts, len(arguments)], strict=True)]
        ending = called(key, name, *pieces)
        every.append(ending if draw(st.booleans()) else ending[:-1])
    return every, calls


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[Delta], str, str, list[tuple[str, Json]]]:
    """All deltas of an answer, its thinking, its text and its calls in the order of their beginning."""
    thoughts: list[Delta] = draw(
        st.lists(
            st.builds(ThinkingDelta, TEXTS) | st.builds(ThinkingEnd, st.just("sig")) | st.just(RedactedThinking("x")),
            max_size=4,
        )
    )
    every, calls = draw(lanes())
    places = [lane for lane, deltas in enumerate(every) for _ in deltas]
    waiting = [iter(deltas) for deltas in every]
    rest = [next(waiting[lane]) for lane in draw(st.permutations(places))]
    finish = draw(st.builds(Finish, st.sampled_from(FinishReason.__args__[:4])))  # type: ignore[attr-defined]
    thought = "".join(delta.text for delta in thoughts if isinstance(delta, ThinkingDelta))
    said = "".join(delta.text for delta in rest if isinstance(delta, TextDelta))
    started = [calls[delta.key] for delta in rest if isinstance(delta, ToolCallStart)]
    if finish.reason == "stop_sequence":
        finish = Finish("stop_sequence", "END")
    return [*thoughts, *rest, finish], thought, said, started


@given(answers(), st.data())
@settings(max_examples=examples(40), deadline=None)
def test_any_answer_in_any_batches(
    made: tuple[list[Delta], str, str, list[tuple[str, Json]]], data: st.DataObject
) -> None:
    deltas, thought, said, calls = made
    cuts = sorted(data.draw(st.sets(st.integers(0, len(deltas)), max_size=5)))
    batches = [deltas[a:b] for a, b in zip([0, *cuts], [*cuts, len(deltas)], strict=True)]
    message = written(*batches)
    same_message(message, written(deltas))
    same_message(message, written(*([delta] for delta in deltas)))
    blocks = content(message)
    assert [block[1:] for block in blocks if block[0] == "tool_use"] == calls
    assert "".join(block[1] for block in blocks if block[0] == "thinking") == thought
    spoken = "".join(block[1] for block in blocks if block[0] == "text")
    assert "".join(spoken.split()) == "".join(said.split())
