"""SIGHUP: by custom the wish that settings are read anew, and also what a terminal sends when it goes away."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

_TERMINAL = "/dev/tty"


def on_hangup(do: Callable[[], None]) -> None:
    """Has SIGHUP call `do`, where there is such a signal. The terminal's own ends the process, as it always does.

    In another thread than the main one it does nothing.
    """
    number = getattr(signal, "SIGHUP", None)
    if number is None or threading.current_thread() is not threading.main_thread():
        return
    # nohup has the signal ignored: what it starts outlives the terminal.
    ends = signal.getsignal(number) is not signal.SIG_IGN and _has_terminal()

    def handle(number: int, _frame: FrameType | None) -> None:
        if ends and not _has_terminal():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        do()

    signal.signal(number, handle)


def _has_terminal() -> bool:
    """Whether this process belongs to a terminal that is still there."""
    try:
        os.close(os.open(_TERMINAL, os.O_RDONLY))
    except OSError:
        return False
    return True
