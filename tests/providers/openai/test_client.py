"""What is sent to a server besides the body, when it is sent again, and how answers may end."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from proxy.answering.attempts import Attempts
from proxy.answering.plan import Limits
from proxy.answering.timing import Timing
from proxy.models.catalog import Catalog
from proxy.models.habits import HabitBook
from proxy.models.routing import Router
from proxy.protocol.deltas import Delta, Finish, TextDelta
from proxy.protocol.errors import ApiError
from proxy.protocol.request import parse_request
from proxy.providers.base import Exchange
from proxy.providers.call import Call
from proxy.providers.openai import client
from proxy.providers.openai.client import OpenAIProvider
from proxy.settings.config import Config, load_config
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import DONE, Text, sse
from tests.fakes.server import CUT

PATIENCE = 20.0
NEVER = threading.Event()
HELLO = sse({"choices": [{"index": 0, "delta": {"role": "assistant", "content": "hello"}, "finish_reason": None}]})
STOP = sse({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
NONSENSE = b"data: {nonsense\n\n"
WHOLE = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}]}
_BODY = {"max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]}


@dataclass
class Asking:
    """One call, made as the pump makes it. `pauses` are the seconds between its attempts, which pass at once."""

    config: Config
    model: str = "claude-opus-5-5"
    read_timeout: float = PATIENCE
    call: Call = field(default_factory=Call)
    pauses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        provider = OpenAIProvider(self.config, self.read_timeout)
        self.attempts = Attempts(provider, HabitBook(), Limits(self.config.max_tokens_limit), Timing())
        self.router = Router(self.config, Catalog.load())

    def deltas(self, retries: int = 0, model: str | None = None) -> list[Delta]:
        model = model or self.model
        request = parse_request(json.dumps({**_BODY, "model": model}).encode())
        exchange = Exchange(request, self.router.resolve(model), retries)
        self.call.sleep = self.pauses.append  # type: ignore[method-assign, assignment]
        with self.call:
            try:
                return [delta for batch in self.attempts.deltas(exchange, self.call) for delta in batch]
            finally:
                self.call.finish()

    def error(self, retries: int = 0) -> ApiError:
        with pytest.raises(ApiError) as caught:
            self.deltas(retries)
        return caught.value

    def text(self) -> str:
        """The answer's text; it must have come to its end."""
        deltas = self.deltas()
        assert any(isinstance(delta, Finish) for delta in deltas)
        return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


@pytest.fixture(autouse=True)
def _no_http_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def upstream() -> Iterator[FakeOpenAI]:
    with FakeOpenAI("compatible") as fake:
        yield fake


def openai_at(url: str, directory: Path) -> Config:
    environ = {"PREFERRED_PROVIDER": "openai", "OPENAI_BASE_URL": url, "OPENAI_API_KEY": "sk-openai-0123456789"}
    return load_config(environ, directory=directory)


def customs(directory: Path, *entries: dict[str, Any], **variables: str) -> Config:
    (directory / "custom_models.yaml").write_text(json.dumps(entries), encoding="utf-8")  # JSON is YAML
    return load_config({"PREFERRED_PROVIDER": "custom", **variables}, directory=directory)


@pytest.fixture
def asking(upstream: FakeOpenAI, tmp_path: Path) -> Asking:
    return Asking(openai_at(upstream.base_url, tmp_path))


# Headers


_OF_HTTP = {"host", "connection", "accept", "accept-encoding", "content-length", "content-type", "user-agent"}
_OF_THE_SDK = {"x-stainless-retry-count", "x-stainless-read-timeout"}


@pytest.fixture
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY", "OPENAI_WEBHOOK_SECRET"):
        monkeypatch.setenv(name, "canary")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://canary.example/v1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer canary\nX-Leak: canary")


def sent_headers(config: Config, upstream: FakeOpenAI) -> dict[str, str]:
    Asking(config).deltas()
    headers = upstream.exchanges[-1].headers
    assert headers["user-agent"].startswith("claude-proxy/")
    assert headers["content-type"] == "application/json"
    return {name: value for name, value in headers.items() if name not in _OF_HTTP | _OF_THE_SDK}


@pytest.mark.usefixtures("_environment")
def test_openai_gets_its_key_and_nothing_of_the_environment(upstream: FakeOpenAI, tmp_path: Path) -> None:
    headers = sent_headers(openai_at(upstream.base_url, tmp_path), upstream)
    assert headers == {"authorization": "Bearer sk-openai-0123456789"}


