from __future__ import annotations

import ctypes
import gc
import sys
import threading
import weakref
from typing import Any

import pytest

from proxy.server import memory
from tests.server.serving import HEAD, PATIENCE, answer_to, echo, serving


class Knot:
    """Refers to itself, so that only a collection frees it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def collections(monkeypatch: pytest.MonkeyPatch) -> list[threading.Event]:
    """An event for each collection that is begun."""
    found = [threading.Event() for _ in range(3)]
    left = iter(found)
    monkeypatch.setattr(gc, "collect", lambda: next(left).set())
    return found


def test_large_requests_are_tidied_up_after(collections: list[threading.Event]) -> None:
    tidying = memory.Tidying()
    first, second, third = collections
    tidying.served(1000)
    tidying.tick(1)
    tidying.served(5_000_000)
    tidying.tick(2)
    assert first.wait(PATIENCE)
    # Not more often than it is worth, and not again without need.
    tidying.served(5_000_000)
    tidying.tick(3)
    tidying.tick(20)
    assert second.wait(PATIENCE)
    tidying.tick(40)
    assert not third.is_set()


def test_where_a_load_is_over_memory_is_given_back_once(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[threading.Event] = []
    monkeypatch.setattr(memory, "give_back", lambda: given[-1].set())
    tidying = memory.Tidying()
    tidying.tick(1)
    for busy_until in (10, 100):
        given.append(threading.Event())
        tidying.served(1000)
        tidying.tick(busy_until - 8)
        tidying.served(1000)
        tidying.tick(busy_until)
        tidying.tick(busy_until + 14)
        assert not given[-1].is_set()
        tidying.tick(busy_until + 16)
        assert given[-1].wait(PATIENCE)
        given[-1].clear()
        tidying.tick(busy_until + 60)
        assert not given[-1].is_set()


def test_the_server_tells_of_each_request(collections: list[threading.Event]) -> None:
    with serving(echo) as server:
        assert answer_to(server, HEAD, b"Content-Length: 5\r\n\r\nhello")[0] == 200
        assert answer_to(server, HEAD, b"Content-Length: 2000000\r\n\r\n", bytes(2_000_000))[0] == 200
        assert collections[0].wait(PATIENCE)


def test_what_is_collected() -> None:
    knot = weakref.ref(Knot())
    tidying = memory.Tidying()
    tidying.served(5_000_000)
    tidying.tick(1)
    for thread in threading.enumerate():
        if thread.name == "tidying":
            thread.join(PATIENCE)
    assert knot() is None


class Glibc:
    """What was asked of it."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []

    def mallopt(self, *arguments: int) -> None:
        self.asked.append(("mallopt", *arguments))

    def malloc_trim(self, *arguments: int) -> None:
        self.asked.append(("malloc_trim", *arguments))


def test_glibc_is_asked_where_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    memory.map_large_blocks()  # as it is here
    memory.give_back()
    glibc = Glibc()
    for platform, library in (("linux", glibc), ("linux", object()), ("win32", None)):
        monkeypatch.setattr(sys, "platform", platform)
        monkeypatch.setattr(ctypes, "CDLL", lambda _, library=library: library)
        memory.map_large_blocks()
        memory.give_back()
    assert glibc.asked == [("mallopt", -3, 256 * 1024), ("malloc_trim", 0)]


def test_what_is_there_is_not_looked_through_again() -> None:
    try:
        memory.keep_what_is_there()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
