"""Claude Code's WebSearch, answered by the search of the model's own vendor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.claude_code import ClaudeCode
from tests.e2e.conftest import KEY
from tests.e2e.stage import claude_code
from tests.fakes.gemini import replies as gemini_replies
from tests.fakes.gemini.api import FakeGemini
from tests.fakes.gemini.replies import FunctionCall, Grounding
from tests.fakes.openai import replies as openai_replies
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import ToolCall, WebSearch

pytestmark = pytest.mark.e2e

Body = dict[str, Any]

URL = "https://almanac.test/moon"
SAID = f"The moon is full tonight ([almanac.test]({URL}))."


def _calls(release: str, make: Callable[[str, Mapping[str, Any]], Any]) -> list[Any]:
    """What the main model calls; the newer release has it load the tool first."""
    load = make("ToolSearch", {"query": "select:WebSearch", "max_results": 5})
    search = make("WebSearch", {"query": "phase of the moon", "allowed_domains": ["almanac.test"]})
    return [load, search] if release == "new" else [search]


def _run(command: tuple[str, str], directory: Path, variables: Mapping[str, str]) -> None:
    with claude_code(*command, directory, None, **variables) as claude:
        assert isinstance(claude, ClaudeCode)
        assert claude.run("search")["result"] == "It is full."


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-5", "gpt-6-sol"])
def test_openai(command: tuple[str, str], openai: FakeOpenAI, model: str, tmp_path: Path) -> None:
    calls = _calls(command[0], ToolCall)
    searches: list[Body] = []

    def answer(body: Body, headers: Mapping[str, str]) -> openai_replies.Reply:
        if any(tool["type"] == "web_search" for tool in body.get("tools", ())):
            searches.append(body)
            found = WebSearch("moon phase", (URL, "https://blog.test/"))
            return openai_replies.Reply(found, openai_replies.Text(SAID, {URL: "Almanac of the moon"}))
        if "tools" not in body:
            return openai_replies.Reply(openai_replies.Text("A title"))
        turn = sum(item["type"] == "function_call" for item in body["input"])
        last = openai_replies.Text("It is full.")
        return openai_replies.Reply(calls[turn] if turn < len(calls) else last)

    openai.default(answer)
    variables = {"OPENAI_API": "responses", "OPENAI_BASE_URL": openai.base_url, "OPENAI_API_KEY": KEY}
    models = {"PREFERRED_PROVIDER": "openai", "BIG_MODEL": model, "SMALL_MODEL": model}
    _run(command, tmp_path, {**variables, **models})
    (search,) = searches
    assert search["tools"] == [{"type": "web_search", "filters": {"allowed_domains": ["almanac.test"]}}]
    assert search["max_tool_calls"] == 8
    assert "phase of the moon" in str(search["input"])
    output = next(item["output"] for item in reversed(openai.requests[-1]["input"]) if "output" in item)
    _check_result(output)


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3.8-flash"])
def test_gemini(command: tuple[str, str], model: str, tmp_path: Path) -> None:
    calls = _calls(command[0], FunctionCall)
    searches: list[Body] = []

    def answer(body: Body, headers: Mapping[str, str]) -> gemini_replies.Reply:
        if body.get("tools") == [{"googleSearch": {}}]:
            searches.append(body)
            pages = (("Almanac of the moon", URL), ("blog.test", "https://redirect.test/1"))
            return gemini_replies.Reply(
                gemini_replies.Text(SAID), Grounding(("moon phase",), pages, (("The moon is full tonight", (0,)),))
            )
        if "tools" not in body:
            return gemini_replies.Reply(gemini_replies.Text("A title"))
        turn = sum("functionCall" in part for content in body["contents"] for part in content["parts"])
        last = gemini_replies.Text("It is full.")
        return gemini_replies.Reply(calls[turn] if turn < len(calls) else last)

    with FakeGemini(keys=[KEY]) as gemini:
        gemini.default(answer)
        variables = {"GEMINI_BASE_URL": gemini.base_url, "GEMINI_API_KEY": KEY}
        models = {"PREFERRED_PROVIDER": "google", "BIG_MODEL": model, "SMALL_MODEL": model}
        _run(command, tmp_path, {**variables, **models})
    assert gemini.refusals == []
    (search,) = searches
    assert "phase of the moon" in str(search["contents"])
    parts = [part for content in gemini.requests[-1]["contents"] for part in content["parts"]]
    _check_result(str([part["functionResponse"] for part in parts if "functionResponse" in part][-1]["response"]))


def _check_result(output: str) -> None:
    """What the main model gets: the page with its title, the text, and nothing of what was not allowed."""
    assert "Almanac of the moon" in output
    assert URL in output
    assert "The moon is full tonight" in output
    assert "https://blog.test/" not in output
    assert "redirect.test" not in output
