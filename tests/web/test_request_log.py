"""The record of a request: complete, true, and without anything that is nobody's business."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Response

from proxy.settings.config import load_config
from proxy.usage.record import Record, session_hash
from proxy.web.request_log import log_response, request_log
from tests.fakes.anthropic.api import FakeAnthropic
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Text, ToolCall, Usage, sse
from tests.translation import PNG
from tests.usage.records import Kept, kept
from tests.web.judging import asking, verdicts
from tests.web.serving import KEY, Proxy, ask, custom_settings, hang_up, serve, settings

SECRET = "canary-content-0123456789"
SESSION = "11111111-2222-3333-4444-555555555555"
TOOL = {"name": "Read", "description": SECRET, "input_schema": {"type": "object"}}
HI = sse({"choices": [{"index": 0, "delta": {"role": "assistant", "content": "hi"}}]})

both = pytest.mark.parametrize("streams", [False, pytest.param(True, marks=pytest.mark.streaming)])


@pytest.fixture
def ledger(proxy: Proxy) -> Kept:
    return kept(proxy)


@both
def test_an_answered_request(streams: bool, proxy: Proxy, upstream: FakeOpenAI, ledger: Kept) -> None:
    upstream.reply(Text("hello"), usage=Usage(1000, 20, cached=400))
    body = ask(SECRET, stream=streams, tools=[TOOL], system=SECRET, top_k=5)
    answer = proxy.post(body, x_claude_code_session_id=SESSION, x_api_key=SECRET)
    answer.message()
    record = ledger.take()
    assert record.id == answer.headers["request-id"]
    assert (record.role, record.model, record.target) == ("main", "claude-sonnet-5-5", "openai/gpt-4o")
    assert record.session == session_hash(SESSION)
    assert (record.status, record.streamed, record.tools) == (200, streams, 1)
    assert (record.tokens_in, record.tokens_cached, record.tokens_out) == (1000, 400, 20)
    assert record.cost == pytest.approx((600 * 2.5 + 400 * 1.25 + 20 * 10) / 1e6)
    assert (record.stop_reason, record.error, record.outcome) == ("end_turn", "", "")
    assert "top_k" in record.notes
    assert record.first_byte is not None
    assert 0 <= record.first_byte <= record.seconds < 60
    told = json.dumps(record.values()) + record.line()
    assert SECRET not in told
    assert SESSION not in told


@both
def test_a_refused_request(streams: bool, proxy: Proxy, upstream: FakeOpenAI, ledger: Kept) -> None:
    upstream.fail(429, {"error": {"message": SECRET, "type": "requests", "code": "rate_limit_exceeded"}})
    proxy.post(ask(stream=streams)).error(429)
    record = ledger.take()
    assert (record.status, record.error, record.streamed) == (429, "rate_limit_error", streams)
    assert (record.tokens_in, record.cost, record.first_byte) == (None, None, None)
    assert SECRET not in record.line()


def test_a_name_that_means_nothing(proxy: Proxy, ledger: Kept) -> None:
    proxy.post(ask(model="\u4f60" + "x" * 200)).error(404)
    record = ledger.take()
    assert (record.status, record.error, record.target) == (404, "not_found_error", "")
    assert record.model == "\\u4f60" + "x" * 200


@pytest.mark.parametrize(
    ("method", "path", "what"),
    [("GET", "/v1/models", "GET /v1/models"), ("POST", "/v1/messages/count_tokens", "POST /v1/messages/count_tokens")],
)
def test_other_requests(method: str, path: str, what: str, proxy: Proxy, ledger: Kept) -> None:
    """They are in the log and in no sum."""
    answer = proxy.post(ask(), path) if method == "POST" else proxy.call(method, path)
    assert answer.status == 200
    assert "x-proxy-cost-usd" not in answer.headers
    record = ledger.take()
    assert (record.what, record.cost, record.is_message) == (what, None, False)


def test_bad_json_is_no_message(proxy: Proxy, ledger: Kept) -> None:
    proxy.call("POST", "/v1/messages", b"{" + SECRET.encode())
    record = ledger.take()
    assert (record.status, record.error, record.is_message) == (400, "invalid_request_error", False)


@pytest.mark.streaming
def test_a_stream_that_breaks(proxy: Proxy, upstream: FakeOpenAI, ledger: Kept) -> None:
    """The estimate stands for the input of which nothing is told."""
    upstream.reply_raw([HI, 0.05, sse({"error": {"message": SECRET}})])
    proxy.post(ask("hi " * 500, stream=True)).stream_error()
    record = ledger.take()
    assert (record.status, record.error) == (200, "api_error")
    assert record.outcome.startswith("failed in mid-stream: 50")
    assert 300 < (record.tokens_in or 0) < 1000
    assert record.cost == pytest.approx((record.tokens_in or 0) * 2.5 / 1e6)


@pytest.mark.streaming
def test_a_client_that_leaves(proxy: Proxy, upstream: FakeOpenAI, ledger: Kept) -> None:
    upstream.reply_raw([HI, *[1.0] * 20])
    connection = proxy.start(ask(stream=True))
    connection.getresponse().read(10)
    hang_up(connection)
    record = ledger.take()
    assert record.outcome in ("the client went away", "cut off")
    assert record.tokens_in


def test_nobody_is_asked_for_no_tokens(proxy: Proxy, upstream: FakeOpenAI, ledger: Kept) -> None:
    proxy.post(ask(max_tokens=0)).message()
    record = ledger.take()
    assert (record.tokens_in, record.tokens_out, record.cost) == (0, 0, 0)
    assert upstream.exchanges == []


@pytest.mark.streaming
def test_who_has_answered_in_the_end(upstream: FakeOpenAI, tmp_path: Path) -> None:
    upstream.fail(500, {"error": {"message": "no"}})
    upstream.reply(Text("hello"), usage=Usage(100, 10))
    with serve(settings(upstream.base_url, BIG_MODEL="gpt-4.1, gpt-4o-mini")) as proxy:
        ledger = kept(proxy)
        proxy.post(ask(stream=True)).message()
        record = ledger.take()
    assert record.target == "openai/gpt-4o-mini"
    assert record.cost == pytest.approx((100 * 0.15 + 10 * 0.6) / 1e6)


PRICED = {"price": {"input": 1, "output": 10}}
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}


@both
def test_who_describes_a_picture_is_paid_as_well(streams: bool, tmp_path: Path) -> None:
    with FakeOpenAI("compatible") as blind, FakeOpenAI("compatible") as seer:
        entries = [
            {"model_id": "blind", "api_base": blind.base_url, "vision": False, **PRICED},
            {"model_id": "seer", "api_base": seer.base_url, **PRICED},
        ]
        (tmp_path / "custom_models.yaml").write_text(json.dumps(entries), encoding="utf-8")
        environ = {"PREFERRED_PROVIDER": "custom", "VISION_MODEL": "seer"}
        with serve(load_config(environ, directory=tmp_path)) as proxy:
            ledger = kept(proxy)
            for target, usage in ((seer, Usage(700, 50)), (blind, Usage(100, 20))):
                target.reply(Text("A red square."), usage=usage)
            proxy.post(ask(messages=[{"role": "user", "content": [PICTURE]}], stream=streams)).message()
            record = ledger.take()
    assert (record.target, record.tokens_in, record.tokens_out) == ("custom/blind", 100, 20)
    assert record.cost == pytest.approx((100 + 200 + 700 + 500) / 1e6)


@both
def test_the_judge_is_paid_as_well(streams: bool, tmp_path: Path, upstream: FakeOpenAI) -> None:
    entry = {"api_base": upstream.base_url, "api_key_name": "LOCAL_KEY", **PRICED}
    with serve(custom_settings(tmp_path, entry, LOCAL_KEY=KEY)) as proxy:
        ledger = kept(proxy)
        upstream.reply(ToolCall("Bash", {"command": "make"}), usage=Usage(100, 20))
        upstream.reply(Text(verdicts({})), usage=Usage(3000, 40))
        proxy.post(asking(streams)).message()
        record = ledger.take()
    assert record.tokens_in == 100
    assert record.cost == pytest.approx((100 + 200 + 3000 + 400) / 1e6)


@pytest.fixture
def anthropic() -> Iterator[FakeAnthropic]:
    with FakeAnthropic(["sk-ant-oat01-client", "sk-ant-api03-client"]) as fake:
        yield fake


@pytest.mark.parametrize(("key", "is_free"), [("sk-ant-oat01-client", True), ("sk-ant-api03-client", False)])
def test_a_subscription_costs_nothing(key: str, is_free: bool, anthropic: FakeAnthropic) -> None:
    """Where the client's own login goes on to Anthropic, nobody pays by the token."""
    environ = {"PREFERRED_PROVIDER": "anthropic", "ANTHROPIC_UPSTREAM_URL": anthropic.url}
    with serve(load_config(environ, directory=Path(__file__).parent / "no-such-directory")) as proxy:
        ledger = kept(proxy)
        login = {"authorization": f"Bearer {key}"} if is_free else {"x_api_key": key}
        answer = proxy.post(ask(model="claude-opus-5-5"), anthropic_version="2023-06-01", **login)
        record = ledger.take()
    assert answer.status == 200
    assert record.tokens_out
    assert (record.cost == 0) is is_free
    assert (answer.headers["x-proxy-cost-usd"] == "0.00000000") is is_free


