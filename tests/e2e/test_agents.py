"""Sub-agents: conversations of their own beside the main one."""

from __future__ import annotations

import pytest

from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import play, texts
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Reply, Text, ToolCall

pytestmark = pytest.mark.e2e


def _agent(task: str, *, background: bool) -> ToolCall:
    job = {"description": "A side job", "prompt": task, "subagent_type": "general-purpose"}
    return ToolCall("Agent", {**job, "run_in_background": background})


def _job(name: str) -> list[Reply]:
    """The sub-agent's side: a tool call of its own, then its report."""
    command = f"echo {name} > {name}.txt; echo ripe {name}"
    return [
        Reply(ToolCall("Bash", {"command": command, "description": "Pick it"})),
        Reply(Text(f"The {name} is ripe.")),
    ]


def test_sub_agents(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    """Two at the same time, whose reports come back in the order of the calls."""
    play(
        upstream,
        Reply(
            Text("I send two."),
            _agent("PICK_PEAR now", background=False),
            _agent("PICK_PLUM now", background=False),
        ),
        Reply(Text("All picked.")),
        PICK_PEAR=_job("pear"),
        PICK_PLUM=_job("plum"),
    )
    assert claude.run("delegate")["result"] == "All picked."
    for name in ("pear", "plum"):
        assert (claude.project / f"{name}.txt").read_text(encoding="utf-8") == f"{name}\n"
    pear, plum = texts(upstream.requests[-1], "tool")
    assert "The pear is ripe." in pear
    assert "The plum is ripe." in plum
    results = [said for body in upstream.requests for said in texts(body, "tool")]
    assert {"ripe pear", "ripe plum"} <= set(results)


def test_sub_agent_in_the_background(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    """Its report comes in a turn of its own, after the main conversation has come to rest."""
    play(
        upstream,
        Reply(_agent("PICK_PEAR now", background=True)),
        Reply(Text("It is on its way.")),
        Reply(Text("The pear is here.")),
        PICK_PEAR=_job("pear"),
    )
    r = claude.run("delegate")
    assert r["result"] == "The pear is here."
    assert (claude.project / "pear.txt").exists()
    assert any("The pear is ripe." in said for said in texts(upstream.requests[-1], "user"))
