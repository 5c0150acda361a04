from __future__ import annotations

import io
import logging
import os
import re
import threading
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path
from typing import TextIO

import pytest

from proxy.logs import announce, ascii_only, configure_logging, say
from proxy.settings.config import load_config
from tests.log_settings import flush_log, log_settings  # noqa: F401


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
    log.debug(
        "%s \x1b[31m \u4f60 \U0001f680", "canary-openai canary-proxy-1 canary-proxy-2 canary-custom canary-header"
    )
    try:
        raise ValueError("canary-content")
    except ValueError:
        log.exception("it failed")
    flush_log()
    said = capsys.readouterr().err
    assert said.isascii()
    assert "\x1b" not in said
    assert "canary" not in said
    assert "ValueError at " in said


def test_ascii_only() -> None:
    assert ascii_only("a\tb\nc\r\x7f\u00e9\u4f60\ud800") == "a\tb\nc\\r\\x7f\\xe9\\u4f60\\ud800"


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
