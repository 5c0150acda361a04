"""The fake as the official SDK sees it, and what it tells a test."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest

from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import DONE, RefusalText, Reply, Text, Thinking, ToolCall, Usage
from tests.fakes.server import CUT, strict_json

USER = {"role": "user", "content": "hi"}
TOOLS = [{"type": "function", "function": {"name": "Write", "parameters": {"type": "object", "properties": {}}}}]
INPUT = {"path": "C:\\new\\ü.txt", "text": 'say "hi"\n\U0001f600'}


TRANSPORT = httpx2.Client(trust_env=False)


@pytest.fixture(scope="module", autouse=True)
def _close_transport() -> Iterator[None]:
    with TRANSPORT:
        yield


def client_of(upstream: FakeOpenAI, key: str = "sk-test") -> openai.OpenAI:
    return openai.OpenAI(base_url=upstream.base_url, api_key=key, max_retries=0, http_client=TRANSPORT)


@pytest.fixture
def upstream() -> Iterator[FakeOpenAI]:
    with FakeOpenAI() as fake:
        yield fake


def create(upstream: FakeOpenAI, **more: Any) -> Any:
    return client_of(upstream).chat.completions.create(**{"model": "gpt-4o", "messages": [USER], **more})


def raw_stream(upstream: FakeOpenAI, client: httpx2.Client, **more: Any) -> bytes:
    body = {"model": "gpt-4o", "messages": [USER], "stream": True, **more}
    return client.post(f"{upstream.base_url}/chat/completions", json=body).read()


def test_whole_answer(upstream: FakeOpenAI) -> None:
    usage = Usage(100, 20, cached=60, cache_write=5, reasoning=7)
    upstream.reply(
        Text("so "), Text("it is"), ToolCall("Write", INPUT, id="call_x"), ToolCall("Write", "{bad"), usage=usage
    )
    answer = create(upstream, tools=TOOLS)
    choice = answer.choices[0]
    assert choice.message.content == "so it is"
    assert choice.finish_reason == "tool_calls"
    first, second = choice.message.tool_calls
    assert (first.id, json.loads(first.function.arguments)) == ("call_x", INPUT)
    assert (len(second.id), second.function.arguments) == (29, "{bad")
    assert (answer.usage.total_tokens, answer.usage.prompt_tokens_details.cached_tokens) == (120, 60)
    assert answer._request_id.startswith("req_")


def test_streamed_answer(upstream: FakeOpenAI) -> None:
    upstream.reply(Text("so it is"), ToolCall("Write", INPUT), ToolCall("Write", {}), Text("!"), usage=Usage(10, 5))
    chunks = list(create(upstream, tools=TOOLS, stream=True, stream_options={"include_usage": True}))
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas) == "so it is!"
    pieces = [call for delta in deltas for call in delta.tool_calls or ()]
    assert [call.function.name for call in pieces if call.id] == ["Write", "Write"]
    arguments = ["".join(call.function.arguments for call in pieces if call.index == number) for number in (0, 1)]
    assert [json.loads(text) for text in arguments] == [INPUT, {}]
    assert any(call.function.arguments.endswith("\\") for call in pieces)
    assert [chunk.choices[0].finish_reason for chunk in chunks[-2:-1]] == ["tool_calls"]
    assert (chunks[-1].choices, chunks[-1].usage.prompt_tokens) == ([], 10)
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_usage_is_streamed_only_when_asked_for(upstream: FakeOpenAI) -> None:
    upstream.reply(Text("x"))
    assert all(chunk.usage is None and chunk.choices for chunk in create(upstream, stream=True))


@pytest.mark.parametrize("stream", [False, True])
def test_forced_tool_ends_with_stop(upstream: FakeOpenAI, stream: bool) -> None:
    upstream.reply(ToolCall("Write", {}))
    choice = {"type": "function", "function": {"name": "Write"}}
    answer = create(upstream, tools=TOOLS, tool_choice=choice, stream=stream)
    last = list(answer)[-1] if stream else answer
    assert last.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("stream", [False, True])
def test_refusal_text_and_explicit_finish(upstream: FakeOpenAI, stream: bool) -> None:
    upstream.reply(RefusalText("I cannot."), finish="content_filter")
    answer = create(upstream, stream=stream)
    if stream:
        chunks = list(answer)
        assert "".join(chunk.choices[0].delta.refusal or "" for chunk in chunks) == "I cannot."
        assert chunks[-1].choices[0].finish_reason == "content_filter"
    else:
        assert (answer.choices[0].message.refusal, answer.choices[0].finish_reason) == ("I cannot.", "content_filter")


def test_thinking_is_shown_by_compatible_servers_only() -> None:
    with FakeOpenAI("compatible") as upstream:
        upstream.reply(Thinking("hm"), Thinking("m", field="reasoning"), Text("x"))
        message = create(upstream, model="local").choices[0].message
        assert (message.reasoning_content, message.reasoning, message.content) == ("hm", "m", "x")
        upstream.reply(Thinking("hm"), Text("x"))
        deltas = [chunk.choices[0].delta for chunk in create(upstream, model="local", stream=True)]
        assert "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas) == "hm"

    def ask_official() -> None:
        with FakeOpenAI() as official:
            official.reply(Thinking("hm"))
            with pytest.raises(openai.APIConnectionError):
                create(official)

    with pytest.raises(ValueError, match="never shows thinking"):
        ask_official()


def test_default_answers_when_the_queue_is_empty(upstream: FakeOpenAI) -> None:
    assert create(upstream).choices[0].message.content == "ok"
    upstream.default(lambda body, headers: Reply(Text(f"{body['messages'][0]['content']} {headers['x-test']}")))
    upstream.reply(Text("queued"))
    assert create(upstream).choices[0].message.content == "queued"
    answer = create(upstream, extra_headers={"X-Test": "you"})
    assert answer.choices[0].message.content == "hi you"


def test_pieces_are_sent_as_the_script_says(upstream: FakeOpenAI) -> None:
    go_on, called = threading.Event(), threading.Event()
    upstream.reply(Text("a"), called.set, go_on, Text("b"), 0.001)
    stream = create(upstream, stream=True)
    assert [next(stream).choices[0].delta.content for _ in range(2)] == ["", "a"]
    assert called.wait(5)
    assert not upstream.exchanges[0].finished.is_set()
    go_on.set()
    assert next(stream).choices[0].delta.content == "b"


def test_every_chunk_is_an_http_chunk_and_the_end_comes_apart(upstream: FakeOpenAI) -> None:
    upstream.reply_raw([b"data: 1\n\n", b"", b"da", b"ta: 2\n\n", DONE])
    body = json.dumps({"model": "gpt-4o", "messages": [USER], "stream": True})
    head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    head += f"content-length: {len(body)}\r\n\r\n"
    host, port = upstream.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall((head + body).encode())
        received = b""
        while not received.endswith(b"0\r\n\r\n"):
            received += connection.recv(65536)
    assert received.partition(b"\r\n\r\n")[2] == (
        b"9\r\ndata: 1\n\n\r\n2\r\nda\r\n7\r\nta: 2\n\n\r\ne\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
    )


def test_connections_are_kept_alive_and_counted(upstream: FakeOpenAI) -> None:
    with httpx2.Client(trust_env=False) as client:
        for _ in range(5):
            assert raw_stream(upstream, client).endswith(DONE)
        upstream.fail(500, {"error": {"message": "no"}})
        raw_stream(upstream, client)
        raw_stream(upstream, client, foo=1)
    assert upstream.connections == 1
    assert [exchange.connection for exchange in upstream.exchanges] == [1] * 7


@pytest.mark.parametrize("streaming", [False, True])
def test_client_going_away_is_noticed_while_holding_still(upstream: FakeOpenAI, streaming: bool) -> None:
    never = threading.Event()
    if streaming:
        upstream.reply_raw([b"data: {}\n\n", never])
    else:
        upstream.reply(Text("x"), hold=[never])
    impatient = httpx2.Client(trust_env=False, timeout=httpx2.Timeout(5, read=0.2))
    with impatient as client, pytest.raises(httpx2.ReadTimeout):
        raw_stream(upstream, client)
    exchange = upstream.wait_for(1)[0]
    assert exchange.client_gone.wait(5)
    assert exchange.finished.wait(5)


def test_cut_breaks_off(upstream: FakeOpenAI) -> None:
    upstream.reply_raw([b"data: {}\n\n", CUT])
    upstream.reply(Text("x"), hold=[CUT])
    with httpx2.Client(trust_env=False) as client:
        with pytest.raises(httpx2.RemoteProtocolError, match="incomplete chunked read"):
            raw_stream(upstream, client)
        with pytest.raises(httpx2.RemoteProtocolError, match="disconnected without sending"):
            raw_stream(upstream, client)


def test_other_content_types(upstream: FakeOpenAI) -> None:
    upstream.reply_raw([b"<html>"], content_type="text/html", status=502, headers={"x-proxy": "y"})
    with httpx2.Client(trust_env=False) as client:
        answer = client.post(f"{upstream.base_url}/chat/completions", json={"model": "gpt-4o", "messages": [USER]})
    assert (answer.status_code, answer.text, answer.headers["content-length"]) == (502, "<html>", "6")
    assert answer.headers["x-proxy"] == "y"


def test_failures_and_refusals(upstream: FakeOpenAI) -> None:
    upstream.fail(429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, {"retry-after": "7"})
    with pytest.raises(openai.BadRequestError, match="Unrecognized request argument supplied: foo"):
        create(upstream, extra_body={"foo": 1})
    with pytest.raises(openai.RateLimitError) as caught:
        create(upstream)
    assert (caught.value.code, caught.value.response.headers["retry-after"]) == ("rate_limit_exceeded", "7")
    with pytest.raises(openai.NotFoundError):
        create(upstream, model="gpt-9")
    with pytest.raises(openai.NotFoundError, match="Invalid URL"):
        client_of(upstream).embeddings.create(model="gpt-4o", input="hi")
    assert upstream.refusals[0] == "Unrecognized request argument supplied: foo"
    assert [request["model"] for request in upstream.requests] == ["gpt-4o", "gpt-4o", "gpt-9"]
    assert upstream.exchanges[0].raw.startswith(b"{")


def test_keys() -> None:
    with FakeOpenAI(keys={"sk-test"}) as upstream:
        assert create(upstream).choices[0].message.content == "ok"
        with pytest.raises(openai.AuthenticationError, match="Incorrect API key provided: sk-bad") as caught:
            client_of(upstream, "sk-bad-key-of-mine").models.list()
        assert caught.value.code == "invalid_api_key"
        with httpx2.Client(trust_env=False) as client:
            answer = client.get(f"{upstream.base_url}/models")
        assert (answer.status_code, "You didn't provide an API key" in answer.text) == (401, True)


def test_models(upstream: FakeOpenAI) -> None:
    assert {"gpt-4o", "gpt-6-sol"} <= {model.id for model in client_of(upstream).models.list()}


def test_bodies_that_are_no_json(upstream: FakeOpenAI) -> None:
    with httpx2.Client(trust_env=False) as client:
        for content in (b'{"model": NaN}', b'{"model": "\\udc00"}', b'{"a": 1, "a": 1}'):
            headers = {"content-type": "application/json"}
            answer = client.post(f"{upstream.base_url}/chat/completions", content=content, headers=headers)
            assert (answer.status_code, "could not parse the JSON body" in answer.text) == (400, True)


def test_quirks_and_window() -> None:
    with FakeOpenAI("compatible", quirks={"vllm_overflow", "tool_choice_string"}, window=1000) as upstream:
        with pytest.raises(openai.BadRequestError, match="64000 > 1000 - 4"):
            create(upstream, model="qwen", max_tokens=64000)
        with pytest.raises(openai.BadRequestError) as caught:
            create(upstream, tools=TOOLS, tool_choice={"type": "function", "function": {"name": "Write"}})
        assert "Supported string values" in caught.value.response.text
        assert create(upstream, model="qwen", max_tokens=900).choices[0].message.content == "ok"
    with pytest.raises(ValueError, match="no such quirk"):
        FakeOpenAI(quirks={"typo"})


def test_mistral_hands_out_ids_that_it_takes_back() -> None:
    with FakeOpenAI("compatible", quirks={"mistral"}) as upstream:
        upstream.reply(ToolCall("Write", {}))
        message = create(upstream, model="m", tools=TOOLS).choices[0].message
        result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "done"}
        history = [USER, message.model_dump(include={"role", "content", "tool_calls"}), result]
        assert create(upstream, model="m", messages=history, tools=TOOLS).choices[0].message.content == "ok"


def test_errors_of_the_script_come_to_light() -> None:
    def run() -> None:
        with FakeOpenAI() as upstream:
            upstream.default(lambda body, headers: Reply(Text(body["nothing"])))
            with pytest.raises(openai.APIConnectionError):
                create(upstream)

    with pytest.raises(KeyError, match="nothing"):
        run()


def test_many_at_once(upstream: FakeOpenAI) -> None:
    gate, answers = threading.Event(), []
    upstream.default(lambda body, headers: Reply(Text("x"), gate, Text("y")))

    def ask() -> None:
        with httpx2.Client(trust_env=False) as client:
            answers.append(raw_stream(upstream, client))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    upstream.wait_for(16)
    gate.set()
    for thread in threads:
        thread.join(20)
    assert len(answers) == 16
    assert all(answer.endswith(DONE) for answer in answers)
    assert upstream.connections == 16


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"a": NaN}',
        b"[-Infinity]",
        b"[1e999]",
        b'["\\ud83d"]',
        b'{"a": 1, "a": 2}',
        b'["\xff"]',
        b"\xef\xbb\xbf{}",
    ],
)
def test_strict_json_refuses(raw: bytes) -> None:
    with pytest.raises(ValueError):
        strict_json(raw)


def test_strict_json_takes_what_is_json() -> None:
    assert strict_json('{"a": [1e10, "\\ud83d\\ude00ü", null]}'.encode()) == {"a": [1e10, "\U0001f600ü", None]}
