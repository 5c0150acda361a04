"""The rules by which Claude Code's auto mode judges, as the program on this machine tells them."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Callable, Iterator

from proxy.launcher.command import command_line
from proxy.settings.auto_mode_rules import Rules, rules_of_client
from proxy.settings.sources import process_environment

_PATIENCE = 20.0
"""Seconds; it takes half of one."""


@contextlib.contextmanager
def learned(program: str, use: Callable[[Rules], None]) -> Iterator[None]:
    """Meanwhile asks `program` for its default rules and hands them to `use`, in another thread.

    The client's requests hold the user's own rules only, and "$defaults" for these (Claude Code 2.1.332, 2026-11).
    One that has none to tell, such as an old release, changes nothing. The program is gone at the end.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own command
            command_line(program, ["auto-mode", "defaults"]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**process_environment(), "DISABLE_TELEMETRY": "1"},
            encoding="utf-8",
        )
    except OSError:
        yield
        return

    def learn() -> None:
        with contextlib.suppress(ValueError, subprocess.TimeoutExpired):
            use(rules_of_client(process.communicate(timeout=_PATIENCE)[0]))

    thread = threading.Thread(target=learn, name="rules", daemon=True)
    thread.start()
    try:
        yield
    finally:
        process.kill()
        thread.join()
        process.wait()
