"""The ways to an upstream: how the proxy is set up for each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from proxy.settings.config import Config, load_config
from tests.faults.forms import SECRET
from tests.providers.gemini.serving import gemini_settings
from tests.web.serving import custom_settings, settings


def _chat(url: str, _: Path, more: dict[str, str]) -> Config:
    return settings(f"{url}/v1", OPENAI_API="chat", OPENAI_API_KEY=SECRET, **more)


def _custom(url: str, directory: Path, more: dict[str, str]) -> Config:
    entry = {"api_base": f"{url}/v1", "api_key_name": "SERVER_KEY"}
    return custom_settings(directory, entry, SERVER_KEY=SECRET, **more)


def _responses(url: str, _: Path, more: dict[str, str]) -> Config:
    return settings(f"{url}/v1", OPENAI_API="responses", BIG_MODEL="gpt-5.6-terra", OPENAI_API_KEY=SECRET, **more)


def _gemini(url: str, _: Path, more: dict[str, str]) -> Config:
    return gemini_settings(url, **{"GEMINI_API_KEY": SECRET, **more})


def _anthropic(url: str, directory: Path, more: dict[str, str]) -> Config:
    environ = {"PREFERRED_PROVIDER": "anthropic", "ANTHROPIC_UPSTREAM_URL": url, "ANTHROPIC_API_KEY": SECRET}
    return load_config({"MAX_RETRIES": "0", **environ, **more}, directory=directory)


WAYS: dict[str, Callable[[str, Path, dict[str, str]], Config]] = {
    "chat": _chat,
    "custom": _custom,
    "responses": _responses,
    "gemini": _gemini,
    "anthropic": _anthropic,
}
"""Each makes a configuration of the upstream's address, a directory of the test's own, and more variables."""
