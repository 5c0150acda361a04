"""What Claude Code asks beside the conversation: checks of hooks, summaries, pages of the web."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.drift.page import page
from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import Body, play, texts
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Reply, Text, ToolCall

pytestmark = [pytest.mark.e2e, pytest.mark.parametrize("command", ["new"], indirect=True)]


def test_hook(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    """A model says that the work is not over, and then that it is; each time as structured output."""
    verdicts = iter([{"ok": False, "reason": "The roof is missing."}, {"ok": True, "reason": ""}])
    play(
        upstream,
        Reply(Text("Built.")),
        Reply(Text("Now with a roof.")),
        aside=lambda body: Reply(Text(json.dumps(next(verdicts)))),
    )
    hook = {"type": "prompt", "prompt": "IS_IT_DONE $ARGUMENTS"}
    settings = {"hooks": {"Stop": [{"hooks": [hook]}]}}
    assert claude.run("build", "--settings", json.dumps(settings))["result"] == "Now with a roof."
    asked = [body for body in upstream.requests if "tools" not in body]
    assert len(asked) == 2
    assert all("IS_IT_DONE" in texts(body, "user")[-1] for body in asked)
    assert all(body["response_format"]["type"] == "json_schema" for body in asked)
    assert any("The roof is missing." in said for said in texts(upstream.requests[-2], "user"))


def test_compaction_by_hand(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    """The summary takes the place of what was said, and the conversation goes on from it."""
    summary = "<analysis>Short.</analysis><summary>The number was 4711.</summary>"

    def answer(body: Body) -> Reply:
        return Reply(Text(summary if "<summary>" in texts(body, "user")[-1] else "It was 4711."))

    play(upstream, *[answer] * 9)
    claude.run("choose a number, FIRST_WORDS")
    claude.run("and another", "--continue")
    claude.run("/compact", "--continue")
    assert claude.run("which was it", "--continue")["result"] == "It was 4711."
    said = texts(upstream.requests[-1], "user")
    assert any("The number was 4711." in words for words in said)


def test_web_page(claude: ClaudeCode, upstream: FakeOpenAI, tmp_path: Path) -> None:
    """A model reads the page for the main one, which gets what it says about it."""
    certificate = tmp_path / "page.pem"
    with page(certificate) as url:
        if url is None:
            pytest.skip("no openssl here")
        play(
            upstream,
            Reply(ToolCall("ToolSearch", {"query": "select:WebFetch", "max_results": 5})),
            Reply(ToolCall("WebFetch", {"url": url, "prompt": "How is the moon?"})),
            Reply(Text("Full.")),
            aside=Reply(Text("The page says that the moon is full.")),
        )
        settings = ("--settings", json.dumps({"skipWebFetchPreflight": True}), "--allowedTools", "WebFetch")
        claude = replace(claude, variables={"NODE_EXTRA_CA_CERTS": str(certificate)})
        assert claude.run("look", *settings)["result"] == "Full."
    (summary,) = (body for body in upstream.requests if "tools" not in body)
    assert "Almanac" in texts(summary, "user")[-1]
    assert texts(upstream.requests[-1], "tool")[-1].startswith("The page says that the moon is full.")
