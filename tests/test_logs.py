from __future__ import annotations

import io
import json
import logging
import os
import re
import threading
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any, TextIO

import pytest

from proxy.logs import Repeats, announce, ascii_only, configure_logging, say
from proxy.settings.config import load_config
from tests.log_settings import flush_log, log_settings, logged  # noqa: F401
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
    flush_log()
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
    flush_log()
    said = logged(capsys)
    assert said.isascii()
    assert "\x1b" not in said
    assert "canary" not in said
    assert "\\n2026-01-01 00:00:00 INFO proxy.web: \\rforged\n" in said
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
    said = logged(capsys)
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
    said = logged(capsys)
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


@pytest.mark.usefixtures("log_settings")
def test_nobody_writes_lines_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load_config({}, directory=tmp_path))
    logging.getLogger("proxy").warning("GET %s", "/x\n2026-11-29 ERROR proxy: forged\r\n")
    try:
        raise ValueError
    except ValueError:
        logging.getLogger("proxy").exception("it failed")
    flush_log()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].endswith(r"GET /x\n2026-11-29 ERROR proxy: forged\r\n")


@pytest.mark.usefixtures("log_settings")
def test_what_is_announced_is_said_at_any_level(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(load_config({"LOG_LEVEL": "CRITICAL"}, directory=tmp_path))
    announce("It stops")
    flush_log()
    assert capsys.readouterr().err == "It stops\n"


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    """The end to read, and that to write."""
    reading, writing = os.pipe()
    with open(writing, "w", encoding="ascii") as stream:
        yield reading, stream


@pytest.mark.usefixtures("log_settings")
def test_nothing_waits_for_a_log_that_nobody_reads(pipe: tuple[int, TextIO], tmp_path: Path) -> None:
    reading, stream = pipe
    with redirect_stderr(stream):
        configure_logging(load_config({}, directory=tmp_path))
    total, log = 4000, logging.getLogger("proxy")
    for number in range(total):
        log.warning("line %d %s", number, "x" * 1000)  # 4 MB; a pipe holds 64 kB, the queue 1 MB
    text = ""
    while "were dropped" not in text:
        text += os.read(reading, 65536).decode()
    # What comes later is there again.
    log.warning("at the end")
    while "at the end" not in text:
        text += os.read(reading, 65536).decode()
    (dropped,) = map(int, re.findall(r"^(\d+) lines of the log were dropped", text, re.MULTILINE))
    shown = [int(number) for number in re.findall(r"line (\d+) x{1000}$", text, re.MULTILINE)]
    assert shown == list(range(total - dropped))
    os.close(reading)


@pytest.mark.usefixtures("log_settings")
def test_a_log_whose_reader_has_gone(pipe: tuple[int, TextIO], tmp_path: Path) -> None:
    reading, stream = pipe
    os.close(reading)
    with redirect_stderr(stream):
        configure_logging(load_config({}, directory=tmp_path))
    for _ in range(3):
        logging.getLogger("proxy").warning("words")
        flush_log()
    assert any(thread.name == "log" for thread in threading.enumerate())


@pytest.mark.usefixtures("log_settings")
def test_what_was_set_up_before_writes_its_last_and_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = load_config({}, directory=tmp_path)
    configure_logging(config)
    before = set(threading.enumerate())
    logging.getLogger("proxy").warning("first")
    (writer,) = set(threading.enumerate()) - before
    configure_logging(config)
    writer.join(20)
    assert not writer.is_alive()
    assert "first" in capsys.readouterr().err


def test_what_cannot_be_said_is_not_said(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    say("heard", stream)
    assert os.read(reading, 100) == b"heard\n"
    os.close(reading)
    say("unheard", stream)
    stream.flush()  # as at the end of the process: it must not be tried again
    closed = io.StringIO()
    closed.close()
    say("unheard", closed)
