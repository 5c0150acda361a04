"""`python -m proxy --demo claude` runs real Claude Code: in print mode, and in a terminal."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from proxy.settings.table import variables

pytestmark = pytest.mark.e2e

_ROOT = Path(__file__).parents[2]
_PATIENCE = 60.0
_LAUNCH = [sys.executable, "-m", "proxy", "--demo", "claude"]
_ANSWER = 'The tool gave back: "Hello from the demo backend".'


@dataclass(frozen=True)
class Place:
    """A project, and an environment without anything of the user's but `home`."""

    project: Path
    temporary: Path
    environ: Mapping[str, str]

    def check_nothing_is_left(self) -> None:
        """Neither a log nor a process that was started here; they all have a variable of this place."""
        mark = f"TMPDIR={self.temporary}".encode()
        until = time.monotonic() + _PATIENCE
        while (left := list(_processes_with(mark))) and time.monotonic() < until:
            time.sleep(0.1)
        assert left == []
        assert list(self.temporary.glob("claude-proxy-*")) == []


def _processes_with(mark: bytes) -> Iterator[str]:
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "environ").read_bytes().split(b"\0"):
                yield (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()


@pytest.fixture
def place(command: tuple[str, str], tmp_path: Path) -> Place:
    for name in ("project", "home", "temporary"):
        (tmp_path / name).mkdir()
    trusted = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}
    onboarded = {
        "hasCompletedOnboarding": True,
        "theme": "dark",
        "projects": {str(tmp_path / "project"): trusted},
    }
    (tmp_path / "home" / ".claude.json").write_text(json.dumps(onboarded), encoding="utf-8")
    foreign = ("ANTHROPIC", "CLAUDE", "TMUX")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in variables() and not name.startswith(foreign) and not name.lower().endswith("_proxy")
    }
    environ = {
        **kept,
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "temporary"),
        "PYTHONPATH": str(_ROOT),
        "CLAUDE_BIN": command[1],
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        # What it would fetch all the same must not leave the machine.
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    return Place(tmp_path / "project", tmp_path / "temporary", environ)


def test_print_mode(place: Place) -> None:
    done = subprocess.run(
        [*_LAUNCH, "-p", "hi", "--output-format", "json", "--allowedTools", "Bash"],
        cwd=place.project,
        env=place.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=_PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert result["result"].startswith(_ANSWER)
    place.check_nothing_is_left()


def test_the_exit_code_is_claude_codes(place: Place) -> None:
    arguments = [*_LAUNCH, "-p", "hi", "--no-such-flag"]
    done = subprocess.run(
        arguments, cwd=place.project, env=place.environ, capture_output=True, timeout=_PATIENCE, check=False
    )
    assert done.returncode == 1
    assert b"--no-such-flag" in done.stderr
    place.check_nothing_is_left()


class Terminal:
    """A shell in a tmux of its own."""

    def __init__(self, socket: Path) -> None:
        self._tmux = ["tmux", "-S", str(socket), "-f", "/dev/null"]

    def open(self, place: Place) -> None:
        session = ["new-session", "-d", "-x", "120", "-y", "50", "-c", str(place.project), "bash --norc --noprofile"]
        subprocess.run([*self._tmux, *session], env=place.environ, check=True)
        self.type("PS1='READY> '")
        self.wait("\nREADY>")

    def close(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False)

    def press(self, *keys: str) -> None:
        subprocess.run([*self._tmux, "send-keys", *keys], check=True)

    def type(self, line: str) -> None:
        self.press("-l", line)
        self.press("Enter")

    def shown(self) -> str:
        command = [*self._tmux, "capture-pane", "-p"]
        return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout

    def wait(self, *words: str) -> None:
        """Until all words are on the screen."""
        until = time.monotonic() + _PATIENCE
        while not self._shows(words, 1):
            assert time.monotonic() < until, f"no {words}: {self.shown()}"

    def insist(self, line: str, *words: str) -> None:
        """Types the line until all words are on the screen.

        Claude Code asks the terminal for its name when it (re)starts; what is typed then mixes with the answer.
        """
        until = time.monotonic() + _PATIENCE
        self.type(line)
        while not self._shows(words, 10):
            assert time.monotonic() < until, f"no {words}: {self.shown()}"
            self.press("C-u")
            self.type(line)

    def _shows(self, words: tuple[str, ...], patience: float) -> bool:
        until = time.monotonic() + patience
        while not (found := all(word in self.shown() for word in words)) and time.monotonic() < until:
            time.sleep(0.1)
        return found


@pytest.fixture
def terminal(place: Place, tmp_path: Path) -> Iterator[Terminal]:
    if shutil.which("tmux") is None:
        pytest.skip("no tmux here")
    found = Terminal(tmp_path / "tmux")
    found.open(place)
    yield found
    found.close()


def test_in_a_terminal(command: tuple[str, str], place: Place, terminal: Terminal) -> None:
    """A conversation, a pause in the shell, another turn, and the end; nothing else is written into the screen."""
    if command[0] != "new":
        pytest.skip("its screens are other ones")
    terminal.type(f"clear; {shlex.join(_LAUNCH)}; echo ended with $?")
    terminal.wait("\u276f", "auto mode on")
    terminal.insist("hello", _ANSWER, "done")
    terminal.press("C-z")
    terminal.wait("Stopped", "READY>")
    terminal.type("clear; fg")
    terminal.wait("auto mode on")
    terminal.insist("/exit", "claude --resume", "READY>")
    assert "claude-proxy: the log" not in terminal.shown()
    terminal.type("exit")
    place.check_nothing_is_left()
