from __future__ import annotations

import base64
from typing import Any

import pytest

from proxy.protocol.flatten import flat_text
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
