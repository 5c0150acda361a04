"""The settings that name models for roles, agents and patterns."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.settings.loading import load, problems


@pytest.mark.parametrize(
    ("value", "pairs"),
    [
        ("Explore=gemini/a", (("Explore", "gemini/a"),)),
        (" Explore = a , Plan=b@low,", (("Explore", "a"), ("Plan", "b@low"))),
        ("a*=x\nb=y", (("a*", "x"), ("b", "y"))),
        ("a=b=c", (("a", "b=c"),)),
        ("a=b, c\nd=e,f , g=h", (("a", "b, c"), ("d", "e, f"), ("g", "h"))),
    ],
    ids=["one", "several", "lines", "the first sign counts", "lists"],
)
def test_pairs_of_models(value: str, pairs: tuple[tuple[str, str], ...], tmp_path: Path) -> None:
    config = load(tmp_path, {"AGENT_MODELS": value, "MODEL_MAP": value})
    assert (config.agent_models, config.model_map) == (pairs, pairs)


@pytest.mark.parametrize("value", ["Explore", "Explore=", "=x", "c, a=b", "a=b, =c", ","])
@pytest.mark.parametrize("variable", ["AGENT_MODELS", "MODEL_MAP"])
def test_what_is_no_pair(variable: str, value: str, tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, {variable: value})
    assert problem.startswith(f"{variable}: ")
    assert "write " in problem


def test_models_of_roles(tmp_path: Path) -> None:
    """Only what is set stands there; `off` is no model."""
    config = load(tmp_path, {"SUBAGENT_MODEL": "x@low", "OPUS_MODEL": "anthropic", "JUDGE_MODEL": "OFF"})
    assert config.role_models == {"SUBAGENT_MODEL": "x@low", "OPUS_MODEL": "anthropic"}
    assert not config.judges
    assert load(tmp_path, {"JUDGE_MODEL": "x"}).role_models == {"JUDGE_MODEL": "x"}
    assert load(tmp_path).judges
