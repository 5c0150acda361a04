"""Who answers where the one that was chosen is not able to. Pure."""

from __future__ import annotations

from collections.abc import Callable

from proxy.models.assignments import LONG_CONTEXT, SEARCH
from proxy.models.routing import Route


def able_route(
    route: Route,
    *,
    instead: Callable[[Route, str], Route | None],
    searches: Callable[[Route], bool],
    fits: Callable[[Route], bool],
) -> Route:
    """The route, or the stand-in that SEARCH_MODEL or LONG_CONTEXT_MODEL names.

    `instead`: as `Router.instead`; `searches`: whether the web is searched there; `fits`: whether the request fits into
    the context window there.
    """
    if route.role.kind == "search" and not searches(route):
        route = instead(route, SEARCH) or route
    if not fits(route):
        larger = instead(route, LONG_CONTEXT)
        route = larger if larger is not None and _is_larger(larger, route) else route
    return route


def _is_larger(route: Route, other: Route) -> bool:
    window, smaller = route.facts.context_window, other.facts.context_window
    return window is None or (smaller is not None and window > smaller)
