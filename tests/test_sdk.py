"""The official Anthropic SDK against the real server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import beta_tool

from tests.e2e.tap import Tap
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Text, Thinking, ToolCall, Usage
from tests.web.serving import KEY, serve, settings

MODEL = "claude-sonnet-5-5"
HI: Any = [{"role": "user", "content": "hi"}]
READ: Any = {
    "name": "Read",
    "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeOpenAI]:
    with FakeOpenAI("compatible", keys=[KEY]) as fake:
        yield fake


@pytest.fixture(scope="module")
def tap(upstream: FakeOpenAI) -> Iterator[Tap]:
    """In front of the proxy. At the end every answer must conform."""
    with serve(settings(upstream.base_url)) as running, Tap(running.port) as recording:
        yield recording
    seen_ids: set[str] = set()
    for exchange in recording.passed():
        exchange.check(seen_ids)


@pytest.fixture(params=[False, True], ids=["lenient", "strict validation"])
def client(request: pytest.FixtureRequest, tap: Tap) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(
        base_url=tap.url, api_key="local", max_retries=0, _strict_response_validation=request.param
    ) as made:
        yield made


def test_create(client: anthropic.Anthropic, upstream: FakeOpenAI) -> None:
    upstream.reply(Thinking("hm"), Text("hello"), ToolCall("Read", {"path": "x"}), usage=Usage(40, 7, cached=30))
    message: Any = client.messages.create(model=MODEL, max_tokens=100, messages=HI, tools=[READ])
    thinking, text, use = message.content
    assert (thinking.thinking, text.text, use.name, use.input) == ("hm", "hello", "Read", {"path": "x"})
    assert message.stop_reason == "tool_use"
    assert message.model == MODEL
    usage = message.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (10, 30, 7)
    assert message._request_id.startswith("req_")


def test_stream_helper(client: anthropic.Anthropic, upstream: FakeOpenAI) -> None:
    upstream.reply(Text("hello world"), ToolCall("Read", {"path": "x"}))
    with client.messages.stream(model=MODEL, max_tokens=100, messages=HI, tools=[READ]) as stream:
        assert "".join(stream.text_stream) == "hello world"
        message: Any = stream.get_final_message()
    assert message.content[1].input == {"path": "x"}
    assert message.stop_reason == "tool_use"


def test_raw_events(client: anthropic.Anthropic, upstream: FakeOpenAI) -> None:
    upstream.reply(Text("hello"))
    kinds = [event.type for event in client.messages.create(model=MODEL, max_tokens=9, messages=HI, stream=True)]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]


def test_raw_response(client: anthropic.Anthropic, upstream: FakeOpenAI) -> None:
    upstream.reply(Text("hello"))
    response = client.messages.with_raw_response.create(model=MODEL, max_tokens=9, messages=HI)
    assert response.headers["request-id"].startswith("req_")
    message: Any = response.parse()
    assert message.content[0].text == "hello"


def test_async(tap: Tap, upstream: FakeOpenAI) -> None:
    upstream.reply(Text("hello"))
    upstream.reply(Text("again"))

    async def ask() -> list[str]:
        async with anthropic.AsyncAnthropic(base_url=tap.url, api_key="local", max_retries=0) as client:
            async with client.messages.stream(model=MODEL, max_tokens=9, messages=HI) as stream:
                streamed = await stream.get_final_text()
            message: Any = await client.messages.create(model=MODEL, max_tokens=9, messages=HI)
            return [streamed, message.content[0].text]

    assert asyncio.run(ask()) == ["hello", "again"]


def test_counting_and_models(client: anthropic.Anthropic) -> None:
    assert client.messages.count_tokens(model=MODEL, messages=HI).input_tokens > 0
    listed = list(client.models.list(limit=2))
    assert MODEL in [model.id for model in listed]
    assert client.models.list(lifecycle=["retired", "deprecated"]).data == []
    one = client.models.retrieve(MODEL)
    assert one == next(model for model in client.models.list(lifecycle=["active"]) if model.id == MODEL)
    assert (one.lifecycle, one.line, one.max_input_tokens, one.max_tokens) == ("active", "sonnet", 128_000, 16_384)
    able: Any = one.capabilities
    assert able.image_input.supported
    assert not able.batch.supported
    assert not able.server_tools.web_search.supported
    assert (able.thinking.supported, able.thinking.types.disabled.supported) == (False, True)
    assert not able.effort.max.supported
    assert not able.context_management.compact_20260112.supported
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("mystery")


@pytest.mark.parametrize("stream", [False, True])
def test_tool_runner(stream: bool, client: anthropic.Anthropic, upstream: FakeOpenAI, tap: Tap) -> None:
    """It asks for a thread once, then sends the whole history."""
    called: list[str] = []

    @beta_tool
    def read(path: str) -> str:
        """Reads a file.

        Args:
            path: Where it is.
        """
        called.append(path)
        return "the content"

    upstream.reply(ToolCall("read", {"path": "x"}))
    upstream.reply(Text("done"))
    before = len(tap.passed())
    runner: Any = client.beta.messages.tool_runner(
        model=MODEL, max_tokens=100, messages=HI, tools=[read], stream=stream
    )
    assert runner.until_done().content[0].text == "done"
    assert called == ["x"]
    assert upstream.requests[-1]["messages"][-1]["content"] == "the content"
    passed = tap.passed()[before:]
    assert [("thread" in exchange.request, exchange.status) for exchange in passed] == [
        (True, 400),
        (False, 200),
        (False, 200),
    ]


@pytest.mark.parametrize(
    ("status", "error", "retry_after"),
    [
        (401, anthropic.AuthenticationError, None),
        (403, anthropic.PermissionDeniedError, None),
        (404, anthropic.NotFoundError, None),
        (429, anthropic.RateLimitError, "7"),
        (500, anthropic.InternalServerError, None),
        (413, anthropic.RequestTooLargeError, None),
        (503, anthropic.OverloadedError, "7"),
        (529, anthropic.OverloadedError, "7"),
    ],
)
def test_errors(
    status: int,
    error: type[anthropic.APIStatusError],
    retry_after: str | None,
    client: anthropic.Anthropic,
    upstream: FakeOpenAI,
) -> None:
    upstream.fail(status, {"error": {"message": "no"}}, {"retry-after": retry_after} if retry_after else {})
    with pytest.raises(error) as caught:
        client.messages.create(model=MODEL, max_tokens=9, messages=HI)
    assert caught.value.response.headers.get("retry-after") == retry_after
    body: Any = caught.value.body
    assert caught.value.type == body["error"]["type"]


def test_unknown_model(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError, match="model: mystery"):
        client.messages.create(model="mystery", max_tokens=9, messages=HI)


def test_body_too_large(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.RequestTooLargeError, match="32 MB"):
        client.messages.create(model=MODEL, max_tokens=9, messages=[{"role": "user", "content": "x" * (33 << 20)}])


def test_wrong_proxy_key(upstream: FakeOpenAI) -> None:
    with (
        serve(settings(upstream.base_url, PROXY_API_KEY="sesame-0123456789")) as locked,
        anthropic.Anthropic(base_url=f"http://127.0.0.1:{locked.port}", api_key="wrong") as client,
        pytest.raises(anthropic.AuthenticationError),
    ):
        client.messages.create(model=MODEL, max_tokens=9, messages=HI)


def test_tools_that_anthropic_defines_and_the_client_runs(client: anthropic.Anthropic, upstream: FakeOpenAI) -> None:
    upstream.reply(ToolCall("bash", {"command": "ls"}))
    tools: Any = [
        {"type": "bash_20250124", "name": "bash"},
        {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"},
    ]
    message: Any = client.messages.create(model=MODEL, max_tokens=100, messages=HI, tools=tools)
    assert message.content[0].input == {"command": "ls"}
    sent = upstream.requests[-1]["tools"]
    assert [tool["function"]["name"] for tool in sent] == ["bash", "str_replace_based_edit_tool"]
