"""From the model name of a request to the provider and model that answer it.

In this order: a configured custom model; an explicit prefix (`openai/`, `custom/`, ...); a name that a vendor has or
could have; an alias (see `Router.known_models`); a Claude name, which BIG_MODEL or SMALL_MODEL answers (or the vendor
of the Claude models, where that is the preferred one); a name that stands in a setting. Anything else is a 404 that
lists what could be meant.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple
from urllib.parse import urlsplit

from proxy.models import vendors
from proxy.models.catalog import Catalog, ModelFacts
from proxy.models.names import CLAUDE_MODELS, SMALL_FAMILY, bare, claude_alias, claude_family, free, slug
from proxy.models.thinking_control import ThinkingControl, thinking_control
from proxy.models.vendors import CUSTOM, vendor
from proxy.protocol.errors import ApiError
from proxy.settings.config import Config, CustomModel
from proxy.settings.problems import hint, quoted

_log = logging.getLogger(__name__)

_MAX_ROUTES = 512
"""Names come from clients, so what is kept of them must have an end."""
_MAX_NAME = 256
"""Characters; no model's name is longer."""


@dataclass(frozen=True, slots=True)
class Route:
    """Who answers a request."""

    requested: str
    """The name as the client wrote it; answers echo it."""
    provider: str
    """The name of a vendor."""
    model: str
    """The name that is sent upstream."""
    facts: ModelFacts
    custom: CustomModel | None
    """The entry of the custom models file where `provider` is "custom"."""
    official: bool
    """Whether the upstream is the vendor's own endpoint and not a compatible server."""

    @property
    def target(self) -> str:
        """For people: `openai/gpt-6-sol`; custom models by their id."""
        return f"{self.provider}/{self.custom.model_id if self.custom else self.model}"


class KnownModel(NamedTuple):
    """An entry of the model list: an id that `resolve` takes, and who answers it."""

    id: str
    display_name: str


class _Target(NamedTuple):
    provider: str
    model: str
    custom: CustomModel | None = None
    default: bool = False
    """Whether nobody wrote the name: then it is no news to anybody that the model was shut down."""


