from __future__ import annotations

import logging
import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from proxy.recording import store as store_module
from proxy.recording.store import Store, problem_with
from proxy.recording.tape import SIZE_MAX, Tape
from tests.web.serving import settings

PATIENCE = 20.0


def tape() -> Tape:
    return Tape("POST", "/v1/messages", [], settings("http://127.0.0.1:9/v1"), {})


def named(number: int) -> str:
    return f"2026-11-29T08-40-{number:02d}_req_abc.json"


def filled(place: Path, count: int, text: str = "{}") -> None:
    numbers = iter(range(count))
    store = Store(place, lambda _: (named(next(numbers)), text))
    for _ in range(count):
        store.add(tape())
    store.close(PATIENCE)


def test_files_are_whole_and_for_their_owner_only(tmp_path: Path) -> None:
    place = tmp_path / "a" / "b"
    filled(place, 2, '{"version": 1}\n')
    assert sorted(path.name for path in place.iterdir()) == [named(0), named(1)]
    assert (place / named(0)).read_text() == '{"version": 1}\n'
    if os.name == "posix":
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert stat.S_IMODE((place / named(0)).stat().st_mode) == 0o600


def test_the_oldest_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notes.json").write_text("somebody's own")
    monkeypatch.setattr(store_module, "FILES_MAX", 3)
    filled(tmp_path, 5)
    assert sorted(path.name for path in tmp_path.iterdir()) == [named(2), named(3), named(4), "notes.json"]
    monkeypatch.setattr(store_module, "BYTES_MAX", 25)
    filled(tmp_path, 1, "x" * 22)
    assert sorted(path.name for path in tmp_path.iterdir()) == [named(0), named(4), "notes.json"]


def test_a_disk_that_takes_nothing_is_told_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("no directory")
    with caplog.at_level(logging.WARNING):
        filled(tmp_path / "file" / "in", 3)
    assert len(caplog.records) == 1
    assert "RECORD_DIR" in caplog.text


def test_a_directory_is_tried_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    assert problem_with(tmp_path / "file")
    assert problem_with(tmp_path / "file" / "in")
    assert problem_with(tmp_path / ("n" * 300))
    assert problem_with(tmp_path / "new" / "one") is None
    assert list((tmp_path / "new" / "one").iterdir()) == []


def test_what_cannot_be_recorded_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    left = [ValueError("a text"), None]

    def made_of(_: Tape) -> tuple[str, str]:
        if (error := left.pop(0)) is not None:
            raise error
        return named(1), "{}"

    store = Store(tmp_path, made_of)
    store.add(tape())
    store.add(tape())
    store.close(PATIENCE)
    assert [path.name for path in tmp_path.iterdir()] == [named(1)]
    assert "ValueError" in caplog.text


def test_too_many_at_once_are_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(store_module, "_WAITING_MAX", 1)
    free, began = threading.Event(), threading.Event()

    def made_of(_: Tape) -> tuple[str, str]:
        began.set()
        free.wait(PATIENCE)
        return named(1), "{}"

    store = Store(tmp_path, made_of)
    store.add(tape())
    assert began.wait(PATIENCE)
    for _ in range(4):
        store.add(tape())
    free.set()
    store.close(PATIENCE)
    assert caplog.text.count("some are not recorded") == 1


def test_a_tape_has_an_end() -> None:
    made = tape()
    made.received(b"x" * (SIZE_MAX - 1))
    made.emits(b"yy")
    made.emits(b"z")
    assert made.is_cut
    assert made.emitted == []
    assert sys.getsizeof(made.body) < 2 * SIZE_MAX
