"""Claude Code asks which models there are, works with any of them, and counts tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.models.names import fingerprint
from tests.e2e.claude_code import ClaudeCode
from tests.e2e.proxy_process import run_proxy
from tests.e2e.script import play
from tests.e2e.tap import Tap
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Reply, Text, ToolCall

pytestmark = pytest.mark.e2e

_DISCOVERY = {
    "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1",
    # 2.1.197 takes the list of models for nonessential; what else it would fetch must not leave the machine.
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": None,
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1",
}
_ALIAS = "claude-custom-opus-like"


@pytest.fixture
def other() -> Iterator[FakeOpenAI]:
    """Answers Claude names."""
    with FakeOpenAI("openai") as fake:
        yield fake
    assert fake.refusals == []


@pytest.fixture
def tap(upstream: FakeOpenAI, other: FakeOpenAI, tmp_path: Path) -> Iterator[Tap]:
    """In front of a proxy with a custom model whose name looks like a Claude's."""
    (tmp_path / "proxy").mkdir()
    entry = {"model_id": "opus-like", "api_base": upstream.base_url, "context_window": 200_000}
    variables = {
        "PREFERRED_PROVIDER": "openai",
        "BIG_MODEL": "gpt-4o",
        "OPENAI_BASE_URL": other.base_url,
        "OPENAI_API_KEY": "sk-any",
    }
    with run_proxy(tmp_path / "proxy", entry, **variables) as port, Tap(port) as relay:
        yield relay
    relay.check()


@pytest.fixture
def claude(command: tuple[str, str], tap: Tap, tmp_path: Path) -> ClaudeCode:
    for name in ("project", "home"):
        (tmp_path / name).mkdir()
    release, found = command
    return ClaudeCode(found, release, tap.url, tmp_path / "project", tmp_path / "home")


def test_every_model_can_be_picked(claude: ClaudeCode, tap: Tap, upstream: FakeOpenAI, other: FakeOpenAI) -> None:
    """CASES-89"""
    if claude.release == "new":
        claude = replace(claude, variables=_DISCOVERY)
        play(other, Reply(Text("Not the one.")))
        claude.run("hi")
        (listing,) = [exchange for exchange in tap.passed() if exchange.path == "/v1/models"]
        listed = {entry["id"]: entry["display_name"] for entry in json.loads(listing.body)["data"]}
        kept = json.loads((claude.home / ".claude/cache/gateway-models.json").read_text(encoding="utf-8"))["models"]
        assert {entry["id"]: entry["display_name"] for entry in kept} == {
            name: title for name, title in listed.items() if name.startswith("claude")
        }
        assert {f"claude-proxy-{fingerprint('opus-like')}", "claude-proxy-big", "claude-opus-5-5"} < {
            entry["id"] for entry in kept
        }
    play(
        upstream,
        Reply(ToolCall("Bash", {"command": "echo hello", "description": "Greet"})),
        Reply(Text("It is the one.")),
    )
    before = len(other.requests)
    assert claude.run("greet", "--model", _ALIAS)["result"] == "It is the one."
    assert {body["model"] for body in upstream.requests} == {"opus-like"}
    assert len(other.requests) == before


def test_context(claude: ClaudeCode, tap: Tap) -> None:
    """CASES-45"""
    shown = claude.run("/context", "--model", _ALIAS)["result"]
    assert re.search(r"Tokens:\*\* [1-9][0-9.]*k", shown), shown
    assert re.search(r"System tools \| [1-9]", shown), shown
    counts = [exchange for exchange in tap.passed() if exchange.path == "/v1/messages/count_tokens"]
    assert len(counts) >= 7
    assert {exchange.status for exchange in counts} == {200}
    assert {exchange.request["model"] for exchange in counts} == {_ALIAS}
