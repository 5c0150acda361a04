from __future__ import annotations

import pytest

from bench.report import replaced
from bench.results import Found, Row, medians, ratios, spreads, worse

CPU = Row("CPU, us", steady=True)
GROWTH = Row("10 times as much", steady=True, alone=True)
LATE = Row("late, ms")
FOUND: Found = {
    "relay": [{CPU: 10.0, GROWTH: 2.0, LATE: 1.0}, {CPU: 20.0, GROWTH: 4.0, LATE: 1.0}, {CPU: 10.0, LATE: 1.0}],
    "chat": [{CPU: 20.0, GROWTH: 6.0, LATE: 5.0}, {CPU: 50.0, GROWTH: 8.0, LATE: 3.0}, {CPU: 1234.5, LATE: 0.123}],
    "litellm": [{CPU: 100.0}, {}, {}],
}


def test_ratios_are_made_within_a_round() -> None:
    assert ratios(FOUND) == {
        CPU.name: {"chat": 2.5, "litellm": 10.0},
        GROWTH.name: {"chat": 7.0},
        LATE.name: {"chat": 3.0},
    }
    assert list(ratios(FOUND, steady=True)) == [CPU.name, GROWTH.name]


def test_tables_are_markdown_and_leave_failures_empty() -> None:
    assert medians(FOUND).splitlines() == [
        "|                  | relay | chat | litellm |",
        "| ---------------- | ----: | ---: | ------: |",
        "| CPU, us          |    10 |   50 |     100 |",
        "| 10 times as much |     3 |    7 |         |",
        "| late, ms         |     1 |    3 |         |",
    ]
    assert spreads(FOUND).splitlines() == [
        "| times the relay's |         chat | litellm |",
        "| ----------------- | -----------: | ------: |",
        "| CPU, us           | 2.5 (2..123) |      10 |",
        "| 10 times as much  |     7 (6..8) |         |",
        "| late, ms          | 3 (0.123..5) |         |",
    ]


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (1.5, 1.0, {}),
        (1.51, 1.0, {"row, chat": "1.51, before 1"}),
        (0.5, 1.0, {}),
        (9.0, None, {}),
    ],
)
def test_much_worse_is_what_counts(now: float, before: float | None, expected: dict[str, str]) -> None:
    known = {} if before is None else {"chat": before, "gone": 1.0}
    assert worse({"row": {"chat": now}, "new": {"chat": 9.0}}, {"row": known, "gone": {}}) == expected


def test_what_people_wrote_stays() -> None:
    page = "Before\n<!-- generated -->\nold\n<!-- end -->\nAfter\n"
    assert replaced(page, "new \\1") == "Before\n<!-- generated -->\n\nnew \\1\n\n<!-- end -->\nAfter\n"
    assert replaced(replaced(page, "new"), "new") == replaced(page, "new")
    with pytest.raises(ValueError, match="no place"):
        replaced("nothing", "new")
