"""The colours can be told from what is behind them, in both schemes, and the files name no other place."""

from __future__ import annotations

import re

import pytest

from proxy.page import html
from tests.docs.pages import ROOT

CSS = html.static("page.css").decode()
SCHEMES = dict(zip(("light", "dark"), re.findall(r":root \{(.*?)\}", CSS, re.DOTALL), strict=True))
TEXTS = ("text", "quiet", "link", "bad", "good")
MARKS = ("focus", *(f"model-{number}" for number in range(1, 7)))


def colours(scheme: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", SCHEMES[scheme]))


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("names", "least"), [(TEXTS, 4.5), (MARKS, 3.0)])
def test_contrast(names: tuple[str, ...], least: float, scheme: str) -> None:
    known = colours(scheme)
    assert colours("light").keys() == colours("dark").keys()
    weak = [(name, on) for name in names for on in ("ground", "sheet") if contrast(known[name], known[on]) < least]
    assert weak == []


@pytest.mark.parametrize("name", html.STATIC)
def test_nothing_comes_from_elsewhere(name: str) -> None:
    text = html.static(name).decode("ascii")
    assert set(re.findall(r"https?://[\w./]+", text)) <= {"http://www.w3.org/2000/svg"}
    assert "@import" not in text


def test_motion_is_left_out_where_it_is_not_wanted() -> None:
    assert "prefers-reduced-motion: no-preference" in CSS
    assert not re.search(r"\b(animation|transition)\b", CSS)


def test_every_class_has_a_use() -> None:
    """What is styled is named in the templates, and what they name is styled."""
    templates = "".join(
        (ROOT / "proxy" / "page" / "templates" / name).read_text(encoding="utf-8")
        for name in ("page.html", "parts.html")
    )
    styled = set(re.findall(r"\.([a-z][\w-]*)(?=[^{}]*\{)", CSS))
    named = {each for found in re.findall(r'class="([^"{]*)"', templates) for each in found.split()}
    assert styled == named | {f"model-{number}" for number in range(1, 7)}
