"""Claude Code as a child process that has the terminal: keys, signals, job control and the exit code are its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType

_FROM_TERMINAL = ("SIGINT", "SIGQUIT", "SIGBREAK")
"""A terminal sends them to all its processes, so Claude Code has its own already."""
_FROM_PROGRAMS = ("SIGTERM", "SIGHUP")
_SETTLED = 0.25
"""Seconds that a stop has to last. The shell wakes both, one after the other: who is first sees an old stop of the
other, and would suspend what the user has just woken."""


def run_client(command: list[str] | str, environ: Mapping[str, str]) -> int:
    """Runs the client to its end. Returns its exit code, as a shell would say it. Main thread only.

    Raises OSError where the program cannot be started.
    """
    with _signals() as children:
        process = subprocess.Popen(command, env=dict(environ))  # noqa: S603 - the user's own command
        children.append(process)
        code = _wait(process)
    return 128 - code if code < 0 else code


@contextmanager
def _signals() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Signals end the client and not the launcher, which ends after it; gives the list to put the client in."""
    children: list[subprocess.Popen[bytes]] = []

    def hand_on(number: int, _frame: FrameType | None) -> None:
        for child in children:
            with suppress(OSError):
                child.send_signal(number)

    def heed(number: int, frame: FrameType | None) -> None:
        if sys.platform != "win32" and not _has_terminal():
            hand_on(number, frame)

    handlers = {**dict.fromkeys(_FROM_TERMINAL, heed), **dict.fromkeys(_FROM_PROGRAMS, hand_on)}
    numbers = {getattr(signal, name): handler for name, handler in handlers.items() if hasattr(signal, name)}
    # Handlers, not SIG_IGN: the client would inherit that.
    before = {number: signal.signal(number, handler) for number, handler in numbers.items()}
    try:
        yield children
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _has_terminal() -> bool:
    """Whether this process is in the foreground of a terminal, so that its keys make signals for the client, too."""
    if sys.platform == "win32":
        return True
    for stream in range(3):
        with suppress(OSError):
            return os.tcgetpgrp(stream) == os.getpgrp()
    return False


def _wait(process: subprocess.Popen[bytes]) -> int:
    """The exit code, negative for a signal. A client that is suspended (Ctrl-Z) suspends the launcher."""
    if sys.platform == "win32":
        return process.wait()
    was_stopped = False
    while True:
        options = os.WUNTRACED | os.WCONTINUED | (os.WNOHANG if was_stopped else 0)
        found, status = os.waitpid(process.pid, options)
        if not found:
            was_stopped = False
            if _has_terminal():
                # Or the shell would wait on. It wakes both when the user has them go on.
                os.kill(os.getpid(), signal.SIGSTOP)
        elif os.WIFSTOPPED(status) or os.WIFCONTINUED(status):
            was_stopped = os.WIFSTOPPED(status)
            time.sleep(_SETTLED if was_stopped else 0)
        else:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode
