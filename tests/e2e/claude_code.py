"""Claude Code as a user runs it in print mode, in a project and a home directory of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.install_clients import CLIENTS

_VARIABLES = {"new": "CLAUDE_CODE_NEW", "old": "CLAUDE_CODE_OLD"}
_TOOLS = "Bash,Read,Write,Edit,Agent,ToolSearch,TaskCreate,WebSearch"
_PATIENCE = 100.0
"""Seconds after which a run is broken; an ordinary one takes two or three."""


def find(release: str) -> str | None:
    """The command of the release "new" or "old"; None where it is not installed."""
    named = os.environ.get(_VARIABLES[release])
    bin_directory = CLIENTS / release / "node_modules" / ".bin"
    return shutil.which(named) if named else shutil.which("claude", path=str(bin_directory))


def how_to_install(release: str) -> str:
    return f"no Claude Code: run python tests/e2e/install_clients.py, or set {_VARIABLES[release]} to a claude command"


@dataclass(frozen=True)
class ClaudeCode:
    """`project` is the working directory, `home` holds sessions and settings."""

    command: str
    release: str
    url: str
    project: Path
    home: Path
    variables: Mapping[str, str | None] = field(default_factory=dict)
    """Of its environment, on top of the usual ones; None takes one away."""

    def start(self, prompt: str, *flags: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._arguments(prompt, flags),
            cwd=self.project,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def run(self, prompt: str, *flags: str) -> dict[str, Any]:
        """The result of a run that ended well."""
        result = self.attempt(prompt, *flags)
        assert not result["is_error"], result
        return result

    def attempt(self, prompt: str, *flags: str) -> dict[str, Any]:
        """The result of a run, whether it ended well or not."""
        process = self.start(prompt, *flags)
        try:
            output, errors = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            output, errors = process.communicate()
            raise AssertionError(f"Claude Code did not end: {output[-2000:]} {errors[-2000:]}") from None
        assert output.startswith("{"), f"exit code {process.returncode}: {output[-2000:]} {errors[-2000:]}"
        result: dict[str, Any] = json.loads(output)
        return result

    def _arguments(self, prompt: str, flags: Sequence[str]) -> list[str]:
        return [self.command, "-p", prompt, "--output-format", "json", "--allowedTools", _TOOLS, *flags]

    def _environment(self) -> dict[str, str]:
        """Nothing of the user's own Claude Code, nor of one that runs these tests."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ANTHROPIC", "CLAUDE")) and not name.lower().endswith("_proxy")
        }
        usual = {
            **kept,
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "ANTHROPIC_BASE_URL": self.url,
            "ANTHROPIC_AUTH_TOKEN": "local",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        }
        return {name: value for name, value in {**usual, **self.variables}.items() if value is not None}
