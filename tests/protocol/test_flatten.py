"""Blocks as text: all that can be read is carried whole, data for other readers is not."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from proxy.protocol.blocks import UnknownBlock
from proxy.protocol.flatten import flat_text
from proxy.protocol.notes import Notes
from tests.translation import PNG, Json, asking, call, image, parsed, pdf, result, text, thinking, user

WORDS = base64.b64encode("grün".encode()).decode()


def document(**source: Any) -> Json:
    return {"type": "document", "source": source}


@pytest.mark.parametrize(
    ("block", "flat"),
    [
        pytest.param(text("a\n"), "a\n", id="text"),
        pytest.param({"type": "tool_reference", "tool_name": "WebFetch"}, "Tool loaded: WebFetch", id="reference"),
        pytest.param(
            {"type": "search_result", "source": "https://a.test", "title": "A", "content": [text("x"), text("y")]},
            "[Search result: A - https://a.test]\nx\ny",
            id="search result",
        ),
        pytest.param(document(type="text", media_type="text/plain", data="x"), "x", id="CASES-13 text document"),
        pytest.param(
            {**document(type="text", media_type="text/plain", data="x"), "title": "T", "context": "from a letter"},
            "[Document: T]\nfrom a letter\nx",
            id="CASES-13 with title and context",
        ),
        pytest.param(document(type="content", content=[text("x"), text("y")]), "x\ny", id="CASES-13 of blocks"),
        pytest.param(document(type="content", content="x"), "x", id="CASES-13 of a string"),
        pytest.param(document(type="base64", media_type="text/markdown", data=WORDS), "grün", id="CASES-13 in base64"),
        pytest.param(
            {"type": "server_tool_use", "id": "s", "name": "web_fetch", "input": {"url": "é"}},
            '[server_tool_use] {"id": "s", "name": "web_fetch", "input": {"url": "é"}}',
            id="CASES-18 unknown block",
        ),
        pytest.param({"type": "new"}, "[new] {}", id="CASES-18 unknown block with nothing in it"),
        pytest.param({"type": "compaction", "content": "a\nb"}, "[compaction]\na\nb", id="content that is a text"),
        pytest.param(
            {"type": "mcp_tool_result", "tool_use_id": "m", "is_error": False, "content": [text("a"), text("b")]},
            '[mcp_tool_result] {"tool_use_id": "m", "is_error": false}\na\nb',
            id="content that is text blocks",
        ),
        pytest.param(
            {"type": "new", "content": [text("a"), {"type": "image"}]},
            '[new] {"content": [{"type": "text", "text": "a"}, {"type": "image"}]}',
            id="content that is more than text",
        ),
        pytest.param(
            {"type": "mcp_tool_result", "tool_use_id": "m", "content": "a", "cache_control": {"type": "ephemeral"}},
            '[mcp_tool_result] {"tool_use_id": "m"}\na',
            id="CASES-44 a mark of the prompt cache",
        ),
        pytest.param({"type": "compaction", "content": None}, '[compaction] {"content": null}', id="no content"),
    ],
)
def test_text_of_a_block(block: Json, flat: str) -> None:
    assert flat_text(parsed(asking(user(block))).messages[0].content[0]) == flat


@pytest.mark.parametrize(
    "block",
    [image(), pdf(), call("t"), result("t"), thinking("x"), document(type="url", url="https://a.test/a.pdf")],
    ids=lambda block: block["type"],
)
def test_blocks_without_text_of_their_own(block: Json) -> None:
    assert flat_text(parsed(asking(user(block))).messages[0].content[0]) is None


def test_opaque_data_is_left_out() -> None:
    """CASES-11: a model must never be sent base64 as text."""
    block = {"type": "new", "image": {"data": PNG * 500, "parts": [{"encrypted_content": "x" * 3000}, "kept"]}}
    flat = flat_text(parsed(asking(user(block))).messages[0].content[0])
    kept = '"parts": [{"encrypted_content": "[3000 characters]"}, "kept"]'
    assert flat == f'[new] {{"image": {{"data": "[6000 characters]", {kept}}}}}'


PROSE = "The user wants a parser. " * 400
RESULTS: dict[str, Json] = {
    "compaction": {"type": "compaction", "content": PROSE},
    "compaction of blocks": {"type": "compaction", "content": [text(PROSE)]},
    "web fetch": {
        "type": "web_fetch_tool_result",
        "tool_use_id": "s",
        "content": {"type": "web_fetch_result", "content": document(type="text", media_type="text/plain", data=PROSE)},
    },
    "MCP result": {"type": "mcp_tool_result", "tool_use_id": "m", "content": [text(PROSE)]},
    "MCP call": {"type": "mcp_tool_use", "id": "m", "name": "n", "server_name": "s", "input": {"text": PROSE}},
    "code execution": {
        "type": "bash_code_execution_tool_result",
        "tool_use_id": "s",
        "content": {"type": "bash_code_execution_result", "stdout": PROSE, "stderr": "", "return_code": 0},
    },
    "new": {"type": "new", "deep": [[{"inside": PROSE}]]},
}


@pytest.mark.parametrize("name", RESULTS)
def test_readable_text_is_carried_whole(name: str) -> None:
    notes = Notes()
    flat = flat_text(parsed(asking(user(RESULTS[name]))).messages[0].content[0], notes=notes)
    assert flat is not None
    assert PROSE in flat
    assert list(notes) == []


def test_files_that_nobody_here_holds_are_noted() -> None:
    notes = Notes()
    flat_text(parsed(asking(user({"type": "container_upload", "file_id": "f"}))).messages[0].content[0], notes=notes)
    assert list(notes) == ["messages: the file of a container_upload was left out, only Anthropic has it"]


BYTES = base64.b64encode(bytes(range(256)) * 8).decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("encrypted_content", "x" * 101, id="encrypted"),
        pytest.param("encrypted_index", BYTES[:101], id="an encrypted place"),
        pytest.param("encrypted_stdout", BYTES, id="an encrypted output"),
        pytest.param("signature", BYTES[:200], id="a signature"),
        pytest.param("data", BYTES[:200], id="data"),
        pytest.param("data", base64.encodebytes(BYTES.encode()).decode(), id="data in lines"),
        pytest.param("url", f"data:image/png;base64,{BYTES[:200]}", id="a data URL"),
        pytest.param("picture", BYTES, id="bytes in a field that nobody knows"),
        pytest.param("picture", BYTES.replace("+", "-").replace("/", "_"), id="bytes in the alphabet of URLs"),
        pytest.param("content", BYTES, id="bytes as the content"),
    ],
)
def test_data_is_left_out_with_a_note(field: str, value: str) -> None:
    notes = Notes()
    flat = flat_text(parsed(asking(user({"type": "new", field: value}))).messages[0].content[0], notes=notes)
    assert flat == f'[new] {{"{field}": "[{len(value)} characters]"}}'
    assert list(notes) == ["messages: data in a new block that only its vendor can read was left out"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("encrypted_content", "short", id="encrypted and short"),
        pytest.param("data", PROSE, id="data that is prose"),
        pytest.param("data", "\u5de5\u5177" * 3000, id="data in a script without spaces"),
        pytest.param("title", "x" * 3000, id="a letter again and again"),
        pytest.param("path", "/a/b-c/" * 500, id="a long path"),
        pytest.param("table", "1;2;3\n" * 800, id="a table"),
        pytest.param("code", "def f(): return {'a': [1, 2]}\n" * 100, id="code"),
        pytest.param("hash", "0a" * 32, id="a hash"),
    ],
)
def test_what_is_no_data_stays(field: str, value: str) -> None:
    flat = flat_text(parsed(asking(user({"type": "new", field: value}))).messages[0].content[0])
    assert flat == f"[new] {json.dumps({field: value}, ensure_ascii=False)}"


@pytest.mark.parametrize("depth", [100, 700, 100_000])
def test_depth(depth: int) -> None:
    deep: Any = "the innermost"
    for _ in range(depth):
        deep = [deep]
    notes = Notes()
    flat = flat_text(UnknownBlock.model_construct(type="new", tree=deep, content="a"), notes=notes)
    assert flat is not None
    assert flat.endswith("\na")
    assert ("the innermost" in flat) != bool(list(notes))
    assert depth > 700 or not list(notes)
