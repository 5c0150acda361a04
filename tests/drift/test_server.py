"""What the client of the drift check is answered with, held to the rules of every answer."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance import check_count, check_error, check_json, check_message, check_models, check_stream
from tests.drift.model import Step, call, text, thinking
from tests.drift.server import Server
from tests.drift.shapes import kind

_SCRIPTS = {
    "WALK": (Step((thinking("Well."), text("I go."), call("Go", far=1), call("Go", far=2))),),
    "BREAK": (Step((text("It breaks off."),), "breaks off"),),
    "LONG": (Step((), "too long"),),
}
_TOOL = {"name": "Go", "input_schema": {"type": "object"}}
_SAFEGUARDS = [{"type": "dangerous_tool_use", "classifier_context": {}}]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(_SCRIPTS, "UNJUDGED") as running:
        yield running
    assert running.failures == []


def _send(server: Server, method: str, path: str, body: Any = None) -> tuple[int, dict[str, str], bytes]:
    return _send_raw(server, method, path, json.dumps(body).encode() if body is not None else None)


def _send_raw(server: Server, method: str, path: str, body: bytes | None) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1])
    connection.request(method, path, body)
    response = connection.getresponse()
    read = response.read()
    connection.close()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, read


def _body(words: str, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": words}]
    thinks = {"type": "adaptive", "display": "summarized"}
    return {"model": "m", "max_tokens": 100, "messages": messages, "tools": [_TOOL], "thinking": thinks, **more}


@pytest.mark.parametrize("words", ["WALK", "hello"])
def test_stream_and_message(server: Server, words: str) -> None:
    body = _body(words, stream=True)
    status, headers, read = _send(server, "POST", "/v1/messages?beta=true", body)
    assert status == 200
    streamed = check_stream(read, body, headers)
    whole = _body(words)
    message = check_message(check_json(*_send(server, "POST", "/v1/messages", whole)), whole)
    assert [block["type"] for block in streamed["content"]] == [block["type"] for block in message["content"]]
    assert server.requests()[0].target == "/v1/messages?beta=true"


@pytest.mark.parametrize("streamed", [True, False])
def test_verdicts_are_where_the_client_looks(server: Server, streamed: bool) -> None:
    body = _body("WALK", stream=streamed, safeguards=_SAFEGUARDS)
    _, _, read = _send(server, "POST", "/v1/messages", body)
    if streamed:
        events = [json.loads(line[6:]) for line in read.decode().splitlines() if line.startswith("data: ")]
        (holder,) = [event["delta"] for event in events if event["type"] == "message_delta"]
        blocks = [event["content_block"] for event in events if event["type"] == "content_block_start"]
    else:
        holder = json.loads(read)
        blocks = holder["content"]
    (judged,) = holder["safeguard_results"]
    assert set(judged["status"]["tool_uses"]) == {block["id"] for block in blocks if block["type"] == "tool_use"}


def test_faults(server: Server) -> None:
    _, _, read = _send(server, "POST", "/v1/messages", _body("BREAK", stream=True))
    assert read.decode().splitlines()[-3] == "event: error"
    assert b"message_stop" not in read
    assert b"message_stop" not in _send(server, "POST", "/v1/messages", _body("BREAK"))[2]
    status, _, read = _send(server, "POST", "/v1/messages", _body("LONG", stream=True))
    assert status == 400
    assert json.loads(read)["error"]["message"].startswith("prompt is too long: ")


def test_other_paths(server: Server) -> None:
    check_models(*_send(server, "GET", "/v1/models?limit=1000"))
    check_count(*_send(server, "POST", "/v1/messages/count_tokens", _body("hello")), _body("hello"))
    assert _send(server, "HEAD", "/api/hello")[0] == 404
    assert _send(server, "GET", "/nowhere")[0] == 404
    assert [kind(request) for request in server.requests()] == [
        "GET /v1/models?limit",
        "POST /v1/messages/count_tokens -/- tools",
        "HEAD /api/hello",
        "GET /nowhere",
    ]
    until = time.monotonic() + 10  # the last answer may be read before the server knows that it is through
    while server.quiet_for() == 0:
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        pytest.param("POST", b'{"model": "m"}', 400, id="no messages"),
        pytest.param("POST", b"\x1f\x8b", 400, id="no JSON"),
        pytest.param("POST", b"[]", 400, id="no object"),
        pytest.param("DELETE", b"", 404, id="another method"),
    ],
)
def test_what_the_script_does_not_know_is_recorded(method: str, body: bytes, status: int) -> None:
    with Server(_SCRIPTS, "UNJUDGED") as server:
        answer = _send_raw(server, method, "/v1/messages", body)
        assert answer[0] == status
        check_error(*answer)
        assert [request.method for request in server.requests()] == [method]
        assert bool(server.failures) is (method == "POST")
