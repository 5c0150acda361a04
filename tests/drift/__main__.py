"""Tells what the newest Claude Code sends that the recorded one did not: `python -m tests.drift`.

Exit codes: 0 nothing new, 1 something new, 2 it could not run.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.drift import sessions
from tests.drift.day import DayError, stage
from tests.drift.report import Baseline, compare
from tests.drift.shapes import shape
from tests.e2e.claude_code import find
from tests.e2e.install_clients import install, newest_version

BASELINE = Path(__file__).parent / "baseline.json"
_HELPERS = (("tmux", "what is asked for in a terminal"), ("openssl", "the summary of a web page"))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drift", description=__doc__)
    parser.add_argument("--record", action="store_true", help="make today's shapes the recorded ones")
    parser.add_argument("--client", metavar="COMMAND", help="this Claude Code instead of the newest on npm")
    options = parser.parse_args(arguments)
    try:
        return _check(_absolute(options.client) if options.client else _newest(), record=options.record)
    except (DayError, OSError, ValueError, subprocess.SubprocessError) as problem:
        print(f"could not run: {problem}", file=sys.stderr)
        return 2


def _check(command: str, *, record: bool) -> int:
    missing = [name for name, _ in _HELPERS if shutil.which(name) is None]
    if record and missing:
        raise DayError(f"a recording needs {' and '.join(missing)}")
    for name, lost in _HELPERS:
        if name in missing:
            print(f"no {name}: {lost} is left out, and shown as gone", file=sys.stderr)
    today = _today(command, has_terminal="tmux" not in missing)
    if record:
        BASELINE.write_text(today.to_json(), encoding="utf-8")
        print(f"recorded Claude Code {today.client}")
        return 0
    report = compare(Baseline.from_json(BASELINE.read_text(encoding="utf-8")), today)
    print(report)
    return 1 if report.has_news else 0


def _today(command: str, *, has_terminal: bool) -> Baseline:
    version = subprocess.run([command, "--version"], check=True, capture_output=True, encoding="utf-8").stdout
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory,
        stage(command, Path(directory).resolve()) as ready,
    ):
        sessions.in_print_mode(ready)
        if has_terminal:
            sessions.in_terminal(ready)
        for failure in ready.server.failures:
            print(f"the script has no answer to {failure}", file=sys.stderr)
        return Baseline(version.split()[0], shape(ready.server.requests()))


def _absolute(command: str) -> str:
    """Raises DayError where there is no such command."""
    found = shutil.which(command)
    if found is None:
        raise DayError(f"no command {command}")
    return str(Path(found).absolute())


def _newest() -> str:
    """Raises DayError without npm, and subprocess.CalledProcessError where it fails."""
    try:
        install("new", newest_version())
    except SystemExit as problem:
        raise DayError(str(problem)) from None
    command = find("new")
    if command is None:
        raise DayError("npm has installed no claude command")
    return command


if __name__ == "__main__":
    sys.exit(main())
