from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import platformdirs
import pytest
from sqlalchemy import create_mock_engine, make_url
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DatabaseError
from sqlalchemy.schema import CreateTable

from proxy.usage.store import GROUPS, METADATA, Store, Sums, WrongVersion, missing_file
from proxy.usage.tally import Tally, midnight
from tests.usage.records import NOON, record

DAY = 86400.0
NO_TOKENS = dict.fromkeys(("tokens_in", "tokens_cached", "tokens_cache_write", "tokens_out"))


def url(directory: Path) -> str:
    return f"sqlite:///{(directory / 'usage.db').as_posix()}"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(url(tmp_path))
    yield opened
    opened.close()


def test_rows_are_whole(store: Store, tmp_path: Path) -> None:
    """Every column but the day is a field of the record; the answer's text is none of them."""
    store.add([record(notes="x was dropped")])
    with closing(sqlite3.connect(tmp_path / "usage.db")) as connection:
        connection.row_factory = sqlite3.Row
        (row,) = map(dict, connection.execute("select * from usage_requests"))
    fields = record(notes="x was dropped")
    assert row.pop("day") == fields.day
    assert row == {name: value for name, value in fields.values().items() if name in row}
    assert fields.values().keys() - row.keys() == {"what", "reason"}


def test_what_is_there_already_is_left_alone(store: Store) -> None:
    """As after a transaction of which nobody knew whether it came through."""
    store.add([record("req_1", cost=1.0)])
    store.add([record("req_1", cost=5.0), record("req_2", cost=2.0)])
    (sums,) = store.sums("day")
    assert (sums.requests, sums.cost) == (2, 3.0)


def test_a_row_that_cannot_be_written_takes_no_other_with_it(store: Store) -> None:
    store.add([record("req_1"), record("req_2", tokens_in=2**80), record("req_3")])
    assert [sums.requests for sums in store.sums("day")] == [2]


def test_sums(store: Store) -> None:
    store.add(
        [
            record("a", session="s1", cost=1.0, tokens_in=10, tokens_cached=5, tokens_cache_write=2, tokens_out=3),
            record("b", session="s2", cost=2.0, tokens_in=20, tokens_cached=None, tokens_out=4, role="title"),
            record("c", session="s1", status=429, error="rate_limit_error", cost=None, **NO_TOKENS),
            record("d", session="s1", cost=None, target="custom/qwen", tokens_in=7, tokens_cached=0, tokens_out=1),
            record("e", session="", time=NOON - DAY, cost=4.0, error="api_error", tokens_in=1, tokens_cached=0),
        ]
    )
    today, before = record().day, record(time=NOON - DAY).day
    assert store.sums("day") == [
        Sums(before, 1, 1, 0, 1, 0, 0, 230, 4.0),
        Sums(today, 4, 1, 1, 37, 5, 2, 8, 3.0),
    ]
    assert [(each.group, each.requests) for each in store.sums("session")] == [("", 1), ("s2", 1), ("s1", 3)]
    assert [(each.group, each.cost) for each in store.sums("role", today)] == [("title", 2.0), ("main", 1.0)]
    assert [each.group for each in store.sums("model", today)] == ["gemini/gemini-3.8-flash", "custom/qwen"]
    assert store.costs(today) == {today: 3.0}
    assert store.costs(before) == {before: 4.0, today: 3.0}
    assert store.sums("day", "2999-01-01") == []


def test_days(store: Store) -> None:
    """By day and target: what the page draws."""
    store.add(
        [
            record("a", cost=1.0, tokens_in=10, tokens_cached=5, tokens_out=3, first_byte=1.0),
            record("b", cost=None, tokens_in=20, tokens_cached=None, tokens_out=4, first_byte=None),
            record("c", status=429, error="rate_limit_error", cost=None, first_byte=None, **NO_TOKENS),
            record("d", target="custom/qwen", cost=None, **NO_TOKENS),
            record("e", time=NOON - DAY),
        ]
    )
    today = midnight(record().day)
    assert store.days(record().day) == [
        Tally(today, "custom/qwen", 1, 0, 0, 0, 0, 0, 0.0, 1, 0.84),
        Tally(today, "gemini/gemini-3.8-flash", 3, 1, 1, 30, 5, 7, 1.0, 1, 1.0),
    ]
    assert store.days("")[0].target == "gemini/gemini-3.8-flash"
    assert store.days("2999-01-01") == []


def test_it_stays_and_is_shared(store: Store, tmp_path: Path) -> None:
    """Two processes write into one file; each sees the other's rows."""
    other = Store.open(url(tmp_path))

    def write(to: Store, name: str) -> None:
        for number in range(20):
            to.add([record(f"{name}{number}")])

    writers = [threading.Thread(target=write, args=each) for each in ((store, "a"), (other, "b"))]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    for each in (store, other):
        assert [sums.requests for sums in each.sums("day")] == [40]
        each.close()


def test_a_later_version_is_left_alone(store: Store, tmp_path: Path) -> None:
    store.close()
    with closing(sqlite3.connect(tmp_path / "usage.db")) as connection:
        connection.execute("update usage_schema set version = 99")
        connection.commit()
    with pytest.raises(WrongVersion, match="version 99"):
        Store.open(url(tmp_path))


def test_no_database(tmp_path: Path) -> None:
    (tmp_path / "usage.db").write_bytes(b"something else" * 1000)
    with pytest.raises(DatabaseError):
        Store.open(url(tmp_path))


def test_the_usual_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "data" / "claude-proxy"
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_, **__: place)
    assert missing_file(None) == place / "usage.db"
    Store.open(None).close()
    assert (place / "usage.db").exists()
    assert missing_file(None) is None


def test_which_file_is_missing(tmp_path: Path) -> None:
    assert missing_file(url(tmp_path)) == tmp_path / "usage.db"
    assert missing_file("sqlite://") is None


def test_postgresql_is_spoken() -> None:
    """Without a server: the statements can be written in its dialect, and its own driver is the user's."""
    said: list[str] = []
    engine = create_mock_engine("postgresql+psycopg://", lambda sql, *_, **__: said.append(str(sql)))
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for table in METADATA.tables.values():
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=dialect))
    assert make_url("postgresql+psycopg://u:p@h/db").get_backend_name() == "postgresql"
    assert engine.dialect.name == "postgresql"
    assert set(GROUPS.values()) <= set(METADATA.tables["usage_requests"].c.keys())
