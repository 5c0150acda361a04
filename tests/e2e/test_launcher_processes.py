"""`python -m proxy claude` as a process, with a small program in the place of Claude Code."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from proxy.settings.table import variables
from tests.launcher import fake_claude
from tests.web.serving import serve, settings

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0
DEMO = "Hello from the demo backend"
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@dataclass(frozen=True)
class Launcher:
    """The launcher in a directory of its own, with `environ` and none of the user's settings."""

    directory: Path
    environ: Mapping[str, str]

    def start(self, *argv: str, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "proxy", *argv]
        given: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, cwd=self.directory, env=self.environ, encoding="utf-8", **(given | options))

    def run(self, *argv: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        with self.start(*argv, stdin=subprocess.PIPE) as process:
            output, errors = process.communicate(text, timeout=PATIENCE)
        return subprocess.CompletedProcess(argv, process.returncode, output, errors)

    @property
    def report(self) -> dict[str, Any]:
        """How the client was started."""
        found: dict[str, Any] = json.loads((self.directory / "report.json").read_text(encoding="utf-8"))
        return found

    def check_nothing_is_left(self) -> None:
        """No client, no server, no log."""
        if sys.platform != "win32":
            with pytest.raises(ProcessLookupError):
                os.kill(self.report["pid"], 0)
        url = urlsplit(self.report["environment"]["ANTHROPIC_BASE_URL"])
        with pytest.raises(OSError), socket.create_connection((url.hostname or "", url.port or 0), timeout=1):
            pass
        assert list((self.directory / "temporary").iterdir()) == []


@pytest.fixture
def launcher(tmp_path: Path) -> Launcher:
    for name in ("temporary", "home", "project"):
        (tmp_path / name).mkdir()
    # Nothing of a Claude Code that runs these tests, either.
    dropped = (*variables(), "CLAUDECODE")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in dropped
        and not name.startswith(("ANTHROPIC_", "CLAUDE_"))
        and not name.lower().endswith("_proxy")
    }
    if sys.platform == "win32":
        program = tmp_path / "claude.bat"
        program.write_text(f'@"{sys.executable}" "{fake_claude.__file__}" %*\n', encoding="utf-8")
    else:
        program = tmp_path / "claude"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{fake_claude.__file__}" "$@"\n', encoding="utf-8")
        program.chmod(0o755)
    environ = {
        **kept,
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path / "home"),
        "USERPROFILE": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "temporary"),
        "TEMP": str(tmp_path / "temporary"),
        "CLAUDE_BIN": str(program),
        "FAKE_REPORT": str(tmp_path / "report.json"),
        "PORT": str(_unused_port()),
        "USAGE_DB": "off",
    }
    return Launcher(tmp_path, environ)


def _unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_the_client_is_answered(launcher: Launcher) -> None:
    done = launcher.run("--demo", "claude", "-p", "hi", "--port", "x y", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert DEMO in done.stdout
    assert launcher.report["arguments"] == ["-p", "hi", "--port", "x y", "--help"]
    launcher.check_nothing_is_left()


@pytest.mark.parametrize("argv", [["--demo", "claude"], ["--demo", "--log-level", "ERROR", "claude"]])
def test_without_arguments(launcher: Launcher, argv: list[str]) -> None:
    assert launcher.run(*argv).returncode == 0
    assert launcher.report["arguments"] == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["exit", "7"], 7), pytest.param(["die"], 128 + 9, marks=posix_only)],
    ids=["its own", "killed"],
)
def test_exit_code(launcher: Launcher, arguments: list[str], code: int) -> None:
    assert launcher.run("--demo", "claude", *arguments).returncode == code
    launcher.check_nothing_is_left()


def test_standard_streams(launcher: Launcher) -> None:
    done = launcher.run("--demo", "claude", "echo", text="one\ntwo\n")
    assert (done.stdout, done.stderr) == ("one\ntwo\n", "")


@posix_only
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_of_a_program_reaches_the_client(launcher: Launcher, name: str) -> None:
    number = getattr(signal, name)
    with launcher.start("--demo", "claude", "await-signal") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        output, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, output, errors) == (41, f"{int(number)}\n", "")
    launcher.check_nothing_is_left()


@posix_only
def test_ctrl_c_reaches_the_client_once(launcher: Launcher) -> None:
    """The terminal sends it to both, and the launcher must not send it again."""
    import pty

    outer, inner = pty.openpty()
    # A session of its own, whose terminal is the first that it opens.
    start = (
        "import os, sys; os.setsid(); os.close(os.open(sys.argv[1], os.O_RDWR)); os.execv(sys.argv[2], sys.argv[2:])"
    )
    command = [sys.executable, "-c", start, os.ttyname(inner), sys.executable, "-m", "proxy", "--demo", "claude"]
    streams: dict[str, Any] = {"stdin": inner, "stdout": inner, "stderr": inner}
    with subprocess.Popen(
        [*command, "await-signal"], cwd=launcher.directory, env=launcher.environ, **streams
    ) as process:
        os.close(inner)
        shown = b""
        while b"ready" not in shown:
            shown += os.read(outer, 1000)
        os.write(outer, b"\x03")
        assert process.wait(PATIENCE) == 41
    os.close(outer)
    launcher.check_nothing_is_left()


