"""Claude Code on OpenAI's Responses API: tools, files, sub-agents, and reasoning that comes back from turn to turn."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.claude_code import ClaudeCode
from tests.e2e.conftest import KEY
from tests.e2e.samples import pdf, png
from tests.e2e.stage import claude_code
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Reply, Text, Thinking, ToolCall
from tests.fakes.server import Raw, json_answer
from tests.translation import unmarked

pytestmark = pytest.mark.e2e

Body = dict[str, Any]
Item = dict[str, Any]

_NO_THINKING = ("--model", "claude-haiku-4-5", "--settings", json.dumps({"env": {"MAX_THINKING_TOKENS": "0"}}))
"""The newest models of Claude Code cannot do without."""


@pytest.fixture(params=["gpt-6-sol", "gpt-5.3-codex"])
def model(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def claude(command: tuple[str, str], openai: FakeOpenAI, model: str, tmp_path: Path) -> Iterator[ClaudeCode]:
    variables = {
        "PREFERRED_PROVIDER": "openai",
        "OPENAI_API": "responses",
        "OPENAI_BASE_URL": openai.base_url,
        "OPENAI_API_KEY": KEY,
        "BIG_MODEL": model,
        "SMALL_MODEL": model,
    }
    with claude_code(*command, tmp_path, None, **variables) as running:
        yield running


def _play(openai: FakeOpenAI, *steps: Reply, **conversations: Sequence[Reply]) -> None:
    """Answers the nth turn of a conversation with its nth step; the key of a sub-agent's is a word of its prompt."""

    def answer(body: Body, headers: Mapping[str, str]) -> Reply | Raw:
        if "tools" not in body:
            return Reply(Text("A title"))
        asked = str([item["content"] for item in body["input"] if item.get("role") == "user"])
        own = next((these for word, these in conversations.items() if word in asked), steps)
        turn = sum(is_models for is_models, _ in itertools.groupby(body["input"], _is_models))
        if turn < len(own):
            return own[turn]
        openai.errors.append(AssertionError(f"no step {turn} for {asked[-300:]}"))
        return json_answer({"error": {"message": "the script is over"}}, 403)

    openai.default(answer)


def _is_models(item: Item) -> bool:
    return item["type"] in ("reasoning", "function_call") or item.get("role") == "assistant"


def _of_type(body: Body, kind: str) -> list[Item]:
    return [item for item in body["input"] if item["type"] == kind]


def _text(output: str | list[Item]) -> str:
    return output if isinstance(output, str) else "\n".join(part["text"] for part in output)


def _turns(openai: FakeOpenAI) -> list[Body]:
    """The requests of conversations, which have tools."""
    return [body for body in openai.requests if "tools" in body]


@pytest.mark.parametrize("thinks", [True, False])
def test_tool_loop(claude: ClaudeCode, openai: FakeOpenAI, thinks: bool) -> None:
    """Calls alone and together, and one that fails; all reasoning comes back in its place."""
    script = claude.project / "hello.sh"
    path = {"file_path": str(script)}
    _play(
        openai,
        Reply(Thinking("I begin.\n\nWith a file."), ToolCall("Write", {**path, "content": "echo hello moon\n"})),
        Reply(
            Thinking("Two things."),
            Text("I look."),
            ToolCall("Read", path),
            ToolCall("Bash", {"command": "echo on; exit 3", "description": "Fail"}),
        ),
        Reply(ToolCall("Edit", {**path, "old_string": "moon", "new_string": "world"})),
        Reply(Thinking("Now run it."), ToolCall("Bash", {"command": f"sh '{script}'", "description": "Run"})),
        Reply(Thinking("That was it."), Text("It says hello world.")),
    )
    assert claude.run("greet", *(() if thinks else _NO_THINKING))["result"] == "It says hello world."
    assert script.read_text(encoding="utf-8") == "echo hello world\n"
    bodies = _turns(openai)
    last = bodies[-1]
    calls = _of_type(last, "function_call")
    assert [call["name"] for call in calls] == ["Write", "Read", "Bash", "Edit", "Bash"]
    outputs = _of_type(last, "function_call_output")
    assert [output["call_id"] for output in outputs] == [call["call_id"] for call in calls]
    _, read, failed, _, ran = (_text(output["output"]) for output in outputs)
    assert "echo hello moon" in read
    assert failed.startswith("Error: ")
    assert ran.startswith("hello world")
    sealed = [item["encrypted_content"] for item in _of_type(last, "reasoning")]
    assert len(openai.issued) == (4 if thinks else 0)
    assert sealed == [state.encrypted for state in openai.issued[:-1]]
    assert len(openai.replayed) == (1 + 2 + 2 + 3 if thinks else 0)
    assert all(replay.in_place for replay in openai.replayed)
    for earlier, later in itertools.pairwise(bodies):
        before, after = unmarked(earlier["input"]), unmarked(later["input"])
        assert after[: len(before)] == before, "the prompt cache needs equal beginnings"
        assert {**later, "input": None} == {**earlier, "input": None}


