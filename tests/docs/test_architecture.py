"""The page on the architecture describes this house: rooms, arrows, libraries, what is pure, threads, names."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.providers.call import Call
from tests.docs.pages import ROOT, section, table

PAGE = "ARCHITECTURE.md"
ABOVE_ALL = ("cli", "demo", "logs", "__main__", "__init__")
"""The modules that begin the program; who may import them is said as for rooms."""
IMPURE = ("client.py", "sdk.py", "signatures.py")
EFFECTS = {
    *("asyncio", "flask", "http", "httpx2", "httpcore2", "io", "logging", "openai", "os", "pathlib", "queue"),
    *("requests", "select", "socket", "subprocess", "threading", "time", "urllib3"),
}
"""Modules without which there is no I/O, no thread and no clock."""


def codes(cell: str) -> set[str]:
    """The names in a cell, with or without the marks of code."""
    return {name.strip("`") for name in re.split(r",\s*", cell) if name}


ROWS = {row[0].strip("`"): (codes(row[1]), codes(row[2])) for row in table(section(PAGE, "The house"))}


def modules(pattern: str = "**/*.py") -> list[Path]:
    return sorted((ROOT / "proxy").glob(pattern))


def imported(path: Path) -> Iterator[str]:
    """The full names of all modules that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(name: str) -> str:
    """The room of a module: the longest that the table names, else the top-level name."""
    parts = name.split(".")[1:]
    return next((known for known in ("/".join(parts[:2]), parts[0]) if known in ROWS), parts[0])


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def test_every_room_has_a_row() -> None:
    assert {room(name_of(path)) for path in modules()} == {*ROWS, *ABOVE_ALL}


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_arrows(path: Path) -> None:
    """No module imports from a room, or a library, that its room's row does not have."""
    own = room(name_of(path))
    if own in ABOVE_ALL:
        return
    rooms, libraries = ROWS[own]
    for name in imported(path):
        top = name.partition(".")[0]
        if top == "proxy":
            assert name == "proxy.__version__" or room(name) in {own, *rooms}, name
        elif top not in sys.stdlib_module_names:
            assert top.removesuffix("_core") in libraries, name


def pure() -> list[Path]:
    """What the page calls pure."""
    rooms = [path for vendor in ("openai", "gemini", "anthropic") for path in modules(f"providers/{vendor}/**/*.py")]
    found = [path for path in rooms if path.name not in IMPURE]
    found += [*modules("protocol/*.py"), *modules("page/*.py")]
    return [*found, *modules("answering/filters/*.py"), *modules("answering/plan.py")]


@pytest.mark.parametrize("path", pure(), ids=name_of)
def test_pure_modules_import_nothing_that_acts(path: Path) -> None:
    assert {name.partition(".")[0] for name in imported(path)} & EFFECTS == set()


def test_who_may_do_what_with_a_call() -> None:
    """All that a Call offers is in the table, and nothing else is."""
    rows = table(section(PAGE, "Threads"), 1)
    named = set(re.findall(r"`(\w+)(?:\(\))?`", " ".join(may for _, _, may in rows)))
    offered = {name for name in (*vars(Call), *vars(Call())) if not name.startswith("_")}
    assert named == offered - {"cancelled"}


def test_glossary() -> None:
    """At most 25 names, in order, each with one meaning."""
    names = [name for name, _ in table(section(PAGE, "Glossary"))]
    assert names == sorted(set(names))
    assert len(names) <= 25


def test_what_the_page_calls_code_is_in_the_code() -> None:
    """Names of classes and functions, such as `HabitBook` or `Call.cancel()`."""
    text = (ROOT / "docs" / PAGE).read_text(encoding="utf-8")
    source = "\n".join(path.read_text(encoding="utf-8") for path in modules())
    names = re.findall(r"`([A-Z][a-z]\w+(?:\.\w+)*)(?:\(\))?`", text)
    words = {word for name in names for word in name.split(".")}
    assert {word for word in words if not re.search(rf"\b{word}\b", source)} == set()
