"""Long and resumed conversations."""

from __future__ import annotations

import itertools

import pytest

from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import of_role, play, texts
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Reply, Text, ToolCall

pytestmark = pytest.mark.e2e


def test_twenty_turns(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    """Each request begins as the one before did, so that the upstream's prompt cache holds."""
    steps = [Reply(ToolCall("Bash", {"command": f"echo turn {n}", "description": "Count"})) for n in range(20)]
    play(upstream, *steps, Reply(Text("counted")))
    assert claude.run("count to twenty")["num_turns"] == 21
    bodies = upstream.requests
    assert texts(bodies[-1], "tool") == [f"turn {number}" for number in range(20)]
    for earlier, later in itertools.pairwise(bodies):
        assert later["messages"][: len(earlier["messages"])] == earlier["messages"]
        assert {**later, "messages": None} == {**earlier, "messages": None}


def test_continue(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    play(
        upstream,
        Reply(ToolCall("Bash", {"command": "echo 4711", "description": "Choose"})),
        Reply(Text("I remember it.")),
        Reply(Text("It was 4711.")),
    )
    claude.run("choose a number")
    assert claude.run("which was it", "--continue")["result"] == "It was 4711."
    body = upstream.requests[-1]
    assert texts(body, "tool") == ["4711"]
    assert of_role(body, "assistant")[-1]["content"] == "I remember it."
    asked = texts(body, "user")
    assert "choose a number" in asked[0]
    assert "which was it" in asked[-1]
