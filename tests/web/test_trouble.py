"""Upstreams that fail, fall silent or are left alone, seen from both ends of the real server."""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance import check_stream
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import DONE, Reply, Text, ToolCall, sse
from tests.fakes.server import CUT, Exchange, Step
from tests.web.serving import PATIENCE, Answer, Proxy, ask, hang_up, read, serve, settings

HELLO = sse({"choices": [{"index": 0, "delta": {"role": "assistant", "content": "hello"}, "finish_reason": None}]})
STOP = sse({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
RATE_LIMIT = "Rate limit reached for gpt-4o on tokens per min (TPM): Limit 1, Used 1. Please try again in 41.724s."
QUOTA = "You exceeded your current quota, please check your plan and billing details."
OVERFLOW = (
    "This model's maximum context length is 128000 tokens. However, your messages resulted in 140004 tokens. "
    "Please reduce the length of the messages."
)


def failure(message: str, code: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize(
    ("status", "body", "headers", "seen", "said", "retry_after", "should_retry"),
    [
        (401, failure("Incorrect API key", "invalid_api_key"), {}, 401, "OPENAI_API_KEY", None, "false"),
        (403, failure("Country not supported"), {}, 403, "Country", None, None),
        (404, failure("The model `x` does not exist", "model_not_found"), {}, 404, "does not exist", None, None),
        (
            400,
            failure(OVERFLOW, "context_length_exceeded"),
            {},
            400,
            "prompt is too long: 140004 tokens > 128000",
            None,
            None,
        ),
        (429, failure(RATE_LIMIT, "rate_limit_exceeded"), {}, 429, "Rate limit", "42", None),
        (429, failure("slow", "rate_limit_exceeded"), {"retry-after": "7"}, 429, "slow", "7", None),
        (429, failure("slow", "rate_limit_exceeded"), {"retry-after": "3600"}, 429, "slow", None, "false"),
        (429, failure(QUOTA, "insufficient_quota"), {}, 402, "Credit balance is too low", None, "false"),
        (500, failure("The server had an error"), {}, 500, "had an error", None, None),
        (503, failure("overloaded", "server_is_overloaded"), {"retry-after": "3"}, 529, "overloaded", "3", None),
        (413, failure("too large"), {}, 413, "too large", None, None),
    ],
)
def test_early_failures_have_their_true_status(  # CASES-78, CASES-81, CASES-82
    streams: bool,
    status: int,
    body: dict[str, Any],
    headers: dict[str, str],
    seen: int,
    said: str,
    retry_after: str | None,
    should_retry: str | None,
    proxy: Proxy,
    upstream: FakeOpenAI,
) -> None:
    upstream.fail(status, body, headers)
    answer = proxy.post(ask(stream=streams))
    assert said in answer.error(seen)["message"]
    assert answer.headers.get("retry-after") == retry_after
    assert answer.headers.get("x-should-retry") == should_retry


@pytest.mark.streaming
def test_error_chunk_first_is_a_status(proxy: Proxy, upstream: FakeOpenAI) -> None:
    """CASES-65"""
    upstream.reply_raw([sse({"error": {"code": "1302", "message": "High concurrency"}}), DONE])
    assert "High concurrency" in proxy.post(ask(stream=True)).error(429)["message"]


@pytest.mark.streaming
@pytest.mark.parametrize("end", [sse({"error": {"code": 502, "message": "gone"}}), CUT])
def test_failure_after_content_is_an_error_event(end: Any, proxy: Proxy, upstream: FakeOpenAI) -> None:
    """CASES-66"""
    upstream.reply_raw([HELLO, 0.3, end])
    assert proxy.post(ask(stream=True)).stream_error()["type"] == "api_error"
    upstream.reply_raw([HELLO, 0.3, end])
    proxy.post(ask()).error(502)


@pytest.mark.streaming
def test_silence_is_filled_with_pings(proxy: Proxy, upstream: FakeOpenAI) -> None:
    """CASES-69"""
    proxy.hurry(ping_every=0.05, head_patience=0.05, nudge_every=0.2)
    go_on = threading.Event()
    upstream.reply_raw([go_on, HELLO, STOP, DONE])
    connection = proxy.start(ask(stream=True))
    response = connection.getresponse()
    seen = b""
    while seen.count(b"event: ping") < 3 or b"thinking" not in seen:
        seen += response.read1()
    go_on.set()
    seen += response.read()
    assert seen.startswith(b"event: message_start")
    assert check_stream(seen, ask(stream=True))["content"][-1] == {"type": "text", "text": "hello"}


@pytest.mark.streaming
def test_no_real_event_is_made_up_where_thinking_is_off(proxy: Proxy, upstream: FakeOpenAI) -> None:
    proxy.hurry(ping_every=0.02, head_patience=0.02, nudge_every=0.02)
    upstream.reply_raw([0.3, HELLO, STOP, DONE])
    content = proxy.post(ask(stream=True, thinking={"type": "disabled"})).message()["content"]
    assert content == [{"type": "text", "text": "hello"}]


@pytest.mark.parametrize("streams", [True, False])
def test_idle_limit(streams: bool, upstream: FakeOpenAI) -> None:
    """CASES-70: comments of a gateway are signs of life, silence is not."""
    with serve(settings(upstream.base_url, REQUEST_TIMEOUT="1")) as proxy:
        upstream.reply_raw([b": waiting\n\n", threading.Event()])
        assert "REQUEST_TIMEOUT" in proxy.post(ask(stream=streams)).error(504)["message"]
        (exchange,) = upstream.exchanges
        assert exchange.client_gone.wait(PATIENCE)


def exchange_of(upstream: FakeOpenAI, count: int = 1) -> Exchange:
    return upstream.wait_for(count)[-1]


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("reused", [False, True])
@pytest.mark.parametrize("place", ["before the head", "in the silent middle"])
def test_a_client_that_leaves_cancels_the_upstream(
    place: str, reused: bool, streams: bool, proxy: Proxy, upstream: FakeOpenAI
) -> None:
    """CASES-84"""
    if reused:
        proxy.post(ask())
        time.sleep(0.2)  # the connection is back in the pool a moment after the answer is through
    never = threading.Event()
    if place == "before the head":
        upstream.reply_raw([], hold=[never])
    else:
        upstream.reply_raw([HELLO, never])
    connection = proxy.start(ask(stream=streams))
    exchange = exchange_of(upstream, 1 + reused)
    if streams and place != "before the head":
        connection.getresponse().read1()
    hang_up(connection)
    assert exchange.client_gone.wait(PATIENCE)
    assert upstream.connections == 1


@pytest.mark.streaming
def test_a_client_that_leaves_while_data_flows_cancels_the_upstream(proxy: Proxy, upstream: FakeOpenAI) -> None:
    """CASES-84"""
    flowing: list[Step] = [HELLO, 0.02]
    upstream.reply_raw([HELLO, *flowing * 500])
    connection = proxy.start(ask(stream=True))
    connection.getresponse().read1()
    hang_up(connection)
    assert exchange_of(upstream).client_gone.wait(PATIENCE)


@pytest.mark.streaming
def test_stopping_ends_answers_with_an_error_event(proxy: Proxy, upstream: FakeOpenAI) -> None:
    upstream.reply_raw([HELLO, threading.Event()])
    connection = proxy.start(ask(stream=True))
    response = connection.getresponse()
    begun = response.read1()
    proxy.services.running.cancel_all()
    headers = {name.lower(): value for name, value in response.getheaders()}
    answer = Answer(200, headers, begun + response.read(), ask(stream=True))
    assert "shutting down" in answer.stream_error()["message"]


def test_one_upstream_connection_serves_request_after_request(proxy: Proxy, upstream: FakeOpenAI) -> None:
    for number in range(20):
        proxy.post(ask(stream=bool(number % 2))).message()
    # The next request may come before the last bytes of the answer before it, which bring its connection back.
    assert upstream.connections <= 3


@pytest.mark.streaming
def test_many_at_a_time(upstream: FakeOpenAI) -> None:
    def handler(body: dict[str, Any], _: Any) -> Any:
        said = body["messages"][-1]["content"]
        return Reply(Text(f"you said {said}"), 0.05, ToolCall("Read", {"file_path": said}))

    upstream.default(handler)
    tools = [{"name": "Read", "input_schema": {"type": "object"}}]
    with serve(settings(upstream.base_url), threads=40) as proxy, concurrent.futures.ThreadPoolExecutor(30) as pool:
        answers = pool.map(lambda n: proxy.post(ask(f"n{n}", stream=True, tools=tools)).message(), range(60))
        for number, message in enumerate(answers):
            text, use = message["content"]
            assert (text["text"], use["input"]) == (f"you said n{number}", {"file_path": f"n{number}"})


@pytest.fixture
def retrying(upstream: FakeOpenAI) -> Iterator[Proxy]:
    with serve(settings(upstream.base_url, MAX_RETRIES="2")) as proxy:
        proxy.hurry(first_pause=0.01)
        yield proxy


@pytest.mark.parametrize(("count", "calls"), [(None, 3), ("0", 3), ("1", 1)])
def test_one_layer_of_retries(count: str | None, calls: int, retrying: Proxy, upstream: FakeOpenAI) -> None:
    """CASES-83"""
    for _ in range(3):
        upstream.fail(500, failure("broken"))
    headers = {"x_stainless_retry_count": count} if count else {}
    retrying.post(ask(), **headers).error(500)
    assert len(upstream.exchanges) == calls


def test_a_retry_that_helps(retrying: Proxy, upstream: FakeOpenAI) -> None:
    upstream.fail(502, failure("broken"))
    assert retrying.post(ask()).message()["content"]


@pytest.mark.parametrize("status", [400, 403, 404, 429, 503])
def test_what_the_client_decides_about_is_not_retried(status: int, retrying: Proxy, upstream: FakeOpenAI) -> None:
    """CASES-83"""
    upstream.fail(status, failure("no"))
    assert retrying.post(ask()).status >= 400
    assert len(upstream.exchanges) == 1


def test_max_tokens_zero_asks_nobody(proxy: Proxy, upstream: FakeOpenAI) -> None:
    message = read(proxy.start(ask(max_tokens=0)).getresponse()).json()
    assert message["content"] == []
    assert upstream.exchanges == []
