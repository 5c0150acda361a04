"""How far the first request came: to the server, past the key, to the model."""

from __future__ import annotations

import re
from collections.abc import Callable

from proxy.checking.asking import Answer
from proxy.checking.probes import FIRST, Finding
from proxy.models.routing import Route
from proxy.models.vendors import vendor
from proxy.settings.problems import hint
from proxy.web.services import Services

_STAGES = ("reachable", "key", "model")
_NO_API = re.compile(r"did not answer as an API|web page|answered with a redirect")
_MODEL = re.compile(r"model", re.IGNORECASE)
_NO_SUCH_MODEL = re.compile(
    r"model\b.{0,80}(?:not found|not exist|unknown)|(?:invalid|unknown|not a valid) model",
    re.IGNORECASE,
)
"""With 400 some servers say so: OpenRouter's "x is not a valid model ID" (its own error text, 2026-11)."""
_UNREACHABLE = "cannot reach"
_KEY_STATUSES = (401, 402, 403)
_LISTED_STATUSES = (400, 404, 502)
"""Of failures that the server's list may explain."""
_SHOWN = 8
"""Names of models in a remedy."""

Listed = Callable[[], tuple[list[str], str | None]]
"""Asks the server for its names, and for the base URL that would have been right."""


def stages(answer: Answer, route: Route, services: Services, listed: Listed = lambda: ([], None)) -> list[Finding]:
    """The stages that were passed; for a failed answer also the finding of what it failed at."""
    if answer.status == 200:
        return [Finding(each, "ok", _words(each, route, services)) for each in _STAGES]
    may_list = answer.status in _LISTED_STATUSES and not answer.error.startswith(_UNREACHABLE)
    names, other = listed() if may_list else ([], None)
    at = _failed_at(answer, names)
    passed = [Finding(each, "ok", _words(each, route, services)) for each in _STAGES[: (*_STAGES, FIRST).index(at)]]
    return [*passed, Finding(at, "fail", answer.error, _remedy(at, answer, route, names, other))]


def _failed_at(answer: Answer, names: list[str]) -> str:
    if answer.status in _KEY_STATUSES:
        return "key"
    if answer.status == 404:
        is_there = bool(names) or (_MODEL.search(answer.error) and not _NO_API.search(answer.error))
        return "model" if is_there else "reachable"
    if answer.status == 400 and _NO_SUCH_MODEL.search(answer.error):
        return "model"
    if answer.status == 504 or answer.error.startswith(_UNREACHABLE) or _NO_API.search(answer.error):
        return "reachable"
    return FIRST


def _words(stage: str, route: Route, services: Services) -> str:
    if stage == "key":
        return "" if services.provider(route.provider).keys(route) else "none is needed"
    return services.provider(route.provider).server(route) if stage == "reachable" else route.model


def _remedy(stage: str, answer: Answer, route: Route, names: list[str], other: str | None) -> str:
    where = _address_setting(route)
    if stage == "key":
        return "top up the account, or use another key" if answer.status == 402 else _key_remedy(route)
    if stage == "model":
        near = hint(route.model, names)
        known = f" The server has: {', '.join(names[:_SHOWN])}" if names else ""
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        return f"name a model that the server has{near}{known}{more}"
    if stage == "reachable":
        if other is not None:
            return f"set {where} to {other}, which answers"
        if answer.status == 504:
            return f"is the server busy, or still loading the model? Else check {where}; --timeout waits longer"
        return f"start the server, or correct {where}"
    if "stream" in answer.error.lower():
        return "if the server cannot stream: write can_stream: false into its entry"
    return "wait, and check again" if answer.status in (429, 503, 529) else "see what the server logs"


def _address_setting(route: Route) -> str:
    return "api_base in its entry" if route.custom is not None else vendor(route.provider).url_variable or "the address"


def _key_remedy(route: Route) -> str:
    if route.custom is None:
        return f"correct {vendor(route.provider).key_variable}"
    names = ", ".join(route.custom.api_key_names)
    return f"correct {names}" if names else "name the variable that holds its key as api_key_name in its entry"
