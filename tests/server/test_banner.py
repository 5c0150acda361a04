from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from proxy.server.banner import banner, local_url, start_line
from proxy.settings.config import load_config
from proxy.web import create_app

CUSTOM = """
- model_id: "qwen\u4f60"
  api_base: http://localhost:11434/v1
- model_id: hosted
  api_base: https://models.example/v1
  api_key_name: HOSTED_KEY
"""


@pytest.mark.parametrize(
    ("environ", "words", "not_said"),
    [
        (
            {"PREFERRED_PROVIDER": "openai", "OPENAI_API_KEY": "sk-canary-0123456789"},
            [
                "serves http://127.0.0.1:8082 (listening on 127.0.0.1, port 8082)",
                "this machine only; set PROXY_API_KEY",
                "opus, sonnet and others -> openai/gpt-4o\n",
                "haiku -> openai/gpt-4o-mini\n",
                "custom models qwen\\u4f60, hosted",
                "status page   http://127.0.0.1:8082/\n",
                "\n  claude-proxy claude\n",
                "ANTHROPIC_AUTH_TOKEN=local",
            ],
            ["canary", "warning"],
        ),
        (
            {"PREFERRED_PROVIDER": "openai", "PROXY_API_KEY": "canary-key"},
            ["whoever sends a key", "openai/gpt-4o (OPENAI_API_KEY is not set)", "=<your PROXY_API_KEY>"],
            ["canary", "this machine"],
        ),
        (
            {"PREFERRED_PROVIDER": "custom", "SMALL_MODEL": "hosted"},
            ["-> custom/qwen\\u4f60\n", "haiku -> custom/hosted (HOSTED_KEY is not set)"],
            [],
        ),
        ({"PREFERRED_PROVIDER": "anthropic", "BIG_MODEL": "gpt-4o"}, ["warning       BIG_MODEL: is not used"], []),
        ({"HOST": "192.168.1.5"}, ["http://192.168.1.5:8082", "every call will be refused"], []),
        ({"HOST": "192.168.1.5", "PROXY_API_KEY": "key"}, ["whoever"], ["refused"]),
        ({"HOST": "::1"}, ["http://[::1]:8082"], ["refused"]),
        ({"HOST": "box.example"}, ["http://box.example:8082"], ["refused"]),
    ],
)
def test_banner(environ: dict[str, str], words: list[str], not_said: list[str], tmp_path: Path) -> None:
    (tmp_path / "custom_models.yaml").write_text(CUSTOM, encoding="utf-8")
    config = load_config(environ, directory=tmp_path)
    text = banner(create_app(config).extensions["proxy"], config.port)
    assert text.isascii()
    for each in words:
        # Windows wants another line for the shell.
        assert each in text.replace('_TOKEN = "', "_TOKEN=")
    for each in not_said:
        assert each not in text


def test_banner_says_what_is_wrong(tmp_path: Path) -> None:
    config = replace(load_config({}, directory=tmp_path), big_model="claude-opus-5-5", preferred_provider="openai")
    text = banner(create_app(config).extensions["proxy"], config.port)
    assert "others -> nobody: model: claude-opus-5-5" in text


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:1"),
        ("::", "http://127.0.0.1:1"),
        ("localhost", "http://localhost:1"),
        ("fe80::1", "http://[fe80::1]:1"),
    ],
)
def test_local_url(host: str, url: str) -> None:
    assert local_url(host, 1) == url


@pytest.mark.parametrize(
    ("system", "line"),
    [
        ("posix", "ANTHROPIC_BASE_URL=http://h:1 ANTHROPIC_AUTH_TOKEN=local claude"),
        ("nt", '$env:ANTHROPIC_BASE_URL = "http://h:1"; $env:ANTHROPIC_AUTH_TOKEN = "local"; claude'),
    ],
)
def test_start_line(system: str, line: str) -> None:
    assert start_line("http://h:1", "local", system) == line
