"""Nothing is lost that can be kept, and nobody waits for a database that is broken, locked, full or not there."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from proxy.usage import recorder as module
from proxy.usage.recorder import Recorder
from proxy.usage.store import Store
from tests.usage.records import record
from tests.web.serving import PATIENCE


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LINGER", 0.01)
    monkeypatch.setattr(module, "_FIRST_PAUSE", 0.02)
    monkeypatch.setattr(module, "_LAST_PAUSE", 0.02)
    monkeypatch.setattr("proxy.usage.store._LOCK_PATIENCE", 0.05)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "usage.db"


def recorder(path: Path) -> Recorder:
    return Recorder(f"sqlite:///{path.as_posix()}", lambda _: None)


def rows(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("select count(*) from usage_requests").fetchone()[0])


def wait_for_rows(path: Path, number: int) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if path.exists():
            try:
                if rows(path) == number:
                    return
            except sqlite3.OperationalError:  # its tables are being made
                pass
        time.sleep(0.01)
    raise AssertionError(f"{number} rows have not come")


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == module.__name__]


def test_rows_come_while_it_runs_and_at_the_end(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    own = recorder(path)
    own.add(record("req_first"))
    wait_for_rows(path, 1)
    for number in range(2000):
        own.add(record(f"req_{number}"))
    own.close()
    assert rows(path) == 2001
    assert own.lost == 0
    assert said(caplog) == []


def test_many_threads(path: Path) -> None:
    own = recorder(path)

    def add(name: int) -> None:
        for number in range(200):
            own.add(record(f"req_{name}_{number}"))

    threads = [threading.Thread(target=add, args=(name,)) for name in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    own.close()
    assert rows(path) == 1600


def test_a_locked_database(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What waits is written when the lock is gone; one warning, however often it was tried."""
    Store.open(f"sqlite:///{path.as_posix()}").close()
    own = recorder(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin exclusive")
        for number in range(10):
            own.add(record(f"req_{number}"))
        until = time.monotonic() + PATIENCE
        while not said(caplog) and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.2)
        other.execute("rollback")
    wait_for_rows(path, 10)
    own.close()
    (warning,) = said(caplog)
    assert "requests go on: OperationalError: database is locked" in warning
    assert own.lost == 0


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:////no/such/directory/usage.db", "unable to open database file; make its directory"),
        ("nonsense://", "nonsense"),
        ("postgresql+nodriver://me:canary-password@host/db", "nodriver"),
    ],
)
def test_no_database(url: str, words: str, caplog: pytest.LogCaptureFixture) -> None:
    own = Recorder(url, lambda _: None)
    assert own.wait_until_tried(PATIENCE)
    own.add(record())
    began = time.monotonic()
    own.close(patience=0.1)
    assert time.monotonic() - began < PATIENCE
    assert own.lost == 1
    first, last = said(caplog)
    assert words in first
    assert "1 records of requests were not written" in last
    assert "canary" not in caplog.text


def test_nothing_waits_for_a_broken_database_at_the_end(path: Path) -> None:
    own = Recorder("sqlite:////no/such/directory/usage.db", lambda _: None)
    began = time.monotonic()
    own.close(patience=PATIENCE)
    assert time.monotonic() - began < PATIENCE / 2


def test_a_database_that_was_spoilt_meanwhile(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    own = recorder(path)
    own.add(record("req_1"))
    wait_for_rows(path, 1)
    with closing(sqlite3.connect(path)) as other:
        other.execute("drop table usage_requests")
    own.add(record("req_2"))
    own.close(patience=0.2)
    assert own.lost == 1
    assert len(said(caplog)) == 2


def test_a_full_queue(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """`add` never waits: what has no room is lost, and one warning says so."""
    monkeypatch.setattr(module, "_WAITING_MAX", 5)
    own = Recorder("sqlite:////no/such/directory/usage.db", lambda _: None)
    assert own.wait_until_tried(PATIENCE)
    for number in range(9):
        own.add(record(f"req_{number}"))
    assert own.lost == 4
    assert len([each for each in said(caplog) if "wait for the database" in each]) == 1
    own.close(patience=0.1)
    assert own.lost == 9
