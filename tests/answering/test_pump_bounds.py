"""Bounds of the pump: signs of life are no content, and a client that does not read holds the upstream back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from proxy.answering.pump import ClientGone, Pump
from proxy.answering.timing import Timing
from proxy.protocol.deltas import Delta, TextDelta
from proxy.protocol.errors import ApiError
from proxy.providers.call import Call, wait

PATIENCE = 20.0


def test_a_drip_of_signs_of_life_ends() -> None:
    """attacks: comments, keep-alives and empty chunks for ever"""
    call = Call()

    def drip() -> Iterator[list[Delta]]:
        yield [TextDelta("begun")]
        while not call.cancelled:
            yield []
            time.sleep(0.01)

    pump: Pump[Delta] = Pump(drip, call, timing=Timing(poll=0.01), idle_limit=PATIENCE, content_limit=0.2)
    pump.start()
    with pytest.raises(ApiError, match="CONTENT_TIMEOUT") as caught:
        for _ in pump:
            pass
    assert caught.value.status == 504
    assert call.cancelled


def test_a_flood_of_signs_of_life_hides_nothing() -> None:
    """What is always there to be read keeps neither pings back nor the end that others put to it."""
    call, always, gone = Call(), threading.Event(), threading.Event()
    always.set()

    def flood() -> Iterator[list[Delta]]:
        while True:
            wait(always, None)
            yield []

    pump: Pump[Delta] = Pump(
        flood, call, timing=Timing(poll=0.01, ping_every=0.01), idle_limit=PATIENCE, client_gone=gone.is_set
    )
    pump.start()
    batches = iter(pump)
    assert [next(batches), next(batches)] == [None, None]
    gone.set()
    with pytest.raises(ClientGone):
        next(batches)
    assert call.cancelled


def test_a_client_that_does_not_read_holds_the_upstream_back() -> None:
    made = 0
    call = Call()
    waiting = threading.Event()

    def flood() -> Iterator[list[Delta]]:
        nonlocal made
        for n in range(5000):
            made = n
            if n == 2000:
                waiting.set()
            yield [TextDelta("x" * 1000)]

    pump: Pump[Delta] = Pump(flood, call, timing=Timing(poll=0.01), idle_limit=PATIENCE)
    pump.start()
    pump.wait_for_first(None)
    assert not waiting.is_set(), "the upstream waits for the client"
    seen = sum(len(batch or ()) for batch in pump)
    assert seen == 5000
    assert made == 4999


def test_an_upstream_that_is_held_back_ends_with_the_answer() -> None:
    call = Call()
    ended = threading.Event()

    def flood() -> Iterator[list[Delta]]:
        try:
            while True:
                yield [TextDelta("x")]
        finally:
            ended.set()

    pump: Pump[Delta] = Pump(flood, call, timing=Timing(poll=0.01), idle_limit=PATIENCE)
    pump.start()
    pump.wait_for_first(None)
    pump.close()
    assert ended.wait(PATIENCE)
