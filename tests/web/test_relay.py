"""Anthropic itself: what is passed through, what is changed, and what becomes of it when something breaks."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy import streaming
from proxy.config import Config, load_config
from proxy.protocol.signature import seal
from tests.fakes.server import CUT, Exchange, FakeServer, Raw, json_answer
from tests.web.serving import PATIENCE, Answer, Proxy, ask, hang_up, serve

SSE = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_up"}}\n\n'
    b'event: ping\ndata: {"type": "ping"}\n\n'
    b'event: from_the_future\ndata: {"type":"from_the_future","x":"\xf0\x9f\x98\x80"}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
UP = {"request-id": "req_upstream1", "anthropic-ratelimit-requests-remaining": "7"}
OURS = seal("openai-responses", "gpt-6-sol", "gAAAA")


class Scripted(FakeServer):
    """Answers with what was scripted, else with a small message."""

    def __init__(self) -> None:
        super().__init__()
        self.script: list[Raw] = []

    def answer(self, exchange: Exchange) -> Raw:
        return self.script.pop(0) if self.script else json_answer({"type": "message"}, headers=UP)


@pytest.fixture
def anthropic() -> Iterator[Scripted]:
    with Scripted() as fake:
        yield fake


def config(url: str, **variables: str) -> Config:
    environ = {"PREFERRED_PROVIDER": "anthropic", "ANTHROPIC_UPSTREAM_URL": url, **variables}
    return load_config(environ, directory=Path(__file__).parent / "no-such-directory")


@pytest.fixture
def proxy(anthropic: Scripted) -> Iterator[Proxy]:
    with serve(config(anthropic.url, ANTHROPIC_API_KEY="sk-ant-server-0123456789")) as running:
        yield running


def claude(**fields: Any) -> dict[str, Any]:
    return ask(**{"model": "claude-opus-5-5", **fields})


def sent(anthropic: Scripted) -> dict[str, Any]:
    """The last body that reached the upstream."""
    body: dict[str, Any] = json.loads(anthropic.exchanges[-1].raw)
    return body


def test_bodies_are_byte_for_byte(proxy: Proxy, anthropic: Scripted) -> None:
    anthropic.script = [Raw([SSE[:50], 0.05, SSE[50:190], 0.05, SSE[190:]], headers=UP)]
    body = b'{ "stream" : true, "thread":{"x":1.0}, "model":"claude-opus-5-5","max_tokens":5,\n '
    body += b'"messages":[{"role":"user",'
    body += '"content":"caf\u00e9 \\ud83d\\ude00"}]}'.encode()
    headers = {"anthropic-beta": "b1,b2", "anthropic-version": "2023-06-01", "x-api-key": "client-key", "Cookie": "a=b"}
    answer = proxy.call("POST", "/v1/messages?beta=true", body, headers)
    assert answer.body == SSE
    assert answer.headers["request-id"] == "req_upstream1"
    assert answer.headers["anthropic-ratelimit-requests-remaining"] == "7"
    assert answer.headers["content-type"].startswith("text/event-stream")
    (exchange,) = anthropic.exchanges
    assert exchange.raw == body
    assert exchange.path == "/v1/messages?beta=true"
    assert exchange.headers["anthropic-beta"] == "b1,b2"
    assert exchange.headers["x-api-key"] == "sk-ant-server-0123456789"
    assert "cookie" not in exchange.headers
    assert "client-key" not in str(exchange.headers)


@pytest.mark.parametrize("name", ["anthropic/claude-opus-5-5", "claude-opus-5-5[1m]"])
def test_the_name_is_the_vendors(name: str, proxy: Proxy, anthropic: Scripted) -> None:
    assert proxy.post(claude(model=name)).status == 200
    assert sent(anthropic)["model"] == "claude-opus-5-5"


def test_errors_pass_with_status_and_headers(proxy: Proxy, anthropic: Scripted) -> None:
    body = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow", "details": {"x": 1}}}
    anthropic.script = [json_answer({**body, "request_id": "req_upstream1"}, 429, {**UP, "retry-after": "9"})]
    answer = proxy.post(claude(stream=True))
    assert (answer.status, answer.headers["retry-after"], answer.headers["request-id"]) == (429, "9", "req_upstream1")
    assert json.loads(answer.body)["error"] == body["error"]


def test_counting_is_theirs(proxy: Proxy, anthropic: Scripted) -> None:
    anthropic.script = [json_answer({"input_tokens": 14})]
    assert proxy.post(claude(), "/v1/messages/count_tokens?beta=true").json() == {"input_tokens": 14}
    assert anthropic.exchanges[0].path == "/v1/messages/count_tokens?beta=true"


def test_foreign_thinking_is_taken_out(proxy: Proxy, anthropic: Scripted) -> None:
    """CASES-50, CASES-51, CASES-3"""
    use = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}
    own = {"type": "thinking", "thinking": "", "signature": "ErUB"}
    redacted = {"type": "redacted_thinking", "data": "EmwK"}
    foreign = [
        {"type": "thinking", "thinking": "x", "signature": OURS},
        {"type": "thinking", "thinking": "x", "signature": ""},
        {"type": "redacted_thinking", "data": OURS},
    ]
    history = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": foreign},
        {"role": "system", "content": "in place"},
        {"role": "assistant", "content": [own, redacted, *foreign, use]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1"}]},
    ]
    proxy.post(claude(messages=history, thinking={"type": "enabled", "budget_tokens": 2000}))
    kept = {"role": "assistant", "content": [own, redacted, use]}
    assert sent(anthropic)["messages"] == [history[0], history[2], kept, history[4]]
    assert sent(anthropic)["thinking"] == {"type": "enabled", "budget_tokens": 2000}


def test_a_budget_gives_way_where_no_thinking_is_left(proxy: Proxy, anthropic: Scripted) -> None:
    """CASES-51"""
    use = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}
    history = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": OURS}, use]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1"}]},
    ]
    for thinking, wanted in (
        ({"type": "enabled", "budget_tokens": 2000}, {"type": "disabled"}),
        ({"type": "adaptive"},) * 2,
    ):
        proxy.post(claude(messages=history, thinking=thinking))
        assert sent(anthropic)["thinking"] == wanted


def test_the_clients_own_key_is_passed_on_where_the_server_has_none(anthropic: Scripted) -> None:
    with serve(config(anthropic.url)) as proxy:
        proxy.post(claude(), authorization="Bearer sk-ant-oat-client")
    assert anthropic.exchanges[0].headers["authorization"] == "Bearer sk-ant-oat-client"


def test_the_proxys_key_is_not_passed_on(anthropic: Scripted) -> None:
    with serve(config(anthropic.url, PROXY_API_KEY="proxy-key-0123456789")) as proxy:
        said = proxy.post(claude(), x_api_key="proxy-key-0123456789").error(401)["message"]
    assert said.startswith("ANTHROPIC_API_KEY is not set")
    assert anthropic.exchanges == []


@pytest.mark.streaming
@pytest.mark.parametrize("end", [CUT, None])
def test_a_stream_that_breaks_off_ends_with_an_error(end: Any, proxy: Proxy, anthropic: Scripted) -> None:
    begun = SSE[: SSE.index(b"event: message_stop")]
    anthropic.script = [Raw([begun, 0.1, b"event: content_block", *([end] if end else [])])]
    answer = proxy.post(claude(stream=True))
    assert answer.body.startswith(begun + b"event: error\n")
    assert answer.body.count(b"event: error") == 1


@pytest.mark.streaming
def test_pings_stand_between_frames(proxy: Proxy, anthropic: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "PING_EVERY", 0.05)
    anthropic.script = [Raw([SSE[:20], 0.3, SSE[20:]])]
    answer = proxy.post(claude(stream=True))
    ping = b'event: ping\ndata: {"type": "ping"}\n\n'
    assert answer.body.count(ping) > 1
    assert answer.body.replace(ping, b"") == SSE.replace(ping, b"")


@pytest.mark.streaming
@pytest.mark.parametrize("head_first", [True, False])
def test_a_client_that_leaves_cancels(head_first: bool, proxy: Proxy, anthropic: Scripted) -> None:
    never = threading.Event()
    anthropic.script = [Raw([SSE[:100], never]) if head_first else Raw([], hold=[never])]
    connection = proxy.start(claude(stream=True))
    (exchange,) = anthropic.wait_for(1)
    if head_first:
        connection.getresponse().read1()
    hang_up(connection)
    assert exchange.client_gone.wait(PATIENCE)


def test_silence_ends(anthropic: Scripted) -> None:
    anthropic.script = [Raw([], hold=[threading.Event()])]
    with serve(config(anthropic.url, REQUEST_TIMEOUT="1")) as proxy:
        proxy.post(claude(stream=True)).error(504)
        assert anthropic.exchanges[0].client_gone.wait(PATIENCE)


def test_nobody_there() -> None:
    with serve(config("http://127.0.0.1:9")) as proxy:
        answer: Answer = proxy.post(claude())
    assert "ANTHROPIC_UPSTREAM_URL" in answer.error(502)["message"]


def test_connections_are_used_again(proxy: Proxy, anthropic: Scripted) -> None:
    for _ in range(5):
        proxy.post(claude())
    assert anthropic.connections <= 2
