from __future__ import annotations

from datetime import UTC, datetime

import pytest

from proxy.page import plots, words
from proxy.page.plots import BOTTOM, OTHERS, RIGHT, TOP, Plot, Span
from proxy.usage.tally import Tally

START = datetime(2026, 11, 29, 14, tzinfo=UTC).timestamp()
BORDERS = tuple(START + 60 * each for each in range(5))


def tally(minute: float, target: str, tokens: int, first_byte: float | None = None) -> Tally:
    begun, waited = (0, 0.0) if first_byte is None else (1, first_byte)
    return Tally(START + 60 * minute, target, 1, 0, 0, tokens, 0, 0, tokens / 1e6, begun, waited)


def tokens(*tallies: Tally, models: tuple[str, ...] = ("a", "b")) -> Plot:
    span = Span(tallies, BORDERS, models, UTC)
    return plots.stacked("t", "Tokens", span, lambda each: each.tokens, words.count, words.shorts)


def test_bars_stand_on_each_other() -> None:
    plot = tokens(tally(0.5, "a", 30), tally(0.9, "b", 10), tally(0.1, "a", 10), tally(3, "b", 20))
    first, second, third = plot.bars
    assert (first.number, second.number, third.number) == (1, 2, 2)
    assert first.y + first.height == pytest.approx(BOTTOM)
    assert second.y + second.height == pytest.approx(first.y)
    assert first.height == pytest.approx(4 * second.height, abs=0.5)
    assert (first.x, first.width) == (second.x, second.width)
    assert first.x < third.x < third.x + third.width < RIGHT
    assert [bar.title for bar in plot.bars] == ["14:00: a, 40", "14:00: b, 10", "14:03: b, 20"]
    assert plot.summary == "70 in all, most at 14:00: 50."


def test_marks_and_table() -> None:
    plot = tokens(tally(0.5, "a", 30), tally(0.9, "b", 10))
    assert (plot.up[0].at, plot.up[0].label) == (BOTTOM, "0")
    assert [mark.label for mark in plot.up] == ["0", "10", "20", "30", "40"]
    assert plot.up[-1].at == TOP
    assert [mark.label for mark in plot.across] == ["14:00", "14:01", "14:02", "14:03", "14:04"]
    assert plot.across[0].at == plot.left
    assert plot.across[-1].at == RIGHT
    assert plot.legend == ((1, "a"), (2, "b"))
    assert plot.rows == (("14:00", "30", "10", "40"),)
    assert plot.has_sums


def test_what_has_no_number_of_its_own_is_together() -> None:
    plot = tokens(tally(0, "a", 1), tally(0, "x", 2), tally(0, "y", 3), models=("a",))
    assert plot.legend == ((1, "a"), (6, OTHERS))
    assert plot.rows == (("14:00", "1", "5", "6"),)


@pytest.mark.parametrize("tallies", [(), (tally(0, "a", 0),), (tally(-5, "a", 9),), (tally(4, "a", 9),)])
def test_nothing(tallies: tuple[Tally, ...]) -> None:
    """Also where what there is lies outside."""
    plot = tokens(*tallies)
    assert (plot.bars, plot.rows, plot.legend, plot.summary) == ((), (), (), "Nothing yet.")
    assert [mark.label for mark in plot.up] == ["0", "1"]


def test_labels_have_room() -> None:
    span = Span((tally(0, "a", 42),), BORDERS, ("a",), UTC)
    plot = plots.stacked("t", "Cost", span, lambda each: each.cost, words.money, words.prices)
    longest = max(len(mark.label) for mark in plot.up)
    assert longest > 7
    assert plot.left - 6 > 6.5 * longest


def test_dots() -> None:
    found = (tally(0.5, "a", 1, 2.0), tally(0.7, "a", 1, 4.0), tally(2, "b", 1, 1.0), tally(3, "b", 1))
    dots = [(each.start, each.target, each.first_byte) for each in found if each.first_byte is not None]
    plot = plots.scattered("t", "Wait", Span(found, BORDERS, ("a", "b"), UTC), dots)
    one, two, three = plot.dots
    assert two.y == TOP < one.y < three.y < BOTTOM
    assert one.x < two.x < three.x
    assert [dot.number for dot in plot.dots] == [1, 1, 2]
    assert one.title.replace("\u00a0", " ") == "14:00: a, 2.00 s"
    assert plot.summary.replace("\u00a0", " ") == "1.00 s to 4.00 s, half within 2.00 s."
    assert [[cell.replace("\u00a0", " ") for cell in row] for row in plot.rows] == [
        ["14:00", "3.00 s", words.NONE],
        ["14:02", words.NONE, "1.00 s"],
    ]
    assert not plot.has_sums


def test_those_with_most_tokens_have_numbers() -> None:
    tallies = [tally(0, f"m{each}", each) for each in range(1, 9)]
    assert plots.named([*tallies, tally(0, "m1", 100), tally(0, "", 1000)]) == ("m1", "m8", "m7", "m6", "m5")