def test_picture_and_pdf(claude: ClaudeCode, openai: FakeOpenAI) -> None:
    picture, document = claude.project / "red.png", claude.project / "hello.pdf"
    picture.write_bytes(png())
    document.write_bytes(pdf())
    _play(
        openai,
        Reply(ToolCall("Read", {"file_path": str(picture)}), ToolCall("Read", {"file_path": str(document)})),
        Reply(Text("Hello in red")),
    )
    assert claude.run("look")["result"] == "Hello in red"
    body = _turns(openai)[-1]
    lists = [item.get("content", item.get("output")) for item in body["input"]]
    parts = [part for parts in lists if isinstance(parts, list) for part in parts]
    (image,) = (part["image_url"] for part in parts if part["type"] == "input_image")
    (file,) = (part["file_data"] for part in parts if part["type"] == "input_file")
    assert image == f"data:image/png;base64,{base64.b64encode(png()).decode()}"
    assert file == f"data:application/pdf;base64,{base64.b64encode(pdf()).decode()}"


def test_sub_agents(claude: ClaudeCode, openai: FakeOpenAI) -> None:
    """Each conversation keeps its own reasoning."""

    def agent(fruit: str) -> ToolCall:
        job = {"description": "A side job", "prompt": f"PICK_{fruit} now", "subagent_type": "general-purpose"}
        return ToolCall("Agent", {**job, "run_in_background": False})

    def work(fruit: str) -> list[Reply]:
        command = {"command": f"echo ripe {fruit}", "description": "Pick it"}
        return [Reply(Thinking(f"I pick a {fruit}."), ToolCall("Bash", command)), Reply(Text(f"The {fruit} is ripe."))]

    _play(
        openai,
        Reply(Thinking("I send two."), agent("PEAR"), agent("PLUM")),
        Reply(Text("All picked.")),
        PICK_PEAR=work("pear"),
        PICK_PLUM=work("plum"),
    )
    assert claude.run("delegate")["result"] == "All picked."
    main = next(body for body in reversed(_turns(openai)) if len(_of_type(body, "function_call")) == 2)
    pear, plum = (str(item["output"]) for item in _of_type(main, "function_call_output"))
    assert "The pear is ripe." in pear
    assert "The plum is ripe." in plum
    thoughts = {"I send two.", *(("I pick a pear.", "I pick a plum.") if claude.release == "new" else ())}
    assert {replay.state.text for replay in openai.replayed} == thoughts, "2.1.197 has sub-agents work without thinking"
    assert all(replay.in_place for replay in openai.replayed)


def test_session_goes_on(claude: ClaudeCode, openai: FakeOpenAI) -> None:
    """In a new process of Claude Code, which has kept the reasoning."""
    _play(
        openai,
        Reply(Thinking("One."), ToolCall("Bash", {"command": "echo one", "description": "Say"})),
        Reply(Thinking("Two."), Text("said")),
        Reply(Text("and on")),
    )
    assert claude.run("begin")["result"] == "said"
    assert claude.run("go on", "--continue")["result"] == "and on"
    sealed = [item["encrypted_content"] for item in _of_type(_turns(openai)[-1], "reasoning")]
    assert sealed == [state.encrypted for state in openai.issued]
    assert all(replay.in_place for replay in openai.replayed)
