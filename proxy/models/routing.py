"""From the model name of a request to the provider and model that answer it.

In this order: a configured custom model or an explicit prefix (`openai/`, `custom/`, ...), which nothing overrides;
MODEL_MAP, but not for an alias (see `Router.known_models`); the setting of the request's role (see `roles.py`); a name
that a vendor has or could have, or an alias; a Claude name, which the setting of its family, BIG_MODEL or SMALL_MODEL
answers (or the vendor of the Claude models, where that is the preferred one); a name that stands in a setting. Anything
else is a 404 that lists what could be meant.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple
from urllib.parse import urlsplit

from proxy.models import assignments, vendors
from proxy.models.assignments import Assignments
from proxy.models.catalog import Catalog, ModelFacts
from proxy.models.names import (
    CLAUDE_MODELS,
    SMALL_FAMILY,
    bare,
    claude_alias,
    claude_family,
    fingerprint,
    free,
    neutral_id,
    slug,
)
from proxy.models.prices import Price
from proxy.models.roles import MAIN, Role
from proxy.models.servers import ThinkingControl, thinking_control
from proxy.models.targets import REQUESTED_NAME, Target, Targets, clipped, custom_target
from proxy.models.vendors import CUSTOM, vendor
from proxy.protocol.errors import ApiError
from proxy.settings.config import Config, CustomModel

_log = logging.getLogger(__name__)

_MAX_ROUTES = 512
"""Names come from clients, so what is kept of them must have an end."""
_MAX_NAME = 256
"""Characters; no model's name is longer."""
_CLAUDE, _SMALL_CLAUDE = "claude-sonnet-5-5", "claude-haiku-5-5"
"""The first stands in for a requested name that is no Claude name."""
_JUDGE = Role("classifier")


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
    role: Role = MAIN
    reason: str = ""
    """Why this target answers: mostly the setting that says so. For people."""
    effort: str | None = None
    """A word of `effort.SCALE` that is in force whatever the request says."""
    is_explicit: bool = False
    """Whether the request names its answerer, so that nobody else may answer it."""
    stand_ins: tuple[Route, ...] = ()
    """Who answers where this one fails, best first."""
    price: Price | None = None
    """What its tokens cost; None where that is not known."""

    @property
    def candidates(self) -> tuple[Route, ...]:
        """All that may answer, best first."""
        return (self, *self.stand_ins)

    @property
    def target(self) -> str:
        """For people: `openai/gpt-6-sol`; custom models by their id."""
        return f"{self.provider}/{self.custom.model_id if self.custom else self.model}"


class KnownModel(NamedTuple):
    """An entry of the model list: an id that `resolve` takes, and who answers it."""

    id: str
    display_name: str


class _Choice(NamedTuple):
    targets: tuple[Target, ...]
    reason: str
    is_explicit: bool = False


