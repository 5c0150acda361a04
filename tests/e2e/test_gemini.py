"""Claude Code on Gemini: tools one after another and together, files, sub-agents, with thinking and without."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.claude_code import ClaudeCode
from tests.e2e.samples import pdf, png
from tests.e2e.stage import claude_code
from tests.fakes.gemini.api import FakeGemini
from tests.fakes.gemini.replies import FunctionCall, Reply, Text, Thought
from tests.fakes.gemini.signatures import is_sentinel, issue
from tests.fakes.server import Raw, json_answer

pytestmark = pytest.mark.e2e

Body = dict[str, Any]
Part = dict[str, Any]

KEY = "AIza-upstream-0123456789abcdef"
NEW = "gemini-3.8-flash"
_NO_THINKING = ("--model", "claude-haiku-4-5", "--settings", json.dumps({"env": {"MAX_THINKING_TOKENS": "0"}}))
"""The newest models of Claude Code cannot do without."""


@pytest.fixture
def gemini() -> Iterator[FakeGemini]:
    """Refuses nothing in the course of a test."""
    with FakeGemini(keys=[KEY]) as fake:
        yield fake
    assert fake.refusals == []


@pytest.fixture(params=["gemini-2.5-flash", NEW, "gemini-4-argon"])
def model(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def claude(command: tuple[str, str], gemini: FakeGemini, model: str, tmp_path: Path) -> Iterator[ClaudeCode]:
    variables = {"GEMINI_BASE_URL": gemini.base_url, "GEMINI_API_KEY": KEY, "BIG_MODEL": model, "SMALL_MODEL": model}
    with claude_code(*command, tmp_path, None, PREFERRED_PROVIDER="google", **variables) as running:
        yield running


def _play(gemini: FakeGemini, *steps: Reply, **conversations: Sequence[Reply]) -> None:
    """Answers the nth turn of a conversation with its nth step; the key of a sub-agent's is a word of its prompt."""

    def answer(body: Body, headers: Mapping[str, str]) -> Reply | Raw:
        if "tools" not in body:
            return Reply(Text("A title"))
        asked = str([part.get("text") for part in _parts(body, "user")])
        own: Sequence[Reply] = next((these for word, these in conversations.items() if word in asked), steps)
        turn = [content["role"] for content in body["contents"]].count("model")
        if turn < len(own):
            return own[turn]
        gemini.errors.append(AssertionError(f"no step {turn} for {asked[-300:]}"))
        return json_answer({"error": {"code": 403, "message": "the script is over"}}, 403)

    gemini.default(answer)


def _parts(body: Body, role: str) -> list[Part]:
    return [part for content in body["contents"] if content["role"] == role for part in content["parts"]]


def _calls(body: Body) -> list[Part]:
    return [part for part in _parts(body, "model") if "functionCall" in part]


def _responses(body: Body) -> list[Part]:
    return [part["functionResponse"] for part in _parts(body, "user") if "functionResponse" in part]


def _last(gemini: FakeGemini) -> Body:
    return next(body for body in reversed(gemini.requests) if "tools" in body)


@pytest.mark.parametrize("thinks", [True, False])
def test_tool_loop(claude: ClaudeCode, gemini: FakeGemini, model: str, thinks: bool) -> None:
    """Calls alone and together; their signatures come back."""
    note = claude.project / "a.txt"
    note.write_text("alpha\n", encoding="utf-8")
    echo, read = {"command": "echo one", "description": "Say"}, {"file_path": str(note)}
    _play(
        gemini,
        Reply(
            Thought("First the shell."), Text("I will look."), FunctionCall("Bash", echo), FunctionCall("Read", read)
        ),
        Reply(FunctionCall("Bash", {"command": "echo two; exit 3", "description": "Fail"})),
        Reply(Thought("Now I know."), Text("alpha it is")),
    )
    assert claude.run("do the thing", *(() if thinks else _NO_THINKING))["result"] == "alpha it is"
    body = _last(gemini)
    config = body["generationConfig"].get("thinkingConfig", {})
    assert config.get("includeThoughts", False) == thinks
    assert [part["functionCall"]["name"] for part in _calls(body)] == ["Bash", "Read", "Bash"]
    signatures = [part.get("thoughtSignature") for part in _calls(body)]
    if thinks or model != "gemini-2.5-flash":
        first, none, second = signatures
        assert (first, none) == (issue(model, "Bash", echo), None)
        assert second is not None
        assert not is_sentinel(second)
    one, alpha, two = (response["response"] for response in _responses(body))
    assert one["output"].startswith("one")
    assert "alpha" in alpha["output"]
    assert "two" in two["error"]


@pytest.mark.parametrize("model", [NEW, "gemini-2.5-flash"])
def test_picture_and_pdf(claude: ClaudeCode, gemini: FakeGemini, model: str) -> None:
    picture, document = claude.project / "red.png", claude.project / "hello.pdf"
    picture.write_bytes(png())
    document.write_bytes(pdf())
    _play(
        gemini,
        Reply(FunctionCall("Read", {"file_path": str(picture)}), FunctionCall("Read", {"file_path": str(document)})),
        Reply(Text("Hello in red")),
    )
    assert claude.run("look")["result"] == "Hello in red"
    body = _last(gemini)
    inside = [part for response in _responses(body) for part in response.get("parts", ())]
    beside = [part for part in _parts(body, "user") if "inlineData" in part]
    files = {part["inlineData"]["mimeType"]: part["inlineData"]["data"] for part in [*inside, *beside]}
    assert base64.b64decode(files["image/png"]) == png()
    assert base64.b64decode(files["application/pdf"]) == pdf()
    assert bool(inside) == (model == NEW)


@pytest.mark.parametrize("model", [NEW])
def test_sub_agents(claude: ClaudeCode, gemini: FakeGemini, model: str) -> None:
    def agent(fruit: str) -> FunctionCall:
        job = {"description": "A side job", "prompt": f"PICK_{fruit} now", "subagent_type": "general-purpose"}
        return FunctionCall("Agent", {**job, "run_in_background": False})

    def work(fruit: str) -> list[Reply]:
        command = {"command": f"echo ripe {fruit}", "description": "Pick it"}
        return [Reply(Thought("hm"), FunctionCall("Bash", command)), Reply(Text(f"The {fruit} is ripe."))]

    _play(
        gemini,
        Reply(Text("I send two."), agent("PEAR"), agent("PLUM")),
        Reply(Text("All picked.")),
        PICK_PEAR=work("pear"),
        PICK_PLUM=work("plum"),
    )
    assert claude.run("delegate")["result"] == "All picked."
    main = next(body for body in reversed(gemini.requests) if len(_calls(body)) == 2)
    pear, plum = (response["response"]["output"] for response in _responses(main))
    assert "The pear is ripe." in pear
    assert "The plum is ripe." in plum


@pytest.mark.parametrize("model", [NEW])
def test_session_goes_on(claude: ClaudeCode, gemini: FakeGemini, model: str) -> None:
    """In a new process of Claude Code, which has kept the signatures."""
    echo = {"command": "echo one", "description": "Say"}
    _play(gemini, Reply(FunctionCall("Bash", echo)), Reply(Text("said")), Reply(Text("and on")))
    assert claude.run("begin")["result"] == "said"
    assert claude.run("go on", "--continue")["result"] == "and on"
    assert [part.get("thoughtSignature") for part in _calls(_last(gemini))] == [issue(model, "Bash", echo)]
