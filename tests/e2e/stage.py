"""Claude Code, the relay and the proxy, set up together."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.e2e.claude_code import ClaudeCode
from tests.e2e.proxy_process import run_proxy
from tests.e2e.tap import Tap


@contextlib.contextmanager
def claude_code(
    release: str, command: str, directory: Path, entry: Mapping[str, Any] | None, **variables: str
) -> Iterator[ClaudeCode]:
    """A Claude Code to run, with all it needs in `directory`. `entry` and `variables` are the proxy's settings.

    At the end every answer that came whole must conform. Raises Violation.
    """
    for name in ("proxy", "project", "home"):
        (directory / name).mkdir()
    with run_proxy(directory / "proxy", entry, **variables) as port, Tap(port) as tap:
        yield ClaudeCode(command, release, tap.url, directory / "project", directory / "home")
    tap.check()
