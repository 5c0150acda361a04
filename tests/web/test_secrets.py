"""Keys, prompts and file contents stay where they belong; and what is said of a bad upstream helps."""

from __future__ import annotations

import base64
import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import assert_absent
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Text, sse
from tests.web.serving import Answer, Proxy, ask, custom_settings, serve, settings

KEYS = {
    "OPENAI_API_KEY": "sk-canary-openai-0123456789",
    "GEMINI_API_KEY": "canary-gemini-0123456789",
    "ANTHROPIC_API_KEY": "sk-ant-canary-0123456789",
    "PROXY_API_KEY": "canary-proxy-0123456789",
    "SERVER_KEY": "canary-server-0123456789",
}
HEADER = "canary-header-0123456789"
CONTENT = "canary-content-0123456789"
IMAGE = base64.b64encode(b"canary-image-0123456789").decode()


@pytest.fixture
def upstream() -> Iterator[FakeOpenAI]:
    with FakeOpenAI("compatible") as fake:
        yield fake


@pytest.fixture
def proxy(upstream: FakeOpenAI, tmp_path: Path) -> Iterator[Proxy]:
    entry = {"api_base": upstream.base_url, "api_key_name": "SERVER_KEY", "headers": {"X-Extra": HEADER}}
    with serve(custom_settings(tmp_path, entry, **KEYS)) as running:
        yield running


def private() -> dict[str, Any]:
    """A request with canaries in its system prompt, tool input, tool result, image and metadata."""
    use = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"file_path": CONTENT}}
    source = {"type": "base64", "media_type": "image/png", "data": IMAGE}
    result = {
        "type": "tool_result",
        "tool_use_id": "toolu_1",
        "content": [{"type": "text", "text": CONTENT}, {"type": "image", "source": source}],
    }
    return ask(
        CONTENT,
        system=CONTENT,
        tools=[{"name": "Read", "input_schema": {"type": "object"}}],
        metadata={"user_id": CONTENT},
        messages=[
            {"role": "user", "content": CONTENT},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": CONTENT, "signature": CONTENT}, use]},
            {"role": "user", "content": [result, {"type": "mystery", "x": CONTENT}]},
        ],
    )


def everything(answer: Answer, caplog: pytest.LogCaptureFixture) -> bytes:
    headers = "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
    return b"\n".join([headers.encode(), answer.body, caplog.text.encode()])


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("trouble", ["none", "echo", "html", "cut", "exception", "refusal", "bad key"])
def test_canaries(
    trouble: str,
    streams: bool,
    proxy: Proxy,
    upstream: FakeOpenAI,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.INFO)
    keys = [*KEYS.values(), HEADER]
    if trouble == "none":
        upstream.reply(Text("fine"))
    elif trouble == "echo":
        said = f"Incorrect API key provided: {KEYS['SERVER_KEY']}"
        upstream.fail(400, {"error": {"message": f"{said} sk-live-aaaabbbbcccc", "type": "x"}})
        keys.append("sk-live-aaaabbbbcccc")
    elif trouble == "html":
        upstream.reply_raw([f"<html>{KEYS['SERVER_KEY']}</html>".encode()], content_type="text/html", status=500)
    elif trouble == "cut":
        upstream.reply_raw([b"data: {"])
    elif trouble == "exception":

        def broken(*_: Any, **__: Any) -> Any:
            raise RuntimeError(f"{CONTENT} {KEYS['SERVER_KEY']}")

        monkeypatch.setattr("proxy.providers.openai.chat.request.build", broken)
    elif trouble == "refusal":
        upstream.fail(422, {"detail": "no"})
    elif trouble == "bad key":
        upstream.fail(401, {"error": {"message": f"bad {KEYS['SERVER_KEY']}", "code": "invalid_api_key"}})
    answer = proxy.post({**private(), "stream": streams}, x_api_key=KEYS["PROXY_API_KEY"])
    assert (answer.status == 200) == (trouble == "none")
    assert_absent(everything(answer, caplog), [*keys, CONTENT, IMAGE])
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("headers", [{"X-Extra": HEADER}, {"Authorization": f"Bearer {HEADER}"}])
def test_keys_in_headers_are_not_quoted_either(headers: dict[str, str], upstream: FakeOpenAI, tmp_path: Path) -> None:
    said = {"error": {"message": f"no such key: {HEADER}", "code": "rate_limit_exceeded"}}
    with serve(custom_settings(tmp_path, {"api_base": upstream.base_url, "headers": headers})) as proxy:
        for status in (400, 403, 404, 409, 422, 429, 500, 503):
            upstream.fail(status, said)
        for _ in range(8):
            assert_absent(proxy.post(ask()).body, [HEADER])
        begun = sse({"choices": [{"index": 0, "delta": {"content": "hello"}}]})
        upstream.reply_raw([begun, 0.05, sse(said)])
        answer = proxy.post(ask(stream=True))
    assert "no such key" in answer.stream_error()["message"]
    assert_absent(answer.body, [HEADER])


