from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path

import pytest

from proxy.usage.report import CannotReport, report, since_day
from proxy.usage.store import Store
from tests.usage.records import NOON, record

TODAY = date(2026, 11, 29)


@pytest.fixture
def url(tmp_path: Path) -> str:
    found = f"sqlite:///{(tmp_path / 'usage.db').as_posix()}"
    store = Store.open(found)
    store.add(
        [
            record("a", cost=1.5, tokens_in=1000),
            record("b", cost=0.25, tokens_in=20, target="openai/gpt-6-sol"),
            record("c", cost=None, status=429, error="rate_limit_error", tokens_in=None),
            record("d", time=NOON - 86400, cost=3.0, session=""),
        ]
    )
    store.close()
    return found


@pytest.mark.parametrize(
    ("text", "day"),
    [("1d", "2026-11-29"), ("7d", "2026-11-23"), ("30d", "2026-10-31"), ("2026-11-01", "2026-11-01")],
)
def test_since(text: str, day: str) -> None:
    assert since_day(text, TODAY) == day


@pytest.mark.parametrize("text", ["0d", "-1d", "7", "d", "yesterday", "2026-13-01", "99999999d"])
def test_since_nonsense(text: str) -> None:
    with pytest.raises(ValueError):
        since_day(text, TODAY)


def test_table(url: str) -> None:
    lines = report(url, "model", record().day, "table").splitlines()
    assert lines[0].split("  ")[0] == "model"
    assert len({len(line) for line in lines}) == 1
    assert [line.split()[0] for line in lines[1:]] == ["gemini/gemini-3.8-flash", "openai/gpt-6-sol", "total"]
    assert lines[-1].split() == ["total", "3", "1", "0", "1020", "51000", "0", "690", "$1.7500"]


def test_one_line_needs_no_total(url: str) -> None:
    assert "total" not in report(url, "day", record().day, "table")
    assert "-  " in report(url, "session", "", "table")


def test_csv(url: str) -> None:
    rows = list(csv.DictReader(report(url, "day", "", "csv").splitlines()))
    assert [(row["day"], row["requests"], row["failed"], row["cost"]) for row in rows] == [
        (record(time=NOON - 86400).day, "1", "0", "3.0"),
        (record().day, "3", "1", "1.75"),
    ]


def test_json(url: str) -> None:
    first, second = json.loads(report(url, "role", "", "json")), json.loads(report(url, "day", "", "json"))
    assert [(each["role"], each["requests"], each["cost"]) for each in first] == [("main", 4, 4.75)]
    assert [each["day"] for each in second] == sorted(each["day"] for each in second)


@pytest.mark.parametrize(
    ("form", "text"), [("table", "no requests are recorded"), ("json", "[]"), ("csv", "day,requests,")]
)
def test_nothing_is_recorded_yet(form: str, text: str, tmp_path: Path) -> None:
    """And no file is made by asking."""
    assert report(f"sqlite:///{(tmp_path / 'no.db').as_posix()}", "day", "", form).startswith(text)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("off", "USAGE_DB: is off"),
        ("postgresql+nodriver://u:canary@h/db", "cannot be read"),
        ("x://", "cannot be read"),
    ],
)
def test_no_database(url: str, words: str) -> None:
    with pytest.raises(CannotReport, match=words) as refused:
        report(url, "day", "", "table")
    assert "canary" not in str(refused.value)


def test_something_else(tmp_path: Path) -> None:
    (tmp_path / "usage.db").write_bytes(b"something else" * 1000)
    with pytest.raises(CannotReport, match="file is not a database"):
        report(f"sqlite:///{(tmp_path / 'usage.db').as_posix()}", "day", "", "table")
