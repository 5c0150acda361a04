"""Anthropic itself: what is passed through, what is changed, and what becomes of it when something breaks."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.protocol.signature import seal
from proxy.providers.anthropic.rewrite import request_body
from proxy.settings.config import Config, load_config
from proxy.web import create_app
from tests.fakes.anthropic.api import LIMITS, FakeAnthropic
from tests.fakes.anthropic.bodies import events, message, redacted, sse, thinking
from tests.fakes.server import CUT, json_answer
from tests.web.serving import PATIENCE, Answer, Proxy, ask, hang_up, serve

SSE = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_up"}}\n\n'
    b'event: ping\ndata: {"type": "ping"}\n\n'
    b'event: from_the_future\ndata: {"type":"from_the_future","x":"\xf0\x9f\x98\x80"}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
KEY = "sk-ant-server-0123456789"
BETAS = "interleaved-thinking-2025-05-14,from-the-future-2027-01-01"
CLIENTS_KEY = "sk-ant-oat-client"
OURS = seal("openai-responses", "gpt-6-sol", "gAAAA")
_MANAGED = {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}


@pytest.fixture
def anthropic() -> Iterator[FakeAnthropic]:
    """Refuses nothing in the course of a test."""
    with FakeAnthropic([KEY, CLIENTS_KEY]) as fake:
        yield fake
    assert fake.refusals == []


def config(url: str, **variables: str) -> Config:
    environ = {"PREFERRED_PROVIDER": "anthropic", "ANTHROPIC_UPSTREAM_URL": url, **variables}
    return load_config(environ, directory=Path(__file__).parent / "no-such-directory")


@pytest.fixture
def proxy(anthropic: FakeAnthropic) -> Iterator[Proxy]:
    with serve(config(anthropic.url, ANTHROPIC_API_KEY=KEY)) as running:
        yield running


def claude(**fields: Any) -> dict[str, Any]:
    return ask(**{"model": "claude-opus-5-5", **fields})


def post(proxy: Proxy, body: dict[str, Any], path: str = "/v1/messages?beta=true", **headers: str) -> Answer:
    return proxy.post(body, path, anthropic_version="2023-06-01", **headers)


def sent(anthropic: FakeAnthropic) -> dict[str, Any]:
    """The last body that reached the upstream."""
    body: dict[str, Any] = json.loads(anthropic.exchanges[-1].raw)
    return body


def test_bodies_are_byte_for_byte(proxy: Proxy, anthropic: FakeAnthropic) -> None:
    anthropic.reply_sse([SSE[:50], 0.05, SSE[50:190], 0.05, SSE[190:]])
    body = b'{ "stream" : true, "thread":{"x":1.0}, "model":"claude-opus-5-5","max_tokens":5,\n '
    body += b'"messages":[{"role":"user",'
    body += '"content":"caf\u00e9 \\ud83d\\ude00"}]}'.encode()
    headers = {"anthropic-beta": BETAS, "anthropic-version": "2023-06-01", "x-api-key": "client-key", "Cookie": "a=b"}
    answer = proxy.call("POST", "/v1/messages?beta=true", body, headers)
    assert answer.body == SSE
    assert answer.headers["request-id"].startswith("req_011")
    assert answer.headers.items() >= LIMITS.items()
    assert answer.headers["content-type"].startswith("text/event-stream")
    (exchange,) = anthropic.exchanges
    assert exchange.raw == body
    assert exchange.path == "/v1/messages?beta=true"
    assert exchange.headers["anthropic-beta"] == BETAS
    assert exchange.headers["x-api-key"] == KEY
    assert "cookie" not in exchange.headers
    assert "client-key" not in str(exchange.headers)


def test_headers_are_byte_for_byte(proxy: Proxy, anthropic: FakeAnthropic) -> None:
    """Also those that are no ASCII, and those of which there are two."""
    anthropic.default(lambda body, headers: json_answer({}, 400, {"x-note": "caf\xe9", "Link": "a"}))
    headers = {"x-note": "caf\xe9", "anthropic-version": "2023-06-01", "content-type": "application/json"}
    with contextlib.closing(proxy.open("POST", "/v1/messages", json.dumps(claude()).encode(), headers)) as connection:
        response = connection.getresponse()
        assert response.headers["x-note"] == "caf\xe9"
    assert anthropic.exchanges[0].headers["x-note"] == "caf\xe9"


def test_an_address_that_is_none(proxy: Proxy, anthropic: FakeAnthropic) -> None:
    answer = proxy.call("GET", "/v1/models?after_id=" + "x" * 70_000, headers={"anthropic-version": "2023-06-01"})
    assert answer.status in (400, 414, 431, 502)
    assert anthropic.exchanges == []


@pytest.mark.parametrize("name", ["anthropic/claude-opus-5-5", "claude-opus-5-5[1m]"])
def test_the_name_is_the_vendors(name: str, proxy: Proxy, anthropic: FakeAnthropic) -> None:
    assert post(proxy, claude(model=name)).status == 200
    assert sent(anthropic)["model"] == "claude-opus-5-5"


def test_errors_pass_with_status_and_headers(proxy: Proxy, anthropic: FakeAnthropic) -> None:
    body = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow", "details": {"x": 1}}}
    failure = json_answer({**body, "request_id": "req_up1"}, 429, {"request-id": "req_up1", "retry-after": "9"})
    anthropic.default(lambda body, headers: failure)
    answer = post(proxy, claude(stream=True))
    assert (answer.status, answer.headers["retry-after"], answer.headers["request-id"]) == (429, "9", "req_up1")
    assert json.loads(answer.body)["error"] == body["error"]


@pytest.mark.parametrize("stream", [False, pytest.param(True, marks=pytest.mark.streaming)])
def test_a_tool_loop(stream: bool, proxy: Proxy, anthropic: FakeAnthropic) -> None:
    """Answers conform as they are, and thinking comes back under the signature it left with."""
    use = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"path": "x"}}
    whole = message("claude-opus-5-5", thinking("Read it."), use, number=77)
    if stream:
        anthropic.reply_sse(events(whole))
    else:
        anthropic.reply_json(whole)
    asked = claude(stream=stream, tools=[{"name": "Read", "input_schema": {"type": "object"}}])
    first = post(proxy, asked)
    if stream:
        assert first.body == b"".join(sse(event) for event in events(whole))
    assert first.message()["content"] == whole["content"]
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "done"}
    asked["messages"] += [
        {"role": "assistant", "content": first.message()["content"]},
        {"role": "user", "content": [result]},
    ]
    assert post(proxy, asked).message()["stop_reason"] == "end_turn"
    assert sent(anthropic) == asked


def test_refusals_are_theirs(proxy: Proxy, anthropic: FakeAnthropic) -> None:
    """What only Anthropic knows to be wrong is said in its words."""
    answer = post(proxy, claude(max_tokens=1000, thinking={"type": "enabled", "budget_tokens": 2000}))
    (said,) = anthropic.refusals
    assert answer.error(400)["message"] == said
    anthropic.exchanges.clear()


def test_counting_is_theirs(proxy: Proxy, anthropic: FakeAnthropic) -> None:
    asked = {"model": "claude-opus-5-5", "messages": [{"role": "user", "content": "hi"}]}
    answer = post(proxy, asked, "/v1/messages/count_tokens?beta=true")
    assert answer.json() == {"input_tokens": len(json.dumps(asked)) // 4}
    assert anthropic.exchanges[0].path == "/v1/messages/count_tokens?beta=true"


def test_foreign_thinking_is_taken_out(proxy: Proxy, anthropic: FakeAnthropic) -> None:
    """CASES-50, CASES-51, CASES-3"""
    use = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}
    own = thinking("")
    foreign = [
        {"type": "thinking", "thinking": "x", "signature": OURS},
        {"type": "thinking", "thinking": "x", "signature": ""},
        {"type": "redacted_thinking", "data": OURS},
    ]
    history = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": foreign},
        {"role": "system", "content": "in place"},
        {"role": "system", "content": [], "output_config": {"effort": "low"}},
        {"role": "assistant", "content": [own, redacted(), *foreign, use]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1"}]},
    ]
    post(proxy, claude(max_tokens=4000, messages=history, thinking={"type": "enabled", "budget_tokens": 2000}))
    kept = {"role": "assistant", "content": [own, redacted(), use]}
    assert sent(anthropic)["messages"] == [history[0], *history[2:4], kept, history[5]]
    assert sent(anthropic)["thinking"] == {"type": "enabled", "budget_tokens": 2000}


def test_a_system_message_keeps_an_assistants_behind_it(proxy: Proxy, anthropic: FakeAnthropic) -> None:
    """CASES-50: of a turn that ended in its thoughts, at the limit of the output, nothing else is there."""
    thoughts = {"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": OURS}]}
    history = [
        {"role": "user", "content": "hi"},
        {"role": "system", "content": "in place"},
        {"role": "system", "content": [], "output_config": {"effort": "low"}},
        thoughts,
        thoughts,
        {"role": "user", "content": "go on"},
    ]
    assert post(proxy, claude(messages=history)).status == 200
    kept = {"role": "assistant", "content": [{"type": "text", "text": "(thinking only)"}]}
    assert sent(anthropic)["messages"] == [*history[:3], kept, history[5]]


@pytest.mark.parametrize(
    "more",
    [
        pytest.param([], id="the result alone"),
        pytest.param([{"role": "user", "content": "and?"}], id="a word of the user's behind it"),
        pytest.param([{"role": "system", "content": "now"}], id="instructions behind it"),
    ],
)
def test_a_budget_gives_way_where_no_thinking_is_left(
    more: list[dict[str, Any]], proxy: Proxy, anthropic: FakeAnthropic
) -> None:
    """CASES-51"""
    use = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {}}
    history = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": OURS}, use]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1"}]},
        *more,
    ]
    for mode, wanted, managed in (
        ({"type": "enabled", "budget_tokens": 2000}, {"type": "disabled"}, None),
        ({"type": "adaptive"}, {"type": "adaptive"}, _MANAGED),
    ):
        asked = claude(max_tokens=4000, messages=history, thinking=mode, context_management=_MANAGED)
        assert post(proxy, asked, anthropic_beta="context-management-2025-06-27").status == 200
        assert sent(anthropic)["thinking"] == wanted
        assert sent(anthropic).get("context_management") == managed


def test_the_clients_own_key_is_passed_on_where_the_server_has_none(anthropic: FakeAnthropic) -> None:
    with serve(config(anthropic.url)) as proxy:
        post(proxy, claude(), authorization=f"Bearer {CLIENTS_KEY}")
    assert anthropic.exchanges[0].headers["authorization"] == f"Bearer {CLIENTS_KEY}"


def test_the_proxys_key_is_not_passed_on(anthropic: FakeAnthropic) -> None:
    with serve(config(anthropic.url, PROXY_API_KEY="proxy-key-0123456789")) as proxy:
        said = post(proxy, claude(), x_api_key="proxy-key-0123456789").error(401)["message"]
    assert said.startswith("ANTHROPIC_API_KEY is not set")
    assert anthropic.exchanges == []


@pytest.mark.streaming
@pytest.mark.parametrize("end", [CUT, None])
def test_a_stream_that_breaks_off_ends_with_an_error(end: Any, proxy: Proxy, anthropic: FakeAnthropic) -> None:
    begun = SSE[: SSE.index(b"event: message_stop")]
    anthropic.reply_sse([begun, 0.1, b"event: content_block", *([end] if end else [])])
    answer = post(proxy, claude(stream=True))
    assert answer.body.startswith(begun + b"event: error\n")
    assert answer.body.count(b"event: error") == 1


@pytest.mark.streaming
def test_pings_stand_between_frames(proxy: Proxy, anthropic: FakeAnthropic) -> None:
    proxy.hurry(ping_every=0.05)
    anthropic.reply_sse([SSE[:20], 0.3, SSE[20:]])
    answer = post(proxy, claude(stream=True))
    ping = b'event: ping\ndata: {"type": "ping"}\n\n'
    assert answer.body.count(ping) > 1
    assert answer.body.replace(ping, b"") == SSE.replace(ping, b"")


@pytest.mark.streaming
@pytest.mark.parametrize("head_first", [True, False])
def test_a_client_that_leaves_cancels(head_first: bool, proxy: Proxy, anthropic: FakeAnthropic) -> None:
    never = threading.Event()
    anthropic.reply_sse([SSE[:100], never] if head_first else [], hold=[] if head_first else [never])
    connection = proxy.start(claude(stream=True), anthropic_version="2023-06-01")
    (exchange,) = anthropic.wait_for(1)
    if head_first:
        connection.getresponse().read1()
    hang_up(connection)
    assert exchange.client_gone.wait(PATIENCE)


def test_silence_ends(anthropic: FakeAnthropic) -> None:
    anthropic.reply_sse([], hold=[threading.Event()])
    with serve(config(anthropic.url, REQUEST_TIMEOUT="1", ANTHROPIC_API_KEY=KEY)) as proxy:
        post(proxy, claude(stream=True)).error(504)
        assert anthropic.exchanges[0].client_gone.wait(PATIENCE)


def test_nobody_there() -> None:
    with serve(config("http://127.0.0.1:9")) as proxy:
        answer = post(proxy, claude())
    assert "ANTHROPIC_UPSTREAM_URL" in answer.error(502)["message"]


def test_connections_are_used_again(proxy: Proxy, anthropic: FakeAnthropic) -> None:
    for _ in range(5):
        post(proxy, claude())
    assert anthropic.connections <= 2


def test_anthropic_tells_of_its_own_models(proxy: Proxy, anthropic: FakeAnthropic) -> None:
    headers = {"anthropic-version": "2023-06-01", "anthropic-beta": BETAS}
    listed = proxy.call("GET", "/v1/models?limit=1000", headers=headers).json()
    assert [entry["id"] for entry in listed["data"]]
    first = listed["data"][0]["id"]
    assert proxy.call("GET", f"/v1/models/anthropic/{first}", headers=headers).json() == listed["data"][0]
    assert [exchange.path for exchange in anthropic.exchanges] == ["/v1/models?limit=1000", f"/v1/models/{first}"]
    assert anthropic.exchanges[0].headers["anthropic-beta"] == BETAS
    assert anthropic.exchanges[0].headers["x-api-key"] == KEY


@pytest.mark.parametrize(
    "name",
    [
        *("claude/../../files", "claude%2F..%2F..%2Ffiles", "anthropic/..", "anthropic/.", "anthropic/%2e%2e"),
        *("anthropic/x/", "anthropic//x", "anthropic/%252e%252e/files", "anthropic/x%5C..%5C..%5Cfiles", "claude-%00"),
    ],
)
def test_a_name_leads_to_no_other_path(name: str, proxy: Proxy, anthropic: FakeAnthropic) -> None:
    """With the server's key a client could read files and batches there."""
    assert proxy.call("GET", f"/v1/models/{name}").error(404)["message"].startswith("model: ")
    assert anthropic.exchanges == []


