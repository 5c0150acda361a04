"""What each path answers, and how what is wrong with a request is said."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from tests.conformance import check_count
from tests.web.serving import Proxy, ask


@pytest.mark.parametrize(
    ("method", "path"), [("HEAD", "/"), ("GET", "/"), ("GET", "/health"), ("HEAD", "/api/hello"), ("GET", "/api/hello")]
)
def test_probes(method: str, path: str, proxy: Proxy) -> None:
    """CASES-90"""
    answer = proxy.call(method, path)
    assert answer.status == 200
    assert answer.headers["request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("GET", "/nowhere", 404, "/nowhere"),
        ("POST", "/v1/v1/messages", 404, "must not end in /v1"),
        ("POST", "/v1//messages", 404, "/v1//messages"),
        ("POST", "/v1/messages/", 404, "/v1/messages/"),
        ("POST", "/messages", 404, "/v1/messages"),
        ("POST", "/v1/chat/completions", 404, "Anthropic API"),
        ("POST", "/v1/messages/batches", 404, "not offered"),
        ("GET", "/v1/messages/batches/msgbatch_1/results", 404, "not offered"),
        ("GET", "/v1/files", 404, "not offered"),
        ("GET", "/v1/files/file_1/content", 404, "not offered"),
        ("POST", "/api/event_logging/batch", 404, "/api/event_logging"),
        ("GET", "/v1/messages", 405, "use OPTIONS, POST"),
        ("GET", "/v1/models/nobody", 404, "model: nobody"),
        ("GET", "/v1/models?limit=0", 400, "limit"),
        ("GET", "/v1/models?after_id=nobody", 400, "after_id"),
    ],
)
def test_wrong_paths(method: str, path: str, status: int, said: str, proxy: Proxy) -> None:
    """CASES-90"""
    assert said in proxy.call(method, path).error(status)["message"]


def test_a_path_makes_no_line_of_the_log(proxy: Proxy, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    proxy.call("GET", "/x%0a2026-01-01%20INFO%20proxy:%20forged%0d").error(404)
    (line,) = (said for said in caplog.messages if "forged" in said)
    assert "/x\\n2026-01-01 INFO proxy: forged\\r 404" in line


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"[]", "an object is expected"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"model": NaN}', "not valid JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (json.dumps(ask(max_tokens="1")).encode(), "max_tokens: Input should be a valid integer"),
        (json.dumps({**ask(), "model": None}).encode(), "model: Input should be a valid string"),
        (json.dumps({"model": "m", "max_tokens": 1}).encode(), "messages: Field required"),
        (json.dumps(ask(messages=[])).encode(), "messages: at least one message is required"),
        (json.dumps(ask(tool_choice={"type": "any"})).encode(), "tool_choice"),
    ],
)
def test_bad_bodies(body: bytes, said: str, proxy: Proxy) -> None:
    for path in ("/v1/messages", "/v1/messages/count_tokens?beta=true"):
        if "tool_choice" in said and "count" in path:
            continue
        assert said in proxy.call("POST", path, body).error(400)["message"]


def test_a_thread_is_refused_so_that_tool_runners_send_all(proxy: Proxy) -> None:
    error = proxy.post(ask(thread={"id": "thread_1"})).error(400)
    assert error["details"] == {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}


def test_unknown_model(proxy: Proxy) -> None:
    assert "model: mystery" in proxy.post(ask(model="mystery")).error(404)["message"]


def test_a_body_over_32_mb(proxy: Proxy) -> None:
    """CASES-86"""
    error = proxy.call("POST", "/v1/messages", b" " * (32 * 1024 * 1024 + 1)).error(413)
    assert "32 MB" in error["message"]


def test_a_large_body_passes(proxy: Proxy) -> None:
    """CASES-86"""
    assert proxy.post(ask("x " * 100_000)).message()["stop_reason"] == "end_turn"


def test_compressed_bodies_are_refused_clearly(proxy: Proxy) -> None:
    error = proxy.call("POST", "/v1/messages", b"\x1f\x8b", {"Content-Encoding": "gzip"}).error(400)
    assert error["details"]["error_code"] == "request_body_encoding_unsupported"


@pytest.mark.parametrize("version", ["2023-06-01", "2026-10-21", None])
@pytest.mark.parametrize("query", ["", "?beta=true", "?x=1&x=2"])
def test_versions_betas_and_fields_of_any_kind(version: str | None, query: str, proxy: Proxy) -> None:
    """CASES-43"""
    headers = {"anthropic_version": version} if version else {}
    fields: dict[str, Any] = {
        "context_management": {"edits": []},
        "brand_new": [1],
        "speed": "fast",
        "service_tier": "auto",
        "safeguards": {"x": 1},
        "container": None,
    }
    answer = proxy.post(ask(**fields), f"/v1/messages{query}", **headers, anthropic_beta="from-the-future-2027-01-01")
    assert answer.message()["content"]


def test_counting(proxy: Proxy) -> None:
    """CASES-45"""
    counts = []
    for text in ("hi", "hi", "hi there, this is longer", "hi there, this is longer \u4f60\u597d" * 50):
        answer = proxy.post(
            {"model": "claude-opus-5-5", "messages": ask(text)["messages"]}, "/v1/messages/count_tokens"
        )
        counts.append(check_count(answer.status, answer.headers, answer.body))
    assert counts[0] == counts[1] < counts[2] < counts[3]
