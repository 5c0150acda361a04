"""From the model name of a request to the provider and model that answer it.

In this order: a configured custom model; an explicit prefix (`openai/`, `gemini/`, `custom/`, `anthropic/`); a name
that OpenAI or Google has or could have; an alias (see `Router.known_models`); a Claude name, which BIG_MODEL or
SMALL_MODEL answers (or Anthropic itself, with PREFERRED_PROVIDER=anthropic). Anything else is a 404 that lists what
could be meant.
"""

from __future__ import annotations

import itertools
import logging
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple
from urllib.parse import urlsplit

from proxy.models.catalog import Catalog, ModelFacts
from proxy.models.thinking_control import ThinkingControl, thinking_control
from proxy.protocol.errors import ApiError
from proxy.settings.config import Config, CustomModel, Endpoint, ProviderName
from proxy.settings.problems import hint, quoted

_log = logging.getLogger(__name__)

_PREFIXES: dict[str, ProviderName] = {
    "openai": "openai",
    "gemini": "gemini",
    "custom": "custom",
    "anthropic": "anthropic",
}
_SHAPES: tuple[tuple[ProviderName, re.Pattern[str]], ...] = (
    ("openai", re.compile(r"gpt-|chatgpt-|o\d", re.IGNORECASE)),
    ("gemini", re.compile(r"gemini-", re.IGNORECASE)),
)
"""What names of a vendor begin with, those it will have next year included."""

_OPENAI_OWN = re.compile(r"(ft:)?(gpt-\d|chatgpt-|o\d)", re.IGNORECASE)
"""Narrower than the shape: `gpt-oss` and the like are models of other servers."""

_VENDORS = {"openai": "OpenAI", "gemini": "Google", "anthropic": "Anthropic"}
_VENDOR_HOSTS = {"openai": "openai.com", "gemini": "googleapis.com", "anthropic": "anthropic.com"}

# Tokens, never substrings: `my-opusculum` is no Opus. Never versions: the next one must work as well.
_SEPARATORS = re.compile(r"[-./@:_ ]+")
_FAMILIES = frozenset(("haiku", "sonnet", "opus", "fable", "mythos"))
_BARE_ALIASES = _FAMILIES | {"best", "opusplan", "default"}
_CONTEXT_SUFFIX = re.compile(r"(\s*\[\d+m\])+$", re.IGNORECASE)
"""`[1m]`: Claude Code's mark for a long context window. It strips that itself, other clients do not."""

_LISTED = {
    "claude-haiku-5-5": "Claude Haiku 5.5",
    "claude-sonnet-5-5": "Claude Sonnet 5.5",
    "claude-opus-5-5": "Claude Opus 5.5",
    "claude-fable-5-2": "Claude Fable 5.2",
}
_REMEMBERED = 512
_LONGEST_NAME = 256


@dataclass(frozen=True, slots=True)
class Route:
    """Who answers a request."""

    requested: str
    """The name as the client wrote it; answers echo it."""
    provider: ProviderName
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


class _Place(NamedTuple):
    provider: ProviderName
    model: str
    custom: CustomModel | None = None


