"""What the views share, read by many threads: made at the start, and made anew when the settings change."""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import NamedTuple, TypeVar, cast

from flask import Response, current_app, g, request

from proxy.answering.answer import answer
from proxy.answering.attempts import Attempts
from proxy.answering.calibration import Calibration
from proxy.answering.counting import Estimate
from proxy.answering.health import Health
from proxy.answering.keys import KeyPools
from proxy.answering.plan import Limits, Plan
from proxy.answering.pump import Pump
from proxy.answering.routes import able_routes
from proxy.answering.running import Answering, Running
from proxy.answering.safeguards.rules import own_rules
from proxy.answering.side_call import SideCalls
from proxy.answering.timing import Timing
from proxy.answering.vision import Descriptions, Eyes
from proxy.models import vendors
from proxy.models.catalog import Catalog
from proxy.models.habits import HabitBook, Habits
from proxy.models.roles import Role, role_of
from proxy.models.routing import Route, Router
from proxy.protocol.deltas import Delta, Usage
from proxy.protocol.errors import ApiError
from proxy.protocol.request import MessagesRequest, checked, read_request
from proxy.providers.base import ClientRequest, Exchange, Provider, Wire
from proxy.providers.call import Call
from proxy.providers.tap import Tap, tapped
from proxy.settings.auto_mode_rules import Rules
from proxy.settings.config import Config, ConfigError
from proxy.tokens.text import text_tokens
from proxy.web.leaving import client_gone

_CONTENT_FACTOR, _CONTENT_MAX = 5, 1800.0
"""Where CONTENT_TIMEOUT is not set: so many times the limit of silence, but half an hour (seconds) at most."""
_BACKSTOP = 30.0
"""Seconds by which the HTTP clients' own limit is longer than the pump's."""
WITNESS = "proxy.witness"
"""In the WSGI environment of a request: who is told what becomes of it, and listens at the upstream as its tap."""

T = TypeVar("T")

log = logging.getLogger(__name__)


class Explained(NamedTuple):
    """Where a request would go, the body that would be sent, what was changed on the way, and what was decided."""

    route: Route
    request: dict[str, object]
    notes: tuple[str, ...]
    plan: Plan


