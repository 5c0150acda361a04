"""Requests recorded from real clients, translated for every kind of server: nothing may be refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from proxy.protocol.request import parse_count_request
from proxy.tokens.request import estimate
from tests.captures import MESSAGES, OTHERS, load, needs_captures
from tests.translation import EVERYWHERE, Json, translate, unmarked

pytestmark = needs_captures

BODIES = {name: load(name)["body"] for name in MESSAGES}
COUNTED = [name for name in OTHERS if "/count_tokens" in load(name)["path"]]


def blocks(value: Any) -> Iterator[Json]:
    """Every content block of a request, those inside results too."""
    if isinstance(value, list):
        for item in value:
            yield from blocks(item)
    elif isinstance(value, dict):
        if "type" in value:
            yield value
        for inner in value.values():
            yield from blocks(inner)


@pytest.mark.parametrize("to", EVERYWHERE)
@pytest.mark.parametrize("name", MESSAGES)
def test_translated(name: str, to: str) -> None:
    """`translate` fails where the strict fake refuses the body."""
    body = BODIES[name]
    sent = translate(body, to, session="session")
    written = json.dumps(sent.body, ensure_ascii=False)
    assert "x-anthropic-billing-header" not in written
    assert "cache_control" not in json.dumps(sent.body["messages"])
    assert "DeferredToolPlaceholder" not in json.dumps(sent.body.get("tools", []))
    for block in blocks(body["messages"]):
        if block["type"] == "text" and block["text"].strip():
            assert json.dumps(block["text"], ensure_ascii=False)[1:-1] in written
        if block["type"] == "base64":
            texts = [part for message in sent.messages for part in parts(message) if isinstance(part, str)]
            assert not any(block["data"] in part for part in texts)


def parts(message: Json) -> list[Any]:
    """The texts of a message, and its other parts as they are."""
    content = message["content"]
    return [part.get("text", part) for part in content] if isinstance(content, list) else [content]


@pytest.mark.parametrize("to", EVERYWHERE)
@pytest.mark.parametrize("name", MESSAGES)
def test_earlier_messages_never_change(name: str, to: str) -> None:
    body = BODIES[name]
    messages = body["messages"]
    ends = [at for at, message in enumerate(messages) if at and message["role"] == "assistant"]
    longer: list[str] = []
    for end in [*ends, len(messages)]:
        sent = translate({**body, "messages": messages[:end]}, to, session="session")
        shorter, longer = longer, [json.dumps(message) for message in unmarked(sent.body["messages"])]
        assert longer[: len(shorter)] == shorter
        assert len(longer) > len(shorter)


@pytest.mark.parametrize("name", MESSAGES)
def test_tools_that_were_loaded_are_offered(name: str) -> None:
    """Deferred tools count once a reference has named them; what Anthropic runs itself does not."""
    body = BODIES[name]
    named = {block["tool_name"] for block in blocks(body["messages"]) if block["type"] == "tool_reference"}
    wanted = [
        tool["name"]
        for tool in body.get("tools", [])
        if not str(tool.get("type", "")).startswith("web_search")
        and (tool["name"] in named or not tool.get("defer_loading"))
    ]
    sent = translate(body)
    assert [sent.names.client(tool["function"]["name"]) for tool in sent.body.get("tools", [])] == wanted


@pytest.mark.parametrize("name", [*MESSAGES, *COUNTED])
def test_counted(name: str) -> None:
    """CASES-45"""
    body = json.dumps(load(name)["body"]).encode()
    assert 1 < estimate(parse_count_request(body)) < 60_000
