"""The fake Gemini as the official SDK sees it, and what it tells a test."""

from __future__ import annotations

import threading
from typing import Any

import httpx2
import pytest
from google.genai import types

from tests.fakes.gemini.api import FakeGemini
from tests.fakes.gemini.bodies import answer, contents, model, text, thinking, user
from tests.fakes.gemini.caller import FLASH, TOOLS, Caller, parts, post
from tests.fakes.gemini.contents import signature_states
from tests.fakes.gemini.models import MODELS
from tests.fakes.gemini.replies import FunctionCall, Reply, Text, Thought, Usage, sse
from tests.fakes.gemini.signatures import problem
from tests.fakes.server import CUT


def test_whole_answer(upstream: FakeGemini, caller: Caller) -> None:
    usage = Usage(100, 20, thoughts=7, cached=60)
    calls = [FunctionCall("Read", {"file_path": "\u00fc"}), FunctionCall("Grep", {"n": 1})]
    upstream.reply(Thought("hm"), Text("so "), Text("it is"), *calls, usage=usage)
    response = caller({**contents(user()), **TOOLS, **thinking(includeThoughts=True)})
    thought, words, first, second = parts(response)
    assert (thought.text, thought.thought, words.text) == ("hm", True, "so it is")
    assert first.function_call is not None
    assert (first.function_call.name, first.function_call.args) == ("Read", {"file_path": "\u00fc"})
    assert first.function_call.id
    assert first.thought_signature
    assert second.function_call is not None
    assert (second.function_call.args, second.thought_signature) == ({"n": 1}, None)
    assert response.usage_metadata is not None
    assert response.usage_metadata.cached_content_token_count == 60
    assert response.usage_metadata.total_token_count == 127
    assert response.model_version == FLASH
    assert response.candidates is not None
    assert response.candidates[0].finish_reason == types.FinishReason.STOP


def test_streamed_answer(upstream: FakeGemini, caller: Caller) -> None:
    upstream.reply(Thought("hm"), Text("x" * 500), FunctionCall("Read", {}), FunctionCall("Grep", {}))
    chunks = list(caller.stream({**contents(user()), **TOOLS, **thinking(includeThoughts=True)}))
    read = [part for chunk in chunks for part in parts(chunk)]
    assert [len(part.text or "") for part in read] == [2, 20, 160, 240, 80, 0, 0, 0]
    assert [bool(part.thought_signature) for part in read] == [False] * 5 + [True, False, False]
    assert all(len(parts(chunk)) == 1 for chunk in chunks)
    reasons = [chunk.candidates[0].finish_reason for chunk in chunks if chunk.candidates]
    assert reasons == [None] * 7 + [types.FinishReason.STOP]
    counts = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata]
    assert counts[0].candidates_token_count is None
    assert counts[0].thoughts_token_count
    written = [count.candidates_token_count or 0 for count in counts]
    assert written == sorted(written)
    assert (counts[-2].prompt_token_count or 0) < (counts[-1].prompt_token_count or 0)


def test_thoughts_are_shown_only_when_asked_for(upstream: FakeGemini, caller: Caller) -> None:
    for body in (contents(user()), {**contents(user()), **thinking(includeThoughts=False)}):
        upstream.reply(Thought("hm"), Text("x"))
        assert [part.text for part in parts(caller(body))] == ["x"]
        upstream.reply(Thought("hm"), Text("x"))
        assert [part.text for chunk in caller.stream(body) for part in parts(chunk)] == ["x", ""]


@pytest.mark.parametrize(
    ("name", "more", "signed"),
    [
        ("gemini-2.5-flash", {}, [True, False]),
        ("gemini-2.5-flash", thinking(thinkingBudget=0), [False, False]),
        ("gemini-2.5-flash-lite", {}, [False, False]),
        ("gemini-3-flash-preview", {}, [False, True]),
        ("gemini-9", {}, [False, True]),
    ],
)
def test_signatures_of_texts(
    upstream: FakeGemini, caller: Caller, name: str, more: dict[str, Any], signed: list[bool]
) -> None:
    upstream.reply(Text("hello"))
    read = [part for chunk in caller.stream({**contents(user()), **more}, name) for part in parts(chunk)]
    assert [part.text for part in read] == ["hello", ""]
    assert [bool(part.thought_signature) for part in read] == signed


@pytest.mark.parametrize("name", [name for name, rules in MODELS.items() if rules.thinks] + ["gemini-9"])
def test_a_conversation_with_parallel_calls_through_typed_parts(
    upstream: FakeGemini, caller: Caller, name: str
) -> None:
    history: list[types.Content] = [types.Content(role="user", parts=[types.Part(text="go")])]
    declared = [types.FunctionDeclaration(name=each) for each in ("Read", "Grep")]
    config = caller.config({"store": False}, tools=[types.Tool(function_declarations=declared)])
    for step in range(3):
        upstream.reply(FunctionCall("Read", {"step": step}), FunctionCall("Grep", {"step": step}))
        said = [
            part
            for chunk in caller.models.generate_content_stream(model=name, contents=history, config=config)
            for part in parts(chunk)
            if part.function_call
        ]
        history.append(types.Content(role="model", parts=said))
        results = [
            types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response={"output": "x"}))
            for call in (part.function_call for part in said)
            if call
        ]
        history.append(types.Content(role="user", parts=results))
    assert caller.models.generate_content(model=name, contents=history, config=config).text == "ok"
    assert upstream.refusals == []
    states = signature_states(upstream.requests[-1]["contents"], name)
    signed = "signed" if MODELS.get(name, MODELS[FLASH]).thinks_by_default else "missing"
    assert states == [("Read", signed), ("Grep", "sibling")] * 3


