from __future__ import annotations

import io
import json
import logging
import os
import runpy
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from proxy import __version__, cli
from proxy.cli import main
from proxy.settings.config import Config
from proxy.settings.table import settings, variables
from tests.log_settings import log_settings  # noqa: F401

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.usefixtures("log_settings")


@pytest.fixture(autouse=True)
def empty_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No `.env`, no usage database, and no settings but those of the test."""
    for name in variables():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("USAGE_DB", "off")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def asked(empty_place: Path) -> str:
    """The file name of a Messages request."""
    body = {"model": "claude-opus-5-5", "max_tokens": 99999, "messages": [{"role": "user", "content": "\u4f60 hi"}]}
    (empty_place / "asked.json").write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")
    return "asked.json"


def test_every_variable_but_keys_has_a_flag() -> None:
    without_flag = {row.variable for row in settings() if row.flag is None}
    assert without_flag == {name for name in variables() if name.endswith("_API_KEY")}


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (
            ["--help"],
            ["--big-model", "--anthropic-upstream-url", "--demo", "explain", "record", "visible to every user"],
        ),
        (["record", "--help"], ["DIR", "--texts", "--small-model"]),
        (["replay", "--help"], ["FILE", "--json", "Exit code"]),
        (["explain", "--help"], ["FILE", "--small-model", "visible to every user"]),
        (["--version"], [f"claude-proxy {__version__}"]),
    ],
)
def test_help(argv: list[str], words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(argv)
    assert done.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    assert said.isascii()
    assert all(each in said for each in words)
    assert "-api-key" not in said


@pytest.mark.parametrize("texts", [False, True])
def test_record(
    texts: bool, empty_place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Serves, and leaves a file for each request, which `replay` takes."""

    def serve(app: Flask, config: Config) -> int:
        body = {"model": "claude-opus-5-5", "max_tokens": 99, "messages": [{"role": "user", "content": "canaryword"}]}
        with app.test_client().post("/v1/messages", json=body, base_url="http://127.0.0.1") as answer:
            assert answer.status_code == 200
        assert config.record_texts is texts
        return 0

    monkeypatch.setattr(cli, "serve", serve)
    assert main(["--demo", "record", "made", *(["--texts"] if texts else [])]) == 0
    (file,) = (empty_place / "made").iterdir()
    assert ("canaryword" in file.read_text()) is texts
    kept = "what is said is kept" if texts else "texts in them are filler"
    logging.shutdown()
    assert kept in capsys.readouterr().err
    assert main(["replay", str(file)]) == 0


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (["--port", "nope", "--log-level", "loud"], 2, ["PORT: ", "LOG_LEVEL: "]),
        (["serve", "--port", "nope"], 2, ["PORT: "]),
        (["--port", "nope", "--demo"], 2, ["PORT: "]),
        (["--preferred-provider", "openai", "--big-model", "claude-opus"], 2, ["BIG_MODEL: "]),
        (["--preferred-provider", "custom"], 2, ["PREFERRED_PROVIDER: custom needs a model"]),
        (["--preferred-provider", "openai", "--big-model", ",", "models"], 2, ["BIG_MODEL: holds no model"]),
        (["models", "--add", "", "--server", "ollama"], 1, ["model_id is missing"]),
        (["explain", "missing.json"], 1, ["missing.json: cannot be read"]),
        (["explain", "text.json"], 1, ["JSON"]),
        (["explain", "unknown.json"], 1, ["model: llama is not known here"]),
    ],
)
def test_mistakes(
    argv: list[str], code: int, words: list[str], empty_place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (empty_place / "text.json").write_text("hello", encoding="utf-8")
    unknown = {"model": "llama", "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]}
    (empty_place / "unknown.json").write_text(json.dumps(unknown), encoding="utf-8")
    assert main(argv) == code
    said = capsys.readouterr()
    assert not said.out
    assert all(each in said.err for each in words)
    assert "Traceback" not in said.err
    assert said.err.isascii()


@pytest.mark.parametrize("argv", [["--openai-api-key", "canary"], ["check", "--proxy-api-key=canary"]])
def test_keys_are_no_flags(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(argv)
    assert done.value.code == 2
    said = capsys.readouterr().err
    assert "_API_KEY into .env" in said
    assert "canary" not in said


@pytest.mark.parametrize("command", ["models", "claude", "serve"])
@pytest.mark.skipif(os.name == "nt", reason="a directory in use cannot be removed there")
def test_a_directory_that_is_gone(command: str, empty_place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = empty_place / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    try:
        assert main([command]) == 2
    finally:
        os.chdir(empty_place)
    assert "current directory" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["check"], ["models", "--upstream"]])
def test_an_environment_with_which_nobody_can_be_asked(
    argv: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:canary@[::1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789")
    assert main(["--preferred-provider", "openai", *argv]) == 2
    said = capsys.readouterr().err
    assert said.startswith("HTTP_PROXY, HTTPS_PROXY")
    assert "canary" not in said


def test_a_busy_port(capsys: pytest.CaptureFixture[str]) -> None:
    """CASES-92"""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["--demo", "--port", str(port)]) == 1
    said = capsys.readouterr()
    assert (
        said.err == f"PORT: {port} is in use (HOST 127.0.0.1); stop the program that has it, or choose another PORT\n"
    )
    assert not said.out


@pytest.mark.parametrize(
    "argv",
    [
        ["explain", "asked.json", "--preferred-provider", "openai", "--big-model", "gpt-4o-mini"],
        ["--preferred-provider", "openai", "--big-model", "gpt-4o-mini", "explain", "asked.json"],
        ["--preferred-provider", "openai", "explain", "asked.json", "--big-model", "gpt-4o-mini"],
    ],
)
@pytest.mark.usefixtures("asked")
def test_explain(argv: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("BIG_MODEL", "gpt-4o")
    assert main(argv) == 0
    said = capsys.readouterr()
    sent: dict[str, Any] = json.loads(said.out)
    assert said.out.isascii()
    assert sent["model"] == "gpt-4o-mini"
    assert sent["input"][-1]["content"] == [{"type": "input_text", "text": "\u4f60 hi"}]
    assert said.err.splitlines()[0] == "to openai/gpt-4o-mini"
    assert "note: max_tokens was lowered" in said.err


def test_explain_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUBAGENT_MODEL", "openai/gpt-6-sol@low")
    system = "x-anthropic-billing-header: cc_version=2.1.332; cc_is_subagent=true;"
    body = {
        "model": "claude-opus-5-5",
        "max_tokens": 9000,
        "system": system,
        "thinking": {"type": "adaptive"},
        "tools": [{"name": "Read", "input_schema": {"type": "object"}}],
        "messages": [{"role": "user", "content": "hi"}],
    }
    (tmp_path / "request.json").write_text(json.dumps(body))
    assert main(["explain", str(tmp_path / "request.json")]) == 0
    said = capsys.readouterr()
    assert said.err.splitlines()[:3] == [
        "to openai/gpt-6-sol",
        "because of SUBAGENT_MODEL",
        "as subagent/Explore|Plan (cc_is_subagent)",
    ]
    assert json.loads(said.out)["reasoning"]["effort"] == "low"


def test_explain_reads_stdin(asked: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(asked).read_bytes())))
    assert main(["--demo", "explain", "-"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["model"] == "demo"
    assert said.err.startswith("to custom/demo\n")


def test_wsgi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THREADS", "3")
    asks: list[object] = []
    monkeypatch.setattr("proxy.server.hangup.on_hangup", asks.append)
    made = runpy.run_path(str(ROOT / "wsgi.py"))
    made["reload"].stop()
    assert made["app"].extensions["proxy"].config.threads == 3
    assert asks == [made["reload"].ask]


def test_wsgi_with_a_model_that_leads_nowhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BIG_MODEL", "claude-opus")
    with pytest.raises(SystemExit) as done:
        runpy.run_path(str(ROOT / "wsgi.py"))
    assert done.value.code == 2
    assert capsys.readouterr().err.startswith("BIG_MODEL: ")


def test_waitress_serve_with_mistakes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "waitress", "wsgi:app"],
        env={**os.environ, "PORT": "nope", "THREADS": "0", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["PORT", "THREADS"]
