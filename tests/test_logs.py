from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from proxy.logs import Repeats, ascii_only, configure_logging
from proxy.settings.config import load_config
from tests.log_settings import log_settings  # noqa: F401
from tests.usage.records import record


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
    assert "ValueError at " in said


def test_ascii_only() -> None:
    assert ascii_only("a\tb\nc\r\x7f\u00e9\u4f60\ud800") == "a\tb\nc\\r\\x7f\\xe9\\u4f60\\ud800"


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.usefixtures("log_settings")
def test_json_is_one_object_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environ = {
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "INFO",
        "OPENAI_API_KEY": "canary-openai",
        "USAGE_DB": "postgresql://me:canary%40password@host/db",
    }
    configure_logging(load_config(environ, directory=tmp_path))
    log = logging.getLogger("proxy.web")
    log.info("two\nlines of \u4f60 with canary-openai and canary%40password and canary@password")
    log.info("%s", record().line(), extra={"request": record(notes="canary-openai")})
    try:
        raise ValueError("canary-content")
    except ValueError:
        log.exception("it failed")
    said = capsys.readouterr().err
    assert said.isascii()
    assert "canary" not in said
    first, second, third = lines(said)
    assert first.keys() == {"time", "level", "logger", "message"}
    assert first["time"].endswith("+00:00")
    assert (first["level"], first["logger"]) == ("INFO", "proxy.web")
    assert first["message"] == "two\nlines of \u4f60 with [key] and [key] and [key]"
    assert second["message"] == record().line()
    assert second["request"] == record(notes="[key]").values()
    assert third["error"].startswith("ValueError at ")


@pytest.mark.usefixtures("log_settings")
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_repeated_warning_is_counted(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load_config({"LOG_FORMAT": form, "LOG_LEVEL": "INFO"}, directory=tmp_path))
    log = logging.getLogger("proxy.x")
    for _ in range(25):
        log.warning("%s is odd", "it")
        log.info("each is shown")
    said = capsys.readouterr().err
    assert said.count("it is odd") == 2
    assert said.count("it is odd (10 times in 0 s)") == 1
    assert said.count("each is shown") == 25


class Clock:
    """Says what it is set to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def heard(repeats: Repeats, text: str = "odd", level: int = logging.WARNING, name: str = "x") -> bool:
    return bool(repeats.filter(logging.LogRecord(name, level, "", 0, text, (), None)))


def test_which_warnings_are_the_same() -> None:
    repeats = Repeats(Clock())
    assert [heard(repeats) for _ in range(3)] == [True, False, False]
    assert heard(repeats, "other")
    assert heard(repeats, level=logging.ERROR)
    assert heard(repeats, name="y")
    assert [number for number in range(4, 1500) if heard(repeats)] == [10, 100, 1000]


def test_after_an_hour_a_warning_is_news_again() -> None:
    clock = Clock()
    repeats = Repeats(clock)
    assert [heard(repeats) for _ in range(2)] == [True, False]
    clock.now = 3600
    assert [heard(repeats) for _ in range(2)] == [True, False]


def test_few_warnings_are_remembered() -> None:
    repeats = Repeats(Clock())
    for number in range(1000):
        assert heard(repeats, f"warning {number}")
    assert heard(repeats, "warning 1")
    assert not heard(repeats, "warning 999")
