"""The ids of rules and cases that tests name are explained in the README beside this file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
LISTED = re.findall(r"^\| ([HMS]?\d+) \|", (FOLDER / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
_RULE = re.compile(r"\b[HMS][1-9]\d?\b")
_CASES = re.compile(r"CASES-(\d+(?:(?:\+|, )\d+)*)|(?:\b|test_)case_(\d+(?:_\d+)*)_|\bcase\(\"?(\d+(?:\+\d+)*)")


def named(text: str) -> set[str]:
    """The rules and numbers of cases in the text of a test."""
    numbers = [number for found in _CASES.finditer(text) for number in re.findall(r"\d+", found[0])]
    return {*_RULE.findall(text), *numbers}


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ('"""CASES-36, 37, 48 and all others."""', {"36", "37", "48"}),
        ('"""CASES-50, CASES-51: a loop."""', {"50", "51"}),
        ('id="CASES-86 413 of nginx"', {"86"}),
        ('id="CASES-10+12 image"', {"10", "12"}),
        ('case("42+44", OFFICIAL), case(29, EVERYWHERE)', {"42", "44", "29"}),
        ("def test_case_73_77_read(name)", {"73", "77"}),
        ('"case_75_system_between"', {"75"}),
        ('("S16", broken(text))', {"S16"}),
    ],
)
def test_how_ids_are_named(text: str, ids: set[str]) -> None:
    assert named(text) == ids


def test_each_id_is_listed_once() -> None:
    assert sorted(LISTED) == sorted(set(LISTED))


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: str(path.relative_to(FOLDER)))
def test_what_a_test_names_is_explained(path: Path) -> None:
    assert named(path.read_text(encoding="utf-8")) - set(LISTED) == set()
