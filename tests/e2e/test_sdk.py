"""Whole conversations with the official SDK, as programs built on it have them; single calls are in tests/test_sdk.py."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import pydantic
import pytest
from anthropic import beta_async_tool
from anthropic.lib.tools import ToolError
from anthropic.types import MessageParam, ToolParam

from tests.conformance import check_model, check_models
from tests.e2e.samples import chunk
from tests.e2e.script import of_role, texts
from tests.e2e.tap import Tap
from tests.fakes.openai_chat import FakeOpenAI
from tests.fakes.openai_replies import Reply, Text, Thinking, ToolCall
from tests.fakes.server import CUT, Step
from tests.web.serving import custom_settings, serve

MODEL = "claude-sonnet-5-5"
HELLO: list[MessageParam] = [{"role": "user", "content": "How is the weather in Rome and Oslo?"}]
WEATHER: ToolParam = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
ASK: dict[str, Any] = {"model": MODEL, "max_tokens": 1000, "messages": HELLO, "tools": [WEATHER]}
_PROMPTLY = 5.0
"""Seconds; less than the next ping would take, which notices as well that nobody is there."""


@pytest.fixture(scope="module")
def tap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tap, FakeOpenAI]]:
    """In front of a proxy whose only model is a custom one at the fake. At the end all answers must conform."""
    with FakeOpenAI("compatible") as fake:
        settings = custom_settings(tmp_path_factory.mktemp("sdk"), {"api_base": fake.base_url})
        with serve(settings) as proxy, Tap(proxy.port) as running:
            yield running, fake
    running.check()


@pytest.fixture
def options(tap: tuple[Tap, FakeOpenAI]) -> dict[str, Any]:
    """For a client that hides nothing."""
    return {"base_url": tap[0].url, "api_key": "local", "max_retries": 0, "_strict_response_validation": True}


@pytest.fixture
def client(options: dict[str, Any]) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(**options) as made:
        yield made


@pytest.fixture
def upstream(tap: tuple[Tap, FakeOpenAI]) -> FakeOpenAI:
    tap[1].exchanges.clear()
    return tap[1]


def _call_twice(upstream: FakeOpenAI) -> None:
    calls = (ToolCall("get_weather", {"city": city}) for city in ("Rome", "Oslo"))
    upstream.reply(Thinking("Two cities."), Text("I look. \U0001f327"), *calls)


def test_conversation(client: anthropic.Anthropic, upstream: FakeOpenAI) -> None:
    """What the SDK has got goes back as it is, with the results."""
    _call_twice(upstream)
    first = client.messages.create(**ASK)
    assert [block.type for block in first.content] == ["thinking", "text", "tool_use", "tool_use"]
    rome, oslo = (block.id for block in first.content if block.type == "tool_use")
    results = [
        {"type": "tool_result", "tool_use_id": oslo, "content": "no station", "is_error": True},
        {"type": "tool_result", "tool_use_id": rome, "content": [{"type": "text", "text": "31 degrees"}]},
    ]
    upstream.reply(Text("Rome is hot."))
    history = [*HELLO, {"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
    assert client.messages.create(**{**ASK, "messages": history}).stop_reason == "end_turn"
    body = upstream.requests[-1]
    (assistant,) = of_role(body, "assistant")
    assert [json.loads(call["function"]["arguments"])["city"] for call in assistant["tool_calls"]] == ["Rome", "Oslo"]
    assert texts(body, "tool") == ["31 degrees", "Error: no station"]


def test_beta(client: anthropic.Anthropic, upstream: FakeOpenAI) -> None:
    """Betas that nobody here knows, and fields that only Anthropic does."""
    _call_twice(upstream)
    message = client.beta.messages.create(
        **ASK,
        betas=["context-management-2025-06-27", "never-heard-of-2027-01-01"],
        context_management={"edits": [{"type": "clear_tool_uses_20250919"}]},
        extra_body={"not_invented_yet": True},
    )
    assert message.stop_reason == "tool_use"
    assert client.beta.messages.count_tokens(model=MODEL, messages=HELLO, tools=[WEATHER]).input_tokens > 0


def test_structured_output(client: anthropic.Anthropic, upstream: FakeOpenAI) -> None:
    class Weather(pydantic.BaseModel):
        city: str
        degrees: int

    upstream.reply(Text('{"city": "Rome", "degrees": 31}'))
    message = client.messages.parse(model=MODEL, max_tokens=1000, messages=HELLO, output_format=Weather)
    assert message.parsed_output == Weather(city="Rome", degrees=31)
    assert upstream.requests[-1]["response_format"]["type"] == "json_schema"


def test_models(client: anthropic.Anthropic) -> None:
    page = client.models.with_raw_response.list()
    listed = {model["id"]: model for model in check_models(page.status_code, page.headers, page.http_response.content)}
    assert [model.id for model in client.models.list(limit=1)] == list(listed), "page by page as in one piece"
    assert "local" in listed
    for name, entry in listed.items():
        one = client.models.with_raw_response.retrieve(name)
        check_model(one.status_code, one.headers, one.http_response.content, entry)
        assert one.parse().id == name
    with pytest.raises(anthropic.NotFoundError, match="no-such-model"):
        client.models.retrieve("no-such-model")


def test_many_at_once(options: dict[str, Any], upstream: FakeOpenAI) -> None:
    upstream.default(lambda body, headers: Reply(Text(f"You said {texts(body, 'user')[-1]}.")))

    async def ask(client: anthropic.AsyncAnthropic, number: int) -> str:
        asked: dict[str, Any] = {**ASK, "messages": [{"role": "user", "content": str(number)}]}
        if number % 2:
            message = await client.messages.create(**asked)
        else:
            async with client.messages.stream(**asked) as stream:
                message = await stream.get_final_message()
        return message.content[0].text

    async def ask_all() -> list[str]:
        async with anthropic.AsyncAnthropic(**options) as client:
            return await asyncio.gather(*(ask(client, number) for number in range(20)))

    assert asyncio.run(ask_all()) == [f"You said {number}." for number in range(20)]


@pytest.mark.parametrize("stream", [False, pytest.param(True, marks=pytest.mark.streaming)])
def test_async_tool_runner(stream: bool, options: dict[str, Any], upstream: FakeOpenAI) -> None:
    @beta_async_tool
    async def get_weather(city: str) -> str:
        if city == "Oslo":
            raise ToolError("no station")
        return f"snow in {city}"

    async def run() -> str:
        async with anthropic.AsyncAnthropic(**options) as client:
            runner = client.beta.messages.tool_runner(
                model=MODEL, max_tokens=1000, messages=HELLO, tools=[get_weather], stream=stream
            )
            return (await runner.until_done()).content[0].text

    _call_twice(upstream)
    upstream.reply(Text("White."))
    assert asyncio.run(run()) == "White."
    assert texts(upstream.requests[-1], "tool") == ["snow in Rome", "Error: no station"]


@pytest.mark.streaming
def test_leaving_early(client: anthropic.Anthropic, upstream: FakeOpenAI) -> None:
    """Ends the upstream's work."""
    upstream.reply(Text("It begins and"), threading.Event(), Text("never ends"))
    with client.messages.stream(**ASK) as stream:
        assert next(iter(stream.text_stream))
    (exchange,) = upstream.exchanges
    assert exchange.client_gone.wait(_PROMPTLY)