def test_anthropics_own_errors(anthropic: FakeAnthropic) -> None:
    environ = {"PREFERRED_PROVIDER": "anthropic", "ANTHROPIC_UPSTREAM_URL": anthropic.url}
    with serve(load_config(environ, directory=Path(__file__).parent / "no-such-directory")) as proxy:
        ledger = kept(proxy)
        anthropic.fail(529, "overloaded_error", "Overloaded")
        proxy.post(ask(model="claude-opus-5-5"), anthropic_version="2023-06-01", x_api_key="sk-ant-api03-client")
        record = ledger.take()
    assert (record.status, record.error, record.cost) == (529, "overloaded_error", None)


def test_a_stream_that_is_never_read(proxy: Proxy, ledger: Kept) -> None:
    """As where the client has gone before the first piece is asked for; then no code of the stream runs."""
    with proxy.app.test_request_context("/v1/messages", method="POST"):
        response = Response(iter(()))
        request_log().ends_with(response)
        log_response(response)
    response.close()
    record = ledger.take()
    assert (record.status, record.outcome) == (200, "cut off")


def test_one_line_for_each(proxy: Proxy, ledger: Kept, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "proxy.web.request_log"):
        proxy.post(ask()).message()
        record = ledger.take()
    (line,) = [each for each in caplog.records if each.name == "proxy.web.request_log"]
    assert line.getMessage() == record.line()
    logged: Any = line.__dict__["request"]
    assert isinstance(logged, Record)
    assert logged == record
