"""The directory of recordings, and the thread that writes them: no request waits for it, none fails with it.

The newest are kept, up to a number of files and of bytes. A disk that takes nothing is told of once, until it works
again.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from proxy.recording.tape import SIZE_MAX, Tape

FILES_MAX = 200
BYTES_MAX = 512 * 1024 * 1024
"""Of all recordings together."""
CLOSE_PATIENCE = 10.0
"""Seconds in which what waits at the end must be written."""
_WAITING_MAX, _WAITING_BYTES = 64, 64 * 1024 * 1024
"""Tapes that wait to be written, and what they hold; more are not recorded."""
_READERS_PATIENCE = 2.0
"""Seconds; a reader reads on for one at most when the answer has ended."""
_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d_[\w-]+\.json")

log = logging.getLogger(__name__)

Named = tuple[str, str]
"""The name of a file and its text, which is ASCII."""


def problem_with(directory: Path) -> str | None:
    """Why nothing can be written to a directory, which is made where it is missing; None where something can."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=directory).close()
    except OSError as error:
        return error.strerror or type(error).__name__
    return None


class Store:
    """Takes tapes until `close`."""

    def __init__(self, directory: Path, made_of: Callable[[Tape], Named]) -> None:
        """`made_of` makes a recording of a tape, in the store's thread."""
        self._directory = directory
        self._made_of = made_of
        self._tapes: deque[Tape] = deque()
        self._changed = threading.Condition()
        self._closing = self._failing = self._is_full = False
        # It begins with the first tape: a server that forks after loading the app has no threads in its children.
        self._thread: threading.Thread | None = None

    def add(self, tape: Tape) -> None:
        """Never waits and never fails."""
        with self._changed:
            held = sum(min(each.size, SIZE_MAX) for each in self._tapes)
            if len(self._tapes) < _WAITING_MAX and held < _WAITING_BYTES:
                self._tapes.append(tape)
                self._changed.notify()
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._run, name="recordings", daemon=True)
                    self._thread.start()
                return
            first, self._is_full = not self._is_full, True
        if first:
            log.warning("RECORD_DIR: more requests come than can be written; some are not recorded")

    def close(self, patience: float = CLOSE_PATIENCE) -> None:
        """Returns when all is written, or after `patience` seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(patience)
        if left := len(self._tapes):
            log.warning("RECORD_DIR: %d requests were not recorded, there was no time left", left)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._tapes or self._closing)
                if not self._tapes:
                    return
                tape = self._tapes.popleft()
                self._is_full = self._is_full and bool(self._tapes)
            self._record(tape)

    def _record(self, tape: Tape) -> None:
        tape.wait_for_readers(_READERS_PATIENCE)
        try:
            name, text = self._made_of(tape)
        except Exception as error:
            log.warning("RECORD_DIR: a request could not be recorded (%s)", type(error).__name__, exc_info=error)
            return
        try:
            self._write(name, text)
        except OSError as error:
            if not self._failing:
                log.warning("RECORD_DIR: %s; requests go on and are not recorded", error.strerror)
            self._failing = True
        else:
            self._failing = False

    def _write(self, name: str, text: str) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._make_room(len(text))
        number, made = tempfile.mkstemp(dir=self._directory, prefix=".", suffix=".tmp")  # of mode 0600
        try:
            with open(number, "w", encoding="ascii", newline="\n") as file:
                file.write(text)
            os.replace(made, self._directory / name)
        except BaseException:
            Path(made).unlink(missing_ok=True)
            raise

    def _make_room(self, size: int) -> None:
        """Names begin with the time, so the first are the oldest."""
        kept = sorted(path for path in self._directory.iterdir() if _NAME.fullmatch(path.name))
        sizes = {path: path.stat().st_size for path in kept}
        while kept and (len(kept) >= FILES_MAX or sum(sizes.values()) + size > BYTES_MAX):
            oldest = kept.pop(0)
            oldest.unlink(missing_ok=True)
            del sizes[oldest]
