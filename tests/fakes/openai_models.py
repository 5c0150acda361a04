"""What the official Chat Completions endpoint takes from each model, as a small literal table."""

from __future__ import annotations

import re
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
    endpoint: Literal["chat", "responses", "not_chat"] = "chat"
    """Where it is served; the last two are refused on chat, each in its own words."""
    vision: bool = True
    sampling: Literal["always", "at_effort_none", "never"] = "always"
    stop: bool = True
    parallel_tool_calls: bool = True
    verbosity: bool = False
    tools_while_reasoning: bool = True

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


def _only_responses(name: str, endpoint: Literal["responses", "not_chat"]) -> ModelRules:
    return ModelRules(name, 272_000, 128_000, endpoint=endpoint)


_TO_XHIGH = "none low medium high xhigh"
_NO_TOOLS = {"tools_while_reasoning": False}
_GPT6 = {"tools_while_reasoning": False, "sampling": "never"}

MODELS = {
    rules.name: rules
    for rules in (
        ModelRules("gpt-4o", 128_000, 16_384),
        ModelRules("gpt-4o-mini", 128_000, 16_384),
        ModelRules("gpt-4.1", 1_047_576, 32_768),
        ModelRules("gpt-4.1-mini", 1_047_576, 32_768),
        ModelRules("gpt-4.1-nano", 1_047_576, 32_768),
        _o("o1"),
        _o("o3-mini", vision=False),
        _o("o3", stop=False),
        _o("o4-mini", stop=False),
        _gpt5("gpt-5", 272_000, "minimal low medium high", "medium", sampling="never"),
        _gpt5("gpt-5-mini", 272_000, "minimal low medium high", "medium", sampling="never"),
        _gpt5("gpt-5-nano", 272_000, "minimal low medium high", "medium", sampling="never"),
        _gpt5("gpt-5.1", 272_000, "none low medium high", "none"),
        _gpt5("gpt-5.2", 272_000, _TO_XHIGH, "none"),
        _gpt5("gpt-5.4", 1_050_000, _TO_XHIGH, "none", **_NO_TOOLS),
        _gpt5("gpt-5.4-mini", 272_000, _TO_XHIGH, "none", **_NO_TOOLS),
        _gpt5("gpt-5.4-nano", 272_000, _TO_XHIGH, "none", **_NO_TOOLS),
        _gpt5("gpt-5.5", 1_050_000, _TO_XHIGH, "medium", **_NO_TOOLS),
        _gpt5("gpt-5.6", 922_000, _TO_XHIGH, "medium", **_NO_TOOLS),
        _gpt5("gpt-5.6-sol", 922_000, _TO_XHIGH, "medium", **_NO_TOOLS),
        _gpt5("gpt-5.6-terra", 922_000, _TO_XHIGH, "medium", **_NO_TOOLS),
        _gpt5("gpt-5.6-luna", 922_000, _TO_XHIGH, "medium", **_NO_TOOLS),
        # "max" is an effort of these on Responses only.
        _gpt5("gpt-6-sol", 922_000, _TO_XHIGH, "medium", **_GPT6),
        _gpt5("gpt-6-luna", 922_000, _TO_XHIGH, "medium", **_GPT6),
        _gpt5("gpt-6.1-terra", 922_000, _TO_XHIGH, "medium", **_GPT6),
        _gpt5("gpt-6-astra", 922_000, "low medium high xhigh", "medium", **_GPT6),
        _gpt5("gpt-6.1-sol", 922_000, "low medium high xhigh", "medium", **_GPT6),
        _only_responses("gpt-5.1-codex", "responses"),
        _only_responses("o3-deep-research", "responses"),
        _only_responses("gpt-5.3-codex", "not_chat"),
        _only_responses("gpt-5-pro", "not_chat"),
        _only_responses("gpt-5.2-pro", "not_chat"),
        _only_responses("gpt-5.4-pro", "not_chat"),
        _only_responses("gpt-5.5-pro", "not_chat"),
        _only_responses("o3-pro", "not_chat"),
    )
}


def find(name: object) -> ModelRules | None:
    """The rules of a model or of a dated snapshot of it; None when the endpoint does not know the name."""
    if not isinstance(name, str):
        return None
    return MODELS.get(name) or MODELS.get(re.sub(r"-\d{4}-\d{2}-\d{2}$", "", name))
