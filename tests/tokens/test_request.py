"""The estimate: cheap, deterministic, near enough, and never less when something is added."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.tokens.request import estimate
from tests.fuzz import examples
from tests.tokens.pictures import picture
from tests.translation import (
    Json,
    asking,
    assistant,
    call,
    image,
    parsed,
    pdf,
    result,
    system,
    text,
    thinking,
    tool,
    user,
)


def tokens(*messages: Json, **fields: Any) -> int:
    return estimate(parsed(asking(*messages, **fields)))


BASE = tokens(user("hi"))
FORMAT = {"type": "json_schema", "schema": {"type": "object", "properties": {"title": {"type": "string"}}}}

ADDED: list[Any] = [
    pytest.param([user("hi", "and more")], {}, id="CASES-45 text"),
    pytest.param([user("hi"), assistant("hello")], {}, id="CASES-45 a message"),
    pytest.param([user("hi"), system("be brief")], {}, id="CASES-45 a system message"),
    pytest.param([user("hi")], {"system": "Be brief."}, id="CASES-45 system prompt"),
    pytest.param([user("hi")], {"system": [text("Be brief.")]}, id="CASES-45 system prompt of blocks"),
    pytest.param([user("hi")], {"tools": [tool("Read")]}, id="CASES-45 a tool"),
    pytest.param([user("hi")], {"output_config": {"format": FORMAT}}, id="CASES-45 a schema of the answer"),
    pytest.param([user("hi")], {"output_format": FORMAT}, id="CASES-45 a schema in the older field"),
    pytest.param([user("hi"), assistant(call("t", path="a.py"))], {}, id="CASES-45 a tool use"),
    pytest.param([user("hi", result("t", "done"))], {}, id="CASES-45 a result"),
    pytest.param([user("hi", image())], {}, id="CASES-45 an image"),
    pytest.param([user("hi", result("t", [image()]))], {}, id="CASES-45 an image in a result"),
    pytest.param([user("hi", pdf())], {}, id="CASES-45 a PDF"),
    pytest.param([user("hi"), assistant(thinking("let me see"))], {}, id="CASES-45 thinking"),
    pytest.param([user("hi", {"type": "new", "x": "y"})], {}, id="CASES-45 an unknown block"),
]


@pytest.mark.parametrize(("messages", "fields"), ADDED)
def test_everything_counts(messages: list[Json], fields: Json) -> None:
    assert tokens(*messages, **fields) > BASE


def test_at_least_one() -> None:
    assert tokens(user("")) >= 1


def test_images_count_by_their_pixels_whatever_their_size_on_the_wire() -> None:
    """CASES-45: base64 is no text."""
    small, large = tokens(user(image(picture(100, 100)))), tokens(user(image(picture(1000, 1000))))
    assert 0 < small - tokens(user("")) < 50
    assert 1300 < large < 1500
    assert tokens(user(image(picture(1000, 1000, filling=200_000)))) == large
    assert tokens(user(image(picture(20_000, 20_000)))) <= 1700, "vendors scale it down"
    assert tokens(user(image("A" * 200_000))) <= 1700, "a size that cannot be read"


def test_pdfs_count_by_their_size() -> None:
    page = {"type": "base64", "media_type": "application/pdf", "data": "A" * 80_000}
    one, ten = (tokens(user({"type": "document", "source": {**page, "data": "A" * 80_000 * n}})) for n in (1, 10))
    assert 1500 < one < 5000
    assert 10_000 < ten < 30_000


@pytest.mark.parametrize(
    "source",
    [
        {"type": "base64", "media_type": "application/pdf", "data": "A" * 400},
        {"type": "url", "url": "https://a.test/a.pdf"},
        {"type": "file", "file_id": "file_1"},
        {"type": "content", "content": "x"},
    ],
    ids=lambda source: source["type"],
)
def test_what_is_said_of_a_document_counts(source: Json) -> None:
    bare = {"type": "document", "source": source}
    assert tokens(user({**bare, "context": "word " * 100})) > tokens(user(bare)) + 50


def test_pictures_in_documents_count() -> None:
    held = {"type": "document", "source": {"type": "content", "content": [text("a"), image()]}}
    assert tokens(user(held)) >= tokens(user("a", image()))


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [
        pytest.param("The quick brown fox jumps over the lazy dog. " * 100, 800, 1400, id="English, some 1000"),
        pytest.param("敏捷的棕色狐狸跳过了懒狗。" * 100, 700, 1300, id="Chinese, some 900"),
        pytest.param("\U0001f600" * 100, 60, 300, id="emoji"),
    ],
)
def test_near_enough(said: str, least: int, most: int) -> None:
    assert least < tokens(user(said)) < most


def test_hidden_and_foreign_tools_cost_nothing() -> None:
    deferred = tool("WebFetch", defer_loading=True)
    search = {"type": "web_search_20250305", "name": "web_search"}
    assert tokens(user("hi"), tools=[deferred, search]) == BASE
    loaded = user("hi", result("t", [{"type": "tool_reference", "tool_name": "WebFetch"}]))
    assert tokens(loaded, tools=[deferred]) > tokens(loaded)


WORDS = st.text(max_size=30)
PARTS = WORDS.map(text) | st.just(image()) | st.just(pdf()) | WORDS.map(lambda said: result("t", said))
MESSAGES = st.lists(st.builds(lambda parts: user(*parts), st.lists(PARTS, max_size=3)), min_size=1, max_size=4)


@given(MESSAGES, PARTS)
@settings(max_examples=examples(40), deadline=None)
def test_never_less_with_more(messages: list[Json], part: Json) -> None:
    count = tokens(*messages)
    assert count == tokens(*messages)
    assert count >= 1
    longer = [*messages[:-1], user(*messages[-1]["content"], part)]
    assert tokens(*longer) >= count
    assert tokens(*messages, user(part)) >= count
