"""What goes wrong upstream or is odd there, and does no harm."""

from __future__ import annotations

import pytest

from tests.e2e.claude_code import ClaudeCode
from tests.e2e.samples import chunk
from tests.e2e.script import of_role, once, play, texts
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Reply, Text, Thinking, ToolCall
from tests.fakes.server import CUT, Raw

pytestmark = pytest.mark.e2e


def _cut_after(text: str) -> Raw:
    return Raw([chunk({"role": "assistant", "content": text}), 0.05, CUT])


def test_cut_in_mid_stream(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    """Claude Code throws the beginning away and asks again."""
    whole = Reply(Text("I begin."), ToolCall("Bash", {"command": "echo on", "description": "Go on"}))
    play(
        upstream,
        once(_cut_after("I beg"), then=whole),
        once(_cut_after("It is"), then=Reply(Text("It is done."))),
    )
    assert claude.run("work")["result"] == "It is done."
    body = upstream.requests[-1]
    assert texts(body, "tool") == ["on"]
    assert [message["content"] for message in of_role(body, "assistant")] == ["I begin."]
    assert len(upstream.requests) == 4


def test_cut_before_the_first_chunk(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    play(upstream, once(Raw([CUT]), then=Reply(Text("Second try."))))
    assert claude.run("work")["result"] == "Second try."


def test_server_error(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    upstream.fail(500, {"error": {"message": "out of memory", "type": "server_error"}})
    play(upstream, Reply(Text("Enough memory.")))
    assert claude.run("work")["result"] == "Enough memory."


def test_refused_key(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    """Said at once and in words that help, not retried for minutes."""
    upstream.fail(401, {"error": {"message": "Incorrect API key", "code": "invalid_api_key"}})
    result = claude.attempt("work")
    assert result["is_error"]
    assert "api_key_name" in result["result"]
    assert len(upstream.exchanges) == 1


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning(field: str, claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    """It is shown to Claude Code as thinking and is not sent back to a server that does not ask for it."""
    play(
        upstream,
        Reply(Thinking("Let me look.", field), ToolCall("Bash", {"command": "echo seen", "description": "Look"})),
        Reply(Thinking("Now I know.", field), Text("I have seen it.")),
    )
    assert claude.run("look")["result"] == "I have seen it."
    body = upstream.requests[-1]
    assert texts(body, "tool") == ["seen"]
    assert "Let me look." not in str(body)
