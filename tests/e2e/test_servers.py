"""Servers that differ from OpenAI's, each strict in its own way; the proxy learns what it must and nobody notices.

With the newer release only: how a server differs has nothing to do with the client.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.samples import png
from tests.e2e.script import play, texts
from tests.e2e.stage import claude_code
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Reply, Text, Thinking, ToolCall

pytestmark = [pytest.mark.e2e, pytest.mark.parametrize("command", ["new"], indirect=True)]


@pytest.mark.parametrize(
    ("quirks", "options"),
    [
        pytest.param((), {"can_stream": False}, id="does not stream"),
        pytest.param(("reasoning_content_required",), {}, id="DeepSeek"),
        pytest.param(("mistral",), {}, id="Mistral"),
        pytest.param(("system_first", "no_stream_options"), {"vision": False}, id="llama.cpp"),
        pytest.param(("kimi", "moonshot_schema"), {}, id="Kimi"),
        pytest.param(("glm",), {}, id="GLM"),
        pytest.param(("groq",), {}, id="Groq"),
    ],
)
def test_tool_loop(quirks: tuple[str, ...], options: dict[str, Any], command: tuple[str, str], tmp_path: Path) -> None:
    with FakeOpenAI("compatible", quirks=quirks) as upstream:
        entry = {"model_id": "local", "api_base": upstream.base_url, **options}
        with claude_code(*command, tmp_path, entry) as claude:
            picture = claude.project / "red.png"
            picture.write_bytes(png())
            play(
                upstream,
                Reply(
                    Thinking("Two things."),
                    ToolCall("Read", {"file_path": str(picture)}),
                    ToolCall("Bash", {"command": "echo one", "description": "One"}),
                ),
                Reply(Text("Then one more."), ToolCall("Bash", {"command": "echo two", "description": "Two"})),
                Reply(Text("done")),
            )
            assert claude.run("work")["result"] == "done"
            _, *said = texts(upstream.requests[-1], "tool")
            assert said == ["one", "two"]


def test_calls_in_the_text(command: tuple[str, str], tmp_path: Path) -> None:
    """Of a server that does not read what its model writes; one call by Hermes' form, one by Qwen coder's."""
    hermes = '<tool_call>\n{"name": "Bash", "arguments": {"command": "echo one", "description": "One"}}\n</tool_call>'
    qwen = (
        "<tool_call>\n<function=Bash>\n<parameter=command>\necho two\n</parameter>\n"
        "<parameter=description>\nTwo\n</parameter>\n</function>\n</tool_call>"
    )
    with FakeOpenAI("compatible") as upstream:
        entry = {"model_id": "local", "api_base": upstream.base_url}
        with claude_code(*command, tmp_path, entry) as claude:
            play(upstream, Reply(Text(f"First one.\n{hermes}")), Reply(Text(qwen)), Reply(Text("done")))
            assert claude.run("work")["result"] == "done"
            assert texts(upstream.requests[-1], "tool") == ["one", "two"]
