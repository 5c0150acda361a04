"""What fails when the status line is already on its way, or just before; and answers that are ended from outside."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from proxy.answering.timing import Timing
from proxy.web import services
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import DONE, sse
from tests.fakes.server import Step
from tests.tasks import assert_none_is_left
from tests.web.serving import PATIENCE, Answer, Proxy, ask, hang_up, read, serve, settings

HELLO = sse({"choices": [{"index": 0, "delta": {"role": "assistant", "content": "hello"}, "finish_reason": None}]})
STOP = sse({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
NEVER = threading.Event()
OVERFLOW = {
    "code": "context_length_exceeded",
    "message": "This model's maximum context length is 1000 tokens. However, your messages resulted in 2000 tokens.",
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The status line does not wait, and silence is filled at once."""
    monkeypatch.setattr(services, "Timing", lambda: Timing(ping_every=0.02, head_patience=0.02))


@pytest.fixture
def hasty(upstream: FakeOpenAI) -> Iterator[Proxy]:
    """Bears half a second of silence."""
    with serve(settings(upstream.base_url, REQUEST_TIMEOUT="0.5")) as running:
        yield running


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        ({"code": "rate_limit_exceeded", "message": "slow down"}, 429, "slow down"),
        ({"type": "overloaded_error", "message": "try later"}, 529, "try later"),
        ({"code": 503, "message": "no worker"}, 529, "no worker"),
        ({"code": "insufficient_quota", "message": "no money"}, 402, "Credit balance is too low"),
        ({"code": "invalid_prompt", "message": "against the policy"}, 400, "against the policy"),
        (OVERFLOW, 400, "prompt is too long: 2000 tokens > 1000 maximum"),
        ({"message": "something broke"}, 502, "something broke"),
        ("something broke", 502, "something broke"),
    ],
)
def test_an_error_chunk_first_is_a_status(
    error: Any, status: int, said: str, streams: bool, proxy: Proxy, upstream: FakeOpenAI
) -> None:
    """CASES-65"""
    upstream.reply_raw([sse({"error": error}), DONE])
    assert said in proxy.post(ask(stream=streams)).error(status)["message"]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("status", "kind"), [(429, "rate_limit_error"), (503, "overloaded_error"), (401, "authentication_error")]
)
def test_a_failure_after_the_status_line_is_an_error_event(
    status: int, kind: str, proxy: Proxy, upstream: FakeOpenAI
) -> None:
    """CASES-66"""
    go_on = threading.Event()
    upstream.reply_raw([b'{"error": {"message": "no"}}'], "application/json", status, hold=[go_on])
    response = proxy.start(ask(stream=True)).getresponse()
    begun = response.read1()
    go_on.set()
    assert _whole(response, begun).stream_error()["type"] == kind


@pytest.mark.parametrize("begun", [[], [HELLO]], ids=["after pings", "after content"])
def test_silence_after_the_status_line_ends_in_an_error_event(
    begun: list[Step], hasty: Proxy, upstream: FakeOpenAI
) -> None:
    """CASES-70"""
    if not begun:
        hasty.hurry(ping_every=0.02, head_patience=0.02)
    upstream.reply_raw([*begun, NEVER])
    error = hasty.post(ask(stream=True)).stream_error()
    assert error["type"] == "timeout_error"
    assert "REQUEST_TIMEOUT" in error["message"]
    assert upstream.exchanges[0].client_gone.wait(PATIENCE)


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("shape", ["a stream left open", "one piece of JSON in drops"])
def test_what_is_no_silence(shape: str, streams: bool, hasty: Proxy, upstream: FakeOpenAI) -> None:
    whole = {"choices": [{"index": 0, "message": {"content": "hello"}, "finish_reason": "stop"}]}
    if shape == "a stream left open":
        upstream.reply_raw([HELLO, STOP, NEVER])
    else:
        drops = [step for each in json.dumps(whole).split() for step in (each.encode(), 0.1)]
        upstream.reply_raw(drops, "application/json")
    assert hasty.post(ask(stream=streams)).message()["content"] == [{"type": "text", "text": "hello"}]


@pytest.mark.usefixtures("impatient")
def test_a_client_that_leaves_between_pings_cancels_the_upstream(proxy: Proxy, upstream: FakeOpenAI) -> None:
    """CASES-84: the upstream has not even sent its head."""
    upstream.reply_raw([], hold=[NEVER])
    connection = proxy.start(ask(stream=True))
    response = connection.getresponse()
    seen = b""
    while seen.count(b"event: ping") < 2:
        seen += response.read1()
    hang_up(connection)
    assert upstream.exchanges[0].client_gone.wait(PATIENCE)


def test_a_client_that_leaves_while_data_is_gathered_cancels_the_upstream(proxy: Proxy, upstream: FakeOpenAI) -> None:
    """CASES-84"""
    flowing = threading.Event()
    pieces: list[Step] = [HELLO, 0.01]
    upstream.reply_raw([HELLO, flowing.set, *pieces * 1000])
    connection = proxy.start(ask(stream=False))
    assert flowing.wait(PATIENCE)
    hang_up(connection)
    assert upstream.exchanges[0].client_gone.wait(PATIENCE)


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("hold", [[NEVER], []], ids=["before the head", "within the body"])
def test_stopping_before_there_is_anything_to_show_is_a_status(
    hold: list[Step], streams: bool, proxy: Proxy, upstream: FakeOpenAI
) -> None:
    upstream.reply_raw([b": waiting\n\n", NEVER], hold=hold)
    connection = proxy.start(ask(stream=streams))
    (exchange,) = upstream.wait_for(1)
    proxy.services.running.cancel_all()
    assert "shutting down" in read(connection.getresponse()).error(503)["message"]
    assert exchange.client_gone.wait(PATIENCE)
    assert len(proxy.services.running) == 0


def test_nothing_is_left_of_answers_however_they_ended(proxy: Proxy, upstream: FakeOpenAI) -> None:
    """Tasks, threads and the list of running answers, after a good end, a failure and a cut."""
    upstream.fail(400, {"error": {"message": "no"}})
    upstream.reply_raw([HELLO, sse({"error": {"message": "gone"}})])
    for streams in (True, True, True, False):
        proxy.post(ask(stream=streams))
    assert_none_is_left()
    assert len(proxy.services.running) == 0


def _whole(response: Any, begun: bytes) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, begun + response.read(), ask(stream=True))
