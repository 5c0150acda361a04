"""What the views share: made once per app, read by many threads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import cast

from flask import current_app, request

from proxy.answering.pump import Item, Pump
from proxy.answering.running import Running
from proxy.models.catalog import Catalog
from proxy.models.routing import Route, Router
from proxy.protocol.notes import Notes
from proxy.protocol.request import parse_request
from proxy.providers.anthropic.client import AnthropicRelay
from proxy.providers.anthropic.rewrite import request_body
from proxy.providers.base import Exchange, Provider
from proxy.providers.connections import Call
from proxy.providers.gemini.client import GeminiProvider
from proxy.providers.openai.client import OpenAIProvider
from proxy.settings.config import Config
from proxy.tokens.calibration import Calibration
from proxy.tokens.text import text_tokens

_SILENCE = 120.0
_SILENCE_WHILE_REASONING = 600.0
_BACKSTOP = 30.0


class Services:
    def __init__(self, config: Config) -> None:
        self.config = config
        self.router = Router(config, Catalog.load())
        self.running = Running()
        self.calibration = Calibration()
        longest = config.request_timeout or _SILENCE_WHILE_REASONING
        openai = OpenAIProvider(config, read_timeout=longest + _BACKSTOP)
        gemini = GeminiProvider(config, read_timeout=longest + _BACKSTOP)
        self.relay = AnthropicRelay(config, read_timeout=longest + _BACKSTOP)
        self._providers: dict[str, Provider] = {"openai": openai, "custom": openai, "gemini": gemini}
        self._gemini = gemini

    def provider(self, route: Route) -> Provider:
        """Who translates for the route; for "anthropic" there is nothing to translate, see `relay`."""
        return self._providers[route.provider]

    def idle_limit(self, route: Route) -> float:
        """Seconds of upstream silence that are borne."""
        if self.config.request_timeout is not None:
            return self.config.request_timeout
        patient = route.facts.reasons or route.provider == "anthropic"
        return _SILENCE_WHILE_REASONING if patient else _SILENCE

    def warm_up(self) -> None:
        """Does in advance what the first request would have to wait for."""
        text_tokens("A first word makes it read its vocabulary.")
        if any(self.router.resolve(known.id).provider == "gemini" for known in self.router.known_models()):
            self._gemini.warm_up()

    def explain(self, body: bytes) -> tuple[str, dict[str, object], list[str]]:
        """Where a request would go, the body that would be sent, and what was changed on the way. Raises ApiError."""
        asked = parse_request(body)
        route = self.router.resolve(asked.model)
        if route.provider == "anthropic":
            return route.target, json.loads(request_body(body, route.requested, route.model)), []
        exchange = Exchange(asked, route, Notes())
        return route.target, self.provider(route).translate(exchange), list(exchange.notes)


def services() -> Services:
    """The services of the app that serves the current request."""
    return cast(Services, current_app.extensions["proxy"])


def pump_for(route: Route, call: Call, batches: Callable[[], Iterable[Sequence[Item]]]) -> Pump[Item]:
    """A pump for the answer to the current request, counted among the running ones until it is closed."""
    running = services().running
    pump = Pump(
        batches,
        call,
        idle_limit=services().idle_limit(route),
        client_gone=request.environ.get("waitress.client_disconnected", lambda: False),
        on_close=running.remove,
    )
    running.add(pump)
    return pump
