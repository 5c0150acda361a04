"""Claude Code's tools, called by a scripted model."""

from __future__ import annotations

import pytest

from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import ASIDE, of_role, play, texts
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Reply, Text, ToolCall

pytestmark = pytest.mark.e2e


def test_write_read_edit_run(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    script = claude.project / "hello.sh"
    play(
        upstream,
        Reply(Text("I write it."), ToolCall("Write", {"file_path": str(script), "content": "echo hello moon\n"})),
        Reply(ToolCall("Read", {"file_path": str(script)})),
        Reply(ToolCall("Edit", {"file_path": str(script), "old_string": "moon", "new_string": "world"})),
        Reply(ToolCall("Bash", {"command": f"sh '{script}' > said.txt && cat said.txt", "description": "Run it"})),
        Reply(Text("It says hello world.")),
    )
    result = claude.run("write a greeting")
    assert result["result"] == "It says hello world."
    assert result["num_turns"] == 5
    assert script.read_text(encoding="utf-8") == "echo hello world\n"
    assert (claude.project / "said.txt").read_text(encoding="utf-8") == "hello world\n"
    written, read, edited, ran = texts(upstream.requests[-1], "tool")
    assert "hello.sh" in written
    assert "echo hello moon" in read
    assert "hello.sh" in edited
    assert ran.strip() == "hello world"


def test_parallel_calls(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    (claude.project / "a.txt").write_text("alpha\n", encoding="utf-8")
    play(
        upstream,
        Reply(
            Text("Three at once."),
            ToolCall("Bash", {"command": "sleep 0.3; echo one", "description": "Slow"}),
            ToolCall("Read", {"file_path": str(claude.project / "a.txt")}),
            ToolCall("Bash", {"command": "echo three", "description": "Quick"}),
        ),
        Reply(Text("done")),
    )
    assert claude.run("do three things")["result"] == "done"
    body = upstream.requests[-1]
    (assistant,) = of_role(body, "assistant")
    assert assistant["content"] == "Three at once."
    assert [call["function"]["name"] for call in assistant["tool_calls"]] == ["Bash", "Read", "Bash"]
    assert [message["tool_call_id"] for message in of_role(body, "tool")] == [
        call["id"] for call in assistant["tool_calls"]
    ]
    one, alpha, three = texts(body, "tool")
    assert (one, three) == ("one", "three")
    assert "alpha" in alpha


def test_failing_tool(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    play(
        upstream,
        Reply(ToolCall("Bash", {"command": "echo it broke >&2; exit 3", "description": "Fail"})),
        Reply(Text("It failed.")),
    )
    assert claude.run("fail")["result"] == "It failed."
    (said,) = texts(upstream.requests[-1], "tool")
    assert said.startswith("Error: ")
    assert "3" in said
    assert "it broke" in said


def test_invalid_tool_input(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    play(upstream, Reply(ToolCall("Read", {"path": "a.txt"})), Reply(Text("I see.")))
    assert claude.run("read")["result"] == "I see."
    (said,) = texts(upstream.requests[-1], "tool")
    assert said.startswith("Error: ")
    assert "file_path" in said


def test_long_result(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    """50,000 characters come through whole."""
    lines = [f"line {number} {'x' * 80}" for number in range(550)]
    path = claude.project / "long.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    play(upstream, Reply(ToolCall("Read", {"file_path": str(path)})), Reply(Text("read")))
    claude.run("read the file")
    (said,) = texts(upstream.requests[-1], "tool")
    assert len(said) > 50_000
    assert all(line in said for line in lines)


def test_deferred_tool(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    """2.1.330 tells the model of most tools by name only; it has them after asking for them."""
    if claude.release == "old":
        pytest.skip("this release has no deferred tools")
    play(
        upstream,
        Reply(ToolCall("ToolSearch", {"query": "select:TaskCreate", "max_results": 5})),
        Reply(ToolCall("TaskCreate", {"subject": "Rest", "description": "Rest a while"})),
        Reply(Text("planned")),
    )
    assert claude.run("plan")["result"] == "planned"
    offered = [{tool["function"]["name"] for tool in body["tools"]} for body in upstream.requests]
    assert ["TaskCreate" in names for names in offered] == [False, True, True]
    assert "TaskCreate" in texts(upstream.requests[-1], "tool")[0]
    assert "Rest" in texts(upstream.requests[-1], "tool")[1]


def test_web_search(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    """Claude Code has the API search in a request of its own; a server without search answers in words."""
    load = [Reply(ToolCall("ToolSearch", {"query": "select:WebSearch", "max_results": 5}))]
    play(
        upstream,
        *(load if claude.release == "new" else []),
        Reply(ToolCall("WebSearch", {"query": "phase of the moon"})),
        Reply(Text("searched")),
    )
    assert claude.run("search")["result"] == "searched"
    (search,) = (body for body in upstream.requests if "tools" not in body)
    assert "phase of the moon" in texts(search, "user")[-1]
    assert ASIDE in texts(upstream.requests[-1], "tool")[-1]
