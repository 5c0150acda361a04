"""Names of models, entries of custom ones, and a router over them on a fixed day."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from proxy.models.catalog import Catalog
from proxy.models.routing import Router
from proxy.settings.config import Config, load_config

TODAY = date(2026, 11, 24)

SEED = {
    # model: (provider, who answers on TODAY)
    "gpt-4o": ("openai", "gpt-4o"),
    "gpt-4o-mini": ("openai", "gpt-4o-mini"),
    "gpt-4.5-preview": ("openai", "gpt-6-sol"),
    "gpt-4o-audio-preview": ("openai", "gpt-6-sol"),
    "chatgpt-4o-latest": ("openai", "gpt-6-sol"),
    "o3-mini": ("openai", "gpt-6-luna"),
    "o1": ("openai", "gpt-6-sol"),
    "o1-mini": ("openai", "gpt-6-luna"),
    "o1-pro": ("openai", "gpt-6-sol"),
    "gemini-2.5-pro-preview-03-25": ("gemini", "gemini-3.8-flash"),
    "gemini-2.0-flash": ("gemini", "gemini-3.5-flash-lite"),
    "gemini-1.5-pro-latest": ("gemini", "gemini-3.8-flash"),
    "gemini-1.5-pro-preview-0514": ("gemini", "gemini-3.8-flash"),
    "gemini-1.5-flash-latest": ("gemini", "gemini-3.5-flash-lite"),
    "gemini-1.5-flash-preview-0514": ("gemini", "gemini-3.5-flash-lite"),
    "gemini-pro": ("gemini", "gemini-3.8-flash"),
    "gemini-2.5-pro-preview-05-06": ("gemini", "gemini-3.8-flash"),
    "gemini-2.5-flash-preview-05-20": ("gemini", "gemini-3.5-flash-lite"),
}


def settings(tmp_path: Path, environ: dict[str, str] | None = None, models: str = "") -> Config:
    (tmp_path / "custom_models.yaml").write_text(models, encoding="utf-8")
    return load_config(environ or {}, directory=tmp_path)


def router(tmp_path: Path, provider: str = "openai", models: str = "", **environ: str) -> Router:
    config = settings(tmp_path, {"PREFERRED_PROVIDER": provider, **environ}, models)
    return Router(config, Catalog.load(), lambda: TODAY)


def entry(name: str, **fields: Any) -> str:
    lines = [f"- model_id: {name}", "  api_base: http://server:1234/v1"]
    return "\n".join([*lines, *(f"  {field}: {value}" for field, value in fields.items()), ""])


MODELS = entry("qwen") + entry("Llama-4", model_name="meta/llama-4") + entry("openai/gpt-4o-clone")
