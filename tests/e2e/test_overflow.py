"""A conversation that outgrows the model's context: Claude Code compacts it and goes on by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import texts
from tests.e2e.stage import claude_code
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Reply, Text, ToolCall

pytestmark = pytest.mark.e2e

_SUMMARY = "We have read until the window was full."
_FILE_LINES = 900
"""Nearly as much as Claude Code's Read gives at once; seven or eight such files fill the window."""


@pytest.fixture(
    params=["openai chat", "openai responses", "openai responses in the stream", "vllm", "llama.cpp", "told"]
)
def full_soon(
    request: pytest.FixtureRequest, command: tuple[str, str], tmp_path: Path
) -> Iterator[tuple[ClaudeCode, FakeOpenAI]]:
    """Claude Code, and a server with a window of 128 K that refuses what is longer in its own words.

    "told" is a server that refuses nothing; the proxy knows its window from the custom models file.
    """
    with ExitStack() as stack:
        if request.param.startswith("openai"):
            quirks = ["overflow_in_stream"] if "stream" in request.param else []
            upstream = stack.enter_context(FakeOpenAI("openai", quirks=quirks))
            # Under a custom name, for the proxy knows the window of OpenAI's models.
            entry = {"model_id": "local", "model_name": "gpt-4o", "api_base": upstream.base_url, "api_key_name": "KEY"}
            entry["api"] = request.param.split()[1]
            yield stack.enter_context(claude_code(*command, tmp_path, entry, KEY="sk-any")), upstream
        elif request.param == "told":
            upstream = stack.enter_context(FakeOpenAI("compatible"))
            entry = {"model_id": "local", "api_base": upstream.base_url}
            yield stack.enter_context(claude_code(*command, tmp_path, {**entry, "context_window": 131_072})), upstream
        else:
            quirk = {"vllm": "vllm_overflow", "llama.cpp": "llamacpp_overflow"}[request.param]
            upstream = stack.enter_context(FakeOpenAI("compatible", quirks=[quirk]))
            entry = {"model_id": "local", "api_base": upstream.base_url}
            yield stack.enter_context(claude_code(*command, tmp_path, entry)), upstream


def _items(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The conversation, whichever API it is written for."""
    items: list[dict[str, Any]] = body.get("messages") or body["input"]
    return items


def _said(body: dict[str, Any]) -> list[str]:
    if "messages" in body:
        return texts(body, "user")
    contents = [item["content"] for item in body["input"] if item.get("role") == "user"]
    return ["\n".join(part.get("text", "") for part in content) for content in contents]


def test_overflow(full_soon: tuple[ClaudeCode, FakeOpenAI], request: pytest.FixtureRequest) -> None:
    """CASES-80"""
    claude, upstream = full_soon
    for number in range(10):
        lines = (f"{number} {line} " + "some words of prose here " * 3 for line in range(_FILE_LINES))
        (claude.project / f"part{number}.txt").write_text("\n".join(lines), encoding="utf-8")

    def answer(body: dict[str, Any], headers: object) -> Reply:
        said = _said(body)
        if "<summary>" in said[-1]:
            return Reply(Text(f"<analysis>All is clear.</analysis>\n<summary>{_SUMMARY}</summary>"))
        if any(_SUMMARY in text for text in said):
            return Reply(Text("All read."))
        part = sum(item.get("role") == "tool" or item.get("type") == "function_call_output" for item in _items(body))
        return Reply(ToolCall("Read", {"file_path": str(claude.project / f"part{part}.txt")}))

    upstream.default(answer)
    result = claude.run("read all parts")
    assert result["result"] == "All read."
    assert result["num_turns"] > 5
    told = "told" in request.node.callspec.id
    assert any("context" in text for text in upstream.refusals) != told
    assert len(str(upstream.requests[-1])) < len(str(upstream.requests[-2])) / 2
