"""The client's rules for auto mode, from programs that tell them and from others."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from pathlib import Path

import pytest

from proxy.launcher.rules import learned
from proxy.settings.auto_mode_rules import Rules

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="scripts for sh")
PATIENCE = 20.0
TOLD = '{"allow": ["one"], "soft_deny": ["two", 3], "hard_deny": [], "environment": null}'


def script(directory: Path, text: str) -> str:
    path = directory / "claude"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_rules_are_handed_over(tmp_path: Path) -> None:
    """Those of the right command only."""
    program = script(tmp_path, f"test \"$*\" = 'auto-mode defaults' && echo '{TOLD}'")
    found: queue.Queue[Rules] = queue.Queue()
    with learned(program, found.put):
        rules = found.get(timeout=PATIENCE)
    assert rules == {"allow": ["one"], "soft_deny": ["two"], "hard_deny": [], "environment": []}


@pytest.mark.parametrize(
    "text",
    ["exit 1", "echo error: unknown command", "echo '{}'", "echo '[]'", "printf '\\377'", "kill -9 $$"],
)
def test_other_programs_change_nothing(tmp_path: Path, text: str) -> None:
    found: list[Rules] = []
    with learned(script(tmp_path, text), found.append):
        for thread in threading.enumerate():
            if thread.name == "rules":
                thread.join(PATIENCE)
    assert found == []


def test_a_program_that_does_not_end_is_ended(tmp_path: Path) -> None:
    number = tmp_path / "number"
    with learned(
        script(tmp_path, f"echo $$ > {number}.new && mv {number}.new {number}; exec sleep 600"), lambda _: None
    ):
        until = time.monotonic() + PATIENCE
        while not number.exists():
            assert time.monotonic() < until
            time.sleep(0.01)
    with pytest.raises(ProcessLookupError):
        os.kill(int(number.read_text()), 0)


def test_a_program_that_cannot_be_started(tmp_path: Path) -> None:
    found: list[Rules] = []
    with learned(str(tmp_path / "missing"), found.append):
        assert not any(thread.name == "rules" for thread in threading.enumerate())
    assert found == []
