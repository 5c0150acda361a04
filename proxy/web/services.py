"""What the views share: made once per app, read by many threads."""

from __future__ import annotations

import gc
import json
import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import TypeVar, cast

from flask import current_app, request

from proxy.answering.answer import answer
from proxy.answering.attempts import Attempts
from proxy.answering.calibration import Calibration
from proxy.answering.counting import Estimate
from proxy.answering.plan import Limits
from proxy.answering.pump import Pump
from proxy.answering.routes import able_route
from proxy.answering.running import Running
from proxy.answering.safeguards.rules import own_rules
from proxy.answering.timing import Timing
from proxy.answering.vision import Descriptions, Eyes
from proxy.models import vendors
from proxy.models.catalog import Catalog
from proxy.models.habits import HabitBook, Habits
from proxy.models.roles import role_of
from proxy.models.routing import Route, Router
from proxy.protocol.deltas import Delta
from proxy.protocol.request import MessagesRequest, checked, read_request
from proxy.providers.base import ClientRequest, Exchange, Provider, Wire
from proxy.providers.call import Call
from proxy.settings.auto_mode_rules import Rules
from proxy.settings.config import Config
from proxy.tokens.text import text_tokens

_CONTENT_FACTOR, _CONTENT_MAX = 5, 1800.0
"""Where CONTENT_TIMEOUT is not set: so many times the limit of silence, but half an hour (seconds) at most."""
_BACKSTOP = 30.0
"""Seconds by which the HTTP clients' own limit is longer than the pump's."""


T = TypeVar("T")


class Services:
    def __init__(self, config: Config, timing: Timing | None = None) -> None:
        self.config = config
        self.timing = timing or Timing()
        self.router = Router(config, Catalog.load())
        self.running = Running()
        self.calibration = Calibration()
        self.habits = HabitBook()
        self.rules: Rules = config.auto_mode_rules or own_rules()
        self._descriptions = Descriptions()
        self._limits = Limits(config.max_tokens_limit)
        self._lock = threading.Lock()
        self._providers: dict[str, Provider] = {}

    def provider(self, vendor: str) -> Provider:
        """Who talks to a vendor. One instance for all vendors of a class, made when it is first asked for."""
        name = vendors.vendor(vendor).provider
        with self._lock:
            if name not in self._providers:
                module, _, attribute = name.partition(":")
                longest = self.config.request_timeout or self.timing.silence_while_reasoning
                self._providers[name] = getattr(import_module(module), attribute)(self.config, longest + _BACKSTOP)
            return self._providers[name]

    def attempts(self, route: Route) -> Attempts:
        return Attempts(self.provider(route.provider), self.habits, self._limits, self.timing)

    def wire(self, route: Route) -> Wire:
        """What can be told to the API that answers the route, as far as is known now."""
        return self.provider(route.provider).wire(route, self._habits(route))

    def idle_limit(self, route: Route) -> float:
        """Seconds of upstream silence that are borne."""
        if self.config.request_timeout is not None:
            return self.config.request_timeout
        patient = route.facts.reasons or self.wire(route).verbatim
        return self.timing.silence_while_reasoning if patient else self.timing.silence

    def content_limit(self, route: Route) -> float:
        """Seconds that are borne in which an upstream gives nothing but signs of life."""
        if self.config.content_timeout is not None:
            return self.config.content_timeout
        return min(_CONTENT_FACTOR * self.idle_limit(route), _CONTENT_MAX)

    def route(self, request: MessagesRequest, headers: Mapping[str, str], body_size: int) -> Route:
        """Who answers a request that came with these headers and a body of so many bytes. Raises ApiError (404)."""
        route = self.router.resolve(request.model, role_of(request, headers))
        return able_route(
            route,
            instead=self.router.instead,
            searches=self._searches,
            fits=lambda route: Estimate(request, route, self.calibration).fits(body_size),
        )

    def answer(self, exchange: Exchange, call: Call, learn: Callable[[int], None]) -> Iterator[Sequence[Delta]]:
        """As `answering.answer`; pictures go in words where VISION_MODEL is set and the model sees none."""
        route, eyes = exchange.route, self.router.vision()
        answers = partial(answer, attempts=self.attempts(route), call=call, learn=learn)
        if eyes is None or (route.facts.vision and not self._habits(route).no_images):
            return answers(exchange)
        return Eyes(eyes, self.attempts(eyes), self._descriptions).answered(exchange, call, answers)

    def _habits(self, route: Route) -> Habits:
        return self.habits.get(self.provider(route.provider).server(route), route.model) or Habits()

    def _searches(self, route: Route) -> bool:
        return self.wire(route).searches != "never" and not self._habits(route).no_web_search

    def judge_route(self) -> Route | None:
        """Who judges dangerous tool uses; None where nobody does."""
        return self.router.judge()

    def warm_up(self) -> None:
        """Does in advance what the first request would have to wait for."""
        text_tokens("A first word makes it read its vocabulary.")
        for name in {self.router.resolve(known.id).provider for known in self.router.known_models()}:
            self.provider(name).warm_up()
        # What is there now stays. It need not be looked through again for what is not used any more.
        gc.collect()
        gc.freeze()

    def explain(self, body: bytes) -> tuple[Route, dict[str, object], tuple[str, ...]]:
        """Where a request would go, the body that would be sent, and what was changed on the way. Raises ApiError."""
        parsed = read_request(body)
        route = self.route(parsed, {}, len(body))
        exchange = Exchange(parsed, route, received=ClientRequest("POST", "/v1/messages", (), body))
        if not self.wire(route).verbatim:
            checked(parsed)
        attempt = self.attempts(route).prepare(exchange)
        written = attempt.written
        return route, json.loads(written.raw) if written.raw else written.body, attempt.notes


def services() -> Services:
    """The services of the app that serves the current request."""
    return cast(Services, current_app.extensions["proxy"])


class Pumps:
    """Makes the pumps of the current request, counted among the running ones until they are closed.

    A stream outlives the request's context, so what is needed of that is taken here.
    """

    def __init__(self) -> None:
        self._running, self._timing = services().running, services().timing
        self._client_gone = request.environ.get("waitress.client_disconnected", lambda: False)

    def make(
        self,
        call: Call,
        batches: Callable[[], Iterable[Sequence[T]]],
        idle_limit: float,
        content_limit: float = math.inf,
    ) -> Pump[T]:
        """Limits in seconds: of upstream silence, and of nothing but signs of life."""
        pump = Pump(
            batches,
            call,
            timing=self._timing,
            idle_limit=idle_limit,
            content_limit=content_limit,
            client_gone=self._client_gone,
            on_close=self._running.remove,
        )
        self._running.add(pump)
        return pump