@pytest.mark.streaming
@pytest.mark.parametrize(
    ("end", "kind"),
    [
        pytest.param([CUT], "api_error", id="cut"),
        pytest.param(
            [b'data: {"error": {"message": "slow", "code": "rate_limit_exceeded"}}\n\n'], "rate_limit_error", id="error"
        ),
    ],
)
def test_failure_in_mid_stream(end: list[Step], kind: str, client: anthropic.Anthropic, upstream: FakeOpenAI) -> None:
    """The status is 200 by then, so the error comes as an event."""
    upstream.reply_raw([chunk({"role": "assistant", "content": "It begins"}), 0.05, *end])
    with client.messages.stream(**ASK) as stream:
        words = iter(stream.text_stream)
        assert next(words) == "It begins"
        with pytest.raises(anthropic.APIStatusError) as caught:
            list(words)
    assert caught.value.status_code == 200
    assert caught.value.type == kind


@pytest.mark.parametrize(
    ("status", "error", "raised", "words"),
    [
        (429, {"message": "no", "code": "insufficient_quota"}, anthropic.PaymentRequiredError, "Credit balance"),
        (504, {"message": "late"}, anthropic.GatewayTimeoutError, "late"),
        (
            400,
            {
                "message": "This model's maximum context length is 90 tokens. However, your messages resulted in 91 tokens."
            },
            anthropic.BadRequestError,
            "prompt is too long: 91 tokens > 90 maximum",
        ),
    ],
)
def test_failures_with_a_meaning(
    status: int,
    error: dict[str, str],
    raised: type[Exception],
    words: str,
    client: anthropic.Anthropic,
    upstream: FakeOpenAI,
) -> None:
    upstream.fail(status, {"error": error})
    with pytest.raises(raised, match=words):
        client.messages.create(**ASK)


@pytest.mark.parametrize("credentials", [{"api_key": "sesame"}, {"auth_token": "sesame"}])
def test_key_of_the_proxy(credentials: dict[str, str], upstream: FakeOpenAI, tmp_path: Path) -> None:
    """In either of the forms in which the SDK sends it."""
    upstream.reply(Text("open"))
    with serve(custom_settings(tmp_path, {"api_base": upstream.base_url}, PROXY_API_KEY="other,sesame")) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        with anthropic.Anthropic(base_url=url, max_retries=0, **credentials) as client:
            assert client.messages.create(**ASK).content[0].text == "open"
