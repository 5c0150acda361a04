"""Web search on Gemini: when it is asked for, and what is made of an answer that rests on it."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.protocol.deltas import Citation, Delta, ServerBlock, TextDelta
from proxy.protocol.request import Tool
from proxy.providers.gemini.grounding import grounded
from tests.conformance import same_message
from tests.fakes.gemini.api import FakeGemini
from tests.fakes.gemini.errors import gemini_error
from tests.fakes.gemini.replies import Grounding, Text, Thought
from tests.providers.gemini.pieces import MODELS, NEW, OLD, translate
from tests.providers.gemini.serving import gemini_proxy
from tests.translation import Json, asking, tool
from tests.web.serving import ask

SEARCH = {"type": "web_search_20250305", "name": "web_search"}
FORCED = {"type": "tool", "name": "web_search"}
REDIRECT = "https://vertexaisearch.cloud.google.com/grounding-api-redirect/"
SAID = "Größe zählt. The moon is full \U0001f315. And round."
GROUNDING = Grounding(
    ("moon phase", "moon tonight"),
    (("a.test", f"{REDIRECT}1"), ("The Sun", f"{REDIRECT}2")),
    (("Größe zählt.", (1,)), ("The moon is full \U0001f315.", (0, 1))),
)


@pytest.mark.parametrize("choice", [None, {"type": "auto"}, {"type": "any"}, FORCED])
@pytest.mark.parametrize("model", MODELS)
def test_request(model: str, choice: Json | None) -> None:
    """CASES-28: alone, as Claude Code sends it. No choice of it can be said."""
    translation = translate(asking(tools=[{**SEARCH, "max_uses": 8}], tool_choice=choice), model)
    assert translation.body["tools"] == [{"googleSearch": {}}]
    assert "toolConfig" not in translation.body
    assert "tools: max_uses of the web search was left out, Gemini has no such limit" in translation.notes


@pytest.mark.parametrize("model", MODELS)
def test_beside_functions(model: str) -> None:
    translation = translate(asking(tools=[tool("Read"), SEARCH], tool_choice=FORCED), model)
    assert [function["name"] for function in translation.functions] == ["Read"]
    assert len(translation.body["tools"]) == 1
    assert "toolConfig" not in translation.body
    assert "tools: web_search_20250305 is not available here together with other tools" in translation.notes


def test_not_to_be_called() -> None:
    assert "tools" not in translate(asking(tools=[SEARCH], tool_choice={"type": "none"})).body


@pytest.mark.parametrize(
    ("fields", "transport", "sent", "noted"),
    [
        ({"blocked_domains": ["https://a.test/x"]}, "vertex", {"excludeDomains": ["a.test"]}, None),
        ({"blocked_domains": ["a.test"]}, "gemini", {}, "domains"),
        ({"allowed_domains": ["a.test"]}, "vertex", {}, "domains"),
        ({"user_location": {"type": "approximate", "city": "Ulm"}}, "gemini", {}, "user_location"),
    ],
)
def test_fields(fields: Json, transport: str, sent: Json, noted: str | None) -> None:
    request = asking(tools=[{**SEARCH, **fields}])
    translation = translate(request, transport=transport, checked=transport == "gemini")
    assert translation.body["tools"] == [{"googleSearch": sent}]
    notes = [note for note in translation.notes if note.startswith("tools")]
    assert [noted in note for note in notes] == [True] if noted else notes == []


@pytest.mark.parametrize(("model", "kept"), [(OLD, False), (NEW, True)])
def test_schema_of_the_answer(model: str, kept: bool) -> None:
    wanted = {"format": {"type": "json_schema", "schema": {"type": "object"}}}
    translation = translate(asking(tools=[SEARCH], output_config=wanted), model)
    assert ("responseJsonSchema" in translation.config) == kept


def _both(upstream: FakeGemini, body: Json, *parts: Any, model: str = NEW, **more: Any) -> Json:
    """The answer, alike in both modes."""
    with gemini_proxy(upstream.base_url, model) as proxy:
        messages = []
        for streams in (True, False):
            upstream.reply(*parts, **more)
            messages.append(proxy.post({**body, "stream": streams}).message())
    same_message(*messages)
    return messages[1]


@pytest.mark.parametrize("model", [OLD, NEW])
def test_answer(upstream: FakeGemini, model: str) -> None:
    """The searches, then the text with what it cites."""
    body = ask(tools=[SEARCH], tool_choice=FORCED, thinking={"type": "adaptive"}, max_tokens=8000)
    message = _both(upstream, body, Thought("Hm."), Text(SAID), GROUNDING, model=model)
    thought, use, result, text = message["content"]
    assert thought["thinking"] == "Hm."
    assert use["input"] == {"query": "moon phase; moon tonight"}
    assert result["tool_use_id"] == use["id"]
    assert [(each["url"], each["title"]) for each in result["content"]] == [
        (f"{REDIRECT}1", "a.test"),
        (f"{REDIRECT}2", "The Sun"),
    ]
    assert text["text"] == SAID
    assert [(each["title"], each["cited_text"]) for each in text["citations"]] == [
        ("The Sun", "Größe zählt."),
        ("a.test", "The moon is full \U0001f315."),
        ("The Sun", "The moon is full \U0001f315."),
    ]
    assert message["stop_reason"] == "end_turn"
    assert message["usage"]["server_tool_use"] == {"web_search_requests": 1}


def test_domains_that_were_not_wanted(upstream: FakeGemini) -> None:
    """Google's URLs do not tell where they lead; titles may."""
    search = {**SEARCH, "blocked_domains": ["a.test"]}
    _, result, text = _both(upstream, ask(tools=[search]), Text(SAID), GROUNDING)["content"]
    assert [each["title"] for each in result["content"]] == ["The Sun"]
    assert {each["title"] for each in text["citations"]} == {"The Sun"}


