"""Claude Code in a terminal: what it asks for only there, titles first of all."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

_POLL = 0.1
_PAUSE = 0.5
"""Seconds between keys: an Enter at once would be part of pasted text, and what follows an Escape a key with Alt."""


@dataclass
class Terminal:
    """A command in a tmux server of its own, which ends with the block that it is entered for."""

    arguments: Sequence[str]
    directory: Path
    environment: Mapping[str, str]
    _socket: str = field(default_factory=lambda: f"drift-{os.getpid()}")

    def __enter__(self) -> Self:
        size = ["-x", "160", "-y", "50"]
        self._tmux("-f", os.devnull, "new-session", "-d", *size, "-c", str(self.directory), *self.arguments)
        return self

    def __exit__(self, *_: object) -> None:
        self._tmux("kill-server", check=False)

    def type(self, line: str) -> None:
        """Types a line and sends it."""
        self._tmux("send-keys", "-l", line)
        time.sleep(_PAUSE)
        self.press("Enter")

    def press(self, key: str) -> None:
        self._tmux("send-keys", key)
        time.sleep(_PAUSE)

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    def wait_for(self, happened: Callable[[], bool], seconds: float) -> bool:
        """Whether it happened in time."""
        end = time.monotonic() + seconds
        while not happened():
            if time.monotonic() > end:
                return False
            time.sleep(_POLL)
        return True

    def _tmux(self, *arguments: str, check: bool = True) -> str:
        command = ["tmux", "-L", self._socket, *arguments]
        return subprocess.run(command, env=self.environment, check=check, capture_output=True, encoding="utf-8").stdout
