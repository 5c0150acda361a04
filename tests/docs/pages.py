"""The pages of the docs, taken apart: tables, and steps that can be done."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
_STEP = re.compile(
    r"^In `(?P<path>[^`]+)`, (?P<place>above|below|at the end of) `(?P<anchor>[^`]+)`:\n\n```\w+\n(?P<block>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Step:
    """A block of text that belongs at a place of a file."""

    path: str
    place: Literal["above", "below", "at the end of"]
    anchor: str
    """A line, or for "at the end of" the name of a tuple at the top level of a module."""
    block: str

    def apply(self, root: Path) -> None:
        """Does the step in a copy of the repository."""
        file = root / self.path
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        lines.insert(self._index(lines), self.block)
        file.write_text("".join(lines), encoding="utf-8")

    def _index(self, lines: list[str]) -> int:
        if self.place == "at the end of":
            found = [at for at, line in enumerate(lines) if re.match(rf"{self.anchor}\b.*= \($", line)]
        else:
            found = [at for at, line in enumerate(lines) if line.strip() == self.anchor]
        assert len(found) == 1, f"{self.path} has {len(found)} lines {self.anchor!r}"
        if self.place == "at the end of":
            return lines.index(")\n", found[0])
        return found[0] + (self.place == "below")


def section(page: str, title: str) -> str:
    """What stands under a title of `docs/{page}`, up to the next title of the same or a higher level."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = re.search(rf"^(?P<level>#+) {re.escape(title)}\n(?P<body>.*?)(?=^#{{1,3}} |\Z)", text, re.M | re.S)
    assert found is not None, f"{page} has no section {title!r}"
    return found["body"]


def steps(title: str) -> list[Step]:
    """The steps of a recipe in CONTRIBUTING.md, in their order."""
    body = section("CONTRIBUTING.md", title)
    return [Step(**found.groupdict()) for found in _STEP.finditer(body)]  # type: ignore[arg-type]


def block(title: str, language: str) -> str:
    """The first block of a recipe in this language that belongs to no step."""
    body = _STEP.sub("", section("CONTRIBUTING.md", title))
    found = re.search(rf"^```{language}\n(.*?)^```$", body, re.M | re.S)
    assert found is not None
    return found[1]


def table(text: str, number: int = 0) -> list[list[str]]:
    """The rows of a table of the text, without its head."""
    tables = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    rows = [line.strip().strip("|").split("|") for line in tables[number].splitlines()]
    return [[cell.strip() for cell in row] for row in rows[2:]]
