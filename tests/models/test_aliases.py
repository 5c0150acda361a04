"""The names that begin with "claude" of models that are no Claude, for clients that show no others.

Neutral ids are listed; names made of the models' own still lead to them.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from proxy.models.routing import KnownModel
from tests.models.samples import MODELS, entry, router

ALIASES = {
    "qwen3-coder": "claude-custom-qwen3-coder",
    "Qwen3_Coder": "claude-custom-qwen3-coder-2",
    "qwen3 coder": "claude-custom-qwen3-coder-3",
    "opus-like": "claude-custom-opus-like",
    "haiku": "claude-custom-haiku",
    "openai/gpt-4o-clone": "claude-custom-openai-gpt-4o-clone",
    "hf.co/unsloth/GLM-4.7:Q4_K_M": "claude-custom-hf.co-unsloth-glm-4.7-q4-k-m",
    "'\u6a21\u578b'": "claude-custom-model",
    "...": "claude-custom-model-2",
    "big[1m]": "claude-custom-big-1m",
    "taken": "claude-custom-taken-2",
    "claude-custom-taken": None,
}


@pytest.mark.parametrize("provider", ["google", "openai", "custom", "anthropic"])
def test_aliases_lead_to_their_custom_model(tmp_path: Path, provider: str) -> None:
    """CASES-88, CASES-89"""
    table = router(tmp_path, provider, "".join(entry(name) for name in ALIASES))
    listed = [known.id for known in table.known_models()]
    assert len(set(listed)) == len(listed)
    neutral = [name for name in listed if name.startswith("claude-proxy") and re.search("[0-9a-f]{6}$", name)]
    assert len(neutral) == len(listed) - listed.index(neutral[-1]) - 2, "one a model, but for that of a Claude name"
    ids = iter(neutral)
    for name, alias in ALIASES.items():
        plain = table.resolve(name.strip("'"))
        names = (alias, next(ids)) if alias else (name,)
        for written in (each for known in names for each in (known, known.upper(), f"{known}[1m]")):
            assert table.resolve(written).custom is plain.custom
            assert table.resolve(written).requested == written
            assert table.line(written) is None
            assert not re.search("[^a-z0-9.-]", written.lower().removesuffix("[1m]"))


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        (
            {"BIG_MODEL": "gpt-6-sol", "SMALL_MODEL": "gemini-3.8-flash"},
            {"claude-gpt-6-sol": "openai/gpt-6-sol", "claude-gemini-3.8-flash": "gemini/gemini-3.8-flash"},
        ),
        ({"BIG_MODEL": "gpt-6-sol[1m]", "SMALL_MODEL": "openai/gpt-6-sol"}, {"claude-gpt-6-sol": "openai/gpt-6-sol"}),
        (
            {"BIG_MODEL": "gpt-6-sol", "SMALL_MODEL": "openai/opus-5-5"},
            {"claude-gpt-6-sol": "openai/gpt-6-sol", "claude-openai-opus-5-5": "openai/opus-5-5"},
        ),
        ({"BIG_MODEL": "meta/Llama_3", "SMALL_MODEL": "qwen"}, {"claude-meta-llama-3": "openai/meta/Llama_3"}),
        (
            {"BIG_MODEL": "gemini-2.5-pro-preview-03-25", "SMALL_MODEL": "anthropic/claude-haiku-5-5"},
            {"claude-gemini-3.8-flash": "gemini/gemini-3.8-flash"},
        ),
    ],
)
def test_aliases_of_big_and_small(tmp_path: Path, environ: dict[str, str], names: dict[str, str]) -> None:
    table = router(tmp_path, models=MODELS, **environ)
    listed = [known.id for known in table.known_models()]
    assert listed[4 : 4 + len(names)] == ["claude-proxy-big", "claude-proxy-small"][: len(names)]
    for known, target in zip(listed[4:], names.values(), strict=False):
        assert table.resolve(known).target == target
    for name, target in names.items():
        assert table.resolve(name).target == target
        assert table.line(name) is None
        # The whole name only: anything else goes by its family.
        assert table.resolve(f"{name}-x").target == table.resolve("claude-opus-5-5").target
    assert (
        table.resolve("claude-opus-5-5").target == table.resolve("claude-sonnet-5-5").target == names[next(iter(names))]
    )


def test_a_server_of_ones_own_is_told_by_its_address(tmp_path: Path) -> None:
    table = router(tmp_path, BIG_MODEL="llama3", OPENAI_BASE_URL="http://localhost:11434/v1")
    assert KnownModel("claude-proxy-big", "llama3 (localhost:11434)") in table.known_models()


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("claude-haiku-5-5", "haiku"),
        ("CLAUDE-OPUS-5-5[1m]", "opus"),
        ("mythos", "mythos"),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", "sonnet"),
        ("anthropic/claude-fable-5-2", "fable"),
        ("claude-2.1", None),
        ("openai/claude-opus-5-5", None),
        ("gpt-4o", None),
        ("qwen", None),
    ],
)
def test_line(tmp_path: Path, name: str, line: str | None) -> None:
    assert router(tmp_path, models=MODELS).line(name) == line


VENDOR_WORDS = (
    "gpt",
    "openai",
    "o1",
    "o3",
    "gemini",
    "google",
    "gemma",
    "llama",
    "meta",
    "qwen",
    "deepseek",
    "mistral",
    "glm",
)


def test_listed_claude_names_hold_no_other_vendors_word(tmp_path: Path) -> None:
    """Claude Desktop refuses such names; who answers is in the display name."""
    names = ("qwen3-coder", "deepseek-v4", "GLM-5.3", "mistral", "llama4")
    table = router(tmp_path, models="".join(map(entry, names)), BIG_MODEL="gpt-6-sol", SMALL_MODEL="gemini-3.8-flash")
    listed = {known.id: known.display_name for known in table.known_models() if known.id.startswith("claude")}
    assert len(listed) == 4 + 2 + len(names)
    assert not [name for name in listed if any(word in name for word in VENDOR_WORDS)]
    for name, shown in listed.items():
        assert table.resolve(name).model in shown


def test_a_neutral_id_stays_when_other_models_come(tmp_path: Path) -> None:
    before, after = (router(tmp_path, models=models) for models in (entry("a"), entry("z") + entry("A")))
    own, plain = (known.id for known in before.known_models() if known.display_name.startswith("a "))
    assert plain == "a"
    assert after.resolve(own).target == "custom/A"
    assert before.own_id(before.resolve("a")) == after.own_id(after.resolve("custom/a")) == own
    assert before.own_id(before.resolve("gpt-5.5")) is None


def test_a_neutral_id_gives_way_to_a_model_of_that_name(tmp_path: Path) -> None:
    table = router(tmp_path, models=entry("claude-proxy-big"), BIG_MODEL="gpt-6-sol", SMALL_MODEL="gpt-6-sol")
    assert table.resolve("claude-proxy-big").target == "custom/claude-proxy-big"
    assert table.resolve("claude-proxy-big-2").target == "openai/gpt-6-sol"
