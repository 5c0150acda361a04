"""The Responses side of the fake as the official SDK sees it, and what it tells a test."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest

from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Failure, RefusalText, Reply, Text, Thinking, ToolCall, Usage
from tests.fakes.responses.bodies import ASKED, SEALED, tool

TOOLS: Any = [tool("Write")]
INPUT = {"path": "C:\\new\\ü.txt", "text": 'say "hi"\n\U0001f600'}
STATELESS = {"store": False, "include": [SEALED]}
TRANSPORT = httpx2.Client(trust_env=False)


@pytest.fixture(scope="module", autouse=True)
def _close_transport() -> Iterator[None]:
    with TRANSPORT:
        yield


@pytest.fixture
def upstream() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as fake:
        yield fake


def client_of(upstream: FakeOpenAI) -> openai.OpenAI:
    return openai.OpenAI(base_url=upstream.base_url, api_key="sk-test", max_retries=0, http_client=TRANSPORT)


def create(upstream: FakeOpenAI, **more: Any) -> Any:
    return client_of(upstream).responses.create(**{"model": "gpt-5", "input": "hi", **more})


def events_of(upstream: FakeOpenAI, **more: Any) -> list[dict[str, Any]]:
    """The events as they are on the wire, their names checked."""
    body = {"model": "gpt-5", "input": "hi", "stream": True, **more}
    raw = TRANSPORT.post(f"{upstream.base_url}/responses", json=body).read().decode()
    events = []
    for block in raw.removesuffix("\n\n").split("\n\n"):
        name, data = block.split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events


def short(kind: str) -> str:
    return kind.removeprefix("response.")


def test_whole_answer(upstream: FakeOpenAI) -> None:
    usage = Usage(100, 20, cached=60, cache_write=5, reasoning=7)
    upstream.reply(
        Thinking("first\n\nsecond"),
        Text("so "),
        Text("it is"),
        ToolCall("Write", INPUT, id="call_x"),
        ToolCall("Write", "{bad"),
        usage=usage,
    )
    asked = {"tools": TOOLS, "reasoning": {"effort": "low", "summary": "auto"}, **STATELESS}
    answer = create(upstream, **asked, instructions="Be brief.", max_output_tokens=99)
    thought, message, first, second = answer.output
    assert [part.text for part in thought.summary] == ["first", "second"]
    assert thought.encrypted_content == upstream.issued[0].encrypted
    assert (answer.output_text, message.role, message.status) == ("so it is", "assistant", "completed")
    assert (first.call_id, json.loads(first.arguments), first.name) == ("call_x", INPUT, "Write")
    assert (len(second.call_id), second.arguments) == (29, "{bad")
    assert (answer.status, answer.error, answer.incomplete_details) == ("completed", None, None)
    assert (answer.usage.total_tokens, answer.usage.input_tokens_details.cache_write_tokens) == (120, 5)
    assert answer.usage.output_tokens_details.reasoning_tokens == 7
    assert (answer.instructions, answer.max_output_tokens, answer.reasoning.effort) == ("Be brief.", 99, "low")
    assert answer.model_dump(include={"store"}) == {"store": False}
    assert answer._request_id.startswith("req_")


def test_stream_in_full(upstream: FakeOpenAI) -> None:
    upstream.reply(Thinking("see"), Text("so it is"), ToolCall("Write", INPUT), usage=Usage(10, 5))
    events = events_of(upstream, tools=TOOLS, reasoning={"summary": "auto"}, **STATELESS)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [short(kind) for kind, _ in itertools.groupby(event["type"] for event in events)] == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    added = [event for event in events if event["type"] == "response.output_item.added"]
    done = [event for event in events if event["type"] == "response.output_item.done"]
    assert [event["output_index"] for event in added] == [event["output_index"] for event in done] == [0, 1, 2]
    partial, whole = added[0]["item"]["encrypted_content"], done[0]["item"]["encrypted_content"]
    assert whole.startswith(partial)
    assert 0 < len(partial) < len(whole)
    assert added[0]["item"]["summary"] == []
    assert (added[1]["item"]["content"], added[1]["item"]["status"]) == ([], "in_progress")
    assert (added[2]["item"]["arguments"], added[2]["item"]["name"]) == ("", "Write")
    pieces = [event["delta"] for event in events if event["type"].endswith("arguments.delta")]
    assert json.loads("".join(pieces)) == INPUT
    assert any(piece.endswith("\\") for piece in pieces)
    last = events[-1]["response"]
    assert last["output"] == [event["item"] for event in done]
    assert (last["usage"]["input_tokens"], events[0]["response"]["usage"]) == (10, None)
    assert events[0]["response"]["output"] == []
    assert events[0]["response"]["tools"] == TOOLS


def test_typed_stream_of_the_sdk(upstream: FakeOpenAI) -> None:
    upstream.reply(Thinking("see"), Text("so it is"), RefusalText("no."), ToolCall("Write", {}))
    events = list(create(upstream, tools=TOOLS, reasoning={"summary": "auto"}, stream=True))
    assert not [event for event in events if type(event).__name__ == "BaseModel"]
    deltas = {short(event.type): "" for event in events if event.type.endswith(".delta")}
    for event in events:
        if event.type.endswith(".delta"):
            deltas[short(event.type)] += event.delta
    assert deltas == {
        "reasoning_summary_text.delta": "see",
        "output_text.delta": "so it is",
        "refusal.delta": "no.",
        "function_call_arguments.delta": "{}",
    }
    assert [part.type for part in events[-1].response.output[1].content] == ["output_text", "refusal"]


def test_accumulating_stream_of_the_sdk(upstream: FakeOpenAI) -> None:
    upstream.reply(Text("so it is"), ToolCall("Write", INPUT))
    with client_of(upstream).responses.stream(model="gpt-5", input="hi", tools=TOOLS) as stream:
        final = stream.get_final_response()
    assert (final.output_text, final.output[1].type) == ("so it is", "function_call")


@pytest.mark.parametrize(("options", "expected"), [({}, True), ({"include_obfuscation": False}, False)])
def test_obfuscation_can_be_switched_off(upstream: FakeOpenAI, options: dict[str, Any], expected: bool) -> None:
    upstream.reply(Text("so it is"))
    events = events_of(upstream, stream_options=options)
    assert {"obfuscation" in event for event in events if event["type"].endswith(".delta")} == {expected}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("finish", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")])
def test_incomplete(upstream: FakeOpenAI, stream: bool, finish: str, reason: str) -> None:
    upstream.reply(Text("so"), ToolCall("Write", '{"pa'), finish=finish)
    answer = create(upstream, tools=TOOLS, stream=stream)
    if stream:
        last = list(answer)[-1]
        assert last.type == "response.incomplete"
        answer = last.response
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", reason)
    assert [item.status for item in answer.output] == ["completed", "incomplete"]
    assert answer.output[1].arguments == '{"pa'


def test_failures(upstream: FakeOpenAI) -> None:
    for _ in range(2):
        upstream.reply(Text("so"), ending=Failure("server_error", "It broke."))
    last = list(create(upstream, stream=True))[-1]
    assert (last.type, last.response.status, last.response.usage) == ("response.failed", "failed", None)
    assert (last.response.error.code, last.response.error.message) == ("server_error", "It broke.")
    answer = create(upstream)
    assert (answer.status, answer.error.code) == ("failed", "server_error")

    upstream.reply(Text("so"), ending=Failure("rate_limit_exceeded", "Slow down.", "error"))
    with pytest.raises(openai.APIError, match="Slow down") as caught:
        list(create(upstream, stream=True))
    assert caught.value.code == "rate_limit_exceeded"

    upstream.reply(Text("so"), ending="eof")
    assert list(create(upstream, stream=True))[-1].type == "response.output_item.done"


@pytest.mark.parametrize(
    ("path", "ending"),
    [("responses", "eof"), ("responses", Failure("x", "y", "error")), ("chat/completions", Failure("x", "y"))],
)
def test_endings_that_the_form_does_not_have(path: str, ending: Any) -> None:
    def ask() -> None:
        with FakeOpenAI() as fake:
            fake.reply(Text("x"), ending=ending)
            with pytest.raises(httpx2.RemoteProtocolError):
                TRANSPORT.post(f"{fake.base_url}/{path}", json={"model": "gpt-4o", **BOTH[path]})

    with pytest.raises(ValueError, match="ends with"):
        ask()


BOTH: dict[str, dict[str, Any]] = {"responses": {"input": "hi"}, "chat/completions": {"messages": [ASKED]}}


@pytest.mark.parametrize(
    ("model", "more", "kinds"),
    [
        ("gpt-4o", {}, ["message"]),
        ("gpt-5.4", {}, ["message"]),
        ("gpt-5.4", {"reasoning": {"effort": "low"}}, ["reasoning", "message"]),
        ("gpt-6-sol", {"reasoning": {"effort": "none"}}, ["message"]),
        ("o3", {}, ["reasoning", "message"]),
    ],
)
def test_only_what_reasons_shows_reasoning(
    upstream: FakeOpenAI, model: str, more: dict[str, Any], kinds: list[str]
) -> None:
    upstream.reply(Thinking("see"), Text("x"))
    answer = create(upstream, model=model, **more)
    assert [item.type for item in answer.output] == kinds
    if len(kinds) == 2:
        assert (answer.output[0].summary, answer.output[0].encrypted_content) == ([], None), "neither was asked for"
    assert upstream.issued == []


def test_reasoning_goes_round(upstream: FakeOpenAI) -> None:
    """Three turns as a client without a store has them; then what a careless one does."""
    history: list[Any] = [ASKED]
    for turn in range(3):
        upstream.reply(Thinking(f"thought {turn}"), ToolCall("Write", {}, id=f"call_{turn}"))
        answer = create(upstream, input=history, tools=TOOLS, **STATELESS)
        history += [item.model_dump(exclude_none=True, exclude={"id"}) for item in answer.output]
        history.append({"type": "function_call_output", "call_id": f"call_{turn}", "output": "done"})
    create(upstream, input=history, tools=TOOLS, **STATELESS)
    assert [state.text for state in upstream.issued] == ["thought 0", "thought 1", "thought 2"]
    assert [state.answer for state in upstream.issued] == [1, 2, 3]
    last = [replay for replay in upstream.replayed if replay.request == 4]
    assert [(replay.state, replay.position) for replay in last] == list(zip(upstream.issued, (1, 4, 7), strict=True))
    assert all(replay.in_place for replay in upstream.replayed)
    assert len(upstream.replayed) == 0 + 1 + 2 + 3

    with pytest.raises(openai.BadRequestError) as caught:
        create(upstream, model="gpt-5.6-sol", input=history, tools=TOOLS)
    assert caught.value.code == "invalid_encrypted_content"
    with pytest.raises(openai.NotFoundError, match="not found"):
        create(upstream, input=[{"type": "reasoning", "id": "rs_foreign", "summary": []}])
    assert len(upstream.replayed) == 6, "refused requests do not count"


def test_replays_count_also_where_the_answer_is_raw(upstream: FakeOpenAI) -> None:
    upstream.reply(Thinking("see"), Text("x"))
    history = [item.model_dump(exclude_none=True, exclude={"id"}) for item in create(upstream, **STATELESS).output]
    upstream.reply_raw([b"{}"], "application/json")
    create(upstream, input=[ASKED, *history, ASKED])
    assert [(replay.position, replay.in_place) for replay in upstream.replayed] == [(1, True)]


def test_one_queue_for_both_endpoints(upstream: FakeOpenAI) -> None:
    upstream.reply(Text("one"))
    upstream.reply(Text("two"))
    assert create(upstream).output_text == "one"
    chat = client_of(upstream).chat.completions.create(model="gpt-5", messages=[ASKED])
    assert chat.choices[0].message.content == "two"
    upstream.default(lambda body, headers: Reply(Text("input" if "input" in body else "messages")))
    assert create(upstream).output_text == "input"
    assert [exchange.path for exchange in upstream.exchanges] == [
        "/v1/responses",
        "/v1/chat/completions",
        "/v1/responses",
    ]


def test_each_endpoint_sends_to_the_other(upstream: FakeOpenAI) -> None:
    chat = client_of(upstream).chat.completions
    for model in ("gpt-5.3-codex", "gpt-5.2-pro", "o1-pro"):
        with pytest.raises(openai.NotFoundError, match="not a chat model"):
            chat.create(model=model, messages=[ASKED])
        assert create(upstream, model=model).output_text == "ok"
    with pytest.raises(openai.BadRequestError, match="use /v1/responses"):
        chat.create(
            model="gpt-5.6-sol",
            messages=[ASKED],
            tools=[{"type": "function", "function": {"name": "Write"}}],
        )
    assert create(upstream, model="gpt-5.6-sol", tools=TOOLS).output_text == "ok"
    with pytest.raises(openai.BadRequestError, match="not supported with the Responses API"):
        create(upstream, model="gpt-4o-search-preview")
    assert chat.create(model="gpt-4o-search-preview", messages=[ASKED]).choices[0].message.content == "ok"
    with pytest.raises(openai.BadRequestError, match="The requested model 'gpt-9' does not exist"):
        create(upstream, model="gpt-9")
    with pytest.raises(openai.NotFoundError, match="The model `gpt-9` does not exist"):
        chat.create(model="gpt-9", messages=[ASKED])


def test_extra_models() -> None:
    with FakeOpenAI(extra_models=["gpt-9"]) as fake:
        assert create(fake, model="gpt-9", reasoning={"effort": "max"}).output_text == "ok"
        assert client_of(fake).chat.completions.create(model="gpt-9", messages=[ASKED]).model == "gpt-9"
        assert "gpt-9" in {model.id for model in client_of(fake).models.list()}


def test_pieces_are_sent_as_the_script_says(upstream: FakeOpenAI) -> None:
    go_on, called = threading.Event(), threading.Event()
    upstream.reply(Text("a"), called.set, go_on, Text("b"), 0.001, ToolCall("Write", {}))
    stream = create(upstream, tools=TOOLS, stream=True)
    first = next(event for event in stream if event.type.endswith(".delta"))
    assert first.delta == "a"
    assert called.wait(5)
    assert not upstream.exchanges[0].finished.is_set()
    go_on.set()
    rest = list(stream)
    assert [event.delta for event in rest if event.type.endswith("text.delta")] == ["b"]
    assert [item.type for item in rest[-1].response.output] == ["message", "function_call"]
    upstream.reply(Text("a"), called.clear, Text("b"))
    assert create(upstream).output_text == "ab"
    assert not called.is_set()


def test_compatible_servers_show_open_reasoning() -> None:
    with FakeOpenAI("compatible") as fake:
        fake.reply(Thinking("see"), Text("x"))
        answer = create(fake, model="local")
        assert ([part.text for part in answer.output[0].content], answer.output[0].summary) == (["see"], [])
        assert answer.output[0].encrypted_content is None
        fake.reply(Thinking("see"), Text("x"))
        events = events_of(fake, model="local")
        kinds = [event["type"] for event in events]
        assert {"response.reasoning_text.delta", "response.reasoning_text.done"} <= set(kinds)
        assert not any("obfuscation" in event for event in events)
        assert kinds[-1] == "response.completed"


def test_keys_and_bodies_that_are_no_json(upstream: FakeOpenAI) -> None:
    headers = {"content-type": "application/json"}
    answer = TRANSPORT.post(f"{upstream.base_url}/responses", content=b"{", headers=headers)
    assert (answer.status_code, "could not parse the JSON body" in answer.text) == (400, True)
    with FakeOpenAI(keys={"sk-other"}) as locked, pytest.raises(openai.AuthenticationError):
        create(locked)
