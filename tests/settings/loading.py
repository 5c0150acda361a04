"""Loads a configuration from texts, or the problems with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.settings.config import Config, ConfigError, load_config

QWEN = "- model_id: qwen\n  api_base: http://localhost:1/v1\n"


def load(tmp_path: Path, environ: dict[str, str] | None = None, **files: str) -> Config:
    """`files`: dotenv= and models= are the texts of the two files."""
    if "dotenv" in files:
        (tmp_path / ".env").write_bytes(files["dotenv"].encode())
    if "models" in files:
        (tmp_path / "custom_models.yaml").write_bytes(files["models"].encode())
    return load_config(environ or {}, directory=tmp_path)


def problems(tmp_path: Path, environ: dict[str, str] | None = None, **files: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, environ, **files)
    assert all(each.isascii() and "\n" not in each for each in caught.value.problems)
    assert str(caught.value).splitlines() == list(caught.value.problems)
    return caught.value.problems
