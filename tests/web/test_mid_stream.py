"""What happens inside an answer: the proxy's own failures, real events in long silences, and retries left alone."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from proxy.protocol.writer import Writer
from proxy.providers.openai.chat.stream import ChatStream
from tests.conformance import check_stream, parse_sse
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import DONE, sse
from tests.tasks import assert_none_is_left
from tests.web.serving import PATIENCE, Proxy, ask, hang_up, serve, settings

pytestmark = pytest.mark.streaming
SECRET = "canary-content-0123456789"
NEVER = threading.Event()


def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    return sse({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


HELLO = chunk({"content": "hello"})
END = [chunk({}, "stop"), DONE]


def test_the_message_begins_in_one_piece_with_its_first_words(proxy: Proxy, upstream: FakeOpenAI) -> None:
    go_on = threading.Event()
    upstream.reply_raw([HELLO, go_on, *END])
    response = proxy.start(ask(stream=True)).getresponse()
    first = response.read1()
    go_on.set()
    check_stream(first + response.read())
    assert [event["type"] for _, event in parse_sse(first)][:3] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
    ]


def fails(*_: Any) -> Any:
    raise RuntimeError(SECRET)


@pytest.mark.parametrize(("owner", "method"), [(ChatStream, "end"), (Writer, "finish")], ids=["reader", "server"])
def test_a_mistake_of_the_proxy_ends_the_answer_and_tells_no_content(
    owner: type,
    method: str,
    proxy: Proxy,
    upstream: FakeOpenAI,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(owner, method, fails)
    for streams in (True, False):
        upstream.reply_raw([HELLO, 0.05, *END])
        answer = proxy.post(ask(stream=streams))
        error = answer.stream_error() if streams else answer.error(500)
        assert error["type"] == "api_error"
        assert "RuntimeError" in error["message"]
        assert SECRET.encode() not in answer.body
    assert caplog.text.count("RuntimeError at ") == 2
    assert SECRET not in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("begun", "kind", "key", "rest"),
    [
        (HELLO, "text_delta", "text", [chunk({"content": " you"})]),
        (chunk({"reasoning_content": "hm"}), "thinking_delta", "thinking", [HELLO]),
        (
            chunk({"tool_calls": [{"index": 0, "id": "call_1", "function": {"name": "Read", "arguments": '{"a"'}}]}),
            "input_json_delta",
            "partial_json",
            [chunk({"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]})],
        ),
    ],
    ids=["text", "thinking", "tool"],
)
def test_real_events_in_the_silence_inside_a_block(
    begun: bytes,
    kind: str,
    key: str,
    rest: list[bytes],
    proxy: Proxy,
    upstream: FakeOpenAI,
) -> None:
    """CASES-69: they change nothing."""
    proxy.hurry(ping_every=0.02, nudge_every=0.02)
    go_on = threading.Event()
    body = ask(stream=True, tools=[{"name": "Read", "input_schema": {"type": "object"}}])
    upstream.reply_raw([begun, go_on, *rest, *END])
    response = proxy.start(body).getresponse()
    seen = b""
    while not seen.endswith(b"\n\n") or not any(_is_empty(frame.data, kind, key) for frame in parse_sse(seen)):
        seen += response.read1()
    go_on.set()
    seen += response.read()
    # The checker refuses empty text deltas, which are right here and only here.
    kept = [frame for frame in seen.decode().split("\n\n") if '"type":"text_delta","text":""}' not in frame]
    content = check_stream("\n\n".join(kept).encode(), body)["content"]
    expected = {"text_delta": "hello you", "thinking_delta": "hm", "input_json_delta": {"a": 1}}[kind]
    assert content[0].get(key, content[0].get("input")) == expected


def _is_empty(data: dict[str, Any], kind: str, key: str) -> bool:
    delta = data.get("delta") or {}
    return delta.get("type") == kind and delta[key] == ""


@pytest.fixture
def retrying(upstream: FakeOpenAI) -> Iterator[Proxy]:
    with serve(settings(upstream.base_url, MAX_RETRIES="2")) as running:
        yield running


@pytest.mark.parametrize("streams", [True, False])
def test_a_client_that_leaves_during_a_second_attempt_cancels_it(
    streams: bool, retrying: Proxy, upstream: FakeOpenAI
) -> None:
    """CASES-84"""
    retrying.hurry(first_pause=0.01)
    upstream.fail(500, {"error": {"message": "broken"}})
    upstream.reply_raw([], hold=[NEVER])
    connection = retrying.start(ask(stream=streams))
    first, second = upstream.wait_for(2)
    assert first.connection == second.connection
    hang_up(connection)
    assert second.client_gone.wait(PATIENCE)


def test_a_client_that_leaves_between_two_attempts_ends_them(retrying: Proxy, upstream: FakeOpenAI) -> None:
    """CASES-84"""
    retrying.hurry(first_pause=3600.0, attempts=7200.0)
    upstream.fail(500, {"error": {"message": "broken"}})
    connection = retrying.start(ask())
    upstream.wait_for(1)
    hang_up(connection)
    patience = time.monotonic() + PATIENCE
    while len(retrying.services.running):
        assert time.monotonic() < patience
        time.sleep(0.01)
    assert_none_is_left()
    assert len(upstream.exchanges) == 1
