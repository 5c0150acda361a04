from __future__ import annotations

import logging
from pathlib import Path

import pytest

from proxy.logs import ascii_only, configure_logging
from proxy.settings.config import load_config
from tests.log_settings import log_settings  # noqa: F401


@pytest.mark.usefixtures("log_settings")
@pytest.mark.parametrize(
    ("level", "logger", "heard"),
    [
        ("INFO", "proxy.web", True),
        ("INFO", "httpx2", False),
        ("DEBUG", "httpx2", True),
        ("WARNING", "proxy.web", False),
    ],
)
def test_log_level(level: str, logger: str, heard: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load_config({"LOG_LEVEL": level}, directory=tmp_path))
    logging.getLogger(logger).info("words")
    assert ("words" in capsys.readouterr().err) is heard


@pytest.mark.usefixtures("log_settings")
def test_the_log_is_ascii_and_holds_no_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """CASES-91"""
    (tmp_path / "custom_models.yaml").write_text(
        "- model_id: m\n  api_base: http://x/v1\n  api_key_name: MY_KEY\n  headers: {X-Key: canary-header}\n",
        encoding="utf-8",
    )
    environ = {
        "OPENAI_API_KEY": "canary-openai",
        "PROXY_API_KEY": "canary-proxy-1,canary-proxy-2",
        "MY_KEY": "canary-custom",
    }
    configure_logging(load_config({**environ, "LOG_LEVEL": "DEBUG"}, directory=tmp_path))
    log = logging.getLogger("openai")
    log.info("a name\n2026-01-01 00:00:00 INFO proxy.web: \rforged")
    log.debug(
        "%s \x1b[31m \u4f60 \U0001f680", "canary-openai canary-proxy-1 canary-proxy-2 canary-custom canary-header"
    )
    try:
        raise ValueError("canary-content")
    except ValueError:
        log.exception("it failed")
    said = capsys.readouterr().err
    assert said.isascii()
    assert "\x1b" not in said
    assert "canary" not in said
    assert "\\n2026-01-01 00:00:00 INFO proxy.web: \\rforged\n" in said
    assert "ValueError at " in said


def test_ascii_only() -> None:
    assert ascii_only("a\tb\nc\r\x7f\u00e9\u4f60\ud800") == "a\tb\nc\\r\\x7f\\xe9\\u4f60\\ud800"
