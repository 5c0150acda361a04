"""The one loop of attempts: plan, write, send; learn from a refusal and plan again; wait out a failure and send again.

Bounded in number and in time, and it can be cancelled at every point. Runs in the task; all that it has to say,
notes included, is handed out as values.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from proxy.answering.keys import KeyChoice, KeyPools
from proxy.answering.plan import Limits, Plan, plan
from proxy.answering.timing import Timing
from proxy.models.habits import NO_HABITS, HabitBook, Habits, Lesson, from_names
from proxy.models.routing import Route
from proxy.models.servers import known_habits
from proxy.protocol.deltas import Delta, Note, shows
from proxy.protocol.errors import ApiError
from proxy.providers.base import Exchange, Item, Provider, Written
from proxy.providers.call import Call
from proxy.providers.common.failures import Failure

_LESSON_LIMIT = 4
"""Corrected requests for one answer. A server that refuses a fifth form wants something that is not known here."""
_TRANSIENT = (0, 500, 502, 504)
"""Statuses that are worth another attempt at once; 0 is a connection that failed. A 429 or 503 says when itself."""
_OTHER_KEY = "the request was sent once more, with another key"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One form of a request: the decisions, and what is sent."""

    plan: Plan
    written: Written[Any]

    @property
    def notes(self) -> tuple[str, ...]:
        return (*self.plan.notes, *self.written.notes)


class Attempts:
    """Asks one provider; shares what it learns with all requests of the process."""

    def __init__(
        self, provider: Provider, book: HabitBook, limits: Limits, timing: Timing, pools: KeyPools | None = None
    ) -> None:
        self._provider = provider
        self._pools = pools or KeyPools()
        self._book = book
        self._limits = limits
        self._timing = timing

    def prepare(self, exchange: Exchange) -> Attempt:
        """The first attempt as it would be made now. Pure but for what has been learned; raises ApiError."""
        return self._attempt(exchange, self._habits(exchange.route))

    def count(self, exchange: Exchange, call: Call) -> int | None:
        """The input tokens as the upstream counts them, None where it does not; raises ApiError."""
        attempt = self.prepare(exchange)
        return self._provider.count(attempt.plan, attempt.written, call, self._key(exchange).value)

    def deltas(self, exchange: Exchange, call: Call) -> Iterator[Sequence[Delta]]:
        """The answer of a provider that translates."""
        return cast(Iterator[Sequence[Delta]], self.items(exchange, call))

    def items(self, exchange: Exchange, call: Call) -> Iterator[Sequence[Item]]:
        """Batches of the answer. Notes come as deltas: those of a request before it is sent, each once.

        Raises ApiError for every failure of the upstream that could not be mended.
        """
        notes, habits, key = _Notes(), self._habits(exchange.route), self._key(exchange)
        budget = _Budget(exchange.retries, self._timing)
        while True:
            attempt = self._attempt(exchange, habits)
            yield notes.new(*attempt.notes)
            response = self._provider.send(attempt.plan, attempt.written, call, key.value)
            if isinstance(response, Failure):
                habits, *words = self._mended(response, attempt, habits, budget, key, call)
                yield notes.new(*words)
                continue
            has_shown = False
            try:
                for batch in self._provider.read(response, attempt.written, call):
                    has_shown = has_shown or any(map(shows, batch))
                    yield batch
            except ApiError as error:
                if has_shown or not key.changed(error):
                    raise
                call.give_up()
                yield notes.new(_OTHER_KEY)
                continue
            key.answered()
            reader = attempt.written.reader
            spoilt = reader.spoilt if reader is not None else None
            if spoilt is None or call.cancelled or not budget.may_ask_again():
                break
            log.info("%s: asked once more after %s", exchange.route.target, spoilt)
            lesson = self._provider.learn(Failure(200, spoilt), attempt.written, habits)
            habits = lesson.applied(habits) if lesson is not None else habits
            yield [*reader.end_thinking(), *notes.new(f"the model was asked once more after {spoilt}")]
            call.give_up()
        if reader is not None:
            yield list(reader.end())
            call.complete = True

    def _mended(
        self, failure: Failure, attempt: Attempt, habits: Habits, budget: _Budget, key: KeyChoice, call: Call
    ) -> tuple[Habits, *tuple[str, ...]]:
        """The habits of the next attempt, and what a note says of it. Raises ApiError where there is to be none."""
        if key.changed(failure):
            return habits, _OTHER_KEY
        if (lesson := self._learned(failure, attempt, habits, budget)) is not None:
            return lesson.applied(habits), f"the request was sent once more: {lesson.words}"
        if budget.may_repeat(failure, call):
            return (habits,)
        raise self._provider.error(failure, attempt.plan.route)

    def _key(self, exchange: Exchange) -> KeyChoice:
        provider, route = self._provider, exchange.route
        return self._pools.choice(provider.server(route), provider.keys(route), exchange)

    def _attempt(self, exchange: Exchange, habits: Habits) -> Attempt:
        wire = self._provider.wire(exchange.route, habits)
        decided = plan(exchange, wire, habits, self._limits)
        return Attempt(decided, self._provider.write(decided))

    def _habits(self, route: Route) -> Habits:
        return self._book.get(self._provider.server(route), route.model) or _preset(route)

    def _learned(self, failure: Failure, attempt: Attempt, habits: Habits, budget: _Budget) -> Lesson | None:
        if not budget.may_learn():
            return None
        lesson = self._provider.learn(failure, attempt.written, habits)
        if lesson is None or (lesson.repeat and not budget.may_ask_again()):
            return None
        route = attempt.plan.route
        log.info("%s: learned %s", route.target, lesson.name)
        if lesson.lasting:
            self._book.learn(self._provider.server(route), route.model, lesson, _preset(route))
        return lesson


class _Budget:
    """What is left of one request's attempts."""

    def __init__(self, retries: int, timing: Timing) -> None:
        self._retries = retries
        self._timing = timing
        self._repeats = 0
        self._lessons = 0
        self._asked_again = False
        self._until = time.monotonic() + timing.attempts

    def may_learn(self) -> bool:
        self._lessons += 1
        return self._lessons <= _LESSON_LIMIT and time.monotonic() < self._until

    def may_ask_again(self) -> bool:
        """Whether chance may be given another try: once."""
        first, self._asked_again = not self._asked_again, True
        return first

    def may_repeat(self, failure: Failure, call: Call) -> bool:
        """Whether the request may be sent again after this failure; waits until it may."""
        pause = self._timing.first_pause * 2**self._repeats
        late = time.monotonic() + pause > self._until
        if failure.status not in _TRANSIENT or self._repeats >= self._retries or late or call.cancelled:
            return False
        self._repeats += 1
        call.sleep(pause)
        return not call.cancelled


class _Notes:
    """Each note once, whichever attempt it comes from; nothing is taken back."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def new(self, *notes: str) -> list[Note]:
        fresh = [note for note in dict.fromkeys(notes) if note not in self._known]
        self._known.update(fresh)
        return [Note(note) for note in fresh]


def _preset(route: Route) -> Habits:
    """What the user says of the server in advance, or what it is known for."""
    custom = route.custom
    if custom is None:
        return NO_HABITS
    return from_names(custom.habits or known_habits(custom.api_base, custom.upstream_name))
