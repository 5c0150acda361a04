"""Where settings are written: the command line, the environment and the file `.env`."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream

from proxy.settings.parsers import keys
from proxy.settings.table import Setting


def environment(names: Iterable[str]) -> dict[str, str]:
    """The process's own variables of these names, without blank ones."""
    return {name: value for name in names if (value := os.environ.get(name, "").strip())}


def process_environment() -> dict[str, str]:
    """All of the process's own variables, for a program that it starts."""
    return dict(os.environ)


class Variables:
    """The variables by name, of the first source that has a value; what is wrong with one goes to `problems`."""

    def __init__(self, sources: Iterable[Mapping[str, str]], problems: list[str]) -> None:
        self.problems = problems
        self._values: dict[str, str] = {}
        for source in sources:
            for name, value in source.items():
                if value.strip():
                    self._values.setdefault(name, value.strip())

    def get(self, name: str) -> str | None:
        """The text of a variable, never blank."""
        return self._values.get(name)

    def value(self, row: Setting) -> Any:
        """The value of a setting; the default stands in for one that cannot be used."""
        default = None if row.default is None else row.parse(row.default)
        if (text := self.get(row.variable)) is None:
            return default
        try:
            return row.parse(text)
        except ValueError as error:
            self.problems.append(f"{row.variable}: {error}")
            return default

    def secrets(self, name: str) -> tuple[str, ...]:
        """The keys in a variable of any name."""
        value = self.get(name)
        if value is None:
            return ()
        try:
            return keys(value)
        except ValueError as error:
            self.problems.append(f"{name}: {error}")
            return (value,)


def read_dotenv(path: Path, problems: list[str]) -> dict[str, str]:
    """The variables of a `.env` file, never interpolated (a key may hold `${`); empty without a file.

    The parser is used in place of `dotenv_values`, which tells of a broken line only in the log.
    """
    if not is_there(path):
        return {}
    values: dict[str, str] = {}
    text = read_text(path, ".env", problems)
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            problems.append(f".env: line {binding.original.line} cannot be read; write NAME=value")
        elif binding.key and binding.value is not None:
            values[binding.key] = binding.value
    return values


def is_there(path: Path) -> bool:
    """Whether something has this name: also what cannot be read, such as a link that leads nowhere."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError:  # why, says who reads it
        pass
    return True


def read_text(path: Path, label: str, problems: list[str]) -> str:
    """The text of a file that `label` names in problems; empty if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        problems.append(f"{label}: is not UTF-8 text; save it as UTF-8")
    except OSError as error:
        problems.append(f"{label}: cannot be read ({error.strerror}); it must be a readable file")
    return ""
