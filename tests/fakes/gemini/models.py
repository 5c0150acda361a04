"""What the Gemini Developer API takes from each model, as a small literal table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

MAX_INPUT = 1_048_576
MAX_OUTPUT = 65_536


@dataclass(frozen=True, slots=True)
class ModelRules:
    """Limits in tokens. A model without `levels` and `budgets` does not think."""

    name: str
    version: tuple[int, int]
    levels: tuple[str, ...] = ()
    budgets: tuple[int, int] | None = None
    """Least and most that `thinkingBudget` may be, beside -1; None where the field is refused."""
    thinks_by_default: bool = True
    can_stop_thinking: bool = False
    """`thinkingBudget: 0` is taken."""
    prefill: bool = True
    """The last content may be the model's."""
    sampling: bool = True
    """`temperature`, `topP` and `topK` are taken. Newer models are documented to ignore them and reported to refuse."""
    max_input: int = MAX_INPUT
    max_output: int = MAX_OUTPUT
    max_output_unstreamed: int = MAX_OUTPUT
    longest_name: int = 64
    """Characters of a function's name."""

    @property
    def newer(self) -> bool:
        """Of Gemini 3 or later, where thought signatures are demanded and functions may answer with media."""
        return self.version >= (3, 0)

    @property
    def thinks(self) -> bool:
        return bool(self.levels or self.budgets)


_ALL = ("MINIMAL", "LOW", "MEDIUM", "HIGH")
_FROM_LOW = _ALL[1:]


def _gemini25(name: str, least: int, most: int, **differs: object) -> ModelRules:
    return replace(ModelRules(name, (2, 5), budgets=(least, most)), **differs)  # type: ignore[arg-type]


def _gemini3(name: str, minor: int, levels: tuple[str, ...], *, strict: bool = False) -> ModelRules:
    # A budget is still taken by Gemini 3, only not 0.
    return ModelRules(name, (3, minor), levels, (1, 32_768), prefill=not strict, sampling=not strict)


def _newest(name: str, major: int, minor: int = 0, **differs: object) -> ModelRules:
    rules = ModelRules(name, (major, minor), _FROM_LOW, prefill=False, sampling=False)
    return replace(rules, **differs)  # type: ignore[arg-type]


MODELS: dict[str, ModelRules] = {
    rules.name: rules
    for rules in (
        _gemini25("gemini-2.5-flash", 1, 24_576, can_stop_thinking=True),
        _gemini25("gemini-2.5-flash-lite", 512, 24_576, can_stop_thinking=True, thinks_by_default=False),
        _gemini25("gemini-2.5-pro", 128, 32_768),
        ModelRules("gemini-2.5-flash-image", (2, 5), max_input=32_768, max_output=32_768),
        _gemini3("gemini-3-flash-preview", 0, _ALL),
        _gemini3("gemini-3.1-flash-lite", 1, _ALL),
        _gemini3("gemini-3.1-pro-preview", 1, _FROM_LOW),
        _gemini3("gemini-3.1-pro-preview-customtools", 1, _FROM_LOW),
        _gemini3("gemini-3.5-flash-lite", 5, _ALL, strict=True),
        _gemini3("gemini-3.6-flash", 6, _ALL, strict=True),
        _gemini3("gemini-3.8-flash", 8, _FROM_LOW, strict=True),
        _newest("gemini-4-argon", 4, max_output_unstreamed=32_768),
        _newest("gemini-4-carbon", 4),
        _newest("gemini-4-hydrogen", 4),
        _newest("gemini-4-neon", 4, levels=(*_FROM_LOW, "XHIGH")),
    )
}
ROUTED = {
    "gemini-3.5-flash": "gemini-3.6-flash",
    "gemini-3.7-flash": "gemini-3.8-flash",
    "gemini-flash-latest": "gemini-3.8-flash",
    "gemini-flash-lite-latest": "gemini-3.5-flash-lite",
    "gemini-pro-latest": "gemini-3.1-pro-preview",
}
"""Names that another model answers for; those ending in "latest" on v1beta only."""


def find(models: Mapping[str, ModelRules], name: str, api_version: str = "v1beta") -> ModelRules | None:
    """The rules of the model that answers for `name`; None when the endpoint does not know it.

    A generation that is not in `models` yet is held to the newest rules known.
    """
    if name in models:
        return models[name]
    if name.endswith("-latest") and api_version != "v1beta":
        return None
    if ROUTED.get(name) in models:
        return models[ROUTED[name]]
    found = re.fullmatch(r"gemini-(\d+)(?:\.(\d+))?(?:-[a-z0-9-]+)?", name)
    known = max((rules.version for rules in models.values()), default=(0, 0))
    if found and int(found[1]) > known[0]:
        return _newest(name, int(found[1]), int(found[2] or 0))
    return None
