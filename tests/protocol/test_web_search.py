"""Anthropic's web search: the blocks that tell of one, the domains that it keeps to, and one in the history."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.protocol.deltas import Delta, Finish, ServerBlock, TextDelta, ToolCallEnd, ToolCallStart, Usage
from proxy.protocol.events import BlockDelta, BlockStart
from proxy.protocol.flatten import flat_text
from proxy.protocol.request import Tool
from proxy.protocol.web_search import Page, Search, citation, permits, search_blocks, search_tool
from tests.translation import Json, answer, asking, parsed, tool, user

SEARCH = {"type": "web_search_20250305", "name": "web_search"}
PAGE = Page("https://www.a.test/moon?x=1", "The Moon")
OTHER = Page("https://b.test/")


def offer(**fields: Any) -> Tool:
    return Tool.model_validate({**SEARCH, **fields})


@pytest.mark.parametrize("kind", ["web_search_20250305", "web_search_20260209", "web_search_20260318"])
def test_the_tool(kind: str) -> None:
    fields = {"max_uses": 3, "allowed_domains": ["a.test"], "user_location": {"type": "approximate", "city": "Ulm"}}
    found = search_tool(parsed(asking(tools=[tool(), {"type": kind, "name": "web_search", **fields}])))
    assert found is not None
    assert (found.max_uses, found.allowed_domains, found.blocked_domains) == (3, ["a.test"], [])
    assert search_tool(parsed(asking(tools=[tool("web_search")]))) is None


@pytest.mark.parametrize(
    ("fields", "page", "shown"),
    [
        ({}, PAGE, True),
        ({"allowed_domains": ["a.test"]}, PAGE, True),
        ({"allowed_domains": ["A.test"]}, PAGE, True),
        ({"allowed_domains": ["b.test"]}, PAGE, False),
        ({"allowed_domains": ["www.a.test"]}, Page("https://a.test/"), False),
        ({"allowed_domains": ["a.test"]}, Page("https://nota.test/"), False),
        ({"allowed_domains": ["a.test/moon"]}, PAGE, True),
        ({"allowed_domains": ["a.test/sun"]}, PAGE, False),
        ({"allowed_domains": ["a.test/*"]}, PAGE, True),
        ({"allowed_domains": ["a.test/*/full"]}, PAGE, False),
        ({"allowed_domains": ["https://a.test/"]}, Page("http://a.test:8080/x"), True),
        ({"blocked_domains": ["a.test"]}, PAGE, False),
        ({"blocked_domains": ["b.test"]}, PAGE, True),
        ({"blocked_domains": ["a.test"]}, Page("https://redirect.test/x", "", "www.a.test"), False),
        ({"allowed_domains": ["redirect.test"]}, Page("https://redirect.test/x", "", "a.test"), False),
        ({"blocked_domains": ["b.test/x"]}, Page("http://[no-url"), True),
        ({"allowed_domains": ["b.test/x"]}, Page("http://[no-url"), False),
    ],
)
def test_domains(fields: Json, page: Page, shown: bool) -> None:
    assert permits(offer(**fields), page) == shown


def _written(*deltas: Delta) -> tuple[list[Any], Json]:
    answered = answer([deltas], asking(tools=[SEARCH, tool()]))
    assert answered.message is not None
    return answered.events, answered.message


def test_blocks() -> None:
    """A use begins empty, as all tool uses do; its result comes whole. Text and stop reason are those of an answer."""
    deltas = search_blocks([Search("größte", [PAGE, OTHER, PAGE])], [OTHER], offer(blocked_domains=["c.test"]))
    events, message = _written(
        *deltas, TextDelta("It is."), citation(PAGE, "It " * 99), Usage(web_searches=1), Finish()
    )
    use, result, text = message["content"]
    assert use["id"].startswith("srvtoolu_")
    assert (use["name"], use["input"]) == ("web_search", {"query": "größte"})
    starts = [event.block for event in events if isinstance(event, BlockStart)]
    assert starts[0]["input"] == {}
    assert starts[1] == result
    assert next(event.type for event in events if isinstance(event, BlockDelta)) == "input_json_delta"
    assert result["tool_use_id"] == use["id"]
    assert [(each["url"], each["title"]) for each in result["content"]] == [
        (PAGE.url, "The Moon"),
        (OTHER.url, "b.test"),
    ]
    assert all(each["encrypted_content"] and each["page_age"] is None for each in result["content"])
    (cited,) = text["citations"]
    assert (cited["url"], cited["title"], len(cited["cited_text"])) == (PAGE.url, "The Moon", 150)
    assert cited["encrypted_index"]
    assert message["stop_reason"] == "end_turn"
    assert message["usage"]["server_tool_use"] == {"web_search_requests": 1}


def test_pages_that_only_the_answer_names() -> None:
    """They lend their titles, and belong to the last search where none has found them."""
    first, second = Page(PAGE.url), Page("https://c.test/c", "C")
    blocks = search_blocks([Search("a", [first]), Search("b", [])], [PAGE, second], offer())
    results = [block.block["content"] for block in blocks if block.block["type"] == "web_search_tool_result"]
    assert [[each["title"] for each in content] for content in results] == [["The Moon"], ["C"]]


def test_a_search_that_failed() -> None:
    (_, result) = search_blocks([Search("a", failed=True)], [], offer())
    assert result.block["content"] == {"type": "web_search_tool_result_error", "error_code": "unavailable"}


def test_next_to_a_call() -> None:
    """The blocks wait for the call before them, which decides the stop reason."""
    blocks = list(search_blocks([Search("a")], [], offer()))
    _, message = _written(ToolCallStart(0, "Read"), *blocks, ToolCallEnd(0), Finish())
    assert [block["type"] for block in message["content"]] == ["tool_use", "server_tool_use", "web_search_tool_result"]
    assert message["stop_reason"] == "tool_use"


def test_input_of_other_server_tools() -> None:
    block = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_fetch", "input": {"url": "\ud83d"}}
    _, message = _written(ServerBlock(block), Finish())
    assert message["content"][0]["name"] == "web_fetch"


FOUND = {"type": "web_search_result", "url": "https://a.test", "title": "A", "encrypted_content": "x" * 3000}


@pytest.mark.parametrize(
    ("block", "flat"),
    [
        (
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "é"}},
            "[Web search: é]",
        ),
        (
            {"type": "web_search_tool_result", "tool_use_id": "s", "content": [FOUND, {**FOUND, "title": "B"}]},
            "[Search result: A - https://a.test]\n[Search result: B - https://a.test]",
        ),
        ({"type": "web_search_tool_result", "tool_use_id": "s", "content": []}, "[The web search found nothing]"),
        (
            {
                "type": "web_search_tool_result",
                "tool_use_id": "s",
                "content": {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"},
            },
            "[The web search failed: max_uses_exceeded]",
        ),
        ({"type": "web_search_tool_result"}, "[The web search failed: no reason given]"),
    ],
)
def test_in_the_history(block: Json, flat: str) -> None:
    """CASES-18: short, and without what only Anthropic can read."""
    assert flat_text(parsed(asking(user(block))).messages[0].content[0]) == flat