def test_answer_without_a_search(upstream: FakeGemini) -> None:
    message = _both(upstream, ask(tools=[SEARCH]), Text("I know that."))
    assert [block["type"] for block in message["content"]] == ["text"]
    assert "server_tool_use" not in message["usage"]


def test_answer_that_the_limit_cut(upstream: FakeGemini) -> None:
    message = _both(upstream, ask(tools=[SEARCH]), Text(SAID), GROUNDING, finish="MAX_TOKENS")
    assert [block["type"] for block in message["content"]][-1] == "text"
    assert message["stop_reason"] == "max_tokens"


def test_a_model_without_search(upstream: FakeGemini) -> None:
    with gemini_proxy(upstream.base_url) as proxy:
        upstream.fail(gemini_error(400, "Search as tool is not enabled for this model"))
        upstream.reply(Text("I cannot look."))
        answer = proxy.post(ask(tools=[SEARCH], stream=False))
    assert answer.message()["content"][0]["text"] == "I cannot look."
    assert ["tools" in body for body in upstream.requests] == [True, False]
    assert "web_search_20250305 is not available here" in answer.headers["x-proxy-notes"]


def _told(metadata: Json, text: str = "Größe zählt.") -> list[Delta]:
    return list(grounded(text, metadata, Tool()))


def test_segments_without_their_words() -> None:
    """Their places count bytes."""
    web = {"web": {"uri": "https://a.test/x", "title": "A", "domain": "a.test"}}
    support = {"segment": {"startIndex": 7, "endIndex": 14}, "groundingChunkIndices": [0]}
    deltas = _told({"groundingChunks": [web], "groundingSupports": [support]})
    (cited,) = (delta.citation for delta in deltas if isinstance(delta, Citation))
    assert cited["cited_text"] == " zählt."[: len(cited["cited_text"])]


@pytest.mark.parametrize(
    "metadata",
    [
        {"groundingChunks": [{}, None, {"web": {}}], "groundingSupports": [{"groundingChunkIndices": [0, 7, "1"]}]},
        {"groundingChunks": {}, "groundingSupports": [None, {"segment": 1}], "webSearchQueries": [None]},
    ],
)
def test_odd_metadata(metadata: Json) -> None:
    deltas = _told(metadata)
    assert [delta.text for delta in deltas if isinstance(delta, TextDelta)] == ["Größe zählt."]
    assert not any(isinstance(delta, ServerBlock | Citation) for delta in deltas)