class Router:
    """Finds routes; safe to share between threads. `today` gives the day for which retirements are decided."""

    def __init__(self, config: Config, catalog: Catalog, today: Callable[[], date] = date.today) -> None:
        self._config = config
        self._catalog = catalog
        self._today = today
        self._preferred = vendor(config.preferred_provider)
        self._customs = {bare(each.model_id).lower() for each in config.custom_models}
        self._targets = Targets(config, catalog, today)
        self._official = {
            row.name: row.name in config.endpoints and row.is_at(config.endpoint(row.name).base_url)
            for row in vendors.VENDORS
        }
        self._routes: dict[tuple[str, Role], tuple[date, Route]] = {}
        self._warned: set[str] = set()
        self._big: tuple[Target, ...] = ()
        self._small: tuple[Target, ...] = ()
        if not self._preferred.owns_claude:
            self._big = self._targets.listed("BIG_MODEL", config.big_model)
            same = config.small_model == config.big_model
            self._small = self._big if same else self._targets.listed("SMALL_MODEL", config.small_model)
        self._assigned = Assignments(config.role_models, config.agent_models, config.model_map, self._targets.listed)
        if (eyes := self.vision()) is not None and not eyes.facts.vision:
            self._targets.problems.append(
                f"{assignments.VISION}: {eyes.target} sees no pictures; name a model that does"
            )
        self._neutral = self._neutral_ids()
        self._aliases = {**self._name_aliases(), **self._neutral}
        self._written = self._written_names()

    def check(self) -> list[str]:
        """What makes the settings that name models unusable, one line each, for the start of the program."""
        return list(self._targets.problems)

    def resolve(self, name: str, role: Role = MAIN) -> Route:
        """The route of a requested model name. Raises ApiError (404) if nothing can be meant by it."""
        today = self._today()
        known = self._routes.get((name, role))
        if known and known[0] == today:
            return known[1]
        route = self._route(name, role, self._choose(name, role), today)
        if len(self._routes) >= _MAX_ROUTES:
            self._routes.clear()
        self._routes[name, role] = (today, route)
        return route

    def owner(self) -> Route | None:
        """The vendor of the Claude models, where it is the preferred one: for what is asked of it beside messages."""
        if not self._preferred.owns_claude:
            return None
        choice = _Choice((Target(self._preferred.name, _CLAUDE),), "PREFERRED_PROVIDER")
        return self._route(_CLAUDE, MAIN, choice, self._today())

    def judge(self) -> Route | None:
        """Who judges tool calls; None with JUDGE_MODEL=off. Raises ApiError where SMALL_MODEL leads nowhere."""
        if not self._config.judges:
            return None
        assigned = self._assigned.of(assignments.JUDGE)
        choice = _Choice(*assigned) if assigned else self._of_family(_SMALL_CLAUDE, SMALL_FAMILY, _JUDGE)
        return self._route(_SMALL_CLAUDE, _JUDGE, choice, self._today())

    def assigned(self) -> list[Route]:
        """Who answers by each setting for a role, a family or a pattern of names; `reason` is the setting."""
        today = self._today()
        return [self._route(_CLAUDE, MAIN, _Choice(*each), today) for each in self._assigned.settings()]

    def instead(self, route: Route, variable: str) -> Route | None:
        """Who stands in where the answerer is not able to: the target of SEARCH_MODEL or the like, if it is set."""
        assigned = self._assigned.of(variable)
        if assigned is None or route.is_explicit:
            return None
        return self._route(route.requested, route.role, _Choice(*assigned), self._today())

    def vision(self) -> Route | None:
        """Who describes pictures; None where VISION_MODEL is not set."""
        assigned = self._assigned.of(assignments.VISION)
        return None if assigned is None else self._route(_CLAUDE, MAIN, _Choice(*assigned), self._today())

    def line(self, name: str) -> str | None:
        """The Claude family that a requested name belongs to ("opus"); None for the names of other models."""
        name = bare(name)
        target = self._targets.find(name) or self._aliases.get(name.lower())
        if target and not vendor(target.provider).owns_claude:
            return None
        return claude_family(name) or None

    def known_models(self) -> list[KnownModel]:
        """What is worth choosing: a Claude name for each family, BIG_MODEL, SMALL_MODEL and the custom models.

        These have a neutral id (see `names.neutral_id`): the picker of Claude Code shows no name that does not begin
        with "claude", and Claude Desktop none that holds another vendor's word.
        """
        models = []
        for name, title in CLAUDE_MODELS.items():
            if not self._targets.problems and name not in self._customs:
                models.append(KnownModel(name, f"{title} ({self.resolve(name).target})"))
        names = [*self._neutral, *(custom.model_id for custom in self._config.custom_models)]
        return models + [KnownModel(name, self._answerer(self.resolve(name))) for name in names]

    def vendors(self) -> set[str]:
        """Those to whom the settings send Claude names and roles."""
        chosen = {target.provider for target in (*self._big, *self._small, *self._assigned)}
        return chosen | ({self._preferred.name} if self._preferred.owns_claude else set())

    def own_id(self, route: Route) -> str | None:
        """The neutral id of the model that a route leads to; None where it has none."""
        return next((known for known in self._neutral if self.resolve(known).target == route.target), None)

    def _answerer(self, route: Route) -> str:
        """For people: `gpt-6-sol (OpenAI)`, or the server's address where it is not the vendor's."""
        if route.official:
            return f"{route.model} ({vendor(route.provider).title})"
        address = route.custom.api_base if route.custom else self._config.endpoint(route.provider).base_url
        return f"{route.model} ({urlsplit(address or '').netloc})"

    def _neutral_ids(self) -> dict[str, Target]:
        """Ids in lower case that say nothing of the model: of BIG_MODEL, SMALL_MODEL and the custom models."""
        ids: dict[str, Target] = {}
        for word, target in self._firsts():
            if target not in ids.values():
                ids[neutral_id(word, self._customs)] = target
        for custom in self._config.custom_models:
            if not custom.model_id.lower().startswith("claude"):
                name = neutral_id(fingerprint(custom.model_id), ids.keys() | self._customs)
                ids[name] = custom_target(custom)
        return ids

    def _name_aliases(self) -> dict[str, Target]:
        """Names in lower case that begin with "claude"; each belongs to one model and to no family."""
        aliases: dict[str, Target] = {}
        for _, target in self._firsts():
            if target not in aliases.values():
                taken = aliases.keys() | self._customs
                aliases[claude_alias(target.model, target.provider, taken)] = target
        for custom in self._config.custom_models:
            if not custom.model_id.lower().startswith("claude"):
                name = free(f"claude-custom-{slug(custom.model_id)}", aliases.keys() | self._customs)
                aliases[name] = custom_target(custom)
        return aliases

    def _firsts(self) -> Iterator[tuple[str, Target]]:
        """The models that head BIG_MODEL and SMALL_MODEL, as they are called today, but for custom and Claude ones."""
        for word, targets in (("big", self._big), ("small", self._small)):
            for target in targets[:1]:
                if target.custom is None and not vendor(target.provider).owns_claude:
                    yield word, target._replace(model=self._alive(target), default=False)

    def _written_names(self) -> dict[str, Target]:
        """The names in the settings, in lower case, and what servers call custom models."""
        names = {bare(each.upstream_name): custom_target(each) for each in reversed(self._config.custom_models)}
        names.update((target.model, target) for target in (*self._assigned, *self._small, *self._big) if target.model)
        return {name.lower(): target for name, target in names.items()}

    def _alive(self, target: Target) -> str:
        """The model that answers today, if the vendor has shut the target's down."""
        if not self._official[target.provider]:
            return target.model
        return self._catalog.resolve_retired(target.provider, target.model, self._today())[0]

    def _choose(self, requested: str, role: Role) -> _Choice:
        if len(requested) > _MAX_NAME:
            raise self._targets.unknown(requested)
        name = bare(requested)
        if target := self._targets.explicit(name):
            return _Choice((target,), "the requested name", is_explicit=True)
        alias = self._aliases.get(name.lower())
        if assigned := (None if alias else self._assigned.of_name(name)) or self._assigned.of_role(role):
            return _Choice(*assigned)
        if target := alias or self._targets.named(name):
            return _Choice((target,), "the requested name")
        family = claude_family(name)
        if family is None:
            if target := self._written.get(name.lower()):
                return _Choice((target,), "the requested name")
            raise self._targets.unknown(name)
        return self._of_family(name, family, role)

    def _of_family(self, name: str, family: str, role: Role) -> _Choice:
        """Who answers a Claude name. Claude Code asks its judge by the name of a big model, which need not be one."""
        is_judge = role.kind == "classifier" and not self._preferred.owns_claude
        if not is_judge and (assigned := self._assigned.of_family(family)):
            return _Choice(*assigned)
        if self._preferred.owns_claude:
            return _Choice((Target(self._preferred.name, name),), "PREFERRED_PROVIDER")
        is_small = is_judge or family == SMALL_FAMILY
        targets = self._small if is_small else self._big
        if not targets:
            raise ApiError(404, f"model: {clipped(name)} has nobody to answer it. {' '.join(self._targets.problems)}")
        return _Choice(targets, "SMALL_MODEL" if is_small else "BIG_MODEL")

    def _route(self, requested: str, role: Role, choice: _Choice, today: date) -> Route:
        first, *others = (self._to(target, requested, role, choice, today) for target in choice.targets)
        return replace(first, stand_ins=tuple(others)) if others else first

    def _to(self, target: Target, requested: str, role: Role, choice: _Choice, today: date) -> Route:
        provider, model, custom, default, effort = target
        if model == REQUESTED_NAME:
            model = bare(requested) if claude_family(bare(requested)) is not None else _CLAUDE
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
        price = custom.price if custom else self._catalog.price(provider, model)
        reason, explicit = choice.reason, choice.is_explicit
        return Route(requested, provider, model, facts, custom, official, role, reason, effort, explicit, (), price)

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
