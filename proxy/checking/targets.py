"""Which models the settings lead to, and by which names they can be asked for one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from proxy.models.assignments import FAMILIES, JUDGE, LONG_CONTEXT, PURPOSES, VISION
from proxy.models.names import CLAUDE_MODELS, claude_family
from proxy.models.routing import Route
from proxy.models.vendors import CUSTOM, vendor
from proxy.web.services import Services

_AS_REQUESTED = "as the requested name says"
_OTHERWISE = {
    JUDGE: "off",
    LONG_CONTEXT: "nobody: what is too long is refused",
    VISION: "nobody: models without eyes get none",
}
"""What holds where a setting for a role is not set."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A family, a role or a pattern. `targets` are for people, best first; where there are none, `otherwise` counts."""

    name: str
    targets: tuple[str, ...]
    setting: str
    otherwise: str = ""


def assignments(services: Services) -> list[Assignment]:
    """Who answers what: the Claude families, the roles, then the types of sub-agents and the patterns that are set."""
    found = [_assignment(claude_family(name) or name, services.router.resolve(name)) for name in CLAUDE_MODELS]
    by_setting = {route.reason: route for route in services.router.assigned()}
    if (judge := services.judge_route()) is not None:
        by_setting[JUDGE] = judge
    for variable, name in PURPOSES.items():
        route = by_setting.pop(variable, None)
        otherwise = _OTHERWISE.get(variable, _AS_REQUESTED)
        found.append(_assignment(name, route) if route else Assignment(name, (), variable, otherwise))
    others = (each for setting, each in by_setting.items() if setting not in FAMILIES.values())
    return found + [_assignment(each.reason.partition(" ")[2], each) for each in others]


def _assignment(name: str, route: Route) -> Assignment:
    return Assignment(name, tuple(map(_with_effort, route.candidates)), route.reason)


def _with_effort(route: Route) -> str:
    return f"{route.target}@{route.effort}" if route.effort else route.target


def configured(services: Services) -> list[Route]:
    """Each model once that the settings or the custom models file name, asked for by its own name."""
    return list({route.target: route for route in _all(services)}.values())


def _all(services: Services) -> Iterator[Route]:
    router = services.router
    routes = [router.resolve(name) for name in CLAUDE_MODELS] + router.assigned()
    routes += filter(None, [services.judge_route()])
    for route in routes:
        for each in route.candidates:
            yield router.resolve(explicit_name(each))
    for custom in services.config.custom_models:
        yield router.resolve(f"{CUSTOM}/{custom.model_id}")


def named(services: Services, name: str) -> list[Route]:
    """Who answers to one name, stand-ins included. Raises ApiError (404)."""
    return [services.router.resolve(explicit_name(each)) for each in services.router.resolve(name).candidates]


def explicit_name(route: Route) -> str:
    """The name that leads to this very model and to no stand-in."""
    model = route.custom.model_id if route.custom is not None else route.model
    return f"{vendor(route.provider).prefixes[0]}/{model}" + (f"@{route.effort}" if route.effort else "")
