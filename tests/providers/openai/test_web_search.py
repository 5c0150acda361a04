"""Web search on OpenAI's Responses API: what is asked for, and what is made of the searches in an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.answering.plan import Limits, plan
from proxy.models.habits import Habits
from proxy.models.routing import Route
from proxy.protocol.deltas import Citation, Delta, ServerBlock, TextDelta
from proxy.protocol.request import Tool
from proxy.providers.base import Exchange
from proxy.providers.common.learning import learn
from proxy.providers.common.tool_names import ToolNames
from proxy.providers.openai.errors import read_failure
from proxy.providers.openai.responses import request as responses_request
from proxy.providers.openai.responses.searches import citations
from proxy.providers.openai.responses.stream import ResponsesStream
from proxy.providers.openai.tools import NAME_RULES
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.models import find
from tests.fakes.openai.replies import Text, Thinking, ToolCall, WebSearch
from tests.fakes.responses import rules as responses_rules
from tests.providers.openai.talk import Talk
from tests.translation import BACKEND, Json, asking, custom_route, parsed, route, tool

SEARCH = {"type": "web_search_20250305", "name": "web_search"}
FORCED = {"tool_choice": {"type": "tool", "name": "web_search"}}
PAGE, OTHER = "https://a.test/moon", "https://b.test/sun"
MARKED = f"{PAGE}?utm_source=openai"
SAID = f"It is full.\nIt is round and large ([a.test]({MARKED})). Good night ([b.test]({OTHER}))."
CITES = {MARKED: "The Moon", OTHER: "The Sun"}


@pytest.fixture
def upstream() -> Iterator[FakeOpenAI]:
    with FakeOpenAI("openai", extra_models=["gpt-9"]) as fake:
        yield fake


@pytest.fixture
def talk(upstream: FakeOpenAI, tmp_path: Path) -> Talk:
    return Talk(upstream, tmp_path)


def _built(request: Json, to: str | Route = "gpt-6-sol", habits: Habits | None = None) -> tuple[Json, list[str]]:
    """The body that would be sent, one that the strict fake takes, and the notes."""
    where = route(to) if isinstance(to, str) else to
    planned = plan(Exchange(parsed(request), where), responses_request.wire(where), habits or Habits(), Limits(9000))
    built = responses_request.build(planned)
    body = json.loads(json.dumps(built.body))
    assert where.custom is not None or responses_rules.refusal(body, find(where.model)) is None
    return body, [*planned.notes, *built.notes]


REQUESTS: list[tuple[Json, Json, Json]] = [
    ({}, {}, {}),
    ({"max_uses": 8}, {}, {"max_tool_calls": 8}),
    ({"max_uses": None, "allowed_domains": None, "blocked_domains": [], "user_location": None}, {}, {}),
    (
        {"allowed_domains": ["a.test", "https://b.test/path", "b.test/other"]},
        {"filters": {"allowed_domains": ["a.test", "b.test"]}},
        {},
    ),
    (
        {"user_location": {"type": "approximate", "city": "Ulm", "region": None, "timezone": "Europe/Berlin", "x": 1}},
        {"user_location": {"type": "approximate", "city": "Ulm", "timezone": "Europe/Berlin"}},
        {},
    ),
]


@pytest.mark.parametrize("kind", ["web_search_20250305", "web_search_20260209", "web_search_20260318"])
@pytest.mark.parametrize(("fields", "sent", "beside"), REQUESTS)
def test_request(kind: str, fields: Json, sent: Json, beside: Json) -> None:
    body, notes = _built(asking(tools=[{**SEARCH, **fields, "type": kind}]))
    assert body["tools"] == [{"type": "web_search", **sent}]
    assert {name: body[name] for name in ("max_tool_calls", "tool_choice") if name in body} == beside
    assert "web_search_call.action.sources" in body["include"]
    assert notes == []


def test_blocked_domains_are_noted() -> None:
    _, notes = _built(asking(tools=[{**SEARCH, "blocked_domains": ["a.test"]}]))
    assert any("blocked_domains" in note for note in notes)


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ({"type": "tool", "name": "web_search"}, {"type": "web_search"}),
        ({"type": "tool", "name": "Read"}, {"type": "function", "name": "Read"}),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "auto"}, None),
    ],
)
def test_choice_beside_functions(choice: Json, sent: Any) -> None:
    body, _ = _built(asking(tools=[tool("Read"), SEARCH], tool_choice=choice))
    assert [each["type"] for each in body["tools"]] == ["web_search", "function"]
    assert body.get("tool_choice") == sent


def test_the_least_effort_is_too_little() -> None:
    request = asking(tools=[SEARCH], thinking={"type": "disabled"})
    assert _built(request, "gpt-5")[0]["reasoning"]["effort"] == "low"
    assert _built({**request, "tools": [tool()]}, "gpt-5")[0]["reasoning"]["effort"] == "minimal"


@pytest.mark.parametrize("habits", [Habits(no_web_search=True), None])
def test_without_search(habits: Habits | None) -> None:
    """CASES-28: the tool goes with a note, and a choice of it as well; custom servers are not asked."""
    request = asking(tools=[SEARCH], **FORCED)
    body, notes = _built(request, custom_route(api="responses") if habits is None else "gpt-6-sol", habits)
    assert not {"tools", "tool_choice", "max_tool_calls"} & body.keys()
    assert "tools: web_search_20250305 is not available here" in notes


@pytest.mark.parametrize("quirks", [[], ["stream_unverified"]])
def test_answer(quirks: list[str], tmp_path: Path) -> None:
    """As a stream and whole."""
    with FakeOpenAI("openai", quirks=quirks) as upstream:
        _check_answer(upstream, Talk(upstream, tmp_path))
    assert [body["stream"] for body in upstream.requests] == ([True, False] if quirks else [True])


def _check_answer(upstream: FakeOpenAI, talk: Talk) -> None:
    upstream.reply(
        Thinking("Hm."),
        WebSearch("moon", (PAGE, "https://c.test/")),
        WebSearch("open", (PAGE,), action="open_page"),
        WebSearch("full", (PAGE,), action="find_in_page"),
        WebSearch("sun"),
        Text(SAID, CITES),
    )
    answered = talk.ask("gpt-6-sol", asking(tools=[SEARCH], thinking={"type": "adaptive"}))
    assert answered.message is not None
    _, one, found, two, more, text = answered.message["content"]
    assert (one["input"], two["input"]) == ({"query": "moon"}, {"query": "sun"})
    assert [(each["url"], each["title"]) for each in found["content"]] == [
        (PAGE, "The Moon"),
        ("https://c.test/", "c.test"),
    ]
    assert [(each["url"], each["title"]) for each in more["content"]] == [(OTHER, "The Sun")]
    assert text["text"] == SAID
    assert [(each["url"], each["title"], each["cited_text"]) for each in text["citations"]] == [
        (PAGE, "The Moon", "It is round and large"),
        (OTHER, "The Sun", "Good night"),
    ]
    assert answered.message["stop_reason"] == "end_turn"
    assert answered.message["usage"]["server_tool_use"] == {"web_search_requests": 2}


def test_domains_that_were_not_wanted(upstream: FakeOpenAI, talk: Talk) -> None:
    """Neither in the results nor in the citations."""
    upstream.reply(WebSearch("moon", (PAGE, OTHER)), Text(SAID, CITES))
    answered = talk.ask("gpt-4o", asking(tools=[{**SEARCH, "blocked_domains": ["b.test"]}]))
    assert answered.message is not None
    _, found, text = answered.message["content"]
    assert [each["url"] for each in found["content"]] == [PAGE]
    assert [each["url"] for each in text["citations"]] == [PAGE]


def test_with_a_call(upstream: FakeOpenAI, talk: Talk) -> None:
    upstream.reply(Text("I look."), WebSearch("moon", (PAGE,)), ToolCall("Read", {"path": "a"}))
    answered = talk.ask("gpt-4o", asking(tools=[SEARCH, tool("Read")]))
    assert answered.message is not None
    kinds = [block["type"] for block in answered.message["content"]]
    assert kinds == ["text", "server_tool_use", "web_search_tool_result", "tool_use"]
    assert answered.message["stop_reason"] == "tool_use"


def test_answer_that_the_limit_cut(upstream: FakeOpenAI, talk: Talk) -> None:
    upstream.reply(WebSearch("moon", (PAGE,)), Text("It is"), finish="length")
    answered = talk.ask("gpt-4o", asking(tools=[SEARCH]))
    assert answered.message is not None
    assert answered.message["content"][-1]["text"] == "It is"
    assert answered.message["stop_reason"] == "max_tokens"


def test_answer_without_a_search(upstream: FakeOpenAI, talk: Talk) -> None:
    upstream.reply(Text("I know that."))
    answered = talk.ask("gpt-4o", asking(tools=[SEARCH]))
    assert answered.message is not None
    assert [block["type"] for block in answered.message["content"]] == ["text"]
    assert "server_tool_use" not in answered.message["usage"]


def test_a_model_without_search_is_learned(upstream: FakeOpenAI, talk: Talk) -> None:
    for _ in range(2):
        answered = talk.ask("o3-mini", asking(tools=[SEARCH], **FORCED))
        assert answered.message is not None
        assert answered.message["content"][0]["text"] == "ok"
    assert upstream.refusals == ["Hosted tool 'web_search' is not supported with o3-mini."]
    assert ["tools" in body for body in upstream.requests] == [True, False, False]


@pytest.mark.parametrize(
    ("words", "param", "learned"),
    [
        ("Hosted tool 'web_search' is not supported with o3-mini.", "tools", True),
        ("The use of the web search tool is not supported.", None, True),
        ("Unsupported tool type: 'web_search'", None, True),
        ("Invalid value: 'web_search'. Supported values are: 'function' and 'custom'.", "tools[0].type", True),
        ("Input should be 'function'", "tools[0].type", True),
        ("Invalid value: 'web_search_call.action.sources'.", "include", False),
        ("Invalid schema for function 'Read'", "tools[1].parameters", False),
    ],
)
def test_servers_own_words(words: str, param: str | None, learned: bool) -> None:
    body, _ = _built(asking(tools=[SEARCH, tool("Read")]))
    failure = read_failure(400, {}, json.dumps({"error": {"message": words, "param": param}}).encode())
    lesson = learn(failure, body, Habits())
    assert (lesson is not None and lesson.applied(Habits()) == Habits(no_web_search=True)) == learned
    without = learn(failure, {**body, "tools": body["tools"][1:]}, Habits())
    assert without is None or without.name != "no_web_search"


def test_a_domain_that_is_refused_costs_one_search(upstream: FakeOpenAI, talk: Talk) -> None:
    words = {"error": {"message": "Invalid domain: 'x'.", "param": "tools[0].filters.allowed_domains[0]"}}
    upstream.fail(400, words)
    for domain in ("x", "a.test"):
        assert talk.ask("gpt-4o", asking(tools=[{**SEARCH, "allowed_domains": [domain]}])).message is not None
    assert ["tools" in body for body in upstream.requests] == [True, False, True]


def _read(*events: Json, search: Tool | None) -> list[Delta]:
    stream = ResponsesStream(ToolNames([], NAME_RULES), BACKEND, "gpt-9", search)
    return [delta for event in events for delta in stream.feed(event)]


CALL = {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "moon"}}
PIECES = [
    {"type": "response.output_item.done", "output_index": 0, "item": CALL},
    {"type": "response.output_text.delta", "output_index": 1, "item_id": "m", "content_index": 0, "delta": "It "},
    {"type": "response.output_text.delta", "output_index": 1, "item_id": "m", "content_index": 0, "delta": "is."},
    {
        "type": "response.output_text.annotation.added",
        "output_index": 1,
        "item_id": "m",
        "annotation": {"type": "url_citation", "url": PAGE, "title": "The Moon"},
    },
]
ENDED = {"type": "response.completed", "response": {"status": "completed"}}


def test_items_that_are_never_repeated_whole() -> None:
    """The text that has waited is not lost, nor what was cited on the way."""
    deltas = _read(*PIECES, ENDED, search=Tool.model_validate(SEARCH))
    _, result = (delta.block for delta in deltas if isinstance(delta, ServerBlock))
    assert [each["title"] for each in result["content"]] == ["The Moon"]
    assert [delta.text for delta in deltas if isinstance(delta, TextDelta)] == ["It is."]
    assert len([delta for delta in deltas if isinstance(delta, Citation)]) == 1


def test_searches_that_the_client_has_not_offered() -> None:
    """As where `extra_body` brings the tool in: the text streams, and nothing is told that the client does not know."""
    deltas = _read(*PIECES, ENDED, search=None)
    assert [delta.text for delta in deltas if isinstance(delta, TextDelta)] == ["It ", "is."]
    assert not any(isinstance(delta, ServerBlock | Citation) for delta in deltas)


def test_odd_annotations() -> None:
    odd: list[Json] = [
        {"type": "file_citation", "file_id": "f"},
        {"type": "url_citation"},
        {"type": "url_citation", "url": PAGE, "title": None, "start_index": 900, "end_index": None},
    ]
    assert [found.citation["cited_text"] for found in citations("Short.", odd, Tool())] == [""]
