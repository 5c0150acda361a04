"""Choices beside the first: parts of the answer (Copilot) or answers of their own (n)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.openai.odd_base import Block, call
from tests.fakes.openai.replies import DONE
from tests.providers.openai.chat.reading import content, new_stream, noted, read

READ = call(id="c1", name="Read", arguments='{"file_path": "a.py"}')
GREP = call(id="c2", name="Grep", arguments='{"pattern": "x"}')
READ_A: Block = ("tool", "Read", {"file_path": "a.py"})
GREP_X: Block = ("tool", "Grep", {"pattern": "x"})
I_READ: Block = ("text", "I will read it.")


def message(words: str | None, *calls: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": words, **({"tool_calls": list(calls)} if calls else {})}


def numbered(index: int, member: dict[str, Any]) -> dict[str, Any]:
    return {"index": index, **member}


Held = tuple[dict[str, Any], str]
CASES: dict[str, tuple[list[Held], list[Block], str]] = {
    "text, then a call": (
        [(message("I will read it."), "tool_calls"), (message(None, READ), "tool_calls")],
        [I_READ, READ_A],
        "tool_use",
    ),
    "text that ended by itself, then a call": (
        [(message("I will read it."), "stop"), (message(None, READ), "tool_calls")],
        [I_READ, READ_A],
        "tool_use",
    ),
    "text, then two calls, a choice each": (
        [
            (message("I will read it."), "tool_calls"),
            (message(None, READ), "tool_calls"),
            (message(None, GREP), "tool_calls"),
        ],
        [I_READ, READ_A, GREP_X],
        "tool_use",
    ),
    "text, a call, more text": (
        [
            (message("I will read it."), "tool_calls"),
            (message(None, READ), "tool_calls"),
            (message(" Now."), "tool_calls"),
        ],
        [I_READ, READ_A, ("text", " Now.")],
        "tool_use",
    ),
    "a call, then text": (
        [(message(None, READ), "tool_calls"), (message("I will read it."), "tool_calls")],
        [READ_A, I_READ],
        "tool_use",
    ),
    "nothing, then text": ([(message(""), "stop"), (message("I will read it."), "stop")], [I_READ], "end_turn"),
    "calls that are numbered on": (
        [(message(None, numbered(0, READ)), "tool_calls"), (message(None, numbered(1, GREP)), "tool_calls")],
        [READ_A, GREP_X],
        "tool_use",
    ),
    "two answers": ([(message("I will read it."), "stop"), (message("No."), "stop")], [I_READ], "end_turn"),
    "two answers with calls": (
        [
            (message("I will read it.", numbered(0, READ)), "tool_calls"),
            (message("So.", numbered(0, GREP)), "tool_calls"),
        ],
        [I_READ, READ_A],
        "tool_use",
    ),
    "three answers, two with calls": (
        [
            (message("I will read it."), "stop"),
            (message(None, READ), "tool_calls"),
            (message(None, GREP), "tool_calls"),
        ],
        [I_READ, READ_A],
        "tool_use",
    ),
    "the first is cut": ([(message("I will read it."), "length"), (message("No."), "stop")], [I_READ], "max_tokens"),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("indexed", [True, False], ids=["indexed", "in order"])
def test_an_answer_in_one_piece(name: str, indexed: bool) -> None:
    choices, wanted, reason = CASES[name]
    listed = [
        {"message": each, "finish_reason": word, **({"index": place} if indexed else {})}
        for place, (each, word) in enumerate(choices)
    ]
    answered = read({"choices": listed}, DONE)
    assert content(answered) == wanted
    assert answered.message is not None
    assert answered.message["stop_reason"] == reason


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("ends", ["each", "together"])
def test_an_answer_in_chunks(name: str, ends: str) -> None:
    """The ends come with their choices or one after the other at the end."""
    choices, wanted, reason = CASES[name]
    part = [{"choices": [{"index": place, "delta": each}]} for place, (each, _) in enumerate(choices)]
    ended = [
        {"choices": [{"index": place, "delta": {}, "finish_reason": word}]} for place, (_, word) in enumerate(choices)
    ]
    chunks = (
        [*part, *ended] if ends == "together" else [part for both in zip(part, ended, strict=True) for part in both]
    )
    answered = read(*chunks, DONE)
    assert content(answered) == wanted
    assert answered.message is not None
    assert answered.message["stop_reason"] == reason


def test_two_answers_side_by_side() -> None:
    chunks = [
        {"choices": [{"index": place, "delta": {"content": words}}]}
        for place, words in ((1, "Yo"), (0, "Hi"), (1, "!"), (0, "."))
    ]
    ended: list[Any] = [{"choices": [{"index": place, "delta": {}, "finish_reason": "stop"}]} for place in (0, 1)]
    assert content(read(*chunks, *ended, DONE)) == [("text", "Hi.")]
    assert noted(*chunks, *ended, DONE) == ["the server sent 2 answers, all but one were left out"]


def test_choices_that_are_numbered_from_one() -> None:
    chunks = [{"choices": [{"index": 1, "delta": {"content": words}}]} for words in ("I will ", "read it.")]
    ended = {"choices": [{"index": 1, "delta": {"tool_calls": [READ]}, "finish_reason": "tool_calls"}]}
    assert content(read(*chunks, ended, DONE)) == [I_READ, READ_A]
    assert noted(*chunks, ended, DONE) == []
    stream = new_stream()
    stream.done = True
    for each in (*chunks, ended):
        list(stream.feed(each))
    assert stream.spoilt is None


def test_the_first_may_end_before_the_others() -> None:
    """Nothing is cut short while another choice has not ended."""
    stream = new_stream()
    list(
        stream.feed(
            {"choices": [{"index": 0, "delta": {"content": "a"}}, {"index": 1, "delta": {"tool_calls": [READ]}}]}
        )
    )
    list(stream.feed({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}))
    assert not stream.finished
    list(stream.feed({"choices": [{"index": 1, "delta": {}, "finish_reason": "tool_calls"}]}))
    assert stream.finished
