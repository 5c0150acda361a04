"""What the launcher says of a model's window: `/context` shows it, and compaction comes before it is full."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from proxy.launcher.environment import client_setup
from proxy.models.catalog import Catalog
from proxy.models.routing import Router
from proxy.settings.config import load_config
from tests.e2e.claude_code import ClaudeCode
from tests.e2e.proxy_process import run_proxy
from tests.e2e.script import texts
from tests.e2e.tap import Tap
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Reply, Text, ToolCall

pytestmark = [pytest.mark.e2e, pytest.mark.parametrize("command", ["new"], indirect=True)]

_WINDOW = 200_000
_SUMMARY = "We have read until the window was nearly full."
_PARTS = 14
"""Of some 18,000 tokens each: more than the window holds."""


def _told(directory: Path, entry: dict[str, Any]) -> dict[str, str | None]:
    """The variables that the launcher sets for a server with this one model."""
    (directory / "custom_models.yaml").write_text(json.dumps([entry]), encoding="utf-8")
    config = load_config({"PREFERRED_PROVIDER": "custom"}, directory=directory)
    return {**client_setup(Router(config, Catalog.load()), config, judges=True).variables}


def test_compaction_comes_before_the_overflow(command: tuple[str, str], tmp_path: Path) -> None:
    for name in ("proxy", "project", "home", "launcher"):
        (tmp_path / name).mkdir()
    for number in range(_PARTS):
        lines = (f"{number} {line} " + "some words of prose here " * 3 for line in range(900))
        (tmp_path / "project" / f"part{number}.txt").write_text("\n".join(lines), encoding="utf-8")

    def answer(body: dict[str, Any], headers: object) -> Reply:
        said = texts(body, "user")
        if "<summary>" in said[-1]:
            return Reply(Text(f"<analysis>All is clear.</analysis>\n<summary>{_SUMMARY}</summary>"))
        if any(_SUMMARY in text for text in said):
            return Reply(Text("All read."))
        part = sum(message["role"] == "tool" for message in body["messages"])
        return Reply(ToolCall("Read", {"file_path": str(tmp_path / "project" / f"part{part}.txt")}))

    with FakeOpenAI("compatible") as upstream:
        upstream.default(answer)
        entry = {"model_id": "local", "api_base": upstream.base_url, "context_window": _WINDOW}
        with run_proxy(tmp_path / "proxy", entry) as port, Tap(port) as tap:
            variables = _told(tmp_path / "launcher", entry)
            project, home = tmp_path / "project", tmp_path / "home"
            claude = ClaudeCode(command[1], command[0], tap.url, project, home, variables)
            context = claude.run("/context")["result"]
            result = claude.run("read all parts")
        tap.check()
    assert re.search(r"/\s*200(\.0)?k", context), context
    assert result["result"] == "All read."
    assert upstream.refusals == []
    assert [passed.status for passed in tap.passed() if passed.status >= 400] == []
    assert any("<summary>" in texts(body, "user")[-1] for body in upstream.requests)
