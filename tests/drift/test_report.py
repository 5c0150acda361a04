from __future__ import annotations

import pytest

from tests.drift.__main__ import BASELINE, main
from tests.drift.report import Baseline, compare
from tests.drift.shapes import CATEGORIES, Shape


def _shape(**names: set[str]) -> Shape:
    return {category: frozenset(names.get(category, ())) for category in CATEGORIES}


OLD = Baseline("1.0", _shape(betas={"a", "b"}, fields={"x: string"}))


@pytest.mark.parametrize(
    ("shape", "has_news", "text"),
    [
        pytest.param(OLD.shape, False, "nothing new", id="the same"),
        pytest.param(_shape(betas={"a"}, fields={"x: string"}), False, "gone betas:\n  - b\nnothing new", id="gone"),
        pytest.param(
            _shape(betas={"a", "b", "d", "c"}, fields={"x: string"}), True, "new betas:\n  + c\n  + d", id="new"
        ),
        pytest.param(
            _shape(betas={"a", "b"}, fields={"x: null"}),
            True,
            "new fields:\n  + x: null\ngone fields:\n  - x: string",
            id="another type",
        ),
        pytest.param(
            _shape(kinds={"GET /x"}, betas={"a", "b"}, fields={"x: string"}), True, "new kinds:\n  + GET /x", id="kind"
        ),
    ],
)
def test_report(shape: Shape, has_news: bool, text: str) -> None:
    report = compare(OLD, Baseline("2.0", shape))
    assert report.has_news is has_news
    assert str(report) == f"Claude Code 2.0 beside the recorded 1.0\n{text}"


def test_file_is_sorted_and_reads_as_it_was_written() -> None:
    text = OLD.to_json()
    assert Baseline.from_json(text) == OLD
    assert text.index('"a"') < text.index('"b"')
    assert text.endswith("}\n")


def test_file_of_an_earlier_check() -> None:
    """A category that it does not have is all new."""
    recorded = Baseline.from_json('{"client": "0.9", "betas": ["a", "b"], "fields": ["x: string"]}')
    assert recorded == Baseline("0.9", OLD.shape)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"client": 1}', "nonsense"])
def test_no_recording(text: str) -> None:
    with pytest.raises(ValueError):
        Baseline.from_json(text)


def test_recorded_day() -> None:
    """The file in the repository is as written by a recording and shows what the day is for."""
    text = BASELINE.read_text(encoding="utf-8")
    recorded = Baseline.from_json(text)
    assert recorded.to_json() == text
    messages = "POST /v1/messages?beta"
    assert {
        "GET /v1/models?limit",
        f"{messages} main/main streamed tools",
        f"{messages} main/main tools",
        f"{messages} subagent/blocking-subagent Explore streamed tools",
        f"{messages} subagent/blocking-subagent general-purpose streamed tools",
        f"{messages} compaction/main streamed tools",
        f"{messages} auxiliary/summary-extraction streamed format(title)",
        f"{messages} auxiliary/main streamed format(ok,reason,impossible)",
        f"{messages} auxiliary/main streamed web_search_20250305",
        f"{messages} auxiliary/main stop_sequences",
    } <= recorded.shape["kinds"]
    assert "safeguards: array" in recorded.shape["fields"]


def test_what_cannot_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--client", "no-such-claude"]) == 2
    assert "could not run: no command no-such-claude" in capsys.readouterr().err
