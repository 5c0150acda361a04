"""What OpenAI's own endpoints take from each model, as a small literal table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True, slots=True)
class ModelRules:
    """`max_input` and `max_output` in tokens. A model with no `efforts` does not reason."""

    name: str
    max_input: int
    max_output: int
    efforts: tuple[str, ...] = ()
    default_effort: str = "none"
    endpoint: Literal["both", "chat", "responses", "not_chat"] = "both"
    """Where it is served; the last two are served on Responses and refused on chat, each in its own words."""
    more_efforts: tuple[str, ...] = ()
    """Taken on Responses only."""
    vision: bool = True
    sampling: Literal["always", "at_effort_none", "never"] = "always"
    stop: bool = True
    parallel_tool_calls: bool = True
    verbosity: bool = False
    tools_while_reasoning: bool = True
    streams: bool = True
    cache_breakpoints: bool = False
    searches: bool = True
    """Whether it takes the web search of Responses."""

    @property
    def reasons(self) -> bool:
        return bool(self.efforts)


def _o(name: str, **differs: object) -> ModelRules:
    rules = ModelRules(
        name, 200_000, 100_000, ("low", "medium", "high"), "medium", sampling="never", parallel_tool_calls=False
    )
    return replace(rules, **differs)  # type: ignore[arg-type]


def _gpt5(name: str, max_input: int, efforts: str, default: str, **differs: object) -> ModelRules:
    rules = ModelRules(
        name,
        max_input,
        128_000,
        tuple(efforts.split()),
        default,
        sampling="at_effort_none",
        stop=False,
        verbosity=True,
    )
    return replace(rules, **differs)  # type: ignore[arg-type]


def _pro(name: str, max_input: int = 1_050_000, efforts: str = "medium high xhigh", **differs: object) -> ModelRules:
    differs = {"endpoint": "not_chat", "sampling": "never", **differs}
    return _gpt5(name, max_input, efforts, efforts.split()[0], **differs)


_TO_XHIGH = "none low medium high xhigh"
_FROM_MINIMAL = "minimal low medium high"
_NO_TOOLS = {"tools_while_reasoning": False}
_GPT56 = {**_NO_TOOLS, "cache_breakpoints": True}
_GPT6 = {**_GPT56, "sampling": "never", "more_efforts": ("max",)}
_CODEX = {"endpoint": "responses", "sampling": "never"}

MODELS = {
    rules.name: rules
    for rules in (
        ModelRules("gpt-4o", 128_000, 16_384),
        ModelRules("gpt-4o-mini", 128_000, 16_384),
        ModelRules("gpt-4.1", 1_047_576, 32_768),
        ModelRules("gpt-4.1-mini", 1_047_576, 32_768),
        ModelRules("gpt-4.1-nano", 1_047_576, 32_768, searches=False),
        _o("o1", searches=False),
        _o("o1-pro", endpoint="not_chat", streams=False, searches=False),
        _o("o3-mini", vision=False, searches=False),
        _o("o3", stop=False),
        _o("o3-pro", stop=False, endpoint="responses"),
        _o("o3-deep-research", endpoint="responses"),
        _o("o4-mini", stop=False),
        _gpt5("gpt-5", 272_000, _FROM_MINIMAL, "medium", sampling="never"),
        _gpt5("gpt-5-mini", 272_000, _FROM_MINIMAL, "medium", sampling="never"),
        _gpt5("gpt-5-nano", 272_000, _FROM_MINIMAL, "medium", sampling="never"),
        _pro("gpt-5-pro", 272_000, "high", max_output=272_000, streams=False),
        _gpt5("gpt-5-codex", 272_000, "low medium high", "medium", **_CODEX),
        _gpt5("gpt-5.1", 272_000, "none low medium high", "none"),
        _gpt5("gpt-5.1-codex", 272_000, "low medium high", "medium", **_CODEX),
        _gpt5("gpt-5.2", 272_000, _TO_XHIGH, "none"),
        _pro("gpt-5.2-pro", 272_000),
        _gpt5("gpt-5.3-codex", 272_000, _TO_XHIGH, "none", endpoint="not_chat"),
        _gpt5("gpt-5.4", 1_050_000, _TO_XHIGH, "none", **_NO_TOOLS),
        _gpt5("gpt-5.4-mini", 272_000, _TO_XHIGH, "none", **_NO_TOOLS),
        _gpt5("gpt-5.4-nano", 272_000, _TO_XHIGH, "none", **_NO_TOOLS),
        _pro("gpt-5.4-pro"),
        _gpt5("gpt-5.5", 1_050_000, _TO_XHIGH, "medium", **_NO_TOOLS),
        _pro("gpt-5.5-pro"),
        _gpt5("gpt-5.6", 922_000, _TO_XHIGH, "medium", **_GPT56),
        _gpt5("gpt-5.6-sol", 922_000, _TO_XHIGH, "medium", **_GPT56),
        _gpt5("gpt-5.6-terra", 922_000, _TO_XHIGH, "medium", **_GPT56),
        _gpt5("gpt-5.6-luna", 922_000, _TO_XHIGH, "medium", **_GPT56),
        _gpt5("gpt-6-sol", 922_000, _TO_XHIGH, "medium", **_GPT6),
        _gpt5("gpt-6-luna", 922_000, _TO_XHIGH, "medium", **_GPT6),
        _gpt5("gpt-6.1-terra", 922_000, _TO_XHIGH, "medium", **_GPT6),
        _gpt5("gpt-6-astra", 922_000, "low medium high xhigh", "medium", **_GPT6),
        _gpt5("gpt-6.1-sol", 922_000, "low medium high xhigh", "medium", **_GPT6),
        ModelRules("gpt-4o-search-preview", 128_000, 16_384, endpoint="chat"),
        ModelRules("gpt-5-search-api", 272_000, 128_000, endpoint="chat"),
        ModelRules("gpt-audio", 128_000, 16_384, endpoint="chat", vision=False),
    )
}
_NEWEST = "gpt-6-sol"


def with_extra(names: Iterable[str]) -> dict[str, ModelRules]:
    """`MODELS`, and models of these names under the rules of the newest generation."""
    return MODELS | {name: replace(MODELS[_NEWEST], name=name) for name in names}


def find(name: object, models: dict[str, ModelRules] = MODELS) -> ModelRules | None:
    """The rules of a model or of a dated snapshot of it; None when the endpoint does not know the name."""
    if not isinstance(name, str):
        return None
    return models.get(name) or models.get(re.sub(r"-\d{4}-\d{2}-\d{2}$", "", name))
