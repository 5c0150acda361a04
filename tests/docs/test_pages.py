"""What the pages name is there, and every page fits the screen."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from proxy import __version__
from tests.docs.pages import PAGES, ROOT

_PATH = re.compile(r"`((?:proxy|tests|docs|bench|\.ci|requirements)[\w./-]*[\w/])`")
_LINK = re.compile(r"\]\((?!https?://)([^)#]+)\)")
_COMMAND = re.compile(r"\.venv/bin/(?:python|pytest) ([^`&>\n]+)")
_NOT_YET = ("proxy/providers/toy",)
"""What a recipe makes."""

_MODELS = set(re.findall(r"--(?:add|target) (\S+)", PAGES[0].read_text(encoding="utf-8")))
"""Names with a slash that are no paths."""

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
own_page = pytest.mark.parametrize("page", PAGES[1:], ids=lambda page: page.name)


def test_the_pages_that_a_stranger_looks_for() -> None:
    names = {page.name for page in PAGES}
    assert {"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"} <= names
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")


@own_page
def test_lines_fit_the_screen(page: Path) -> None:
    assert [line for line in page.read_text(encoding="utf-8").splitlines() if len(line) > 120] == []


@every_page
def test_named_files_are_there(page: Path) -> None:
    """In code spans, links, and the arguments of commands."""
    text = page.read_text(encoding="utf-8")
    named = [ROOT / path for path in _PATH.findall(text) if not path.startswith(_NOT_YET)]
    named += [page.parent / path for path in _LINK.findall(text)]
    for command in _COMMAND.findall(text):
        named += [ROOT / word for word in shlex.split(command, comments=True) if "/" in word and word not in _MODELS]
    assert [str(path) for path in named if not path.exists()] == []


def test_every_page_is_linked_from_the_readme() -> None:
    linked = set(_LINK.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    assert {f"docs/{page.name}" for page in PAGES[1:]} <= linked


def test_the_changelog_has_what_comes_next_and_this_version() -> None:
    text = (ROOT / "docs" / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[([^\]]+)\](?: - \d{4}-\d\d-\d\d)?$", text, re.MULTILINE)
    assert versions[:2] == ["Unreleased", __version__]
