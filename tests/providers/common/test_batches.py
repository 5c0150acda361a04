"""What of an answer leaves together, and what at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from proxy.protocol.deltas import Delta, TextDelta, ThinkingDelta, Usage
from proxy.protocol.errors import ApiError
from proxy.providers.common.batches import Batches

A, B, C = TextDelta("a"), TextDelta("b"), TextDelta("c")
NOTHING = ThinkingDelta("")


def test_the_first_that_shows_is_a_batch_and_so_is_the_rest_of_each_read() -> None:
    batches = Batches()
    assert list(batches.of([[Usage(input=1)], []])) == [[Usage(input=1)]]
    assert list(batches.of([[NOTHING], [A], [B, C], []])) == [[NOTHING, A], [B, C]]
    assert list(batches.of([[A], [B]])) == [[A, B]]
    assert list(batches.of([])) == [[]]


def test_the_first_does_not_wait_for_the_next_to_be_read() -> None:
    read: list[str] = []

    def events() -> Iterator[list[Delta]]:
        for delta in (A, B):
            read.append(delta.text)
            yield [delta]

    batches = Batches().of(events())
    assert next(batches) == [A]
    assert read == ["a"]


@pytest.mark.parametrize("before", [[], [A], [A, B]])
def test_what_came_before_a_failure_is_not_lost(before: list[Delta]) -> None:
    def fails() -> Iterator[Delta]:
        yield C
        raise ApiError(502, "cut off")

    got: list[Delta] = []
    batches = Batches().of([*([delta] for delta in before), fails()])
    with pytest.raises(ApiError, match="cut off"):
        got.extend(delta for batch in batches for delta in batch)
    assert got == [*before, C]
