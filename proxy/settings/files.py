"""The files that settings stand in: which they are, and whether they are as they were when they were read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from proxy.settings.config import Config, load_config
from proxy.settings.sources import Variables, process_environment, read_dotenv
from proxy.settings.table import CUSTOM_MODELS_FILE

_Stamps = dict[Path, tuple[int, int, int] | None]
"""Time of the last change (ns), size (bytes) and inode of each file; None for one that is not there."""
_SETTLED = 1
"""Looks in a row that find the same, after which nobody is writing any more."""
_SETTLED_EMPTY = 5
"""The same where a file is empty that was not: whoever writes a file anew empties it first."""


class SettingsFiles:
    """The settings of a process as they can be read again: files as they are now, flags and environment as ever."""

    def __init__(self, directory: Path | None = None, overrides: Mapping[str, str] | None = None) -> None:
        """As `load_config`."""
        self._directory = directory or Path.cwd()
        self._overrides = overrides or {}
        self._read: _Stamps = {}
        self._seen: _Stamps = {}
        self._steady = 0

    def load(self) -> Config:
        """What stands in them now. Raises ConfigError with all problems."""
        dotenv = self._directory / ".env"
        # Its stamp first: a change after that is seen as one, whatever has been read by then.
        self._read = _stamps([dotenv])
        written = Variables((self._overrides, process_environment(), read_dotenv(dotenv, [])), [])
        named = (written.get("CUSTOM_MODELS_FILE") or CUSTOM_MODELS_FILE, written.get("AUTO_MODE_RULES_FILE"))
        self._read |= _stamps(self._directory / name for name in named if name)
        return load_config(directory=self._directory, overrides=self._overrides)

    @property
    def is_current(self) -> bool:
        """Whether they are as they were when `load` began."""
        return _stamps(self._read) == self._read

    def settled(self) -> bool:
        """Whether nobody seems to be writing, so that what stands there is whole. To be called at intervals."""
        stamps = _stamps(self._read)
        self._steady = self._steady + 1 if stamps == self._seen else 0
        self._seen = stamps
        emptied = any(stamp and not stamp[1] and stamp != self._read[path] for path, stamp in stamps.items())
        return self._steady >= (_SETTLED_EMPTY if emptied else _SETTLED)


def _stamps(paths: Iterable[Path]) -> _Stamps:
    return {path: _stamp(path) for path in paths}


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
