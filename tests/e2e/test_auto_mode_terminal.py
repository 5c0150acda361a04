"""Auto mode in a terminal, where it is what a session begins in: no dialog, and no call without a verdict."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.schema import fitting
from tests.drift.terminal import Terminal
from tests.e2e.claude_code import ClaudeCode
from tests.e2e.stage import claude_code
from tests.fakes.gemini import replies as gemini_replies
from tests.fakes.gemini.api import FakeGemini
from tests.fakes.openai import replies as openai_replies
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.server import Raw, json_answer

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux here"),
    pytest.mark.parametrize("command", ["new"], indirect=True),
]

Body = dict[str, Any]

_KEY = "AIza-upstream-0123456789abcdef"
_PATIENCE = 40.0
_SETTLED = 2.0
"""Seconds after which a terminal that shows its input line reads it."""
_INPUT_LINE = "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}"
_FLAGS = {"flags on": {}, "flags off": {"DISABLE_TELEMETRY": "1"}}
"""With them Claude Code has a check of its own to fall back on, without them none."""


Reply = openai_replies.Reply | gemini_replies.Reply | Raw


@dataclass(frozen=True)
class _Upstream:
    """A vendor's fake, and its words for what the script says."""

    fake: FakeOpenAI | FakeGemini

    def text(self, text: str) -> Reply:
        if isinstance(self.fake, FakeGemini):
            return gemini_replies.Reply(gemini_replies.Text(text))
        return openai_replies.Reply(openai_replies.Text(text))

    def making(self, name: str) -> Reply:
        """A call that is no plain file command, and leaves a file behind."""
        input = {"command": f'python3 -c \'open("{name}", "w")\'', "description": "Make it"}
        if isinstance(self.fake, FakeGemini):
            return gemini_replies.Reply(gemini_replies.FunctionCall("Bash", input))
        return openai_replies.Reply(openai_replies.ToolCall("Bash", input))

    def verdict(self, *, flagged: bool) -> Reply:
        entry = {"call": 1, "flagged": flagged, "explanation": "It is too dear." if flagged else "", "rule": ""}
        return self.text(json.dumps({"verdicts": [entry]}))


class _Model:
    """Plays the model, its judge and whatever else Claude Code asks, alike on all APIs."""

    def __init__(self, upstream: _Upstream) -> None:
        self._upstream = upstream
        self._steps: deque[Reply] = deque()
        self._lock = threading.Lock()
        self.judge: Reply = upstream.text("")
        self.own_checks = 0
        upstream.fake.default(self._answer)

    def script(self, *steps: Reply, judge: Reply) -> None:
        with self._lock:
            self._steps.extend(steps)
            self.judge = judge

    def _answer(self, body: Body, _: Mapping[str, str]) -> Any:
        text = json.dumps(body)
        with self._lock:
            if "calls_to_judge" in text:
                return self.judge
            if "<transcript>" in text:
                self.own_checks += 1
                return self._upstream.text("<block>yes</block><reason>Nobody knows it.</reason>")
            if body.get("tools") and self._steps:
                return self._steps.popleft()
        schema = _schema(body)
        return self._upstream.text("An answer." if schema is None else json.dumps(fitting(schema)))


def _schema(body: Body) -> Any:
    """That of the answer, in any of the APIs."""
    wanted = (body.get("response_format") or {}).get("json_schema") or (body.get("text") or {}).get("format") or {}
    return wanted.get("schema") or body.get("generationConfig", {}).get("responseJsonSchema")


@pytest.fixture(params=["chat", "responses", "gemini-2.5-flash", "gemini-3.8-flash"])
def staged(
    request: pytest.FixtureRequest, command: tuple[str, str], tmp_path: Path
) -> Iterator[tuple[ClaudeCode, _Upstream]]:
    """Past its first steps: what it asks a new user is answered. Nothing is refused in the course of a test."""
    api: str = request.param
    fake: FakeOpenAI | FakeGemini
    with ExitStack() as stack:
        if api.startswith("gemini"):
            fake = stack.enter_context(FakeGemini(keys=[_KEY]))
            models = {"BIG_MODEL": api, "SMALL_MODEL": api, "GEMINI_BASE_URL": fake.base_url, "GEMINI_API_KEY": _KEY}
            claude = claude_code(*command, tmp_path, None, PREFERRED_PROVIDER="google", **models)
        else:
            fake = stack.enter_context(FakeOpenAI("compatible"))
            entry = {"model_id": "local", "api_base": fake.base_url, "context_window": 200_000, "api": api}
            claude = claude_code(*command, tmp_path, entry)
        running = stack.enter_context(claude)
        trusted = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}
        known = {"hasCompletedOnboarding": True, "theme": "dark", "projects": {str(running.project): trusted}}
        (running.home / ".claude.json").write_text(json.dumps(known), encoding="utf-8")
        yield running, _Upstream(fake)
    assert fake.refusals == []


def _environment(claude: ClaudeCode, flags: Mapping[str, str]) -> dict[str, str]:
    """No way out of the machine: nobody serves flags, so that the client's own defaults hold."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "HOME": str(claude.home),
        "TERM": "xterm-256color",
        "ANTHROPIC_BASE_URL": claude.url,
        "ANTHROPIC_AUTH_TOKEN": "local",
        "DISABLE_AUTOUPDATER": "1",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "127.0.0.1",
        **flags,
    }


def _wait(terminal: Terminal, happened: Callable[[str], bool]) -> None:
    assert terminal.wait_for(lambda: happened(terminal.screen()), _PATIENCE), terminal.screen()


@pytest.mark.parametrize("flags", _FLAGS)
def test_session(staged: tuple[ClaudeCode, _Upstream], flags: str) -> None:
    """One call may run, one may not, and one is not judged; then the client still takes the server for a judge."""
    claude, upstream = staged
    model = _Model(upstream)
    with Terminal([claude.command], claude.project, _environment(claude, _FLAGS[flags])) as terminal:
        _wait(terminal, lambda screen: _INPUT_LINE in screen)
        time.sleep(_SETTLED)

        model.script(upstream.making("first"), upstream.text("FIRST_DONE"), judge=upstream.verdict(flagged=False))
        terminal.type("make the first")
        _wait(terminal, lambda screen: "FIRST_DONE" in screen)
        assert (claude.project / "first").exists()

        model.script(upstream.making("second"), upstream.text("SECOND_DONE"), judge=upstream.verdict(flagged=True))
        terminal.type("make the second")
        _wait(terminal, lambda screen: "SECOND_DONE" in screen)
        assert not (claude.project / "second").exists()
        assert any("It is too dear." in json.dumps(body) for body in upstream.fake.requests if body.get("tools"))
        assert model.own_checks == 0

        failure = json_answer({"error": {"code": 500, "message": "Out of order"}}, 500)
        model.script(upstream.making("third"), upstream.text("THIRD_DONE"), judge=failure)
        terminal.type("make the third")
        _wait(terminal, lambda screen: "THIRD_DONE" in screen)
        assert not (claude.project / "third").exists()
        assert (model.own_checks > 0) == (flags == "flags on")

        terminal.type("/status")
        _wait(terminal, lambda screen: "Auto mode server" in screen)
        (line,) = (line for line in terminal.screen().splitlines() if "Auto mode server" in line)
        assert "Enabled" in line
