"""Gemini 3 behind its OpenAI-compatible endpoint: the signature of a call comes back on it."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.models.habits import Habits
from tests.fakes.openai.odd_base import call, calls, chunk, final
from tests.fakes.openai.replies import DONE
from tests.providers.openai.chat.reading import read
from tests.translation import Json, asking, assistant, result, tool, translate, user

SIGNATURE = "c2lnbmF0dXJl"
SIGNED = {"google": {"thought_signature": SIGNATURE}}
A, X = '{"file_path": "a.py"}', '{"pattern": "x"}'
READ = call(index=0, id="a", name="Read", arguments=A)
GREP = call(index=1, id="b", name="Grep", arguments=X)
THOUGHT = chunk({"reasoning_content": "let me see"})


def sent_back(content: list[Json], to: str = "local", habits: Habits | None = None) -> list[Any]:
    """The signatures of the calls in the next request."""
    results = [user(result(block["id"])) for block in content if block["type"] == "tool_use"]
    request = asking(user("a"), assistant(*content), *results, tools=[tool("Read"), tool("Grep")])
    messages = translate(request, to, habits).messages
    said = next(message for message in messages if message["role"] == "assistant")
    return [each.get("extra_content", {}).get("google", {}).get("thought_signature") for each in said["tool_calls"]]


CASES: dict[str, tuple[list[Json], list[str], list[str | None]]] = {
    "one call": ([calls({**READ, "extra_content": SIGNED})], ["redacted_thinking", "tool_use"], [SIGNATURE]),
    "after a thought": ([THOUGHT, calls({**READ, "extra_content": SIGNED})], ["thinking", "tool_use"], [SIGNATURE]),
    "of parallel calls the first": (
        [calls({**READ, "extra_content": SIGNED}, GREP)],
        ["redacted_thinking", "tool_use", "tool_use"],
        [SIGNATURE, None],
    ),
    "of parallel calls the second": (
        [calls(READ, {**GREP, "extra_content": SIGNED})],
        ["tool_use", "redacted_thinking", "tool_use"],
        [None, SIGNATURE],
    ),
    "before the name": (
        [
            calls({"index": 0, "id": "a", "extra_content": SIGNED}),
            calls(call(index=0, name="Read", arguments=A)),
        ],
        ["redacted_thinking", "tool_use"],
        [SIGNATURE],
    ),
    "beside the calls": (
        [chunk({"tool_calls": [READ, GREP], "extra_content": SIGNED})],
        ["redacted_thinking", "tool_use", "tool_use"],
        [SIGNATURE, None],
    ),
    "of odd kinds": ([calls({**READ, "extra_content": {"google": {"thought_signature": 7}}})], ["tool_use"], [None]),
}


@pytest.mark.parametrize("name", CASES)
def test_signatures_come_back(name: str) -> None:
    chunks, kinds, signatures = CASES[name]
    answered = read(*chunks, final("stop"), DONE)
    assert answered.message is not None
    assert [block["type"] for block in answered.message["content"]] == kinds
    assert sent_back(answered.message["content"]) == signatures


def test_an_answer_in_one_piece() -> None:
    message = {"role": "assistant", "content": None, "tool_calls": [{**READ, "extra_content": SIGNED}]}
    answered = read({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}, DONE)
    assert answered.message is not None
    assert sent_back(answered.message["content"]) == [SIGNATURE]


def test_other_models_are_not_sent_it() -> None:
    answered = read(calls({**READ, "extra_content": SIGNED}), final("stop"), DONE)
    assert answered.message is not None
    assert sent_back(answered.message["content"], "gpt-4o") == [None]


def test_a_server_that_refused_it_is_sent_the_stand_in() -> None:
    answered = read(calls({**READ, "extra_content": SIGNED}), final("stop"), DONE)
    assert answered.message is not None
    stand_in = sent_back(answered.message["content"], habits=Habits(no_reasoning_replay=True))
    assert stand_in == ["skip_thought_signature_validator"]
