"""How much each model is told to think, and how much room it has."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.gemini.pieces import translate
from tests.translation import asking

Json = dict[str, Any]

BUDGETS = ("gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-2.5-pro")
LEVELS = ("gemini-3.5-flash-lite", "gemini-3.8-flash", "gemini-4-argon", "gemini-4-neon", "gemini-9")
_OFF, _ADAPTIVE = {"type": "disabled"}, {"type": "adaptive"}


def _enabled(tokens: int) -> Json:
    return {"type": "enabled", "budget_tokens": tokens}


def _effort(word: str, thinking: Json | None = _ADAPTIVE) -> Json:
    return {"thinking": thinking, "output_config": {"effort": word}}


# What is asked, and what each of BUDGETS and of LEVELS is told: a budget in tokens, a level, None for nothing.
MATRIX: dict[str, tuple[Json, tuple[int | None, ...], tuple[str | None, ...]]] = {
    "unsaid": ({}, (None, None, None), (None, None, None, None, None)),
    "disabled": ({"thinking": _OFF}, (0, 0, 128), ("MINIMAL", "LOW", "LOW", "LOW", "LOW")),
    "disabled_with_effort": (_effort("high", _OFF), (0, 0, 128), ("MINIMAL", "LOW", "LOW", "LOW", "LOW")),
    "adaptive": ({"thinking": _ADAPTIVE}, (-1, -1, -1), ("MEDIUM",) * 5),
    "effort_low": (_effort("low"), (-1, -1, -1), ("LOW", "LOW", "LOW", "LOW", "LOW")),
    "effort_medium": (_effort("medium"), (-1, -1, -1), ("MEDIUM", "MEDIUM", "MEDIUM", "MEDIUM", "MEDIUM")),
    "effort_high": (_effort("high"), (-1, -1, -1), ("HIGH", "HIGH", "HIGH", "HIGH", "HIGH")),
    "effort_xhigh": (_effort("xhigh"), (-1, -1, -1), ("HIGH", "HIGH", "HIGH", "XHIGH", "HIGH")),
    "effort_max": (_effort("max"), (-1, -1, -1), ("HIGH", "HIGH", "HIGH", "XHIGH", "HIGH")),
    "effort_alone": (_effort("high", None), (-1, -1, -1), ("HIGH", "HIGH", "HIGH", "HIGH", "HIGH")),
    "budget_1024": ({"thinking": _enabled(1024)}, (1024, 1024, 1024), ("LOW", "LOW", "LOW", "LOW", "LOW")),
    "budget_8000": ({"thinking": _enabled(8000)}, (8000, 8000, 8000), ("HIGH",) * 5),
    "budget_20000": ({"thinking": _enabled(20_000)}, (20_000, 20_000, 20_000), ("HIGH",) * 5),
    "budget_31999": ({"thinking": _enabled(31_999)}, (24_576, 24_576, 31_999), ("HIGH",) * 5),
    "budget_50000": ({"thinking": _enabled(50_000)}, (24_576, 24_576, 32_768), ("HIGH",) * 5),
}


@pytest.mark.parametrize("model", [*BUDGETS, *LEVELS])
@pytest.mark.parametrize("name", MATRIX)
def test_matrix(name: str, model: str) -> None:
    fields, budgets, levels = MATRIX[name]
    config = translate(asking(max_tokens=64_000, **fields), model).config
    thinking = dict(config.get("thinkingConfig", {}))
    shows = thinking.pop("includeThoughts", False)
    assert shows == ((fields.get("thinking") or _ADAPTIVE)["type"] != "disabled")
    if model in BUDGETS:
        budget = budgets[BUDGETS.index(model)]
        assert thinking == ({} if budget is None else {"thinkingBudget": budget})
    else:
        level = levels[LEVELS.index(model)]
        assert thinking == ({} if level is None else {"thinkingLevel": level})
    assert config["maxOutputTokens"] == 64_000


@pytest.mark.parametrize("thinking", [None, _OFF, _ADAPTIVE, _enabled(1024)])
def test_models_that_do_not_think(thinking: Json | None) -> None:
    config = translate(asking(thinking=thinking, max_tokens=2000), "gemini-2.0-flash", checked=False).config
    assert config == {"maxOutputTokens": 2000}


@pytest.mark.parametrize("thinking", [None, _OFF, _ADAPTIVE, _enabled(1024)])
@pytest.mark.parametrize("tokens", [1, 512, 1500])
def test_small_limits_leave_room_for_an_answer(tokens: int, thinking: Json | None) -> None:
    """What is thought counts as output: with these limits nothing would be left to say."""
    translation = translate(asking(max_tokens=tokens, thinking=thinking))
    assert translation.config["maxOutputTokens"] == 2048
    assert translation.config["thinkingConfig"]["thinkingLevel"] == "LOW"
    assert "max_tokens was raised to 2048: thinking counts as output" in translation.notes


def test_small_limits_stand_where_thinking_is_off() -> None:
    config = translate(asking(max_tokens=5), "gemini-2.5-flash").config
    assert (config["maxOutputTokens"], config["thinkingConfig"]["thinkingBudget"]) == (5, 0)


def test_budgets_leave_room_for_an_answer() -> None:
    config = translate(asking(max_tokens=8000, thinking=_enabled(7999)), "gemini-2.5-pro").config
    assert config["thinkingConfig"]["thinkingBudget"] == 4000


@pytest.mark.parametrize(
    ("asked", "users", "sent"), [(100_000, 200_000, 65_536), (64_000, 8192, 8192), (32_000, 200_000, 32_000)]
)
def test_limits_on_output(asked: int, users: int, sent: int) -> None:
    translation = translate(asking(max_tokens=asked), limit=users)
    assert translation.config["maxOutputTokens"] == sent
    assert (f"max_tokens was lowered to {sent}" in translation.notes) == (sent < asked)
