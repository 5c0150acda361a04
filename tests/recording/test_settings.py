from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.providers.common.scrubber import Scrubber
from proxy.recording.addresses import safe_headers, safe_url
from proxy.recording.filler import Filler
from proxy.recording.redact import Redactor
from proxy.recording.settings import loaded, recorded_settings, secrets_of
from proxy.settings.config import Config, load_config

KEY = "sk-canary-0123456789abcdef"
ENTRY: dict[str, Any] = {
    "model_id": "mine",
    "api_base": "https://llm.canarycorp.example:8443/canarytenant/v1",
    "api_key_name": ["MY_KEY"],
    "api_key_header": "x-key",
    "can_stream": False,
    "max_tokens": 4000,
    "model_name": "some-model",
    "api": "responses",
    "context_window": 32000,
    "vision": False,
    "headers": {"x-tenant": "canarytenantheader"},
    "extra_body": {"temperature": 0.5, "note": "canarynote"},
    "max_tokens_field": "max_completion_tokens",
    "think_tags": True,
    "efforts": ["low", "high"],
    "thinking_style": "thinking",
    "habits": ["no_strict"],
}


def redactor() -> Redactor:
    return Redactor(Scrubber([KEY]), Filler())


def config(place: Path, *entries: dict[str, Any], **variables: str) -> Config:
    if entries:
        (place / "custom_models.yaml").write_text(json.dumps(entries), encoding="utf-8")
    return load_config({"MY_KEY": KEY, **variables}, directory=place)


def test_an_entry_comes_back_but_for_what_is_private(tmp_path: Path) -> None:
    made = config(tmp_path, ENTRY, PREFERRED_PROVIDER="custom", PROXY_API_KEY=f"{KEY}1,{KEY}2", MAX_TOKENS_LIMIT="9")
    recorded = recorded_settings(made, redactor(), hides=True)
    assert "canary" not in json.dumps(recorded)
    again = loaded(recorded)
    (old,), (new,) = made.custom_models, again.custom_models
    private = {name: getattr(new, name) for name in ("api_base", "api_keys", "headers", "extra_body")}
    assert new == replace(old, **private)
    assert new.extra_body["temperature"] == 0.5
    assert len(new.extra_body) == 2
    assert new.headers.keys() == old.headers.keys()
    assert re.fullmatch(r"https://[a-z]{3}\.[a-z]{10}\.[a-z]{7}:8443/[a-z]{12}/v1", new.api_base)
    assert len(new.api_keys) == 1
    assert len(set(again.proxy_api_keys)) == 2
    assert again.max_tokens_limit == 9
    assert again.usage_db == "off"
    assert (again.big_model, again.preferred_provider) == ("mine", "custom")


@pytest.mark.parametrize(
    "entry",
    [
        {"model_id": "a", "api_base": "http://127.0.0.1:1/v1"},
        {"model_id": "a", "server": "openrouter"},
        {"model_id": "a", "server": "groq", "thinking_style": "effort", "efforts": ["low"]},
    ],
)
def test_small_entries_come_back(tmp_path: Path, entry: dict[str, Any]) -> None:
    made = config(tmp_path, entry, PREFERRED_PROVIDER="custom")
    (new,) = loaded(recorded_settings(made, redactor(), hides=True)).custom_models
    assert new == replace(made.custom_models[0], api_keys=new.api_keys)


def test_defaults_are_recorded_and_files_are_not(tmp_path: Path) -> None:
    made = config(tmp_path, OPENAI_API_KEY=KEY, RECORD_DIR="canary", USAGE_DB="sqlite:///canary.db")
    recorded = recorded_settings(made, redactor(), hides=True)
    assert recorded["variables"].keys() == {"PREFERRED_PROVIDER", "BIG_MODEL", "SMALL_MODEL"}
    assert recorded["keys"] == {"OPENAI_API_KEY": 1}
    hostile = {**recorded, "variables": {**recorded["variables"], "CUSTOM_MODELS_FILE": "/etc/passwd", "NEW": "x"}}
    assert loaded(hostile).big_model == made.big_model


def test_secrets(tmp_path: Path) -> None:
    made = config(tmp_path, ENTRY, OPENAI_API_KEY="sk-1234567890", PROXY_API_KEY="pk-1234567890")
    assert set(secrets_of(made)) == {KEY, "sk-1234567890", "pk-1234567890", "canarytenantheader"}


URLS = [
    ("https://api.openai.com/v1/chat/completions", "https://api.openai.com/v1/chat/completions"),
    ("http://localhost:11434/v1", "http://localhost:11434/v1"),
    ("https://u:p@api.groq.com/openai/v1?key=abc&alt=sse#x", "https://api.groq.com/openai/v1?alt=sse"),
    ("http://[::1]:80/v1?key=abc", "http://[::1]:80/v1"),
]


@pytest.mark.parametrize(("url", "safe"), URLS)
def test_urls_that_are_everybodys(url: str, safe: str) -> None:
    assert safe_url(url, redactor(), hides=True) == safe


def test_urls_that_are_not() -> None:
    made = safe_url("https://canaryname.openai.azure.com/openai/deployments/canary1/x", redactor(), hides=True)
    assert made.startswith("https://")
    assert ".openai.azure.com/openai/" in made
    assert "canary" not in made
    assert safe_url("http://canary.corp/v1", redactor(), hides=False) == "http://canary.corp/v1"
    assert "10.20" not in safe_url("http://10.20.30.40:8000/v1", redactor(), hides=True)


def test_headers() -> None:
    given = [
        ("Content-Type", "application/json"),
        ("Authorization", f"Bearer {KEY}"),
        ("X-Stainless-Retry-Count", "1"),
        ("User-Agent", f"client {KEY}"),
        ("X-Claude-Code-Session-Id", "canary"),
        ("X-Claude-Code-Agent-Type", "canaryagent"),
        ("Set-Cookie", "canary"),
    ]
    made = dict(safe_headers(given, redactor()))
    assert made.keys() == {
        *("content-type", "x-stainless-retry-count", "user-agent", "x-claude-code-session-id"),
        "x-claude-code-agent-type",
    }
    assert "canary" not in json.dumps(made)