class Router:
    """Finds routes; safe to share between threads. `today` gives the day for which retirements are decided."""

    def __init__(self, config: Config, catalog: Catalog, today: Callable[[], date] = date.today) -> None:
        self._config = config
        self._catalog = catalog
        self._today = today
        self._preferred = vendor(config.preferred_provider)
        self._customs = {bare(each.model_id).lower(): _custom_target(each) for each in config.custom_models}
        self._names = {name: row.name for row in vendors.VENDORS for name in catalog.names(row.name)}
        self._official = {
            row.name: row.name in config.endpoints and row.is_at(config.endpoint(row.name).base_url)
            for row in vendors.VENDORS
        }
        self._routes: dict[str, tuple[date, Route]] = {}
        self._warned: set[str] = set()
        self._problems: list[str] = []
        self._big = self._setting("BIG_MODEL", config.big_model)
        same = config.small_model == config.big_model
        self._small = self._big if same else self._setting("SMALL_MODEL", config.small_model)
        self._aliases = self._name_aliases()
        self._written = self._written_names()

    def check(self) -> list[str]:
        """What makes BIG_MODEL and SMALL_MODEL unusable, one line each, for the start of the program."""
        return list(self._problems)

    def resolve(self, name: str) -> Route:
        """The route of a requested model name. Raises ApiError (404) if nothing can be meant by it."""
        today = self._today()
        known = self._routes.get(name)
        if known and known[0] == today:
            return known[1]
        route = self._route(name, self._find(name), today)
        if len(self._routes) >= _MAX_ROUTES:
            self._routes.clear()
        self._routes[name] = (today, route)
        return route

    def line(self, name: str) -> str | None:
        """The Claude family that a requested name belongs to ("opus"); None for the names of other models."""
        name = bare(name)
        target = self._target(name) or self._aliases.get(name.lower())
        if target and not vendor(target.provider).owns_claude:
            return None
        return claude_family(name) or None

    def known_models(self) -> list[KnownModel]:
        """What is worth choosing: a Claude name for each family, BIG_MODEL, SMALL_MODEL and the custom models.

        These have an alias besides, as the picker of Claude Code shows no name that does not begin with "claude".
        """
        models = []
        for name, title in CLAUDE_MODELS.items():
            if not self._problems and name not in self._customs:
                models.append(KnownModel(name, f"{title} ({self.resolve(name).target})"))
        names = [*self._aliases, *(custom.model_id for custom in self._config.custom_models)]
        return models + [KnownModel(name, self._answerer(self.resolve(name))) for name in names]

    def _answerer(self, route: Route) -> str:
        """For people: `gpt-6-sol (OpenAI)`, or the server's address where it is not the vendor's."""
        if route.official:
            return f"{route.model} ({vendor(route.provider).title})"
        address = route.custom.api_base if route.custom else self._config.endpoint(route.provider).base_url
        return f"{route.model} ({urlsplit(address or '').netloc})"

    def _name_aliases(self) -> dict[str, _Target]:
        """Names in lower case that begin with "claude"; each belongs to one model and to no family."""
        aliases: dict[str, _Target] = {}
        for target in (self._big, self._small):
            if target and target.custom is None and not vendor(target.provider).owns_claude:
                target = _Target(target.provider, self._alive(target))
                if target not in aliases.values():
                    taken = aliases.keys() | self._customs.keys()
                    aliases[claude_alias(target.model, target.provider, taken)] = target
        for custom in self._config.custom_models:
            if not custom.model_id.lower().startswith("claude"):
                name = free(f"claude-custom-{slug(custom.model_id)}", aliases.keys() | self._customs.keys())
                aliases[name] = _custom_target(custom)
        return aliases

    def _written_names(self) -> dict[str, _Target]:
        """The names in the settings, in lower case: BIG_MODEL, SMALL_MODEL, and what servers call custom models."""
        names = {bare(each.upstream_name): _custom_target(each) for each in reversed(self._config.custom_models)}
        for name, target in ((self._config.small_model, self._small), (self._config.big_model, self._big)):
            if target:
                names[bare(name)] = target
        return {name.lower(): target for name, target in names.items()}

    def _alive(self, target: _Target) -> str:
        """The model that answers today, if the vendor has shut the target's down."""
        if not self._official[target.provider]:
            return target.model
        return self._catalog.resolve_retired(target.provider, target.model, self._today())[0]

    def _find(self, requested: str) -> _Target:
        if len(requested) > _MAX_NAME:
            raise self._unknown(requested)
        name = bare(requested)
        if target := self._target(name) or self._aliases.get(name.lower()):
            return target
        family = claude_family(name)
        if family is None:
            if target := self._written.get(name.lower()):
                return target
            raise self._unknown(name)
        if self._preferred.owns_claude:
            return _Target(self._preferred.name, name)
        target = self._small if family == SMALL_FAMILY else self._big
        if target is None:
            raise ApiError(404, f"model: {_clipped(name)} has nobody to answer it. {' '.join(self._problems)}")
        return target

    def _target(self, name: str) -> _Target | None:
        """Where a name goes that is not a Claude name; None if that cannot be said."""
        if custom := self._customs.get(name.lower()):
            return custom
        prefix, _, rest = name.partition("/")
        named = next((row for row in vendors.VENDORS if prefix.lower() in row.prefixes), None) if rest else None
        if named and named.name == CUSTOM:
            if custom := self._customs.get(rest.lower()):
                return custom
            raise self._unknown(name)
        if named:
            return _Target(named.name, rest)
        if own := self._names.get(name.lower()):
            return _Target(own, name.lower())
        return next((_Target(row.name, name) for row in vendors.VENDORS if row.has_shape_of(name)), None)

    def _setting(self, variable: str, value: str) -> _Target | None:
        """Where BIG_MODEL or SMALL_MODEL points; notes a problem if that is nowhere."""
        if self._preferred.owns_claude:
            return None
        name = bare(value)
        try:
            target = self._target(name)
        except ApiError:
            self._misplaced(variable, name)
            return None
        if target:
            return target._replace(default=variable not in self._config.written)
        if claude_family(name) is not None:
            owner = next(row for row in vendors.VENDORS if row.owns_claude)
            remedy = f"write {owner.prefixes[0]}/{name} to have {owner.title} answer, or name another model"
            self._problems.append(f"{variable}: {quoted(name)} is itself a Claude name; {remedy}")
            return None
        # The vendor's address may lead to a server with names of any kind.
        anybody = next((row.name for row in vendors.VENDORS if row.own_names), None)
        if self._preferred.name == CUSTOM or anybody is None:
            self._misplaced(variable, name)
            return None
        return _Target(anybody, name)

    def _misplaced(self, variable: str, name: str) -> None:
        self._problems.append(f"{variable}: {quoted(name)} {self._suggestions(name)}")

    def _route(self, requested: str, target: _Target, today: date) -> Route:
        provider, model, custom, default = target
        official = self._official[provider]
        if custom:
            facts = _custom_facts(self._catalog.facts(CUSTOM, model), custom)
        elif official:
            model, warning = self._catalog.resolve_retired(provider, model, today)
            if warning and not default and warning not in self._warned:
                self._warned.add(warning)
                _log.warning("%s", warning)
            facts = self._catalog.facts(provider, model)
        else:
            facts = self._compatible_facts(provider, model)
        return Route(requested, provider, model, facts, custom, official)

    def _compatible_facts(self, provider: str, model: str) -> ModelFacts:
        """Of a model behind another address than the vendor's: a gateway to the vendor, or any server."""
        if vendor(provider).own_names is None:
            return self._catalog.facts(provider, model)
        if not vendor(provider).has_own_name(model) and not self._catalog.is_known(provider, model):
            url = self._config.endpoint(provider).base_url or ""
            style, efforts = thinking_control(url, model) or ThinkingControl("effort")
            facts = self._catalog.facts(CUSTOM, model)
            return replace(facts, thinking_style=style, efforts=efforts, reasons=bool(efforts))
        facts = self._catalog.facts(provider, model)
        # Every server knows `max_tokens`; only reasoning models refuse it.
        return facts if facts.reasons else replace(facts, token_field="max_tokens")  # noqa: S106

    def _unknown(self, name: str) -> ApiError:
        return ApiError(404, f"model: {_clipped(name)} {self._suggestions(name)}")

    def _suggestions(self, name: str) -> str:
        customs = [custom.model_id for custom in self._config.custom_models]
        today = self._today()
        alive = [each for each, owner in self._names.items() if not self._catalog.is_retired(owner, each, today)]
        near = hint(name, [*customs, *(f"custom/{each}" for each in customs), *alive, *CLAUDE_MODELS])
        shapes = [f"a name of {row.title}'s ({', '.join(row.examples)})" for row in vendors.VENDORS if row.examples]
        prefixes = [f"{row.prefixes[0]}/" for row in vendors.VENDORS if row.name != CUSTOM]
        return (
            f"is not known here{near or '.'} These could be meant: a Claude name (claude-...), {', '.join(shapes)}, "
            f"any name after {', '.join(prefixes)}, "
            f"or a custom model ({', '.join(customs[:20]) or 'none is configured'})."
        )


def _custom_target(custom: CustomModel) -> _Target:
    return _Target(CUSTOM, custom.upstream_name, custom)


def _custom_facts(facts: ModelFacts, custom: CustomModel) -> ModelFacts:
    return replace(
        facts,
        context_window=custom.context_window,
        max_output=custom.max_tokens,
        vision=custom.vision,
        token_field=custom.max_tokens_field,
        api=custom.api,
        efforts=custom.efforts,
        thinking_style=custom.thinking_style,
        reasons=bool(custom.efforts),
    )


def _clipped(name: str) -> str:
    return quoted(name)[1:-1]
