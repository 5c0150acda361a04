"""What is known of models, by family: limits, reasoning, parameters, retirement; and prices, by name.

The data is `catalog.yaml`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from importlib import resources
from typing import Any, Literal

import yaml

from proxy.models.prices import Price, price_of, priced_names
from proxy.models.servers import ThinkingStyle


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The defaults are what is safe with a server of which nothing is known."""

    context_window: int | None = None
    """Tokens of input that are accepted; None where unknown."""
    max_output: int | None = None
    """Tokens; None where unknown."""
    vision: bool = True
    pdf: bool = False
    reasons: bool = False
    reasons_by_default: bool = False
    """Whether it reasons when a request says nothing of it."""
    efforts: tuple[str, ...] = ()
    """The accepted efforts (Gemini: levels of thinking), weakest first; "none" is there if reasoning can be switched
    off. Empty: not adjustable by effort. "max" is for the Responses API only."""
    thinking_style: ThinkingStyle = "effort"
    """How Chat Completions says the effort; compatible servers differ."""
    thinking_budget: tuple[int, int] | None = None
    """Gemini 2.5 takes a budget in place of efforts: least and most tokens while it thinks."""
    since_gemini_3: bool = False
    """Gemini's later ways: calls want their thought signature back, function responses hold media, a schema for the
    answer goes together with tools."""
    sampling: Literal["always", "without_reasoning", "never"] = "always"
    """When temperature and top_p are accepted."""
    stop: bool = True
    """Whether Chat Completions takes `stop` (the Responses API never does)."""
    parallel_tool_calls: bool = True
    """Whether the parameter of this name is accepted."""
    token_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"  # noqa: S105
    """How Chat Completions calls the limit on output."""
    api: Literal["both", "chat", "responses"] = "both"
    """Where OpenAI serves the model."""
    tools_on_chat: Literal["always", "without_reasoning", "never"] = "always"
    """When Chat Completions takes function tools; "without_reasoning": only with the effort "none"."""
    cache_breakpoints: bool = False
    """Whether content parts take explicit prompt cache breakpoints."""
    searches_itself: bool = False
    """OpenAI's search models, which search the web unasked."""
    system_role: bool = True
    """False: instructions must go into the first user message."""
    retired: date | None = None
    """The day on which the vendor shuts it down."""
    successor: str | None = None


@dataclass(frozen=True, slots=True)
class _Provider:
    models: Mapping[str, ModelFacts]
    patterns: tuple[tuple[re.Pattern[str], Mapping[str, Any]], ...]
    unknown: ModelFacts
    prices: Mapping[str, Price]

    def family(self, model: str) -> ModelFacts | None:
        """The facts of the longest entry that the name continues."""
        name = model.lower().rpartition("/")[2].removeprefix("ft:")
        while name:
            if name in self.models:
                return self.models[name]
            name = name[: max(0, *map(name.rfind, "-:@"))]
        return None


_NOTHING = _Provider({}, (), ModelFacts(), {})


class Catalog:
    """Look-ups by the vendor's name (as in `vendors.VENDORS`) and its model's name, in any case.

    Of a vendor that has no part of its own in the data nothing is known: its models get the defaults of ModelFacts.
    """

    def __init__(self, providers: Mapping[str, _Provider]) -> None:
        self._providers = providers

    @classmethod
    @functools.cache
    def load(cls) -> Catalog:
        """The catalog of the package, read once."""
        text = resources.files("proxy.models").joinpath("catalog.yaml").read_text(encoding="utf-8")
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        data = yaml.load(text, Loader=loader)  # noqa: S506 - both are safe loaders
        return cls({provider: _provider(raw) for provider, raw in data.items()})

    def names(self, provider: str) -> tuple[str, ...]:
        """The names that have an entry of their own."""
        return tuple(self._providers.get(provider, _NOTHING).models)

    def is_known(self, provider: str, model: str) -> bool:
        """Whether the name has an entry or belongs to a family that has one."""
        return self._providers.get(provider, _NOTHING).family(model) is not None

    def facts(self, provider: str, model: str) -> ModelFacts:
        """Of the model, of its family, or of what a newer, unknown model of the provider is taken for."""
        entry = self._providers.get(provider, _NOTHING)
        facts = entry.family(model) or entry.unknown
        for pattern, fields in entry.patterns:
            if pattern.search(model.lower()):
                facts = replace(facts, **fields)
        return facts

    def price(self, provider: str, model: str) -> Price | None:
        """What its tokens cost; None where that is not known."""
        prices = self._providers.get(provider, _NOTHING).prices
        return next((prices[name] for name in priced_names(model) if name in prices), None)

    def is_retired(self, provider: str, model: str, today: date) -> bool:
        """Whether the vendor has shut the model down on that day."""
        retired = self.facts(provider, model).retired
        return retired is not None and retired <= today

    def resolve_retired(self, provider: str, model: str, today: date) -> tuple[str, str | None]:
        """The model that answers to the name on that day, and a warning if it is another one."""
        name: str | None = model
        while name and self.is_retired(provider, name, today):
            name = self.facts(provider, name).successor
        if not name or name == model:
            return model, None
        shutdown = self.facts(provider, model).retired
        return name, f"{model} was shut down by its vendor on {shutdown}; {name} answers in its place"


def _provider(raw: Mapping[str, Any]) -> _Provider:
    return _Provider(
        models={name: _facts(fields) for name, fields in raw["models"].items()},
        patterns=tuple((re.compile(entry["match"]), entry["set"]) for entry in raw["patterns"]),
        unknown=_facts(raw["unknown"]),
        prices={name: price_of(fields) for name, fields in raw.get("prices", {}).items()},
    )


def _facts(fields: Mapping[str, Any]) -> ModelFacts:
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}
    return ModelFacts(**values)