def test_no_client(launcher: Launcher) -> None:
    environ = {**launcher.environ, "CLAUDE_BIN": str(launcher.directory / "missing")}
    done = Launcher(launcher.directory, environ).run("--demo", "claude")
    assert done.returncode == 127
    assert "CLAUDE_BIN" in done.stderr
    assert "npm install" in done.stderr
    assert not list((launcher.directory / "temporary").iterdir())


@posix_only
def test_a_client_that_cannot_be_started(launcher: Launcher) -> None:
    program = launcher.directory / "broken"
    program.write_text("#!/no/such/program\n", encoding="utf-8")
    program.chmod(0o755)
    done = Launcher(launcher.directory, {**launcher.environ, "CLAUDE_BIN": str(program)}).run("--demo", "claude")
    assert done.returncode == 126
    assert "broken cannot be started" in done.stderr


def test_what_the_server_logs_is_kept_and_not_shown(launcher: Launcher) -> None:
    done = launcher.run("--demo", "--log-level", "INFO", "claude", "-p", "hi")
    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    (log,) = (launcher.directory / "temporary").iterdir()
    assert done.stderr == f"claude-proxy: the log of this session is {log}\n"
    text = log.read_text(encoding="utf-8")
    assert "INFO" in text
    assert "Traceback" not in text
    assert sys.platform == "win32" or log.stat().st_mode & 0o077 == 0


def test_settings_that_change_meanwhile(launcher: Launcher) -> None:
    """The client was started with a key, so that one stays."""
    (launcher.directory / ".env").write_text("PREFERRED_PROVIDER=openai\nBIG_MODEL=gpt-first\n", encoding="utf-8")
    done = launcher.run("claude", "change")
    assert (done.returncode, done.stdout) == (0, "Answered by openai/gpt-second\n")
    (log,) = (launcher.directory / "temporary").iterdir()
    assert "PROXY_API_KEY: the change takes effect when the proxy is started anew" in log.read_text(encoding="utf-8")


KEY = "gate-0123456789"


@pytest.mark.parametrize(
    ("flags", "environ", "served"),
    [
        ([], {"PROXY_API_KEY": KEY}, True),
        (["--log-level", "ERROR"], {"PROXY_API_KEY": KEY}, True),
        (["--big-model", "gpt-6-sol"], {"PROXY_API_KEY": KEY}, False),
        (["--demo"], {"PROXY_API_KEY": KEY}, False),
        ([], {"PROXY_API_KEY": "another-0123456789"}, False),
        ([], {}, False),
    ],
    ids=["it is used", "a flag of no weight", "a flag of weight", "the demo", "another key", "no key"],
)
def test_a_server_that_runs_already(
    launcher: Launcher, flags: list[str], environ: dict[str, str], served: bool
) -> None:
    """Its models decide how Claude Code is set up, whatever is set where the launcher runs."""
    running = settings("http://127.0.0.1:9/v1", BIG_MODEL="gpt-5.4-mini", SMALL_MODEL="gpt-5.4-mini", PROXY_API_KEY=KEY)
    with serve(running) as proxy:
        own = {**launcher.environ, "PREFERRED_PROVIDER": "openai", **environ, "PORT": str(proxy.port)}
        assert Launcher(launcher.directory, own).run(*flags, "claude").returncode == 0
        assert proxy.call("GET", "/health").status == 200, "it must go on"
    found = launcher.report["environment"]
    assert (found["ANTHROPIC_BASE_URL"] == f"http://127.0.0.1:{proxy.port}") is served
    assert (found.get("CLAUDE_CODE_AUTO_COMPACT_WINDOW") == "272000") is served
    if served:
        assert found["ANTHROPIC_AUTH_TOKEN"] == KEY


def test_a_port_that_is_somebody_elses(launcher: Launcher) -> None:
    """Who says nothing, whatever is asked."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        environ = {**launcher.environ, "PREFERRED_PROVIDER": "openai", "PORT": port}
        assert Launcher(launcher.directory, environ).run("claude").returncode == 0
    assert not launcher.report["environment"]["ANTHROPIC_BASE_URL"].endswith(f":{port}")


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("sh", "export ANTHROPIC_AUTH_TOKEN='local'"),
        ("fish", "set -gx ANTHROPIC_AUTH_TOKEN 'local'"),
        ("powershell", "$env:ANTHROPIC_AUTH_TOKEN = 'local'"),
        ("settings", '    "ANTHROPIC_AUTH_TOKEN": "local",'),
    ],
)
def test_print_env(launcher: Launcher, shell: str, line: str) -> None:
    done = launcher.run("--demo", "claude", "--print-env", shell)
    assert done.returncode == 0
    assert line in done.stdout.splitlines()
    assert f"http://127.0.0.1:{launcher.environ['PORT']}" in done.stdout
    assert not (launcher.directory / "report.json").exists()


@pytest.mark.parametrize("arguments", [["--print-env", "tcsh"], ["--print-env", "sh", "more"]])
def test_no_such_shell(launcher: Launcher, arguments: list[str]) -> None:
    done = launcher.run("--demo", "claude", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "powershell" in done.stderr


def test_mistakes_in_settings_are_told_before_anything_starts(launcher: Launcher) -> None:
    done = launcher.run("--port", "nope", "claude")
    assert done.returncode == 2
    assert done.stderr.startswith("PORT: ")
    assert not (launcher.directory / "report.json").exists()
