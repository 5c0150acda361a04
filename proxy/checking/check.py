"""Tries targets, several side by side, each with the table of probes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from flask import Flask

from proxy.checking.asking import Answer, ask
from proxy.checking.listing import Listing, NotListed, Server, Window, server_of
from proxy.checking.probes import FIRST, OF_FIRST, PROBES, Finding, Probe, Seen, Status
from proxy.checking.stages import stages
from proxy.models.habits import NO_HABITS, Habits
from proxy.models.routing import Route
from proxy.models.vendors import vendor
from proxy.web.services import Services

_SIDE_BY_SIDE = 4


@dataclass(frozen=True, slots=True)
class Report:
    """What was found out about one target. `habits` and `window` are what its server taught and told."""

    route: Route
    server: str
    findings: tuple[Finding, ...]
    habits: Habits = NO_HABITS
    window: Window | None = None

    @property
    def works(self) -> bool:
        """Whether all that matters does."""
        return all(finding.status != "fail" for finding in self.findings)


class Checks:
    """Runs in threads of its own. `says` is told what is being tried, from any of them."""

    def __init__(
        self, app: Flask, routes: Sequence[Route], seconds: float, says: Callable[[str], None] = lambda _: None
    ) -> None:
        """Begins at once. `seconds` is the limit for each probe."""
        self._app = app
        self._services: Services = app.extensions["proxy"]
        self._seconds = seconds
        self._says = says
        self._listing = Listing()
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="check")
        self._reports: list[Future[Report]] = [self._pool.submit(self._report, route) for route in routes]

    def __iter__(self) -> Iterator[Report]:
        """The reports, in the order of the routes."""
        for report in self._reports:
            yield report.result()

    def stop(self) -> None:
        """Gives up what is still being tried."""
        self._stopped.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _report(self, route: Route) -> Report:
        services = self._services
        address = services.provider(route.provider).server(route)
        if vendor(route.provider).owns_claude and not services.provider(route.provider).keys(route):
            return Report(route, address, (_own_login(services),))
        server = server_of(services, route)
        findings: list[Finding] = []
        before: dict[str, Answer] = {}
        for probe in PROBES:
            if self._stopped.is_set():
                break
            findings.extend(self._tried(probe, route, server, before))
            if probe.name == FIRST and findings[-1].status == "fail":
                return Report(route, address, tuple(findings))
        self._says(f"{route.target}: window")
        window = self._listing.window(server, route.model) if server is not None else None
        findings.append(_window(route, window))
        return Report(route, address, tuple(findings), self._habits(route), window)

    def _tried(self, probe: Probe, route: Route, server: Server | None, before: dict[str, Answer]) -> list[Finding]:
        if probe.needs_eyes and not route.facts.vision:
            return [Finding(probe.name, "skip", "by the settings or the catalogue it has no eyes")]
        body = probe.request(before)
        if body is None:
            return [Finding(probe.name, "skip", "needs a tool call before it")]
        self._says(f"{route.target}: {probe.name}")
        answer = before[probe.name] = self._asked(route, body)
        if probe.name == FIRST and answer.status != 200:
            return stages(answer, route, self._services, lambda: self._listed(server))
        seen = self._seen(answer, before, route)
        passed = stages(answer, route, self._services) if probe.name == FIRST else []
        more = [each.judged(seen) for each in OF_FIRST] if probe.name == FIRST else []
        return [*passed, *more, probe.judged(seen)]

    def _asked(self, route: Route, body: Mapping[str, Any]) -> Answer:
        return ask(self._app, {"model": route.requested, **body}, self._seconds, self._stopped.is_set)

    def _seen(self, answer: Answer, before: dict[str, Answer], route: Route) -> Seen:
        services, habits = self._services, self._habits(route)
        verbatim = services.wire(route).verbatim
        return Seen(
            answer,
            dict(before),
            habits,
            reports_usage=verbatim or services.calibration.knows(route.target),
            streams=verbatim or not (habits.no_streaming or (route.custom is not None and not route.custom.can_stream)),
        )

    def _habits(self, route: Route) -> Habits:
        provider = self._services.provider(route.provider)
        return self._services.habits.get(provider.server(route), route.model) or NO_HABITS

    def _listed(self, server: Server | None) -> tuple[list[str], str | None]:
        """The names that the server lists, and the base URL that would have been right, where that is another."""
        if server is None:
            return [], None
        try:
            return [each.id for each in self._listing.models(server)], None
        except NotListed:
            other = f"{server.url}/v1"
            return [], other if self._listing.answers_at(server, other) else None


def _own_login(services: Services) -> Finding:
    words = "no key is set here: Claude Code's own login is passed on, which cannot be tried"
    if services.config.proxy_api_keys:
        return Finding("key", "fail", "no key is set", "set ANTHROPIC_API_KEY")
    return Finding("key", "skip", words)


def _window(route: Route, window: Window | None) -> Finding:
    known = route.facts.context_window
    if window is None:
        if known is not None:
            return Finding("window", "ok", f"{known} tokens, by the settings or the catalogue")
        if vendor(route.provider).owns_claude:
            return Finding("window", "ok", "Claude Code knows it")
        return Finding("window", "warn", "not known", _window_remedy(route, None))
    words = f"{'at most ' if window.is_limit_only else ''}{window.tokens} tokens by the server"
    if known is None:
        status: Status = "warn" if route.custom is not None else "ok"
        return Finding("window", status, words, _window_remedy(route, window) if status == "warn" else "")
    if known > window.tokens:
        return Finding("window", "warn", f"{words}, {known} by the settings", _window_remedy(route, window))
    return Finding("window", "ok", words if known == window.tokens else f"{known} tokens; {words}")


def _window_remedy(route: Route, window: Window | None) -> str:
    if route.custom is None:
        return "make it a custom model, whose entry can say context_window"
    if window is None or window.is_limit_only:
        return "write what the server was started with as context_window into its entry"
    if route.facts.context_window is not None:
        return f"write context_window: {window.tokens} into its entry"
    return f"write context_window: {window.tokens} into its entry; --write does it"