def test_refused_callers_learn_nothing(proxy: Proxy, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for body in (private(), {"model": CONTENT, "max_tokens": CONTENT}):
        answer = proxy.post(body, x_api_key="canary-wrong-0123456789")
        answer.error(401)
        assert_absent(everything(answer, caplog), [*KEYS.values(), CONTENT, "canary-wrong-0123456789"])


def test_bad_bodies_are_not_quoted_in_the_log(proxy: Proxy, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    proxy.post({**private(), "max_tokens": CONTENT}, x_api_key=KEYS["PROXY_API_KEY"]).error(400)
    assert_absent(caplog.text.encode(), [*KEYS.values(), CONTENT])


def test_dead_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with serve(settings(f"http://127.0.0.1:{port}/v1")) as proxy:
        said = proxy.post(ask(stream=True)).error(502)["message"]
    assert f"http://127.0.0.1:{port}/v1" in said
    assert "check that the server runs" in said


def test_missing_key(upstream: FakeOpenAI) -> None:
    """CASES-85"""
    with serve(settings(upstream.base_url, OPENAI_API_KEY="")) as proxy:
        answer = proxy.post(ask())
    assert answer.error(401)["message"].startswith("OPENAI_API_KEY is not set")
    assert answer.headers["x-should-retry"] == "false"
    assert upstream.exchanges == []


def test_web_page(upstream: FakeOpenAI) -> None:
    with serve(settings(upstream.base_url)) as proxy:
        upstream.reply_raw([b"<!doctype html><title>Log in</title>"], content_type="text/html")
        said = proxy.post(ask(stream=True)).error(502)["message"]
    assert upstream.base_url in said
    assert "/v1" in said


def test_a_path_writes_no_line_of_its_own(proxy: Proxy, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        proxy.call("GET", "/x%0aforged%0d%c3%bc").error(401)
    assert "GET /x\\nforged\\r\\xfc 401" in caplog.text


def test_redirects_are_not_followed(upstream: FakeOpenAI) -> None:
    with serve(settings(upstream.base_url)) as proxy:
        elsewhere = {"location": "http://attacker.example/v1/chat/completions"}
        upstream.reply_raw([], status=307, headers=elsewhere)
        assert "redirect" in proxy.post(ask()).error(502)["message"]


def test_nothing_of_the_environment_reaches_a_custom_server(
    upstream: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY", "OPENAI_API_KEY", "OPENAI_WEBHOOK_SECRET"):
        monkeypatch.setenv(name, "canary-environment")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://canary-environment.example/v1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer canary-environment\nX-Leak: canary-environment")
    entry = {"api_base": upstream.base_url, "headers": {"X-Extra": HEADER}}
    with serve(custom_settings(tmp_path, entry)) as proxy:
        proxy.post(ask()).message()
    (exchange,) = upstream.exchanges
    assert "canary-environment" not in str(exchange.headers)
    assert "authorization" not in exchange.headers
    assert exchange.headers["x-extra"] == HEADER


def test_http_proxies_are_honoured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CASES-94"""
    with FakeOpenAI("compatible") as corporate:
        monkeypatch.setenv("HTTP_PROXY", corporate.url)
        monkeypatch.setenv("NO_PROXY", "direct.example")
        with serve(custom_settings(tmp_path, {"api_base": "http://model.example/v1"})) as proxy:
            proxy.post(ask())
        assert "model.example" in str(corporate.exchanges[0].path) + str(corporate.exchanges[0].headers)
