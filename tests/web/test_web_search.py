"""Web search through the running server: what Claude Code asks for with its WebSearch tool, in both modes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from proxy.providers.anthropic.rewrite import request_body
from tests.captures import CAPTURES, load
from tests.conformance import same_message
from tests.fakes.gemini.api import FakeGemini
from tests.fakes.gemini.replies import Grounding
from tests.fakes.gemini.replies import Text as GeminiText
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Text, WebSearch
from tests.providers.gemini.serving import KEY as GEMINI_KEY
from tests.providers.gemini.serving import gemini_settings
from tests.web.serving import KEY, Answer, Proxy, ask, serve, settings

SEARCH = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8}
FORCED = {"type": "tool", "name": "web_search"}
URL = "https://a.test/moon"
SAID = f"It is full ([a.test]({URL}))."
RECORDED = [name for name in CAPTURES if name.endswith("-server-web-search")]
REQUESTS = [
    ask("search", tools=[SEARCH], tool_choice=FORCED, thinking={"type": "disabled"}),
    ask("search", tools=[SEARCH], tool_choice={"type": "auto"}),
    *(load(name)["body"] for name in RECORDED),
]
NAMES = ["forced", "auto", *RECORDED]


@pytest.fixture(scope="module")
def openai() -> Iterator[tuple[Proxy, FakeOpenAI]]:
    with FakeOpenAI("openai", keys=[KEY]) as fake:
        variables = {"OPENAI_API": "responses", "BIG_MODEL": "gpt-6-sol", "SMALL_MODEL": "gpt-6-luna"}
        with serve(settings(fake.base_url, **variables)) as proxy:
            yield proxy, fake
    assert fake.refusals == []


@pytest.fixture(scope="module")
def gemini() -> Iterator[tuple[Proxy, FakeGemini]]:
    with FakeGemini(keys=[GEMINI_KEY]) as fake, serve(gemini_settings(fake.base_url)) as proxy:
        yield proxy, fake
    assert fake.refusals == []


@pytest.fixture(scope="module")
def chat() -> Iterator[tuple[Proxy, FakeOpenAI]]:
    with FakeOpenAI("openai", keys=[KEY]) as fake, serve(settings(fake.base_url)) as proxy:
        yield proxy, fake
    assert fake.refusals == []


def _script(fake: Any) -> None:
    if isinstance(fake, FakeGemini):
        fake.reply(GeminiText(SAID), Grounding(("moon",), (("The Moon", URL),), ((SAID, (0,)),)))
    else:
        fake.reply(WebSearch("moon", (URL,)), Text(SAID, {URL: "The Moon"}))


def _answer(proxy: Proxy, body: dict[str, Any], *, streams: bool) -> Answer:
    return proxy.post({**body, "stream": streams})


@pytest.mark.parametrize("server", ["openai", "gemini"])
@pytest.mark.parametrize("body", REQUESTS, ids=NAMES)
def test_search(body: dict[str, Any], server: str, request: pytest.FixtureRequest) -> None:
    """CASES-28"""
    proxy, fake = request.getfixturevalue(server)
    messages = []
    for streams in (True, False):
        _script(fake)
        messages.append(_answer(proxy, body, streams=streams).message())
    same_message(*messages)
    use, result, text = (block for block in messages[0]["content"] if block["type"] != "thinking")
    assert use["id"].startswith("srvtoolu_")
    assert (use["type"], use["name"], use["input"]) == ("server_tool_use", "web_search", {"query": "moon"})
    assert (result["type"], result["tool_use_id"]) == ("web_search_tool_result", use["id"])
    assert [(page["url"], page["title"]) for page in result["content"]] == [(URL, "The Moon")]
    assert text["text"] == SAID
    assert [cited["url"] for cited in text["citations"]] == [URL]
    assert messages[0]["stop_reason"] == "end_turn"
    assert messages[0]["usage"]["server_tool_use"] == {"web_search_requests": 1}


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("body", REQUESTS, ids=NAMES)
def test_no_search(body: dict[str, Any], streams: bool, chat: tuple[Proxy, FakeOpenAI]) -> None:
    """CASES-28: Chat Completions has none; the answer is text, and the note says why."""
    answer = _answer(chat[0], {**body, "max_tokens": 1000}, streams=streams)
    assert [block["type"] for block in answer.message()["content"]] == ["text"]
    assert "web_search_20250305 is not available here" in answer.headers["x-proxy-notes"]


@pytest.mark.parametrize("server", ["openai", "gemini"])
def test_the_search_comes_back(server: str, request: pytest.FixtureRequest) -> None:
    """In the next turn the model reads what was searched and found, in words."""
    proxy, fake = request.getfixturevalue(server)
    _script(fake)
    content = _answer(proxy, REQUESTS[0], streams=False).message()["content"]
    turns = [*REQUESTS[0]["messages"], {"role": "assistant", "content": content}, {"role": "user", "content": "more"}]
    _answer(proxy, ask(messages=turns), streams=False).message()
    sent = json.dumps(fake.requests[-1])
    assert "[Web search: moon]" in sent
    assert f"[Search result: The Moon - {URL}]" in sent
    assert "encrypted" not in sent.replace("reasoning.encrypted_content", "")


@pytest.mark.parametrize("server", ["openai", "gemini"])
def test_sdk(server: str, request: pytest.FixtureRequest) -> None:
    """Anthropic's own client reads the stream."""
    proxy, fake = request.getfixturevalue(server)
    _script(fake)
    client = anthropic.Anthropic(api_key="k", base_url=f"http://127.0.0.1:{proxy.port}", max_retries=0)
    search: Any = SEARCH
    messages: Any = [{"role": "user", "content": "search"}]
    with client.messages.stream(
        model="claude-sonnet-5-5", max_tokens=1000, messages=messages, tools=[search]
    ) as stream:
        message = stream.get_final_message()
    blocks = {block.type: block for block in message.content}
    result, text = blocks["web_search_tool_result"], blocks["text"]
    assert result.type == "web_search_tool_result"
    assert isinstance(result.content, list)
    assert result.content[0].title == "The Moon"
    assert text.type == "text"
    assert text.citations is not None
    assert text.citations[0].type == "web_search_result_location"
    assert message.usage.server_tool_use is not None
    assert message.usage.server_tool_use.web_search_requests == 1


def test_anthropic_is_not_sent_what_it_did_not_find(openai: tuple[Proxy, FakeOpenAI]) -> None:
    """Its API refuses foreign results; its own stay as they are."""
    proxy, fake = openai
    _script(fake)
    content = _answer(proxy, REQUESTS[0], streams=False).message()["content"]
    page = {
        "type": "web_search_result",
        "url": URL,
        "title": "A",
        "encrypted_content": "EqgfCioIARgB",
        "page_age": None,
    }
    own = [
        {"type": "server_tool_use", "id": "srvtoolu_01", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_01", "content": [page]},
        {"type": "text", "text": "So.", "citations": [{"encrypted_index": "Eo8BCio", "url": URL}]},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_02", "content": []},
    ]
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": [*content, *own]}]
    body = json.dumps({"model": "m", "messages": turns}).encode()
    sent = json.loads(request_body(body, "m", "m"))["messages"][1]["content"]
    assert sent == [{"type": "text", "text": SAID}, *own]
