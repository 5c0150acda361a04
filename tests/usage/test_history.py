"""Nobody waits for the database, and it is not asked more often than it has to be."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from proxy.usage import history as module
from proxy.usage.history import DAYS, History, Past
from proxy.usage.ledger import RECENT, Ledger
from proxy.usage.store import Store
from tests.usage.records import record
from tests.web.serving import PATIENCE


def place(directory: Path) -> str:
    return f"sqlite:///{(directory / 'usage.db').as_posix()}"


def write(url: str, *ages: int) -> None:
    """A record for each number of days."""
    store = Store.open(url)
    noon = datetime.now().replace(hour=12)
    store.add([record(f"req_{age}", time=(noon - timedelta(days=age)).timestamp()) for age in ages])
    store.close()


def test_the_last_days(tmp_path: Path) -> None:
    write(place(tmp_path), 0, 1, DAYS - 1, DAYS, 400)
    past = History(place(tmp_path)).past(PATIENCE)
    assert past.problem == ""
    assert len(past.days) == 3
    assert (
        past.days[0].start
        == datetime.combine(datetime.now().date() - timedelta(days=DAYS - 1), datetime.min.time()).timestamp()
    )
    assert {each.requests for each in past.days} == {1}


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert History(place(tmp_path)).past(PATIENCE) == Past()
    assert not (tmp_path / "usage.db").exists()


def test_a_database_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read before stays, and the words of the driver, which may name its place, are not told."""
    url = place(tmp_path)
    write(url, 0)
    monkeypatch.setattr(module, "_FRESH", 0.0)
    history = History(url)
    before = history.past(PATIENCE)
    (tmp_path / "usage.db").write_bytes(b"something else" * 1000)
    wait_for(lambda: history.past(0).problem == "DatabaseError")
    assert history.past(0).days == before.days


def test_nobody_waits_and_one_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go, asked = threading.Event(), []

    def days(_: History) -> tuple[()]:
        asked.append(1)
        go.wait(PATIENCE)
        return ()

    monkeypatch.setattr(History, "_days", days)
    history = History(place(tmp_path))
    began = time.monotonic()
    assert [history.past(0) for _ in range(50)] == [Past()] * 50
    assert time.monotonic() - began < PATIENCE / 2
    go.set()
    history.past(PATIENCE)
    for _ in range(50):
        history.past(0)
    assert asked == [1]


def test_a_ledger_without_a_database_has_none() -> None:
    assert Ledger().past() is None


def test_a_ledger_keeps_the_last_requests() -> None:
    """Also those that named no model; but no other requests."""
    ledger = Ledger()
    ledger.add(record("req_models", what="GET /v1/models"))
    ledger.add(record("req_bad", model="", status=400))
    assert [each.id for each in ledger.recent()] == ["req_bad"]
    for number in range(RECENT + 5):
        ledger.add(record(f"req_{number}"))
    recent = ledger.recent()
    assert (len(recent), recent[0].id, recent[-1].id) == (RECENT, "req_5", f"req_{RECENT + 4}")


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)
