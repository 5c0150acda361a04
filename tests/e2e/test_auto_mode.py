"""Auto mode: Claude Code has its tool calls judged, by the proxy where that has a judge and by itself elsewhere.

The feature flags are off, as they are with telemetry: then Claude Code runs no checked call without a verdict.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import Body, play, texts
from tests.e2e.stage import claude_code
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Reply, Text, Thinking, ToolCall
from tests.fakes.server import Raw, json_answer

pytestmark = [pytest.mark.e2e, pytest.mark.parametrize("command", ["new"], indirect=True)]

_AUTO = ("--permission-mode", "auto")
_CHECKED = ToolCall("Bash", {"command": 'python3 -c \'open("made", "w"); print(6 * 7)\'', "description": "Count"})


def _is_judging(body: Body) -> bool:
    return "calls_to_judge" in str(body["messages"])


def _judges(*flagged: bool) -> Reply:
    verdicts = [
        {"call": number, "flagged": flag, "explanation": "It is too dear." if flag else "", "rule": ""}
        for number, flag in enumerate(flagged, 1)
    ]
    return Reply(Text(json.dumps({"verdicts": verdicts})))


def _own_checks(upstream: FakeOpenAI) -> list[Body]:
    """Requests in which Claude Code checks calls itself."""
    return [body for body in upstream.requests if "<transcript>" in str(body["messages"]) and not _is_judging(body)]


def test_allowed(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    """The call runs at once; the judge was shown it, and nobody asked a second time."""
    play(upstream, Reply(_CHECKED), Reply(Text("It is 42.")), aside=_judges(False))
    assert claude.run("count", *_AUTO)["result"] == "It is 42."
    assert texts(upstream.requests[-1], "tool") == ["42"]
    (judged,) = (body for body in upstream.requests if _is_judging(body))
    assert "6 * 7" in texts(judged, "user")[-1]
    assert _own_checks(upstream) == []


def test_some_are_denied(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    """Of two calls the flagged one does not run, and the model is told why."""
    other = ToolCall("Bash", {"command": "python3 -c 'print(40 + 2)'", "description": "Count otherwise"})
    play(upstream, Reply(_CHECKED, other), Reply(Text("One did.")), aside=_judges(True, False))
    result = claude.run("count", *_AUTO)
    assert [denied["tool_name"] for denied in result["permission_denials"]] == ["Bash"]
    denied, ran = texts(upstream.requests[-1], "tool")
    assert denied.startswith("Error: ")
    assert "It is too dear." in denied
    assert ran == "42"
    assert not (claude.project / "made").exists()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Reply(Text("I would say yes.")), id="no verdict"),
        pytest.param(_judges(False, False), id="a verdict on a call that there is not"),
        pytest.param(json_answer({"error": {"message": "Out of order"}}, 500), id="failure"),
    ],
)
def test_judge_that_fails(claude: ClaudeCode, upstream: FakeOpenAI, answer: Reply | Raw) -> None:
    """What nobody has judged does not run, what needs no judge does."""
    path = claude.project / "a.txt"
    path.write_text("alpha\n", encoding="utf-8")
    play(upstream, Reply(_CHECKED, ToolCall("Read", {"file_path": str(path)})), Reply(Text("I see.")), aside=answer)
    claude.run("count", *_AUTO)
    denied, read = texts(upstream.requests[-1], "tool")
    assert denied.startswith("Error: ")
    assert "alpha" in read
    assert not (claude.project / "made").exists()


def test_conversation_goes_on(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    """Answers in words, and a session that is continued, keep the check."""
    first = [Reply(Text("Hello.")), Reply(_CHECKED), Reply(Text("Once.")), Reply(_CHECKED), Reply(Text("Twice."))]
    play(upstream, *first, aside=_judges(False))
    claude.run("hello", *_AUTO)
    assert claude.run("count", "--continue", *_AUTO)["result"] == "Once."
    assert claude.run("count again", "--continue", *_AUTO)["result"] == "Twice."
    assert texts(upstream.requests[-1], "tool") == ["42", "42"]


def test_sub_agent(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    """Its calls are judged too; it ends with a call of the tool by which it hands its report over."""
    job = {"description": "A side job", "prompt": "COUNT_IT", "subagent_type": "general-purpose"}
    play(
        upstream,
        Reply(ToolCall("Agent", {**job, "run_in_background": False})),
        Reply(Text("All counted.")),
        aside=lambda body: _judges(False) if _is_judging(body) else Reply(Text("<severity>0</severity>")),
        COUNT_IT=[Reply(_CHECKED), Reply(ToolCall("SubagentHandback", {"message": "It is 42."})), Reply(Text("Over."))],
    )
    assert claude.run("delegate", *_AUTO)["result"] == "All counted."
    assert (claude.project / "made").exists()
    assert any("It is 42." in said for body in upstream.requests for said in _all_texts(body))


def _all_texts(body: Body) -> list[str]:
    return [said for role in ("user", "tool", "system") for said in texts(body, role)]


@pytest.mark.parametrize(
    ("verdict", "runs"), [("<block>no</block>", True), ("<block>yes</block>", False)], ids=["allowed", "denied"]
)
def test_without_a_judge(
    command: tuple[str, str], upstream: FakeOpenAI, tmp_path: Path, verdict: str, runs: bool
) -> None:
    """JUDGE_MODEL=off, and the variables that the launcher then sets: Claude Code asks the small model itself."""
    entry = {"model_id": "local", "api_base": upstream.base_url, "context_window": 200_000}
    with claude_code(*command, tmp_path, entry, JUDGE_MODEL="off") as claude:
        checks_itself = {"CLAUDE_CODE_AUTO_MODE_SERVER": "0", "CLAUDE_CODE_AUTO_MODE_MODEL": "claude-haiku-5-5"}
        play(upstream, Reply(_CHECKED), Reply(Text("Over.")), aside=Reply(Text(verdict)))
        claude = replace(claude, variables=checks_itself)
        assert claude.run("count", *_AUTO)["result"] == "Over."
        assert (claude.project / "made").exists() is runs
        assert _own_checks(upstream) != []


def test_one_check_is_enough_for_a_model_that_always_thinks(
    command: tuple[str, str], upstream: FakeOpenAI, tmp_path: Path
) -> None:
    """Claude Code asks for 64 tokens, which thinking alone would use up; it would ask ten times and then deny."""

    def thinking(body: Body) -> Reply:
        room = body.get("max_tokens") or body["max_completion_tokens"]
        thoughts = Thinking("Is it harmless? It only counts. ")
        return Reply(thoughts, Text("<block>no</block>")) if room > 1000 else Reply(thoughts, finish="length")

    entry = {"model_id": "local", "api_base": upstream.base_url, "context_window": 200_000, "efforts": ["low", "high"]}
    with claude_code(*command, tmp_path, entry, JUDGE_MODEL="off") as claude:
        checks_itself = {"CLAUDE_CODE_AUTO_MODE_SERVER": "0", "CLAUDE_CODE_AUTO_MODE_MODEL": "claude-haiku-5-5"}
        play(upstream, Reply(_CHECKED), Reply(Text("Over.")), aside=thinking)
        claude = replace(claude, variables=checks_itself)
        assert claude.run("count", *_AUTO)["result"] == "Over."
        assert (claude.project / "made").exists()
    assert len(_own_checks(upstream)) == 1
