from __future__ import annotations

from typing import Any

import pytest

from proxy.protocol.effort import SCALE, nearest, requested_effort
from tests.translation import Json, asking, parsed, system, user

ADAPTIVE = {"type": "adaptive"}


def budget(tokens: int) -> Json:
    return {"type": "enabled", "budget_tokens": tokens}


@pytest.mark.parametrize(
    ("thinking", "effort", "asked"),
    [
        pytest.param(None, None, None, id="left to the model"),
        pytest.param(None, "high", "high", id="effort alone"),
        pytest.param(ADAPTIVE, "xhigh", "xhigh", id="adaptive with effort"),
        pytest.param(ADAPTIVE, None, "medium", id="adaptive alone"),
        pytest.param({"type": "between_tools"}, None, "medium", id="a type that is not known"),
        pytest.param({"type": "disabled"}, None, "none", id="disabled"),
        pytest.param({"type": "disabled"}, "high", "none", id="CASES-40 disabled wins over effort"),
        pytest.param({"type": "disabled"}, "none", "none", id="disabled twice"),
        pytest.param(budget(31_999), None, "high", id="budget of Claude Code"),
        pytest.param(budget(4096), None, "high", id="budget 4096"),
        pytest.param(budget(4095), None, "medium", id="budget 4095"),
        pytest.param(budget(2048), None, "medium", id="budget 2048"),
        pytest.param(budget(1024), None, "low", id="budget 1024"),
        pytest.param(budget(500), None, "minimal", id="CASES-39 budget below Anthropic's least"),
        pytest.param(budget(0), None, "minimal", id="CASES-39 budget 0"),
        pytest.param(budget(-1), None, "minimal", id="CASES-39 budget -1"),
        pytest.param(budget(500), "max", "max", id="effort wins over a budget"),
        pytest.param({"type": "enabled"}, None, "medium", id="enabled without a budget"),
        pytest.param(ADAPTIVE, "ultra", "medium", id="an effort of next year"),
        pytest.param(None, "ultra", None, id="an effort of next year alone"),
    ],
)
def test_requested_effort(thinking: Json | None, effort: str | None, asked: str | None) -> None:
    """CASES-39, CASES-40, CASES-93"""
    config = {"effort": effort} if effort else None
    assert requested_effort(parsed(asking(thinking=thinking, output_config=config))) == asked


def test_the_latest_message_decides() -> None:
    late: Any = {**system([]), "output_config": {"effort": "low"}}
    assert requested_effort(parsed(asking(user("a"), late, output_config={"effort": "high"}))) == "low"


@pytest.mark.parametrize(
    ("asked", "offered", "found"),
    [
        pytest.param("high", "low medium high", "high", id="offered"),
        pytest.param("max", "none low medium high xhigh", "xhigh", id="CASES-41 max"),
        pytest.param("xhigh", "low medium high", "high", id="CASES-41 xhigh"),
        pytest.param("minimal", "none low medium high", "low", id="CASES-41 minimal on gpt-5.1"),
        pytest.param("none", "low medium high", "low", id="CASES-41 none where it always reasons"),
        pytest.param("none", "minimal low medium high", "minimal", id="CASES-41 none on gpt-5"),
        pytest.param("low", "medium high xhigh", "medium", id="CASES-41 low on a pro model"),
        pytest.param("low", "high", "high", id="CASES-41 gpt-5-pro"),
        pytest.param("xhigh", "none low high max", "max", id="upwards first"),
        pytest.param("low", "high medium none", "medium", id="in any order"),
        pytest.param("high", "", None, id="none offered"),
        pytest.param("high", "turbo", None, id="only words that nobody knows"),
        pytest.param("high", "turbo low", "low", id="words that nobody knows"),
    ],
)
def test_nearest(asked: str, offered: str, found: str | None) -> None:
    assert nearest(asked, offered.split()) == found


@pytest.mark.parametrize("asked", SCALE)
def test_nearest_is_one_that_is_offered(asked: str) -> None:
    for at in range(len(SCALE)):
        assert nearest(asked, SCALE[at:]) in SCALE[at:]
        assert nearest(asked, SCALE[: at + 1]) in SCALE[: at + 1]
