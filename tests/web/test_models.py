"""GET /v1/models: what is listed, in pages, and what is told of each model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from anthropic.types import ModelInfo

from proxy.settings.config import load_config
from tests.conformance import check_model, check_models
from tests.web.serving import Proxy, custom_settings, serve


def test_models(proxy: Proxy) -> None:
    """CASES-89"""
    answer = proxy.call("GET", "/v1/models?limit=1000")
    listed = check_models(answer.status, answer.headers, answer.body)
    assert [entry["id"] for entry in listed if entry["id"].startswith("claude-")]
    for entry in listed:
        one = proxy.call("GET", f"/v1/models/{entry['id']}")
        check_model(one.status, one.headers, one.body, entry)
    first, second = listed[0]["id"], listed[1]["id"]
    page = proxy.call("GET", "/v1/models?limit=1").json()
    assert ([entry["id"] for entry in page["data"]], page["has_more"]) == ([first], True)
    page = proxy.call("GET", f"/v1/models?limit=1&after_id={first}").json()
    assert [entry["id"] for entry in page["data"]] == [second]
    page = proxy.call("GET", f"/v1/models?before_id={second}").json()
    assert [entry["id"] for entry in page["data"]] == [first]


def test_the_window_of_a_custom_model_is_told(tmp_path: Path) -> None:
    """CASES-80"""
    entry = {"api_base": "http://127.0.0.1:9/v1", "context_window": 32_768, "max_tokens": 4096}
    with serve(custom_settings(tmp_path, entry)) as proxy:
        told = proxy.call("GET", "/v1/models/claude-opus-5-5").json()
    assert (told["max_input_tokens"], told["max_tokens"]) == (32_768, 4096)


@pytest.mark.parametrize(
    ("query", "found"),
    [("lifecycle[]=active", True), ("lifecycle[]=retired&lifecycle[]=active", True), ("lifecycle[]=retired", False)],
)
def test_stages_of_life(query: str, found: bool, proxy: Proxy) -> None:
    answer = proxy.call("GET", f"/v1/models?{query}")
    assert bool(check_models(answer.status, answer.headers, answer.body)) is found


def test_no_such_stage(proxy: Proxy) -> None:
    assert "lifecycle" in proxy.call("GET", "/v1/models?lifecycle[]=newborn").error(400)["message"]


@pytest.mark.parametrize(
    "limit", ["0", "-1", "1001", "", "x", "1.0", "%D9%A3", "%C2%B2", "9" * 5000, "0" * 5000, "%00"]
)
def test_no_limit(limit: str, proxy: Proxy) -> None:
    assert proxy.call("GET", f"/v1/models?limit={limit}").error(400)["message"].startswith("limit: ")


EFFORTS = {"low", "medium", "high", "xhigh", "max"}


@pytest.mark.parametrize(
    ("model", "able", "efforts"),
    [
        ("gpt-4o", {"image_input", "pdf_input", "structured_outputs", "server_tools"}, set()),
        (
            "gpt-6-sol",
            {"image_input", "pdf_input", "structured_outputs", "server_tools", "thinking", "effort"},
            EFFORTS,
        ),
        (
            "gemini-3.8-flash",
            {"image_input", "pdf_input", "structured_outputs", "server_tools", "thinking", "effort"},
            {"low", "medium", "high"},
        ),
        ("gemini-2.5-flash", {"image_input", "pdf_input", "structured_outputs", "server_tools", "thinking"}, set()),
        ("blind", {"structured_outputs"}, set()),
    ],
)
def test_capabilities(model: str, able: set[str], efforts: set[str], tmp_path: Path) -> None:
    entry = {"model_id": "blind", "api_base": "http://127.0.0.1:9/v1", "vision": False}
    with serve(custom_settings(tmp_path, entry)) as proxy:
        told = proxy.call("GET", f"/v1/models/{model}").json()
    found = told["capabilities"]
    assert {name for name, each in found.items() if each["supported"]} == able
    assert {name for name in EFFORTS if found["effort"][name]["supported"]} == efforts
    assert found["thinking"]["types"]["enabled"]["supported"] is ("thinking" in able)
    ModelInfo.model_validate(told, strict=False)


@pytest.mark.parametrize(
    ("api", "model", "searches"),
    [
        ("auto", "gpt-6-sol", True),
        ("auto", "gpt-5-search-api", False),
        ("chat", "gpt-6-sol", False),
        ("chat", "gemini-3.8-flash", True),
    ],
)
def test_a_search_is_claimed_where_one_is_made(api: str, model: str, searches: bool, tmp_path: Path) -> None:
    with serve(load_config({"OPENAI_API": api}, directory=tmp_path)) as proxy:
        found = proxy.call("GET", f"/v1/models/{model}").json()["capabilities"]["server_tools"]
    assert (found["supported"], found["web_search"]["supported"]) == (searches, searches)


def test_nothing_is_claimed_of_anthropics_models(tmp_path: Path) -> None:
    entry = {"api_base": "http://127.0.0.1:9/v1"}
    with serve(custom_settings(tmp_path, entry, PREFERRED_PROVIDER="anthropic")) as proxy:
        answer = proxy.call("GET", "/v1/models?limit=1000")
        listed = check_models(answer.status, answer.headers, answer.body)
        assert proxy.call("GET", "/v1/models/claude-opus-5-5").json() == listed[2]
    assert [entry["line"] for entry in listed[:4]] == ["haiku", "sonnet", "opus", "fable"]
    assert [entry["capabilities"] for entry in listed[:4]] == [None] * 4


def test_every_model_can_be_picked(tmp_path: Path) -> None:
    """CASES-89: the picker of Claude Code shows what begins with "claude" or "anthropic" only."""
    entries = [{"model_id": name, "api_base": "http://localhost:11434/v1"} for name in ("qwen3-coder", "opus-like")]
    (tmp_path / "custom_models.yaml").write_text(json.dumps(entries), encoding="utf-8")  # JSON is YAML
    environ = {"PREFERRED_PROVIDER": "openai", "BIG_MODEL": "gpt-6-sol", "SMALL_MODEL": "gemini-3.8-flash"}
    with serve(load_config(environ, directory=tmp_path)) as proxy:
        listed: list[dict[str, Any]] = proxy.call("GET", "/v1/models?limit=1000").json()["data"]
    shown = [(entry["display_name"], entry["description"]) for entry in listed if entry["id"].startswith("claude")]
    assert shown[4:] == [
        ("gpt-6-sol (OpenAI)", "Answered by openai/gpt-6-sol"),
        ("gemini-3.8-flash (Google)", "Answered by gemini/gemini-3.8-flash"),
        ("qwen3-coder (localhost:11434)", "Answered by custom/qwen3-coder"),
        ("opus-like (localhost:11434)", "Answered by custom/opus-like"),
    ]
    assert [entry["id"] for entry in listed[-2:]] == ["qwen3-coder", "opus-like"]
    assert [entry["line"] for entry in listed[4:]] == [None] * 6


def test_an_alias_is_answered_by_its_model(proxy: Proxy) -> None:
    answer = proxy.call("GET", "/v1/models/claude-gpt-4o")
    assert answer.json()["description"] == "Answered by openai/gpt-4o"
