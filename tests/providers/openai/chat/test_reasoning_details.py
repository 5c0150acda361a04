"""OpenRouter's `reasoning_details`: streamed in pieces, kept by the client, sent back as the server wants them."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.models.habits import Habits
from tests.fakes.openai.odd_base import call, calls, chunk, final, text
from tests.fakes.openai.quirks import details_signature
from tests.fakes.openai.replies import DONE, sse
from tests.translation import (
    Json,
    answer,
    asking,
    assistant,
    chat_deltas,
    refusal_of,
    result,
    route,
    thinking,
    tool,
    translate,
    user,
)

SIGNATURE = details_signature("let me see")
CLAUDE = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
WHOLE = [{**CLAUDE, "text": "let me see", "signature": SIGNATURE}]
SUMMARY = {"type": "reasoning.summary", "format": "openai-responses-v1", "index": 0}
SECRET = {"type": "reasoning.encrypted", "data": "gAAAA", "format": "openai-responses-v1", "id": "rs_1", "index": 0}
CALL = calls(call(index=0, id="call_1", name="Read", arguments='{"path": "a"}'))
REQUEST = asking(tools=[tool("Read")])


def details(*entries: Json, **more: Any) -> Json:
    return chunk({"reasoning_details": list(entries), **more})


LET_ME, SEE, SIGNED = (
    details({**CLAUDE, "text": "let me ", "signature": None}, reasoning="let me "),
    details({**CLAUDE, "text": "see"}, reasoning="see"),
    details({**CLAUDE, "signature": SIGNATURE}),
)
STREAMS: dict[str, tuple[list[Json], list[Json], list[str]]] = {
    "signature in a piece of its own": ([LET_ME, SEE, SIGNED, CALL], WHOLE, ["thinking", "tool_use"]),
    "signature after the text": (
        [LET_ME, SEE, text("I read."), SIGNED, CALL],
        WHOLE,
        ["thinking", "text", "redacted_thinking", "tool_use"],
    ),
    "signature after the call": ([LET_ME, SEE, CALL, SIGNED], WHOLE, ["thinking", "tool_use"]),
    "no text at all": ([details(SECRET), CALL], [SECRET], ["redacted_thinking", "tool_use"]),
    "summary and state": (
        [
            details({**SUMMARY, "summary": "let me "}, reasoning="let me "),
            details({**SUMMARY, "summary": "see"}, reasoning="see"),
            details(SECRET),
            CALL,
        ],
        [{**SUMMARY, "summary": "let me see"}, SECRET],
        ["thinking", "tool_use"],
    ),
    "state of two calls under one index": (
        [details({**SECRET, "id": "call_1"}, {**SECRET, "id": "call_2"}), CALL],
        [{**SECRET, "id": "call_1"}, {**SECRET, "id": "call_2"}],
        ["redacted_thinking", "tool_use"],
    ),
    "an answer without calls": ([LET_ME, SEE, SIGNED, text("Done.")], WHOLE, ["thinking", "text"]),
}


def answered(chunks: list[Json]) -> list[Json]:
    """The content that the client is sent."""
    pieces = [sse(each) for each in (*chunks, final("stop"))]
    found = answer(chat_deltas([*pieces, DONE], ["Read"]), REQUEST)
    assert found.message is not None
    content: list[Json] = found.message["content"]
    return content


def sent_back(content: list[Json], to: str = "local", habits: Habits | None = None) -> Json:
    """The assistant message of the next request."""
    results = [user(result(block["id"])) for block in content if block["type"] == "tool_use"] or [user("and?")]
    sent = translate(asking(user("a"), assistant(*content), *results, tools=[tool("Read")]), to, habits)
    assert refusal_of(sent.body, route(to), "openrouter") is None if to == "local" else True
    return next(message for message in sent.messages if message["role"] == "assistant")


@pytest.mark.parametrize("name", STREAMS)
def test_details_come_back_whole(name: str) -> None:
    chunks, wanted, kinds = STREAMS[name]
    content = answered(chunks)
    assert [block["type"] for block in content] == kinds
    assert sent_back(content)["reasoning_details"] == wanted


def test_details_of_an_answer_in_one_piece() -> None:
    message = {"role": "assistant", "content": "Done.", "reasoning": "let me see", "reasoning_details": WHOLE}
    content = answered([{"choices": [{"index": 0, "message": message}]}])
    assert [block["type"] for block in content] == ["thinking", "text"]
    assert sent_back(content)["reasoning_details"] == WHOLE


def test_nothing_late_ends_an_answer() -> None:
    content = answered([LET_ME, SEE, text("Done."), details(SECRET)])
    assert [block["type"] for block in content] == ["thinking", "text"]


def test_other_models_are_not_sent_them() -> None:
    content = answered([LET_ME, SEE, SIGNED, CALL])
    assert "reasoning_details" not in sent_back(content, "gpt-4o")
    assert "reasoning_details" not in sent_back(content, habits=Habits(no_reasoning_replay=True))


@pytest.mark.parametrize("payload", ["", "{", "7", '["x"]'])
def test_damaged_details_are_left_out(payload: str) -> None:
    damaged = thinking("hm", f"proxy1|openrouter|local|{payload}")
    assert "reasoning_details" not in sent_back([damaged, {"type": "text", "text": "b"}])
