"""The deltas of an answer in batches, each of which can leave as one write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from proxy.protocol.deltas import Delta, shows
from proxy.protocol.errors import ApiError


class Batches:
    """Of one answer. What comes with a read is one batch, but the first that can be shown waits for nothing."""

    def __init__(self) -> None:
        self._shown = False

    def of(self, events: Iterable[Iterable[Delta]]) -> Iterator[Sequence[Delta]]:
        """The deltas of the events of one read. Where one tells of a failure, what came before it is not lost."""
        deltas: list[Delta] = []
        try:
            for event in events:
                deltas.extend(event)
                if not self._shown and any(map(shows, deltas)):
                    self._shown = True
                    yield deltas
                    deltas = []
        except ApiError:
            yield deltas
            raise
        yield deltas