@pytest.mark.usefixtures("_environment")
@pytest.mark.parametrize(
    ("entry", "headers"),
    [
        ({}, {}),
        ({"api_key_name": "SOME_KEY"}, {"authorization": "Bearer some-key-0123456789"}),
        ({"headers": {"X-Title": "a"}}, {"x-title": "a"}),
        (
            {"api_key_name": "SOME_KEY", "headers": {"Authorization": "Basic dXNlcg==", "api-key": "b"}},
            {"authorization": "Basic dXNlcg==", "api-key": "b"},
        ),
        ({"api_key_name": "SOME_KEY", "api_key_header": "api-key"}, {"api-key": "some-key-0123456789"}),
        (
            {"api_key_name": "SOME_KEY", "api_key_header": "authorization"},
            {"authorization": "Bearer some-key-0123456789"},
        ),
    ],
)
def test_custom_servers_get_what_their_entry_says(
    entry: dict[str, Any], headers: dict[str, str], upstream: FakeOpenAI, tmp_path: Path
) -> None:
    entry = {"model_id": "local", "api_base": upstream.base_url, **entry}
    config = customs(tmp_path, entry, SOME_KEY="some-key-0123456789", OPENAI_API_KEY="sk-openai-0123456789")
    assert sent_headers(config, upstream) == headers


