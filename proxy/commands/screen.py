"""Text for a terminal or a file: 80 columns, ASCII where no more can be shown, colour on a terminal only."""

from __future__ import annotations

import itertools
import os
import sys
import textwrap
import threading
from collections.abc import Iterable, Sequence
from typing import TextIO

from proxy.logs import ascii_only
from proxy.settings.sources import environment

WIDTH = 80
"""Columns."""
_COLUMN_MOST = 40
_COLOURS = {"ok": "32", "warn": "33", "fail": "31", "skip": "2", "title": "1"}
_MARKS = {"ok": "\u2713", "warn": "!", "fail": "\u2717", "skip": "-"}
_ASCII_MARKS = {"ok": "ok", "warn": "warn", "fail": "FAIL", "skip": "-"}
_ARROW = "\u2192"


class Screen:
    """Prints to a stream what may hold anything, such as a server's words."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._shows_all = _can_show(self._stream, f"{_ARROW}{''.join(_MARKS.values())}")
        self._has_colour = _has_colour(self._stream)

    def line(self, text: str = "") -> None:
        print(self._shown(text), file=self._stream)

    def title(self, text: str) -> None:
        print(self._coloured(self._shown(text), "title"), file=self._stream)

    def row(self, cells: Sequence[str], widths: Sequence[int]) -> None:
        """Cells side by side, the last one that is not empty wrapped; after one that is too long a new line begins."""
        last = max((place for place, cell in enumerate(cells) if cell), default=0)
        lead = ""
        for cell, width in zip(cells[:last], widths, strict=False):
            lead += f"{cell:<{width}}"
            if len(cell) >= width:
                self.line(lead.rstrip())
                lead = " " * (len(lead) - len(cell) + width)
        self._wrapped(cells[last], lead, len(lead))

    def finding(self, status: str, name: str, words: str, remedy: str) -> None:
        marks = _MARKS if self._shows_all else _ASCII_MARKS
        width = max(map(len, marks.values()))
        lead = self._coloured(f"  {marks[status]:<{width}}", status)
        self._wrapped(words, f"{lead}  {name:<24}", 4 + width + 24)
        if remedy:
            arrow = _ARROW if self._shows_all else "->"
            indent = 4 + width
            self._wrapped(remedy, f"{' ' * indent}{arrow} ", indent + len(arrow) + 1)

    def verdict(self, status: str, text: str) -> None:
        for line in textwrap.wrap(self._shown(text), WIDTH):
            print(self._coloured(line, status), file=self._stream)

    def _wrapped(self, text: str, lead: str, indent: int) -> None:
        """`lead` is `indent` columns wide, and stands before the first line."""
        # Long words are addresses and names, which have to stay whole.
        lines = textwrap.wrap(self._shown(text), WIDTH - indent, break_long_words=False, break_on_hyphens=False)
        for number, line in enumerate(lines or [""]):
            start = lead if number == 0 else " " * indent
            print(f"{start}{line}".rstrip(), file=self._stream)

    def _shown(self, text: str) -> str:
        if not self._shows_all or not _can_show(self._stream, text):
            return ascii_only(text)
        return "".join(each if each.isprintable() or each == "\n" else ascii_only(each) for each in text)

    def _coloured(self, text: str, name: str) -> str:
        return f"\x1b[{_COLOURS[name]}m{text}\x1b[0m" if self._has_colour else text


class Progress:
    """One line on a terminal that says what is waited for; nothing where stderr is no terminal."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        """Safe in any thread."""
        if self._is_shown:
            with self._lock:
                line = ascii_only(text)[: WIDTH - 5]
                print(f"\r{line + ' ...':<{WIDTH - 1}}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self._is_shown:
            with self._lock:
                print(f"\r{'':<{WIDTH - 1}}\r", end="", file=sys.stderr, flush=True)


def columns(rows: Iterable[Sequence[str]], *, most: Sequence[int] = ()) -> list[int]:
    """The widths of all columns but the last, two spaces included; `most` caps the first ones, 40 all others."""
    cells = list(zip(*rows, strict=True))
    caps = itertools.chain(most, itertools.repeat(_COLUMN_MOST))
    return [min(max(map(len, each)), cap) + 2 for each, cap in zip(cells[:-1], caps, strict=False)]


def _can_show(stream: TextIO, text: str) -> bool:
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True


def _has_colour(stream: TextIO) -> bool:
    variables = environment(("NO_COLOR", "TERM", "WT_SESSION"))
    if not stream.isatty() or "NO_COLOR" in variables or variables.get("TERM") == "dumb":
        return False
    return os.name != "nt" or bool(variables.keys() & {"TERM", "WT_SESSION"})
