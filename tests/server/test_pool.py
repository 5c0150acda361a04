"""Which thread serves which channel."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from proxy.server.connections import Channel
from proxy.server.pool import Pool
from tests.server.serving import PATIENCE, eventually


class FakeChannel:
    """Keeps its thread until `go`."""

    queued = 0.0

    def __init__(self, *, waits: bool = True) -> None:
        self.go, self.served_by, self.is_cancelled = threading.Event(), 0, False
        if not waits:
            self.go.set()

    def service(self) -> None:
        self.served_by = threading.get_ident()
        self.go.wait(PATIENCE)

    def cancel(self) -> None:
        self.is_cancelled = True


@contextmanager
def pool_of(limit: int, idle: float = 60) -> Iterator[tuple[Pool, Callable[..., Any]]]:
    """A pool, and what adds a channel to it."""
    pool = Pool("test-pool", limit, idle)
    channels: list[FakeChannel] = []

    def add(channel: FakeChannel) -> FakeChannel:
        channels.append(channel)
        pool.add(cast(Channel, channel))
        return channel

    try:
        yield pool, add
    finally:
        for channel in channels:
            channel.go.set()
        pool.close(PATIENCE)


def threads() -> int:
    return sum(thread.name == "test-pool" for thread in threading.enumerate())


def server_of(channel: FakeChannel) -> int:
    assert eventually(lambda: bool(channel.served_by))
    return channel.served_by


def test_a_thread_begins_only_where_none_is_free() -> None:
    with pool_of(8) as (pool, add):
        first, second = add(FakeChannel()), add(FakeChannel())
        assert server_of(first) != server_of(second)
        first.go.set()
        assert eventually(lambda: pool.idle == 1)
        assert server_of(add(FakeChannel())) == first.served_by
        assert threads() == 2


def test_the_last_to_become_free_is_asked_first() -> None:
    with pool_of(8) as (pool, add):
        busy = [add(FakeChannel()) for _ in range(4)]
        for free, channel in enumerate(reversed(busy), 1):
            channel.go.set()
            assert eventually(lambda: pool.idle == free)  # noqa: B023
        again = [add(FakeChannel()) for _ in range(4)]
        assert [server_of(channel) for channel in again] == [server_of(channel) for channel in busy]


def test_what_finds_no_thread_waits_in_its_turn() -> None:
    order: list[int] = []

    class Numbered(FakeChannel):
        def __init__(self, number: int) -> None:
            super().__init__(waits=False)
            self.number = number

        def service(self) -> None:
            order.append(self.number)

    with pool_of(1) as (pool, add):
        busy = add(FakeChannel())
        for number in range(5):
            add(Numbered(number))
        assert pool.waiting == 5
        busy.go.set()
        assert eventually(lambda: len(order) == 5)
        assert order == [0, 1, 2, 3, 4]


def test_a_thread_that_nothing_comes_for_ends() -> None:
    with pool_of(8, idle=0.01) as (_, add):
        for _ in range(3):
            add(FakeChannel(waits=False))
        assert eventually(lambda: not threads())
        server_of(add(FakeChannel(waits=False)))


def test_nothing_is_lost_to_a_thread_that_is_about_to_end() -> None:
    with pool_of(4, idle=0.0001) as (_, add):
        channels = [add(FakeChannel(waits=False)) for _ in range(3000)]
        assert eventually(lambda: all(channel.served_by for channel in channels))


def test_a_failure_costs_no_thread(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(FakeChannel):
        def service(self) -> None:
            super().service()
            raise SystemExit

    with pool_of(1) as (_, add):
        failed = add(Failing(waits=False))
        assert server_of(add(FakeChannel(waits=False))) == server_of(failed)
    assert "a request failed" in caplog.text


def test_where_no_more_threads_can_begin_those_that_have_serve_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with pool_of(8) as (pool, add):
        busy = add(FakeChannel())
        server_of(busy)
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", start)
            waiting = add(FakeChannel(waits=False))
        assert pool.waiting == 1
        busy.go.set()
        assert server_of(waiting) == busy.served_by


def test_a_closed_pool_cancels_what_waits_and_ends_its_threads() -> None:
    with pool_of(1) as (pool, add):
        busy, waiting = add(FakeChannel()), add(FakeChannel())
        closing = threading.Thread(target=pool.close, args=(PATIENCE,))
        closing.start()
        assert eventually(lambda: waiting.is_cancelled)
        busy.go.set()
        closing.join(PATIENCE)
        assert not threads()
