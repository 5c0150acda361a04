"""Who answers where the one that was chosen is not able to. Pure."""

from __future__ import annotations

from collections.abc import Callable

from proxy.models.assignments import LONG_CONTEXT, SEARCH
from proxy.models.routing import Route


def able_routes(
    route: Route,
    *,
    instead: Callable[[Route, str], Route | None],
    searches: Callable[[Route], bool],
    fits: Callable[[Route], bool],
) -> tuple[Route, ...]:
    """Who may answer, best first: the candidates of the route that are able to, or else the stand-ins that SEARCH_MODEL
    or LONG_CONTEXT_MODEL names.

    `instead`: as `Router.instead`; `searches`: whether the web is searched there; `fits`: whether the request fits into
    the context window there.
    """
    candidates = route.candidates
    if route.role.kind == "search":
        searching = instead(route, SEARCH)
        others = searching.candidates if searching is not None else candidates
        candidates = tuple(filter(searches, candidates)) or others
    fitting = tuple(filter(fits, candidates))
    if candidates[0] in fitting:
        return fitting
    larger = instead(route, LONG_CONTEXT)
    if larger is not None and _is_larger(larger, candidates[0]):
        fitting = (*larger.candidates, *fitting)
    return fitting or candidates


def _is_larger(route: Route, other: Route) -> bool:
    window, smaller = route.facts.context_window, other.facts.context_window
    return window is None or (smaller is not None and window > smaller)