def test_ids_of_calls(upstream: FakeGemini, caller: Caller) -> None:
    for name, given, expected in (
        ("gemini-2.5-pro", None, None),
        ("gemini-2.5-pro", "mine", "mine"),
        (FLASH, "", None),
        (FLASH, "mine", "mine"),
    ):
        upstream.reply(FunctionCall("Read", {}, id=given))
        call = parts(caller({**contents(user()), **TOOLS}, name))[0].function_call
        assert call is not None
        assert call.id == expected


def test_signature_size_and_issuer(upstream: FakeGemini, caller: Caller) -> None:
    upstream.reply(FunctionCall("Read", {"a": 1}, signature_size=104_000))
    signature = parts(caller({**contents(user()), **TOOLS}))[0].thought_signature
    assert signature is not None
    assert len(signature) == 104_000
    assert signature.startswith(FLASH.encode())


@pytest.mark.parametrize("streamed", [False, True])
def test_endings(upstream: FakeGemini, caller: Caller, streamed: bool) -> None:
    def last() -> types.GenerateContentResponse:
        return list(caller.stream())[-1] if streamed else caller()

    upstream.reply(Text("hel"), finish="MAX_TOKENS")
    ended = last().candidates
    assert ended
    assert ended[0].finish_reason == types.FinishReason.MAX_TOKENS
    upstream.reply(finish="SAFETY")
    ended = last().candidates
    assert ended
    assert ended[0].finish_reason == types.FinishReason.SAFETY
    assert not parts(types.GenerateContentResponse(candidates=ended))
    upstream.reply(blocked="PROHIBITED_CONTENT")
    blocked = last()
    assert blocked.candidates is None
    assert blocked.prompt_feedback is not None
    assert blocked.prompt_feedback.block_reason == types.BlockedReason.PROHIBITED_CONTENT


def test_finish_messages_are_on_the_wire(upstream: FakeGemini, transport: httpx2.Client) -> None:
    upstream.reply(finish="MALFORMED_FUNCTION_CALL", finish_message="Malformed function call: x")
    upstream.reply(FunctionCall("Read", {}))
    for message in ("Malformed function call: x", "Model generated function call(s)."):
        sent = post(upstream, transport, "streamGenerateContent?alt=sse", {**contents(user()), **TOOLS})
        assert f'"finishMessage": "{message}"' in sent.text


def test_events_are_framed_as_the_service_does(upstream: FakeGemini, transport: httpx2.Client) -> None:
    upstream.reply(Text("hello"))
    sent = post(upstream, transport, "streamGenerateContent?alt=sse")
    assert sent.headers["content-type"] == "text/event-stream"
    events = sent.text.split("\r\n\r\n")
    assert events.pop() == ""
    assert all(event.startswith("data: {") and "\n" not in event for event in events)


def test_streams_without_sse_are_lists_and_so_are_their_errors(upstream: FakeGemini, transport: httpx2.Client) -> None:
    upstream.reply(Text("hello"))
    sent = post(upstream, transport, "streamGenerateContent")
    assert [chunk["candidates"][0]["content"]["parts"][0]["text"] for chunk in sent.json()] == ["hello", ""]
    refused = post(upstream, transport, "streamGenerateContent", {})
    assert (refused.status_code, refused.json()[0]["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_default_sees_body_and_headers(upstream: FakeGemini, caller: Caller) -> None:
    assert caller().text == "ok"
    upstream.default(lambda body, headers: Reply(Text(body["contents"][0]["parts"][0]["text"] + headers["accept"])))
    assert caller(contents(user(text("you ")))).text == "you */*"


def test_pauses_let_a_test_look_between_parts(upstream: FakeGemini, caller: Caller) -> None:
    gate = threading.Event()
    upstream.reply(Text("a"), gate, Text("b"))
    chunks = caller.stream()
    assert parts(next(chunks))[0].text == "a"
    gate.set()
    assert [part.text for chunk in chunks for part in parts(chunk)] == ["b", ""]


def test_a_client_that_leaves_is_noticed(upstream: FakeGemini, caller: Caller) -> None:
    upstream.reply(Text("a"), threading.Event(), Text("b"))
    chunks = caller.stream()
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]
    exchange = upstream.wait_for(1)[0]
    assert exchange.client_gone.wait(5)
    assert exchange.finished.wait(5)


def test_raw_answers(upstream: FakeGemini, caller: Caller) -> None:
    upstream.reply_raw([sse({"candidates": [{"content": {"parts": [text("hel")]}}]}), CUT])
    chunks = caller.stream()
    assert parts(next(chunks))[0].text == "hel"
    with pytest.raises(httpx2.RemoteProtocolError):
        next(chunks)


def test_signatures_outlive_the_fake(transport: httpx2.Client) -> None:
    body = {**contents(user()), **TOOLS}
    with FakeGemini() as upstream:
        upstream.reply(FunctionCall("Read", {"a": 1}))
        first = post(upstream, transport, "generateContent", body).json()["candidates"][0]["content"]["parts"][0]
    assert problem(first["thoughtSignature"], FLASH, "Read", {"a": 1}) is None
    with FakeGemini() as upstream:
        again = contents(user(), model(first), user(answer(id=first["functionCall"]["id"])))
        assert post(upstream, transport, "generateContent", {**again, **TOOLS}).status_code == 200
