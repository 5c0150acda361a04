from __future__ import annotations

import pytest

from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import play, texts
from tests.fakes.openai_chat import FakeOpenAI
from tests.fakes.openai_replies import Reply, Text, ToolCall

pytestmark = pytest.mark.e2e


def test_web_search(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    """Claude Code asks for a search in a request of its own, for which no server here has the tool."""
    load = [Reply(ToolCall("ToolSearch", {"query": "select:WebSearch", "max_results": 5}))]
    play(
        upstream,
        *(load if claude.release == "new" else []),
        Reply(ToolCall("WebSearch", {"query": "moon phase"})),
        Reply(Text("I could not find it.")),
    )
    assert claude.run("search")["result"] == "I could not find it."
    for b in upstream.requests:
        print([m["role"] for m in b["messages"]], str(b["messages"][-1])[-600:], len(b.get("tools", ())))
    said = texts(upstream.requests[-1], "tool")[-1]