class Services:
    """One for each state of the settings. A request keeps those with which it began."""

    def __init__(self, config: Config, timing: Timing | None = None) -> None:
        self.config = config
        self.timing = timing or Timing()
        self.router = Router(config, Catalog.load())
        self.running = Running()
        self.calibration = Calibration()
        self.habits = HabitBook()
        self.health = Health()
        self.side_calls = SideCalls(self.attempts, self.health)
        self.rules: Rules = config.auto_mode_rules or own_rules()
        self._descriptions = Descriptions()
        self._limits = Limits(config.max_tokens_limit)
        self._pools = KeyPools()
        self._lock = threading.Lock()
        self._providers: dict[str, Provider] = {}
        self._users = 0
        self._last_used = time.monotonic()

    def renewed(self, config: Config) -> Services:
        """Those for other settings. What runs, and what was learned and still holds, they have in common with these.

        Raises ConfigError where a setting that names a model leads nowhere.
        """
        new = Services(config, self.timing)
        if problems := new.router.check():
            raise ConfigError(problems)
        new.running, new.calibration, new.habits = self.running, self.calibration, self.habits
        if config.auto_mode_rules is None and self.config.auto_mode_rules is None:
            new.rules = self.rules
        if new.router.vision() == self.router.vision():
            new._descriptions = self._descriptions
        for name, endpoint in self.config.endpoints.items():
            if endpoint != config.endpoints[name]:
                self.habits.forget(endpoint.base_url or vendors.vendor(name).url or "")
        for custom in self.config.custom_models:
            if custom not in config.custom_models:
                self.habits.forget(custom.api_base, custom.upstream_name)
                self.calibration.forget(f"{vendors.CUSTOM}/{custom.model_id}")
        return new

    def enter(self) -> None:
        """A request begins."""
        with self._lock:
            self._users += 1

    def leave(self) -> None:
        """Its answer has ended."""
        with self._lock:
            self._users -= 1
            self._last_used = time.monotonic()

    def close(self, unused: float) -> bool:
        """Lets go of all connections, if no request has used these for so many seconds; whether it has.

        For those that others have taken the place of.
        """
        with self._lock:
            if self._users or time.monotonic() - self._last_used < unused:
                return False
            for provider in self._providers.values():
                with suppress(Exception):  # what does not close is no reason to keep the others
                    provider.close()
            return True

    def provider(self, vendor: str) -> Provider:
        """Who talks to a vendor. One instance for all vendors of a class, made when it is first asked for."""
        name = vendors.vendor(vendor).provider
        with self._lock:
            if name not in self._providers:
                module, _, attribute = name.partition(":")
                longest = self.config.request_timeout or self.timing.silence_while_reasoning
                self._providers[name] = getattr(import_module(module), attribute)(self.config, longest + _BACKSTOP)
            return self._providers[name]

    def resting_keys(self) -> dict[str, list[float]]:
        """As `KeyPools.resting`."""
        return self._pools.resting()

    def attempts(self, route: Route) -> Attempts:
        return Attempts(self.provider(route.provider), self.habits, self._limits, self.timing, self._pools)

    def wire(self, route: Route) -> Wire:
        """What can be told to the API that answers the route, as far as is known now."""
        return self.provider(route.provider).wire(route, self._habits(route))

    def idle_limit(self, route: Route) -> float:
        """Seconds of upstream silence that are borne."""
        if self.config.request_timeout is not None:
            return self.config.request_timeout
        patient = route.facts.reasons or self.wire(route).verbatim
        return self.timing.silence_while_reasoning if patient else self.timing.silence

    def content_limit(self, idle_limit: float) -> float:
        """Seconds that are borne in which an upstream gives nothing but signs of life."""
        if self.config.content_timeout is not None:
            return self.config.content_timeout
        return min(_CONTENT_FACTOR * idle_limit, _CONTENT_MAX)

    def routes(self, request: MessagesRequest, headers: Mapping[str, str], body_size: int) -> tuple[Route, ...]:
        """Who may answer a request that came with these headers and a body of so many bytes, best first.

        Raises ApiError (404).
        """
        return able_routes(
            self.router.resolve(request.model, self.role(request, headers)),
            instead=self.router.instead,
            searches=self._searches,
            fits=lambda route: Estimate(request, route, self.calibration).fits(body_size),
        )

    def role(self, request: MessagesRequest, headers: Mapping[str, str]) -> Role:
        """What a request is for."""
        return role_of(request, headers)

    def answer(
        self, exchange: Exchange, call: Call, learn: Callable[[int], None], on_used: Callable[[Route, Usage], None]
    ) -> Iterator[Sequence[Delta]]:
        """As `answering.answer`; pictures go in words where VISION_MODEL is set and the model sees none, which then
        tells `on_used` what that took."""
        route, eyes = exchange.route, self.router.vision()
        answers = partial(answer, attempts=self.attempts(route), call=call, learn=learn)
        if eyes is None or (route.facts.vision and not self._habits(route).no_images):
            return answers(exchange)
        return Eyes(eyes, self.side_calls.counted(on_used), self._descriptions).answered(exchange, call, answers)

    def _habits(self, route: Route) -> Habits:
        return self.habits.get(self.provider(route.provider).server(route), route.model) or Habits()

    def _searches(self, route: Route) -> bool:
        return self.wire(route).searches != "never" and not self._habits(route).no_web_search

    def judge_route(self) -> Route | None:
        """Who judges dangerous tool uses; None where nobody does."""
        return self.router.judge()

    def warm_up(self) -> None:
        """Does in advance what the first request would have to wait for. What that would fail with is told in the
        log."""
        text_tokens("A first word makes it read its vocabulary.")
        for name in {self.router.resolve(known.id).provider for known in self.router.known_models()}:
            try:
                self.provider(name).warm_up()
            except ApiError as error:
                log.warning("%s", error.message)

    def explain(self, body: bytes) -> Explained:
        """What would become of a request. Raises ApiError."""
        parsed = read_request(body)
        route, *_ = self.routes(parsed, {}, len(body))
        exchange = Exchange(parsed, route, received=ClientRequest("POST", "/v1/messages", (), body))
        if not self.wire(route).verbatim:
            checked(parsed)
        attempt = self.attempts(route).prepare(exchange)
        written = attempt.written
        request = json.loads(written.raw) if written.raw else written.body
        return Explained(route, request, attempt.notes, attempt.plan)


def enter_services() -> Services:
    """Those that serve the current request from its beginning to its end, whatever becomes of the settings."""
    g.services = current_app.extensions["proxy"]
    services().enter()
    return services()


def leave_services(response: Response) -> None:
    """With the last byte of the answer."""
    response.call_on_close(services().leave)


def services() -> Services:
    """Those that serve the current request."""
    return cast(Services, g.services)


class Pumps:
    """Makes the pumps of the current request, counted among the running ones until they are closed.

    A stream outlives the request's context, so what is needed of that is taken here.
    """

    def __init__(self, about: Callable[[], Answering]) -> None:
        """`about` says, in any thread, how far the request is."""
        self._about = about
        self._running, self._timing = services().running, services().timing
        self._client_gone = client_gone(request.environ)
        self._tap: Tap | None = request.environ.get(WITNESS)

    def make(
        self,
        call: Call,
        batches: Callable[[], Iterable[Sequence[T]]],
        idle_limit: float,
        content_limit: float = math.inf,
    ) -> Pump[T]:
        """Limits in seconds: of upstream silence, and of nothing but signs of life."""
        pump = Pump(
            tapped(self._tap, batches),
            call,
            timing=self._timing,
            idle_limit=idle_limit,
            content_limit=content_limit,
            client_gone=self._client_gone,
            on_close=self._running.remove,
        )
        self._running.add(pump, self._about)
        return pump