_FILTERED = {"prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False}}}]}


@pytest.mark.usefixtures("_environment")
def test_azure(upstream: FakeOpenAI, tmp_path: Path) -> None:
    """The key in a header of its own, and a stream that begins and ends with what the content filter says."""
    entry = {
        "model_id": "azure",
        "api_base": f"{upstream.url}/openai/v1",
        "api_key_name": "AZURE_KEY",
        "api_key_header": "api-key",
        "model_name": "my-deployment",
    }
    verdict = {"index": 0, "finish_reason": None, "content_filter_results": {"hate": {"filtered": False}}}
    said = {"index": 0, "delta": {"content": "hello"}, "finish_reason": None}
    last = {"index": 0, "delta": {}, "finish_reason": "stop"}
    chunks = [{"choices": [], **_FILTERED}, *({"choices": [choice]} for choice in (said, verdict, last))]
    upstream.reply_raw([*map(sse, chunks), DONE])
    asking = Asking(customs(tmp_path, entry, AZURE_KEY="azure-key-0123456789"))
    assert asking.text() == "hello"
    (exchange,) = upstream.exchanges
    assert exchange.path == "/openai/v1/chat/completions"
    assert exchange.headers["api-key"] == "azure-key-0123456789"
    assert "authorization" not in exchange.headers
    assert exchange.body["model"] == "my-deployment"


def test_models_of_one_server_keep_their_keys_apart(upstream: FakeOpenAI, tmp_path: Path) -> None:
    """Also over the connection that they share."""
    entries: list[dict[str, Any]] = [
        {"model_id": "a", "api_base": upstream.base_url, "api_key_name": "A_KEY", "headers": {"X-Team": "a"}},
        {"model_id": "b", "api_base": upstream.base_url, "api_key_name": "B_KEY"},
        {"model_id": "c", "api_base": upstream.base_url},
    ]
    asking = Asking(customs(tmp_path, *entries, A_KEY="a-key-0123456789", B_KEY="b-key-0123456789"))
    for model in "abcab":
        asking.call = Call()
        asking.deltas(model=model)
    seen = [(exchange.headers.get("authorization"), exchange.headers.get("x-team")) for exchange in upstream.exchanges]
    a, b, c = ("Bearer a-key-0123456789", "a"), ("Bearer b-key-0123456789", None), (None, None)
    assert seen == [a, b, c, a, b]
    assert upstream.connections == 1


@pytest.mark.parametrize("base", ["", "/", "/v1", "/v1/", "/api/paas/v4"])
def test_the_base_url_is_taken_as_it_is(base: str, upstream: FakeOpenAI, tmp_path: Path) -> None:
    config = customs(tmp_path, {"model_id": "local", "api_base": upstream.url + base})
    asking = Asking(config)
    if base.startswith("/v1"):
        asking.deltas()
    else:
        error = asking.error()
        assert error.status == 404
        assert (upstream.url + base).rstrip("/") in error.message
    assert upstream.exchanges[0].path == base.rstrip("/") + "/chat/completions"


# Attempts


def test_no_answer_is_tried_again(asking: Asking, upstream: FakeOpenAI) -> None:
    """CASES-83"""
    for _ in range(3):
        upstream.reply_raw([], hold=[CUT])
    error = asking.error(retries=2)
    assert error.status == 502
    assert upstream.base_url in error.message
    assert len(upstream.exchanges) == 3
    assert asking.pauses == [0.5, 1.0]


def test_a_refused_connection_is_tried_again(tmp_path: Path) -> None:
    """CASES-83"""
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    asking = Asking(openai_at(url, tmp_path))
    error = asking.error(retries=3)
    assert error.status == 502
    assert url in error.message
    assert asking.pauses == [0.5, 1.0, 2.0]


@pytest.mark.parametrize(
    ("status", "attempts"), [(500, 3), (502, 3), (504, 3), (400, 1), (401, 1), (404, 1), (429, 1), (503, 1), (529, 1)]
)
def test_what_is_tried_again(status: int, attempts: int, asking: Asking, upstream: FakeOpenAI) -> None:
    """CASES-83: what the client itself will repeat is not multiplied."""
    for _ in range(3):
        upstream.fail(status, {"error": {"message": "no"}}, {"retry-after": "1"})
    asking.error(retries=2)
    assert len(upstream.exchanges) == attempts


@pytest.mark.streaming
def test_what_has_begun_is_not_tried_again(asking: Asking, upstream: FakeOpenAI) -> None:
    upstream.reply_raw([HELLO, 0.05, CUT])
    assert asking.error(retries=2).status == 502
    assert len(upstream.exchanges) == 1


def test_a_cancelled_call_is_not_tried_again(asking: Asking, upstream: FakeOpenAI) -> None:
    """CASES-84"""
    upstream.reply_raw([], hold=[asking.call.cancel, NEVER])
    asking.error(retries=2)
    assert len(upstream.exchanges) == 1
    assert asking.pauses == []


# Answers and their ends


@pytest.mark.streaming
@pytest.mark.parametrize(
    "end",
    [
        pytest.param([STOP, DONE], id="done"),
        pytest.param([STOP], id="no last word"),
        pytest.param([STOP, 0.05, CUT], id="cut after the finish reason"),
        pytest.param([STOP, NEVER], id="silent after the finish reason"),
        pytest.param([STOP, *[b": a comment\n\n", 0.02] * 100, NONSENSE], id="comments after the finish reason"),
        pytest.param([STOP, DONE, NEVER], id="silent after the last word"),
        pytest.param([STOP, DONE[:-1]], id="last word without its end"),
    ],
)
def test_good_ends(end: list[Any], asking: Asking, upstream: FakeOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_AFTER_FINISH", 0.05)
    monkeypatch.setattr("proxy.providers.call._DRAIN_LIMIT", 0.05)
    upstream.reply_raw([HELLO, *end])
    assert asking.text() == "hello"


@pytest.mark.streaming
@pytest.mark.parametrize(
    ("end", "status", "said"),
    [
        ([0.05, CUT], 502, "before it was complete"),
        ([NEVER], 504, "fell silent"),
        ([NONSENSE], 502, "not JSON"),
        ([b"data: Error: Rate limit reached, try again in 7s\n\n"], 429, "Rate limit reached"),
        ([sse({"error": {"message": "Overloaded", "code": 503}})], 529, "Overloaded"),
    ],
)
def test_bad_ends(end: list[Any], status: int, said: str, upstream: FakeOpenAI, tmp_path: Path) -> None:
    upstream.reply_raw([HELLO, *end])
    error = Asking(openai_at(upstream.base_url, tmp_path), read_timeout=0.2).error()
    assert error.status == status
    assert said in error.message


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_a_whole_answer_unasked(content_type: str, asking: Asking, upstream: FakeOpenAI) -> None:
    upstream.reply_raw([json.dumps(WHOLE).encode()], content_type)
    assert asking.text() == "hello"


@pytest.mark.streaming
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/octet-stream"])
@pytest.mark.parametrize("begin", [b"", b"\n", b": a comment\n\n", b"event: message\n"])
def test_a_stream_under_another_name(begin: bytes, content_type: str, asking: Asking, upstream: FakeOpenAI) -> None:
    upstream.reply_raw([begin + HELLO, STOP, DONE], content_type)
    assert asking.text() == "hello"


def test_servers_that_cannot_stream_are_not_asked_to(upstream: FakeOpenAI, tmp_path: Path) -> None:
    entry = {"model_id": "local", "api_base": upstream.base_url, "can_stream": False}
    upstream.reply(Text("hello"))
    assert Asking(customs(tmp_path, entry)).text() == "hello"
    assert not upstream.requests[0].get("stream")


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"<html>Log in</html>", "text/html", 502),
        (b"", "application/json", 502),
        (b"[]", "application/json", 502),
        (b'"fine"', "application/json", 502),
        (b'{"models": []}', "application/json", 502),
        (b'{"error": {"message": "Too many requests", "code": "rate_limit_exceeded"}}', "application/json", 429),
        (b'{"object": "error", "message": "broken", "code": 500}', "application/json", 500),
    ],
)
def test_answers_that_are_none(
    body: bytes, content_type: str, status: int, asking: Asking, upstream: FakeOpenAI
) -> None:
    upstream.reply_raw([body], content_type)
    assert asking.error().status == status


def test_one_connection_serves_call_after_call(asking: Asking, upstream: FakeOpenAI) -> None:
    for number in range(20):
        asking.call = Call()
        if number % 5 == 4:
            upstream.fail(400, {"error": {"message": "no"}})
            asking.error()
        else:
            asking.text()
    assert upstream.connections == 1
