"""The scripted day: a client on a machine of its own is kept busy, and its requests are what is left of it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.drift.page import page
from tests.drift.scripts import UNJUDGED, scripts
from tests.drift.server import Server
from tests.e2e.samples import pdf, png

_SETTINGS = {
    "skipWebFetchPreflight": True,
    "autoMode": {"allow": ["$defaults", "Reading is fine"], "environment": ["$defaults", "A test"]},
    "permissions": {"allow": ["Bash(npm test:*)"], "deny": ["Read(/secret/**)"], "ask": ["Bash(git push:*)"]},
}
_REPOSITORY = (
    ["init", "-q", "-b", "main"],
    ["remote", "add", "origin", "https://git.test/drift.git"],
    ["add", "CLAUDE.md"],
    ["-c", "user.name=A", "-c", "user.email=a@b.test", "commit", "-q", "-m", "Begin"],
)


class DayError(Exception):
    """The client could not be driven through the day; the text says where it stopped."""


@dataclass(frozen=True)
class Stage:
    """`command` is the client's; `project` is a git repository, `home` has the client's settings."""

    command: str
    server: Server
    project: Path
    home: Path

    def environment(self) -> dict[str, str]:
        """Feature flags and all that a launcher should set; nothing of the user's, and no way out of the machine."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        return {
            **kept,
            "HOME": str(self.home),
            "TERM": "xterm-256color",
            "ANTHROPIC_BASE_URL": self.server.url,
            "ANTHROPIC_AUTH_TOKEN": "local",
            "CLAUDE_CODE_GATEWAY_HINT_HEADERS": "1",
            "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1",
            "CLAUDE_CODE_ENABLE_FINE_GRAINED_TOOL_STREAMING": "1",
            "CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION": "true",
            "DISABLE_AUTOUPDATER": "1",
            "NODE_EXTRA_CA_CERTS": str(self.certificate),
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "NO_PROXY": "127.0.0.1",
        }

    @property
    def certificate(self) -> Path:
        return self.home / "page.pem"


@contextmanager
def stage(command: str, directory: Path) -> Iterator[Stage]:
    """All that the day needs, in an empty directory. Raises DayError."""
    project, home = directory / "project", directory / "home"
    for each in (project, home / ".claude"):
        each.mkdir(parents=True)
    with Server({}, UNJUDGED) as server:
        ready = Stage(command, server, project, home)
        _furnish(ready)
        with page(ready.certificate) as url:
            server.scripts = scripts(project, url)
            yield ready


def _furnish(stage: Stage) -> None:
    """The user's files."""
    project, home = stage.project, stage.home
    (project / "a.txt").write_text("alpha\n", encoding="utf-8")
    (project / "red.png").write_bytes(png())
    (project / "hello.pdf").write_bytes(pdf())
    (project / "CLAUDE.md").write_text("Be short.\n", encoding="utf-8")
    trusted = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}
    known = {"hasCompletedOnboarding": True, "theme": "dark", "projects": {str(project): trusted}}
    (home / ".claude.json").write_text(json.dumps(known), encoding="utf-8")
    (home / ".claude/settings.json").write_text(json.dumps(_SETTINGS), encoding="utf-8")
    for arguments in _REPOSITORY:
        try:
            subprocess.run(["git", *arguments], cwd=project, env=stage.environment(), check=True)
        except (OSError, subprocess.CalledProcessError) as problem:
            raise DayError(f"git: {problem}") from None