class Router:
    """Finds routes; safe to share between threads. `today` gives the day for which retirements are decided."""

    def __init__(self, config: Config, catalog: Catalog, today: Callable[[], date] = date.today) -> None:
        self._config = config
        self._catalog = catalog
        self._today = today
        self._customs = {_bare(custom.model_id).lower(): custom for custom in config.custom_models}
        self._names: dict[str, ProviderName] = {
            **dict.fromkeys(catalog.names("gemini"), "gemini"),
            **dict.fromkeys(catalog.names("openai"), "openai"),
        }
        self._official = {
            "openai": _is_vendors("openai", config.openai),
            "gemini": _is_vendors("gemini", config.gemini),
            "anthropic": _is_vendors("anthropic", config.anthropic),
            "custom": False,
        }
        self._routes: dict[str, tuple[date, Route]] = {}
        self._warned: set[str] = set()
        self._problems: list[str] = []
        self._big = self._target("BIG_MODEL", config.big_model)
        same = config.small_model == config.big_model
        self._small = self._big if same else self._target("SMALL_MODEL", config.small_model)
        self._aliases = self._name_aliases()

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
        if len(self._routes) >= _REMEMBERED:
            self._routes.clear()
        self._routes[name] = (today, route)
        return route

    def line(self, name: str) -> str | None:
        """The Claude family that a requested name belongs to ("opus"); None for the names of other models."""
        bare = _bare(name)
        place = self._place(bare) or self._aliases.get(bare.lower())
        if place and place.provider != "anthropic":
            return None
        return _claude_family(bare) or None

    def known_models(self) -> list[KnownModel]:
        """What is worth choosing: a Claude name for each family, BIG_MODEL, SMALL_MODEL and the custom models.

        These have an alias besides, as the picker of Claude Code shows no name that does not begin with "claude".
        """
        models = []
        for name, title in _LISTED.items():
            if not self._problems and name not in self._customs:
                models.append(KnownModel(name, f"{title} ({self.resolve(name).target})"))
        names = [*self._aliases, *(custom.model_id for custom in self._config.custom_models)]
        return models + [KnownModel(name, self._answerer(self.resolve(name))) for name in names]

    def _answerer(self, route: Route) -> str:
        """For people: `gpt-6-sol (OpenAI)`, or the server's address where it is not the vendor's."""
        endpoints = {"openai": self._config.openai, "gemini": self._config.gemini, "anthropic": self._config.anthropic}
        if route.official:
            return f"{route.model} ({_VENDORS[route.provider]})"
        address = route.custom.api_base if route.custom else endpoints[route.provider].base_url
        return f"{route.model} ({urlsplit(address or '').netloc})"

    def _name_aliases(self) -> dict[str, _Place]:
        """Names in lower case that begin with "claude"; each belongs to one model and to no family."""
        aliases: dict[str, _Place] = {}
        for place in (self._big, self._small):
            if place and place.provider in ("openai", "gemini"):
                provider, model, _ = place = self._alive(place)
                name = f"claude-{_slug(model)}"
                if _claude_family(name):
                    name = f"claude-{provider}-{_slug(model)}"
                if place not in aliases.values():
                    aliases[_free(name, aliases.keys() | self._customs.keys())] = place
        for custom in self._config.custom_models:
            if not custom.model_id.lower().startswith("claude"):
                name = _free(f"claude-custom-{_slug(custom.model_id)}", aliases.keys() | self._customs.keys())
                aliases[name] = _Place("custom", custom.upstream_name, custom)
        return aliases

    def _alive(self, place: _Place) -> _Place:
        """Named for the model that answers today, if the vendor has shut this one down."""
        if not self._official[place.provider]:
            return place
        return place._replace(model=self._catalog.resolve_retired(place.provider, place.model, self._today())[0])

    def _find(self, requested: str) -> _Place:
        if len(requested) > _LONGEST_NAME:
            raise self._unknown(requested)
        name = _bare(requested)
        if place := self._place(name) or self._aliases.get(name.lower()):
            return place
        family = _claude_family(name)
        if family is None:
            raise self._unknown(name)
        if self._config.preferred_provider == "anthropic":
            return _Place("anthropic", name)
        target = self._small if family == "haiku" else self._big
        if target is None:
            raise ApiError(404, f"model: {_clipped(name)} has nobody to answer it. {' '.join(self._problems)}")
        return target

    def _place(self, name: str) -> _Place | None:
        """Where a name goes that is not a Claude name; None if that cannot be said."""
        if custom := self._customs.get(name.lower()):
            return _Place("custom", custom.upstream_name, custom)
        prefix, _, rest = name.partition("/")
        provider = _PREFIXES.get(prefix.lower()) if rest else None
        if provider == "custom":
            if custom := self._customs.get(rest.lower()):
                return _Place("custom", custom.upstream_name, custom)
            raise self._unknown(name)
        if provider:
            return _Place(provider, rest)
        if own := self._names.get(name.lower()):
            return _Place(own, name.lower())
        return next((_Place(owner, name) for owner, shape in _SHAPES if shape.match(name)), None)

    def _target(self, variable: str, value: str) -> _Place | None:
        """Where BIG_MODEL or SMALL_MODEL points; notes a problem if that is nowhere."""
        name = _bare(value)
        preferred = self._config.preferred_provider
        if preferred == "anthropic":
            return None
        try:
            place = self._place(name)
        except ApiError:
            self._misplaced(variable, name)
            return None
        if place:
            return place
        if _claude_family(name) is not None:
            remedy = f"write anthropic/{name} to have Anthropic answer, or name another model"
            self._problems.append(f"{variable}: {quoted(name)} is itself a Claude name; {remedy}")
            return None
        if preferred == "custom":
            self._misplaced(variable, name)
            return None
        # OPENAI_BASE_URL may lead to a server with names of any kind.
        return _Place("openai", name)

    def _misplaced(self, variable: str, name: str) -> None:
        self._problems.append(f"{variable}: {quoted(name)} {self._suggestions(name)}")

    def _route(self, requested: str, place: _Place, today: date) -> Route:
        provider, model, custom = place
        official = self._official[provider]
        if custom:
            facts = replace(
                self._catalog.facts("custom", model),
                context_window=custom.context_window,
                max_output=custom.max_tokens,
                vision=custom.vision,
                token_field=custom.max_tokens_field,
                api=custom.api,
                efforts=custom.efforts,
                thinking_style=custom.thinking_style,
                reasons=bool(custom.efforts),
            )
        elif official:
            model, warning = self._catalog.resolve_retired(provider, model, today)
            if warning and warning not in self._warned:
                self._warned.add(warning)
                _log.warning("%s", warning)
            facts = self._catalog.facts(provider, model)
        else:
            facts = self._compatible_facts(provider, model)
        return Route(requested, provider, model, facts, custom, official)

    def _compatible_facts(self, provider: ProviderName, model: str) -> ModelFacts:
        """Of a model behind another address than the vendor's: a gateway to the vendor, or any server."""
        if provider != "openai":
            return self._catalog.facts(provider, model)
        own_name = _OPENAI_OWN.match(model.rpartition("/")[2])
        if not own_name and not self._catalog.is_known("openai", model):
            control = thinking_control(self._config.openai.base_url or "", model) or ThinkingControl("effort")
            style, efforts = control
            facts = self._catalog.facts("custom", model)
            return replace(facts, thinking_style=style, efforts=efforts, reasons=bool(efforts))
        facts = self._catalog.facts("openai", model)
        # Every server knows `max_tokens`; only reasoning models refuse it.
        return facts if facts.reasons else replace(facts, token_field="max_tokens")  # noqa: S106

    def _unknown(self, name: str) -> ApiError:
        return ApiError(404, f"model: {_clipped(name)} {self._suggestions(name)}")

    def _suggestions(self, name: str) -> str:
        customs = [custom.model_id for custom in self._config.custom_models]
        today = self._today()
        alive = [each for each, owner in self._names.items() if not self._catalog.is_retired(owner, each, today)]
        near = hint(name, [*customs, *(f"custom/{each}" for each in customs), *alive, *_LISTED])
        return (
            f"is not known here{near or '.'} These could be meant: a Claude name (claude-...), an OpenAI name "
            "(gpt-..., chatgpt-..., o3...), a Gemini name (gemini-...), any name after openai/, gemini/ or "
            f"anthropic/, or a custom model ({', '.join(customs[:20]) or 'none is configured'})."
        )


def _clipped(name: str) -> str:
    return quoted(name)[1:-1]


def _bare(name: str) -> str:
    return _CONTEXT_SUFFIX.sub("", name.strip())


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.") or "model"


def _free(name: str, taken: Collection[str]) -> str:
    """The name, with a number where it is taken."""
    return next(
        each for number in itertools.count(1) if (each := f"{name}-{number}" if number > 1 else name) not in taken
    )


def _claude_family(name: str) -> str | None:
    """The family of a Claude name ("" if it has none that we know); None if it is no Claude name."""
    tokens = _SEPARATORS.split(name.lower())
    if name.lower() not in _BARE_ALIASES and not any(token.startswith("claude") for token in tokens):
        return None
    return next((token for token in tokens if token in _FAMILIES), "")


def _is_vendors(provider: str, endpoint: Endpoint) -> bool:
    host = urlsplit(endpoint.base_url or "").hostname
    return host is None or f".{host}".endswith(f".{_VENDOR_HOSTS[provider]}")
