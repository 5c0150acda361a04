"""Which models can be asked for: those that are set up, those of the catalogue, and what servers list."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Any

from proxy.answering.plan import Limits, output_ceiling
from proxy.checking.listing import Listing, NotListed, Server, server_of
from proxy.checking.targets import configured
from proxy.models import vendors
from proxy.models.catalog import Catalog, ModelFacts
from proxy.models.prices import Price
from proxy.models.routing import Route
from proxy.models.vendors import CUSTOM
from proxy.settings.config import CustomModel
from proxy.web.services import Services

_SIDE_BY_SIDE = 4
_ANY_MODEL = "any"
_USUAL_HEADER = "Authorization"
_LATEST = ":latest"
"""What Ollama adds to a name that says no more."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """`id` as clients may ask for it. `window` and `output` in tokens; None where it is not known."""

    id: str
    targets: tuple[str, ...]
    """Who answers, best first."""
    window: int | None
    output: int
    price: Price | None
    """Of the first of them; None where it is not known."""
    ends: date | None = None
    """The day on which its vendor shuts it down, or has done so."""
    successor: str | None = None


@dataclass(frozen=True, slots=True)
class ServerList:
    """What one server lists: ids, and whether they are set up here. `problem`: why there is no list."""

    server: str
    models: tuple[tuple[str, bool], ...] = ()
    problem: str = ""


def routed(services: Services) -> list[KnownModel]:
    """What `/v1/models` lists: a Claude name for each family, and the ids of what is set up."""
    router = services.router
    return [_known(services, each.id, router.resolve(each.id)) for each in router.known_models()]


def catalogued(services: Services, today: date) -> tuple[list[KnownModel], list[KnownModel]]:
    """The models of the catalogue, by their own names: those that live, and those that were shut down."""
    catalog = Catalog.load()
    alive: list[KnownModel] = []
    retired: list[KnownModel] = []
    for row in vendors.VENDORS:
        for name in catalog.names(row.name) if row.name != CUSTOM else ():
            facts = catalog.facts(row.name, name)
            known = KnownModel(
                name,
                (f"{row.name}/{catalog.resolve_retired(row.name, name, today)[0]}",),
                facts.context_window,
                _output(services, facts),
                catalog.price(row.name, name),
                facts.retired,
                facts.successor,
            )
            (retired if catalog.is_retired(row.name, name, today) else alive).append(known)
    return alive, retired


def _known(services: Services, name: str, route: Route) -> KnownModel:
    targets = tuple(each.target for each in route.candidates)
    facts = route.facts
    output = _output(services, facts)
    return KnownModel(name, targets, facts.context_window, output, route.price, facts.retired, facts.successor)


def _output(services: Services, facts: ModelFacts) -> int:
    return output_ceiling(facts, Limits(services.config.max_tokens_limit))


def upstream(services: Services) -> list[ServerList]:
    """What each server lists for which an address or a key is set; they are asked side by side."""
    listing = Listing()
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        return list(pool.map(lambda server: _listed(services, listing, server), _servers(services).values()))


def found_on(services: Services, model: str) -> dict[str, Any] | None:
    """The fields of a custom model's entry for a model that a custom model's server lists; None where none does."""
    listing = Listing()
    for custom in services.config.custom_models:
        server = server_of(services, services.router.resolve(f"{CUSTOM}/{custom.model_id}"))
        try:
            listed = listing.models(server) if server is not None else []
        except NotListed:
            continue
        for each in listed:
            if each.id == model:
                return _server_fields(custom) | ({"context_window": each.window} if each.window else {})
    return None


def _server_fields(custom: CustomModel) -> dict[str, Any]:
    """How the server of a custom model is reached, as in its entry."""
    fields: dict[str, Any] = {"api_base": custom.api_base}
    if custom.api_key_names:
        fields["api_key_name"] = custom.api_key_names[0] if len(custom.api_key_names) == 1 else [*custom.api_key_names]
    if custom.api_key_header != _USUAL_HEADER:
        fields["api_key_header"] = custom.api_key_header
    if custom.headers:
        fields["headers"] = dict(custom.headers)
    return fields


def _servers(services: Services) -> dict[str, Server]:
    """By address."""
    names = [f"{row.prefixes[0]}/{_ANY_MODEL}" for row in vendors.VENDORS if row.name != CUSTOM]
    names += [f"{CUSTOM}/{custom.model_id}" for custom in services.config.custom_models]
    found = [server_of(services, services.router.resolve(name)) for name in names]
    return {server.url: server for server in found if server is not None}


def _listed(services: Services, listing: Listing, server: Server) -> ServerList:
    try:
        models = listing.models(server)
    except NotListed as error:
        return ServerList(server.url, problem=str(error))
    ours = {
        route.model.removesuffix(_LATEST)
        for route in configured(services)
        if services.provider(route.provider).server(route) == server.url
    }
    return ServerList(server.url, tuple((each.id, each.id.removesuffix(_LATEST) in ours) for each in models))
