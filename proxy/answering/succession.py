"""One answer from the first of several targets that gives one.

Looks like a pump to who reads it. As long as the answer has shown nothing, a target that fails is followed by the
next one, with a pump of its own; it then rests for a while, so that the requests that come after do not ask it first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar, cast

from proxy.answering.health import Health
from proxy.answering.pump import Pump
from proxy.protocol.deltas import Note, shows
from proxy.protocol.errors import ApiError
from proxy.providers.base import Exchange

Item = TypeVar("Item")


class Succession(Generic[Item]):
    """`start` it and `close` it in every case, as a pump. `exchange` is the one that is being answered."""

    def __init__(
        self,
        exchanges: Sequence[Exchange],
        pump_for: Callable[[Exchange], Pump[Item]],
        health: Health,
        *,
        on_change: Callable[[Exchange], None] = lambda _: None,
        on_shown: Callable[[], None] = lambda: None,
    ) -> None:
        """`exchanges`: the same request for each who may answer, best first; `pump_for` gives a pump not yet started.

        `on_change` is told who answers, whenever that changes; `on_shown` is called when the answer begins.

        Raises ApiError where all of them rest.
        """
        self._all = exchanges
        self._pump_for = pump_for
        self._health = health
        self._on_change = on_change
        self._on_shown = on_shown
        self._waiting = health.ready(exchanges)
        if not self._waiting:
            raise health.error(exchanges)
        self._notes: list[Note] = []
        self._has_shown = False
        self._take_next()

    def start(self) -> None:
        self._pump.start()

    def close(self) -> None:
        self._pump.close()

    def wait_for_first(self, patience: float | None) -> None:
        """As `Pump.wait_for_first`; raises ApiError where no target gives an answer."""
        until = None if patience is None else time.monotonic() + patience
        while True:
            try:
                self._pump.wait_for_first(None if until is None else max(0.0, until - time.monotonic()))
                break
            except ApiError as error:
                self._follow(error)
        self._saw(self._pump.held)

    @property
    def held(self) -> Sequence[Item]:
        """As a pump's."""
        return [*cast(Sequence[Item], self._notes), *self._pump.held]

    def __iter__(self) -> Iterator[list[Item] | None]:
        """As a pump's."""
        while True:
            if self._notes:
                notes, self._notes = self._notes, []
                yield cast(list[Item], notes)
            try:
                for batch in self._pump:
                    if not self._has_shown and batch:
                        self._saw(batch)
                    yield batch
                return
            except ApiError as error:
                self._follow(error)

    def _saw(self, items: Sequence[Item]) -> None:
        if any(map(shows, items)):
            self._has_shown = True
            self._on_shown()
            self._health.answered(self.exchange)

    def _follow(self, error: ApiError) -> None:
        """Has the next target asked. Raises the error where it ends the answer, or the list's where all have failed."""
        failed = self.exchange
        if self._pump.is_stopped or not self._health.is_passed_over(failed, error) or self._has_shown:
            raise error
        self._pump.close()
        if not self._waiting:
            raise self._health.error(self._all)
        self._take_next()
        self._notes.append(Note(f"{failed.route.target} failed ({error.status}), {self.exchange.route.target} answers"))
        self._pump.start()

    def _take_next(self) -> None:
        self.exchange = self._waiting.pop(0)
        self._on_change(self.exchange)
        self._pump = self._pump_for(self.exchange)
