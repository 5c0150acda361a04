"""Files that are no text: pictures and PDFs, which a Chat Completions server takes in user messages only."""

from __future__ import annotations

import base64

import pytest

from tests.e2e.claude_code import ClaudeCode
from tests.e2e.samples import pdf, png
from tests.e2e.script import parts, play, texts
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Reply, Text, ToolCall

pytestmark = pytest.mark.e2e

_PNG_URL = "data:image/png;base64,"


def test_picture(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    """The picture follows all results of its turn, the answered calls stay together."""
    picture, text = claude.project / "red.png", claude.project / "a.txt"
    picture.write_bytes(png())
    text.write_text("alpha\n", encoding="utf-8")
    calls = [ToolCall("Read", {"file_path": str(path)}) for path in (picture, text)]
    play(upstream, Reply(*calls), Reply(Text("It is red.")))
    assert claude.run("look")["result"] == "It is red."
    body = upstream.requests[-1]
    (image,) = parts(body, "image_url")
    url = image["image_url"]["url"]
    assert url.startswith(_PNG_URL)
    assert base64.b64decode(url.removeprefix(_PNG_URL)) == png(), "Claude Code leaves small pictures as they are"
    assert [message["role"] for message in body["messages"]][-4:] == ["assistant", "tool", "tool", "user"]
    first, second = texts(body, "tool")
    assert "image" in first
    assert "alpha" in second


def test_pdf_on_a_server_that_takes_none(claude: ClaudeCode, upstream: FakeOpenAI) -> None:
    path = claude.project / "hello.pdf"
    path.write_bytes(pdf())
    play(upstream, Reply(ToolCall("Read", {"file_path": str(path)})), Reply(Text("I cannot read it.")))
    assert claude.run("look")["result"] == "I cannot read it."
    body = upstream.requests[-1]
    (result,) = texts(body, "tool")
    # 2.1.330 has the document in the tool result, 2.1.197 after it.
    said = result if claude.release == "new" else texts(body, "user")[-1]
    assert "hello.pdf" in result
    assert "left out" in said


def test_pdf_and_picture_on_openai(claude_on_openai: ClaudeCode, openai: FakeOpenAI) -> None:
    document, picture = claude_on_openai.project / "hello.pdf", claude_on_openai.project / "red.png"
    document.write_bytes(pdf())
    picture.write_bytes(png())
    play(
        openai,
        Reply(ToolCall("Read", {"file_path": str(document)}), ToolCall("Read", {"file_path": str(picture)})),
        Reply(ToolCall("Bash", {"command": "echo seen", "description": "Go on"})),
        Reply(Text("Hello in red")),
    )
    assert claude_on_openai.run("look")["result"] == "Hello in red"
    body = openai.requests[-1]
    (file,) = parts(body, "file")
    assert file["file"]["file_data"] == f"data:application/pdf;base64,{base64.b64encode(pdf()).decode()}"
    (image,) = parts(body, "image_url")
    assert image["image_url"]["url"].startswith(_PNG_URL)
    assert [message["role"] for message in body["messages"]][-6:] == [
        "assistant",
        "tool",
        "tool",
        "user",
        "assistant",
        "tool",
    ]
