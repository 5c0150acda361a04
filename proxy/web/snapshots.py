"""What the status page shows, taken from what this process knows at a moment. In any thread."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from proxy import __version__
from proxy.models.assignments import FAMILIES, JUDGE, PURPOSES
from proxy.models.habits import described
from proxy.models.routing import Route
from proxy.page.snapshot import Answer, Asked, Backend, Learned, Money, Snapshot
from proxy.protocol.errors import ApiError
from proxy.usage.ledger import Ledger
from proxy.web.services import Services

_SINCE = time.time()
_MONOTONIC = _SINCE - time.monotonic()
"""Seconds to add to the monotonic clock. Taken once: what has not changed must be the same in all snapshots."""


def take(own: Services, ledger: Ledger, url: str, patience: float = 0.0) -> Snapshot:
    """`url`: where the proxy is for who looks. `patience`: seconds to wait for a database that was never read."""
    asked = list(_asked(own))
    today, month = ledger.spent()
    return Snapshot(
        now=time.time(),
        zone=None,
        version=__version__,
        url=url,
        since=_SINCE,
        money=Money(today, month, own.config.daily_budget, own.config.monthly_budget),
        running=tuple(
            Answer(each.id, each.time, each.what, each.role, each.model, each.target, each.first_byte)
            for each in own.running.answers()
        ),
        backends=tuple(_backends(own, (route for _, route in asked))),
        requests=ledger.recent(),
        past=ledger.past(patience),
        routes=tuple(_line(name, route) for name, route in asked),
        learned=tuple(
            Learned(_place(server), model, described(habits)) for (server, model), habits in own.habits.all().items()
        ),
    )


def _asked(own: Services) -> Iterator[tuple[str, Route]]:
    """What can be asked for, or what a setting is for, and who answers it."""
    router = own.router
    for known in router.known_models():
        yield known.id, router.resolve(known.id)
    by_setting = {route.reason: route for route in router.assigned()}
    with suppress(ApiError):  # SMALL_MODEL may lead nowhere
        if (judge := own.judge_route()) is not None:
            by_setting[JUDGE] = judge
    for setting, route in by_setting.items():
        if setting not in FAMILIES.values():
            yield PURPOSES.get(setting, setting.partition(" ")[2]), route


def _line(name: str, route: Route) -> Asked:
    targets = tuple(f"{each.target}@{each.effort}" if each.effort else each.target for each in route.candidates)
    return Asked(name, route.reason, targets, route.facts.context_window)


def _backends(own: Services, routes: Iterable[Route]) -> Iterator[Backend]:
    """Each target once."""
    rests = {each.target: each for each in own.health.resting()}
    keys = own.resting_keys()
    targets = {each.target: each for route in routes for each in route.candidates}
    for target, route in targets.items():
        provider = own.provider(route.provider)
        server, rest = provider.server(route), rests.get(target)
        yield Backend(
            target,
            _place(server),
            rests=None if rest is None else _MONOTONIC + rest.until,
            failure="" if rest is None else f"{rest.status} {rest.error}",
            keys=len(provider.keys(route)),
            resting_keys=_ends(keys, server),
        )


def _ends(keys: Mapping[str, list[float]], server: str) -> tuple[float, ...]:
    return tuple(sorted(_MONOTONIC + until for until in keys.get(server, ())))


def _place(url: str) -> str:
    """An address without what may be secret in it: user, password and query."""
    try:
        parts = urlsplit(url)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return ""
    return f"{parts.hostname or ''}{port}{parts.path}"