@pytest.mark.parametrize(
    ("query", "passed"),
    [("beta=true&a[]=%2F", "beta=true&a%5B%5D=%2F"), ("a=\xff", "a=%FF"), ("a#b", "a%23b"), ('"<', "%22%3C")],
)
def test_a_query_passes_in_a_sound_form(query: str, passed: str, anthropic: FakeAnthropic) -> None:
    """`query` as bytes in latin-1, as a WSGI server hands them on."""
    app = create_app(config(anthropic.url, ANTHROPIC_API_KEY=KEY))
    body = json.dumps(claude()).encode()
    headers = {"anthropic-version": "2023-06-01"}
    environ = {"QUERY_STRING": query}
    app.test_client().post("/v1/messages", data=body, headers=headers, environ_overrides=environ)
    assert anthropic.exchanges[-1].path == f"/v1/messages?{passed}"


_TURNS = [
    {"role": "user", "content": "x"},
    {"role": "system", "content": "now", "output_config": {"effort": "max"}},
    {"role": "assistant", "content": "y"},
    {"role": "user", "content": "z"},
    {"role": "system", "content": [], "output_config": {"effort": "high"}},
]


@pytest.mark.parametrize(
    ("effort", "fields"),
    [
        ("low", {"output_config": {"effort": "low", "format": None}, "context_management": _MANAGED}),
        ("minimal", {"output_config": {"effort": "low", "format": None}, "context_management": _MANAGED}),
        ("none", {"output_config": {"effort": "high", "format": None}, "thinking": {"type": "disabled"}}),
    ],
)
def test_an_effort_of_the_target(effort: str, fields: dict[str, Any]) -> None:
    """`anthropic@low`: it holds for the whole request, whatever single turns say."""
    body = claude(messages=_TURNS, output_config={"effort": "high", "format": None}, context_management=_MANAGED)
    made = json.loads(request_body(json.dumps(body).encode(), "claude-opus-5-5", "claude-opus-5-5", effort))
    plain = {name: value for name, value in body.items() if name not in ("output_config", "context_management")}
    turns = [_TURNS[0], {"role": "system", "content": "now"}, *_TURNS[2:4]]
    assert made == {**plain, "messages": turns, **fields}
