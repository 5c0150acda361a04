"""The fake Gemini as the official SDK sees it, and what it tells a test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from google import genai
from google.genai import errors, types

from tests.fakes.gemini_api import FakeGemini
from tests.fakes.gemini_bodies import answer, contents, function, media, model, text, thinking, tools, user
from tests.fakes.gemini_contents import signature_states
from tests.fakes.gemini_errors import FAILURES, daily_quota, rate_limited
from tests.fakes.gemini_models import MODELS
from tests.fakes.gemini_replies import FunctionCall, Reply, Text, Thought, Usage, sse
from tests.fakes.gemini_signatures import problem
from tests.fakes.server import CUT

FLASH = "gemini-3.8-flash"
TOOLS = tools(function("Read"), function("Grep"))
OFF = types.AutomaticFunctionCallingConfig(disable=True)
PLACEHOLDER = [types.Content(role="user", parts=[types.Part(text="x")])]


@pytest.fixture(scope="module")
def transport() -> Iterator[httpx2.Client]:
    with httpx2.Client(trust_env=False) as client:
        yield client


@pytest.fixture
def upstream() -> Iterator[FakeGemini]:
    with FakeGemini(keys={"good"}) as fake:
        yield fake


@pytest.fixture(scope="module")
def sdk(transport: httpx2.Client) -> genai.Client:
    # One for all: each loads the certificates of the world anew.
    return genai.Client(api_key="good", vertexai=False, http_options=types.HttpOptions(httpx_client=transport))


class Caller:
    """The SDK with a ready body, as the public `extra_body` sends it."""

    def __init__(self, sdk: genai.Client, upstream: FakeGemini, version: str = "v1beta") -> None:
        self.models = sdk.models
        self.base_url = upstream.base_url
        self.version = version

    def __call__(self, body: dict[str, Any] | None = None, name: str = FLASH) -> types.GenerateContentResponse:
        return self.models.generate_content(model=name, contents=PLACEHOLDER, config=self.config(body))

    def stream(self, body: dict[str, Any] | None = None, name: str = FLASH) -> Iterator[types.GenerateContentResponse]:
        return self.models.generate_content_stream(model=name, contents=PLACEHOLDER, config=self.config(body))

    def config(self, body: dict[str, Any] | None, **more: Any) -> types.GenerateContentConfig:
        options = self.options(body or contents(user()))
        return types.GenerateContentConfig(
            automatic_function_calling=OFF, automatic_continuation=False, http_options=options, **more
        )

    def options(self, body: dict[str, Any] | None = None) -> types.HttpOptions:
        return types.HttpOptions(base_url=self.base_url, api_version=self.version, extra_body=body)


@pytest.fixture
def caller(sdk: genai.Client, upstream: FakeGemini) -> Caller:
    return Caller(sdk, upstream)


def parts(response: types.GenerateContentResponse) -> list[types.Part]:
    assert response.candidates
    content = response.candidates[0].content
    return list((content and content.parts) or ())


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


def post(
    upstream: FakeGemini, transport: httpx2.Client, method: str, body: Any = None, **headers: str
) -> httpx2.Response:
    return transport.post(
        f"{upstream.base_url}/v1beta/models/{FLASH}:{method}",
        json=contents(user()) if body is None else body,
        headers={"x-goog-api-key": "good", **headers},
    )


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


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", FAILURES)
def test_failures(upstream: FakeGemini, caller: Caller, name: str, streamed: bool) -> None:
    upstream.fail(FAILURES[name])
    with pytest.raises(errors.APIError) as raised:
        _ = list(caller.stream()) if streamed else caller()
    assert (raised.value.code, raised.value.message) == (FAILURES[name].status, FAILURES[name].message)
    assert caller().text == "ok"


def test_quotas_tell_their_delay_and_their_period(upstream: FakeGemini, caller: Caller) -> None:
    upstream.fail(rate_limited("0.5s"))
    upstream.fail(daily_quota())
    for delay, period in (("0.5s", "PerMinute"), ("48s", "PerDay")):
        with pytest.raises(errors.ClientError) as raised:
            caller()
        details = {detail["@type"].rpartition(".")[2]: detail for detail in raised.value.details["error"]["details"]}
        assert details["RetryInfo"]["retryDelay"] == delay
        assert period in details["QuotaFailure"]["violations"][0]["quotaId"]


def test_failures_by_status(upstream: FakeGemini, caller: Caller) -> None:
    upstream.fail(503)
    with pytest.raises(errors.ServerError, match="The model is overloaded"):
        caller()
    upstream.fail(418, {"error": {"code": 418, "message": "teapot", "status": "TEA"}}, {"x-pot": "yes"})
    with pytest.raises(errors.ClientError, match="teapot"):
        caller()
    with pytest.raises(KeyError):
        upstream.fail(418)


@pytest.mark.parametrize(
    ("key", "status", "message"),
    [
        ("", 403, "Method doesn't allow unregistered callers"),
        ("bad", 400, "API key not valid. Please pass a valid API key."),
    ],
)
def test_keys(upstream: FakeGemini, transport: httpx2.Client, key: str, status: int, message: str) -> None:
    refused = post(upstream, transport, "generateContent", **{"x-goog-api-key": key})
    assert (refused.status_code, refused.json()["error"]["message"].startswith(message)) == (status, True)
    assert status == 403 or refused.json()["error"]["details"][0]["reason"] == "API_KEY_INVALID"


def test_key_in_the_address(upstream: FakeGemini, transport: httpx2.Client) -> None:
    found = transport.get(f"{upstream.base_url}/v1beta/models/{FLASH}?key=good")
    assert found.json()["name"] == f"models/{FLASH}"


@pytest.mark.parametrize(
    ("name", "version"),
    [("gemini-2.0-flash", "v1beta"), ("gemini-1.5-pro", "v1"), ("gemini-pro-latest", "v1"), ("gpt-4o", "v1alpha")],
)
def test_unknown_models(upstream: FakeGemini, sdk: genai.Client, name: str, version: str) -> None:
    caller = Caller(sdk, upstream, version)
    with pytest.raises(errors.ClientError) as raised:
        list(caller.stream(name=name))
    assert raised.value.code == 404
    text = f"models/{name} is not found for API version {version}, or is not supported for streamGenerateContent. Call"
    assert (raised.value.message or "").startswith(text)


def test_aliases_answer_as_the_model_behind_them(upstream: FakeGemini, caller: Caller) -> None:
    upstream.reply(FunctionCall("Read", {}))
    response = caller({**contents(user()), **TOOLS}, "gemini-flash-latest")
    assert response.model_version == FLASH


def test_models_of_a_test_of_its_own(sdk: genai.Client) -> None:
    # From 1 December 2026 on, 3.8 answers for 2.5.
    with FakeGemini(models={"gemini-2.5-pro": MODELS[FLASH]}) as upstream:
        caller = Caller(sdk, upstream)
        with pytest.raises(errors.ClientError, match="Budget 0 is invalid"):
            caller({**contents(user()), **thinking(thinkingBudget=0)}, "gemini-2.5-pro")
        with pytest.raises(errors.ClientError, match="is not found for API version"):
            caller()


def test_list_of_models(upstream: FakeGemini, caller: Caller) -> None:
    listed = {
        listed.name: listed
        for listed in caller.models.list(config=types.ListModelsConfig(http_options=caller.options()))
    }
    assert {f"models/{name}" for name in MODELS} <= listed.keys()
    assert "models/gemini-flash-latest" in listed
    assert (listed[f"models/{FLASH}"].input_token_limit, listed[f"models/{FLASH}"].thinking) == (1_048_576, True)


def test_count_tokens(upstream: FakeGemini, caller: Caller) -> None:
    def count(words: str, body: dict[str, Any] | None = None) -> int:
        config = types.CountTokensConfig(http_options=caller.options(body))
        return caller.models.count_tokens(model=FLASH, contents=words, config=config).total_tokens or 0

    assert count("x" * 40) == 11
    whole = {"model": f"models/{FLASH}", **contents(user(text("x" * 40))), **TOOLS}
    assert count("x", {"contents": [], "generateContentRequest": whole}) > 11
    with pytest.raises(errors.ClientError, match="only one of contents and generate_content_request"):
        count("x", {"generateContentRequest": whole})
    assert upstream.requests == []


def test_refusals_leave_the_queue_alone(upstream: FakeGemini, caller: Caller) -> None:
    upstream.reply(Text("kept"))
    with pytest.raises(errors.ClientError, match="Unknown name"):
        caller({**contents(user()), "foo": 1})
    assert caller().text == "kept"
    assert ["foo" in body for body in upstream.requests] == [True, False]
    assert len(upstream.refusals) == 1


@pytest.mark.parametrize("raw", [b"{", b"[]", b'{"contents": NaN}', b'{"a": 1, "a": 2}', b'"\xff"'])
def test_bodies_that_are_no_objects(upstream: FakeGemini, transport: httpx2.Client, raw: bytes) -> None:
    url = f"{upstream.base_url}/v1beta/models/{FLASH}:generateContent"
    headers = {"x-goog-api-key": "good", "content-type": "application/json"}
    refused = transport.post(url, content=raw, headers=headers)
    assert (refused.status_code, refused.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_large_bodies_and_short_deadlines(transport: httpx2.Client) -> None:
    with FakeGemini(most_bytes=1000) as upstream:
        refused = post(upstream, transport, "generateContent", contents(user(media(data="A" * 1000))))
        assert refused.json()["error"]["message"] == "Request payload size exceeds the limit: 1000 bytes."
        refused = post(upstream, transport, "generateContent", **{"x-server-timeout": "5"})
        assert "Manually set deadline 5s is too short." in refused.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/v1beta/models/x:embedContent", "/v2/models", "/v1beta/chat/completions"])
def test_other_addresses(upstream: FakeGemini, transport: httpx2.Client, path: str) -> None:
    headers = {"x-goog-api-key": "good"}
    assert transport.post(f"{upstream.base_url}{path}", json={}, headers=headers).status_code == 404


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
