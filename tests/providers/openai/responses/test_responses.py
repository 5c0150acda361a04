"""The Responses API: what is sent to it, what is made of its answers, and reasoning that survives from turn to turn."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.providers.openai.tools import CallIds, call_id
from tests.captures import MESSAGES, load, structured_answer
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.odd_base import OddStream
from tests.fakes.openai.odd_streams import TOOL_NAMES
from tests.fakes.openai.replies import Reply, Text, Thinking, ToolCall, Usage
from tests.fakes.responses.odd_streams import RESPONSES_STREAMS
from tests.providers.openai.expectations import expect
from tests.providers.openai.talk import Talk
from tests.translation import asking, assistant, call, image, pdf, result, text, tool, unmarked, user

Json = dict[str, Any]
MODELS = ("gpt-4o", "gpt-5", "gpt-5.6-sol", "gpt-6-sol", "o1-pro", "o3-mini", "gpt-9")
READABLE = [odd for odd in RESPONSES_STREAMS.values() if odd.name != "type_only_in_event_name"]
"""One gateway left the type out of the data for a while; what it is known by, the event line, nobody else needs."""


@pytest.fixture
def upstream() -> Iterator[FakeOpenAI]:
    with FakeOpenAI("openai", extra_models=["gpt-9"]) as fake:
        yield fake


@pytest.fixture
def talk(upstream: FakeOpenAI, tmp_path: Path) -> Talk:
    return Talk(upstream, tmp_path)


def paths(upstream: FakeOpenAI) -> list[str]:
    return [exchange.path for exchange in upstream.exchanges]


@pytest.mark.streaming
@pytest.mark.parametrize("odd", READABLE, ids=[odd.name for odd in READABLE])
def test_odd_streams(odd: OddStream, upstream: FakeOpenAI, talk: Talk) -> None:
    for _ in range(2):  # an answer without content is asked for again
        upstream.reply_raw(list(odd.raw().steps), content_type=odd.content_type)
    answered = talk.ask("gpt-6-sol", asking(tools=[tool(name) for name in TOOL_NAMES]))
    expect(odd, without_empty_thinking(answered), in_pieces=True)


def without_empty_thinking(answered: Any) -> Any:
    """A block that was opened as a sign of life and had nothing to show is not in the tables."""
    empty = {
        event.index
        for event in answered.events
        if getattr(event, "block", {}).get("type") == "thinking"
        and not any(
            getattr(other, "type", "") == "thinking_delta" and other.index == event.index for other in answered.events
        )
    }
    events = [event for event in answered.events if getattr(event, "index", None) not in empty]
    return type(answered)(events, answered.message, answered.error)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", MESSAGES)
def test_captures_pass_the_strict_fake(name: str, model: str, upstream: FakeOpenAI, talk: Talk) -> None:
    body = load(name)["body"]
    upstream.default(lambda sent, headers: Reply(Text((sent.get("text") and structured_answer(body)) or "ok")))
    answered = talk.ask(model, {**body, "max_tokens": 4000})
    assert answered.error is None
    expected = [*(["'stream'"] if model == "o1-pro" else []), "Hosted tool 'web_search' is not supported"]
    assert all(any(words in text for words in expected) for text in upstream.refusals)


def conversation(upstream: FakeOpenAI, talk: Talk, turns: int, restart_at: int | None = None) -> list[Json]:
    """A tool loop of so many turns, the client sending back what it was sent; gives the bodies that went upstream."""
    tools = [tool("Read"), tool("Grep")]
    messages: list[Json] = [user("Do the work.")]
    for turn in range(turns):
        if turn == restart_at:
            talk.restart()
        calls = [ToolCall("Read", {"n": turn})] + [ToolCall("Grep", {"n": turn})] * (turn % 2)
        upstream.reply(Thinking(f"Step {turn}."), *calls, usage=Usage(100 + turn, 20))
        thinking = {"type": "adaptive"}
        answered = talk.ask("gpt-6-sol", asking(*messages, tools=tools, thinking=thinking))
        assert answered.message is not None, answered.error
        content = answered.message["content"]
        messages.append({"role": "assistant", "content": content})
        results = [
            {"type": "tool_result", "tool_use_id": block["id"], "content": f"result {turn}"}
            for block in content
            if block["type"] == "tool_use"
        ]
        messages.append({"role": "user", "content": results})
    return upstream.requests


def test_reasoning_comes_back_once_and_in_place(upstream: FakeOpenAI, talk: Talk) -> None:
    """CASES-49: over 30 turns, and after a restart of the proxy."""
    bodies = conversation(upstream, talk, 30, restart_at=15)
    assert upstream.refusals == []
    assert all(replay.in_place for replay in upstream.replayed)
    last = [item["encrypted_content"] for item in bodies[-1]["input"] if item["type"] == "reasoning"]
    assert last == [state.encrypted for state in upstream.issued[:-1]]
    assert all("id" not in item for item in bodies[-1]["input"])


@pytest.mark.parametrize(
    ("about", "before"),
    [({}, []), ({"title": "T"}, ["[Document: T]"]), ({"title": "T", "context": "C"}, ["[Document: T]\nC"])],
)
def test_a_file_at_a_url_has_no_name(about: Json, before: list[str], upstream: FakeOpenAI, talk: Talk) -> None:
    upstream.reply(Text("ok"))
    source = {"type": "url", "url": "https://a.test/a.pdf"}
    mark = {"cache_control": {"type": "ephemeral"}}
    talk.ask("gpt-6-sol", asking(user({"type": "document", "source": source, **about, **mark}, "read")))
    *said, file, read = upstream.exchanges[-1].body["input"][0]["content"]
    assert [part["text"] for part in said] == before
    assert (file["file_url"], read["text"]) == ("https://a.test/a.pdf", "read")
    assert [part for part in (*said, read) if "prompt_cache_breakpoint" in part] == [], "one block, one breakpoint"
    assert "prompt_cache_breakpoint" in file


@pytest.mark.parametrize(
    ("used", "made"),
    [
        (["a", "b"], ["a", "b"]),
        (["call_0", "call_0", "call_0"], ["call_0", "call_0_1", "call_0_2"]),
        (["a_1", "a", "a", "a_1"], ["a_1", "a", "a_2", "a_1_1"]),
        (["x" * 50] * 2, [call_id("x" * 50), call_id("x" * 50 + "_1")]),
    ],
)
def test_ids_of_calls_never_come_twice(used: list[str], made: list[str]) -> None:
    ids = CallIds()
    for id, wanted in zip(used, made, strict=True):
        assert ids.of_call(id) == ids.of_result(id) == wanted


def test_ids_that_clients_use_in_every_turn(upstream: FakeOpenAI, talk: Talk) -> None:
    turn = [assistant(call("call_0")), user(result("call_0"))]
    bodies = []
    for turns in range(1, 4):
        upstream.reply(Text("ok"))
        talk.ask("gpt-6-sol", asking(user("go"), *turn * turns, tools=[tool()]))
        bodies.append(upstream.exchanges[-1].body["input"])
    assert upstream.refusals == []
    assert [item["call_id"] for item in bodies[-1][1:]] == [*["call_0"] * 2, *["call_0_1"] * 2, *["call_0_2"] * 2]
    assert all(shorter == longer[: len(shorter)] for shorter, longer in itertools.pairwise(bodies))


def test_prefix_is_stable(upstream: FakeOpenAI, talk: Talk) -> None:
    """CASES-44: what was sent stays byte for byte at the head of what is sent next."""
    bodies = conversation(upstream, talk, 20)
    for earlier, later in itertools.pairwise(bodies):
        head = json.dumps(unmarked(earlier["input"]))[:-1]
        assert json.dumps(unmarked(later["input"])).startswith(head)
        for field in ("instructions", "tools", "prompt_cache_key"):
            assert earlier.get(field) == later.get(field)


CACHED = {"cache_control": {"type": "ephemeral"}}


def mark_last(messages: list[Json]) -> list[Json]:
    """The mark on the last block, and nowhere else, as Claude Code moves it."""
    *head, last = messages
    *blocks, block = last["content"]
    return [*head, {**last, "content": [*blocks, {**block, **CACHED}]}]


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("model", ["gpt-5", "gpt-5.5", "gpt-5.6-terra", "gpt-6-sol", "gpt-9", "gpt-4o"])
def test_cache_breakpoints(model: str, api: str, tmp_path: Path) -> None:
    """They stand where the marks stood, and whatever they move by, all else is what it was."""
    system = [text("a"), {**text("b"), **CACHED}]
    messages = [user("Do.")]
    for turn in range(3):
        use = {"type": "tool_use", "id": f"t{turn}", "name": "Read", "input": {}}
        done = {"type": "tool_result", "tool_use_id": f"t{turn}", "content": f"result {turn}"}
        messages += [{"role": "assistant", "content": [use]}, user(done)]
    with FakeOpenAI("openai", extra_models=["gpt-9"]) as upstream:
        talk = Talk(upstream, tmp_path, api=api)
        for end in (1, 3, 5, 7):
            body = asking(*mark_last(messages[:end]), system=system, tools=[tool("Read")])
            assert talk.ask(model, body).error is None
        assert upstream.refusals == []
        bodies = upstream.requests
    field = "input" if api == "responses" else "messages"
    for earlier, later in itertools.pairwise(bodies):
        assert json.dumps(unmarked(later[field])).startswith(json.dumps(unmarked(earlier[field]))[:-1])
    marked = [part["text"] for part in marked_parts(bodies[-1][field])]
    assert marked == (["b", "result 2"] if model in ("gpt-5.6-terra", "gpt-6-sol", "gpt-9") else [])


def marked_parts(items: list[Json]) -> list[Json]:
    contents = [item.get("content") or item.get("output") for item in items]
    parts = [part for content in contents if isinstance(content, list) for part in content]
    return [part for part in parts if "prompt_cache_breakpoint" in part]


@pytest.mark.parametrize(
    "block",
    [
        text("x"),
        image(),
        pdf(context="C"),
        {"type": "document", "source": {"type": "content", "content": [text("x"), image()]}},
        {"type": "search_result", "source": "https://a.test", "title": "A", "content": [text("x")]},
        {"type": "hologram", "of": "things"},
    ],
    ids=lambda block: block["type"],
)
@pytest.mark.parametrize("in_result", [False, True])
def test_any_block_may_be_marked(block: Json, in_result: bool, upstream: FakeOpenAI, talk: Talk) -> None:
    """And its mark changes nothing but the breakpoint."""
    sent = []
    for given in (block, {**block, **CACHED}):
        last = user(result("t", [given])) if in_result else user(given)
        assert talk.ask("gpt-6-sol", asking(user("go"), assistant(call("t")), last, tools=[tool()])).error is None
        sent.append(upstream.requests[-1]["input"])
    assert [len(marked_parts(items)) for items in sent] == [0, 1]
    assert unmarked(sent[1]) == sent[0]


def test_the_last_four_cache_breakpoints_win(upstream: FakeOpenAI, talk: Talk) -> None:
    blocks = [{**text(str(number)), **CACHED} for number in range(6)]
    assert talk.ask("gpt-6-sol", asking(user(*blocks), system=[{**text("s"), **CACHED}])).error is None
    assert [part["text"] for part in marked_parts(upstream.requests[-1]["input"])] == ["2", "3", "4", "5"]
    assert talk.ask("gpt-6-sol", asking(user(*blocks)), official=False).error is None
    assert marked_parts(upstream.requests[-1]["messages"]) == []


def test_model_without_cache_breakpoints_is_asked_without(tmp_path: Path) -> None:
    """A new model that takes none is asked rightly after one refusal, with the same text."""
    with FakeOpenAI("openai") as upstream:
        talk = Talk(upstream, tmp_path)
        for _ in range(2):
            answered = talk.ask("gpt-5", asking(system=[{**text("s"), **CACHED}]), facts_of="gpt-6-sol")
            assert answered.error is None
        assert len(upstream.refusals) == 1
        assert upstream.requests[-1]["instructions"] == "s"


def test_foreign_reasoning_is_left_out(upstream: FakeOpenAI, talk: Talk) -> None:
    """CASES-50: the model is switched in the middle of the session; nothing foreign is sent and nothing fails."""
    upstream.reply(Thinking("Mine."), ToolCall("Read", {"n": 1}))
    first = talk.ask("gpt-6-sol", asking(tools=[tool("Read")], thinking={"type": "adaptive"}))
    assert first.message is not None
    use = next(block for block in first.message["content"] if block["type"] == "tool_use")
    history = [
        user("hi"),
        {"role": "assistant", "content": first.message["content"]},
        user({"type": "tool_result", "tool_use_id": use["id"], "content": "x"}),
    ]
    for model in ("gpt-5", "gpt-4o"):
        assert talk.ask(model, asking(*history, tools=[tool("Read")])).error is None
        assert not any(item["type"] == "reasoning" for item in upstream.requests[-1]["input"])
    assert upstream.refusals == []


def test_unreadable_reasoning_is_dropped_and_asked_again(upstream: FakeOpenAI, talk: Talk) -> None:
    upstream.reply(Thinking("Mine."), ToolCall("Read", {"n": 1}))
    first = talk.ask("gpt-6-sol", asking(tools=[tool("Read")], thinking={"type": "adaptive"}))
    assert first.message is not None
    content = json.loads(json.dumps(first.message["content"]).replace(upstream.issued[0].encrypted, "gAAAAforeign"))
    use = next(block for block in content if block["type"] == "tool_use")
    history = [
        user("hi"),
        {"role": "assistant", "content": content},
        user({"type": "tool_result", "tool_use_id": use["id"], "content": "x"}),
    ]
    answered = talk.ask("gpt-6-sol", asking(*history, tools=[tool("Read")], thinking={"type": "adaptive"}))
    assert answered.error is None
    assert len(upstream.refusals) == 1
    assert len(upstream.requests) == 3


@pytest.mark.parametrize(
    ("model", "asked_on_chat"),
    [("gpt-5.3-codex", False), ("o1-pro", False), ("gpt-4o-search-preview", True), ("gpt-6-sol", False)],
)
def test_api_by_model(model: str, asked_on_chat: bool, upstream: FakeOpenAI, talk: Talk) -> None:
    assert talk.ask(model, asking()).error is None
    assert paths(upstream)[-1] == ("/v1/chat/completions" if asked_on_chat else "/v1/responses")


@pytest.mark.parametrize("model", ["gpt-5.3-codex", "gpt-5.2-pro"])
def test_gateway_that_wants_responses(model: str, upstream: FakeOpenAI, talk: Talk) -> None:
    """A gateway is asked on chat, says that it is the wrong API, and is asked rightly from then on."""
    for _ in range(2):
        assert talk.ask(model, asking(tools=[tool("Read")]), official=False).error is None
    assert paths(upstream) == ["/v1/chat/completions", "/v1/responses", "/v1/responses"]


def test_gateway_takes_tools_without_reasoning(upstream: FakeOpenAI, talk: Talk) -> None:
    """CASES-34"""
    assert talk.ask("gpt-5.6-sol", asking(tools=[tool("Read")]), official=False).error is None
    assert paths(upstream) == ["/v1/chat/completions"]
    assert upstream.requests[-1]["reasoning_effort"] == "none"


def test_server_without_responses(tmp_path: Path) -> None:
    """What is asked on an API that is not there is asked on the other one."""
    with FakeOpenAI("openai", quirks=["no_responses"]) as upstream:
        talk = Talk(upstream, tmp_path)
        for _ in range(2):
            assert talk.ask("gpt-4o", asking(tools=[tool("Read")])).error is None
        assert paths(upstream) == ["/v1/responses", "/v1/chat/completions", "/v1/chat/completions"]


@pytest.mark.parametrize("quirk", ["stream_unverified", "summary_unverified"])
def test_unverified_organizations_are_asked_otherwise_after_one_refusal(quirk: str, tmp_path: Path) -> None:
    with FakeOpenAI("openai", quirks=[quirk]) as upstream:
        talk = Talk(upstream, tmp_path)
        for _ in range(2):
            assert talk.ask("gpt-6-sol", asking(thinking={"type": "adaptive"})).error is None
        assert len(upstream.refusals) == 1


@pytest.mark.parametrize("quirks", [[], ["overflow_in_stream"]])
def test_overflow_is_said_in_claude_codes_words(quirks: list[str], tmp_path: Path) -> None:
    """CASES-78: as a status, and as an event of a stream that began well."""
    with FakeOpenAI("openai", quirks=quirks) as upstream:
        answered = Talk(upstream, tmp_path).ask("gpt-6-sol", asking(user("word " * 1_500_000)))
    assert answered.error is not None
    assert answered.error.status == 400
    assert "prompt is too long" in answered.error.message


@pytest.mark.parametrize("max_tokens", [1, 16, 5000])
def test_least_output(max_tokens: int, upstream: FakeOpenAI, talk: Talk) -> None:
    assert talk.ask("gpt-6-sol", asking(max_tokens=max_tokens)).error is None
    assert upstream.requests[-1]["max_output_tokens"] == max(16, max_tokens)


def test_forced_tool_and_schema(upstream: FakeOpenAI, talk: Talk) -> None:
    forced = {"type": "tool", "name": "Read", "disable_parallel_tool_use": True}
    upstream.reply(ToolCall("Read", {"n": 1}))
    assert talk.ask("gpt-6-sol", asking(tools=[tool("Read")], tool_choice=forced)).error is None
    body = upstream.requests[-1]
    assert body["tool_choice"] == {"type": "function", "name": "Read"}
    assert body["parallel_tool_calls"] is False
    assert all(each["strict"] is False for each in body["tools"])
    upstream.default(lambda body, headers: Reply(Text('{"a": "b"}')))
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    wanted = {"format": {"type": "json_schema", "schema": schema}}
    assert talk.ask("gpt-6-sol", asking(output_config=wanted)).error is None
    assert upstream.requests[-1]["text"]["format"]["schema"] == schema
