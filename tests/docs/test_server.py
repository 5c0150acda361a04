"""The page on the server says what the code does."""

from __future__ import annotations

import pytest

from proxy.server.clocks import Clocks
from proxy.server.keeping import STRANGERS
from proxy.settings.config import load_config
from proxy.web.access import OPEN_PATHS
from tests.docs.pages import ROOT, section, table

PAGE = "server.md"
CLOCKS = Clocks()


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Slow and idle clients", f"{STRANGERS} connections"),
        ("Too many requests", f"after {CLOCKS.thread:g} seconds"),
        *(("Too many requests", f"`{path}`") for path in OPEN_PATHS),
    ],
)
def test_numbers_and_names(title: str, words: str) -> None:
    assert words in " ".join(section(PAGE, title).split())


def test_clocks() -> None:
    limits = [limit for _, limit in table(section(PAGE, "Slow and idle clients"))]
    expected = [f"{CLOCKS.head:g} ", f"{CLOCKS.body_least // 1024} kB in every {CLOCKS.body:g} "]
    expected += [f"{CLOCKS.idle:g} ", f"{CLOCKS.unread:g} "]
    assert [words in limit for words, limit in zip(expected, limits, strict=True)] == [True] * 4


def test_what_the_settings_say_of_it() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert f"wait up to {CLOCKS.thread:g} seconds" in text
    assert load_config({}, directory=ROOT / "docs").shutdown_grace == 30
