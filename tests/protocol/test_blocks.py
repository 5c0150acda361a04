"""Pictures inside of documents: whoever looks for pictures finds them, and nothing else moves."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.protocol.blocks import Cacheable, ContentBlock, DocumentBlock
from proxy.protocol.flatten import flat_text
from tests.translation import Json, asking, image, parsed, result, text, user

MARK = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


def document(*content: Json, **more: Any) -> Json:
    return {"type": "document", "source": {"type": "content", "content": list(content)}, **more}


def _short(block: ContentBlock) -> str:
    return flat_text(block) or block.type


@pytest.mark.parametrize(
    ("given", "read"),
    [
        pytest.param([document(text("a"), text("b"))], ["a\nb"], id="words only"),
        pytest.param([document(text("a"), image(), text("b"))], ["a", "image", "b"], id="between words"),
        pytest.param([document(image(), title="T")], ["[Document: T]\n", "image"], id="first, behind the title"),
        pytest.param(
            [text("x"), document(text("a"), image(), title="T", context="C"), text("y")],
            ["x", "[Document: T]\nC\na", "image", "y"],
            id="among others",
        ),
        pytest.param([document(document(image(), text("a")), text("b"))], ["document", "image", "a", "b"], id="deep"),
    ],
)
@pytest.mark.parametrize("in_result", [False, True])
def test_pictures_in_documents(given: list[Json], read: list[str], in_result: bool) -> None:
    found = parsed(asking(user(result("t", given)) if in_result else user(*given))).messages[0].content
    blocks = getattr(found[0], "content", None) if in_result else found
    assert [_short(block) for block in blocks or ()] == read


@pytest.mark.parametrize("end", [image(), text("b")], ids=["a picture", "words"])
def test_what_ends_a_document_has_its_cache_mark(end: Json) -> None:
    first, *_, last = parsed(asking(user(document(text("a"), image(), end, **MARK)))).messages[0].content
    assert isinstance(first, DocumentBlock)
    assert isinstance(last, Cacheable)
    assert (first.cache_control, first.cache_ttl) == (False, None)
    assert (last.cache_control, last.cache_ttl) == (True, "1h")
