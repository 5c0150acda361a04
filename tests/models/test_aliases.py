"""The names that begin with "claude" of models that are no Claude, for clients that show no others."""

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
    assert [name for name in listed if name.startswith("claude-custom")] == [
        *filter(None, ALIASES.values()),
        "claude-custom-taken",
    ]
    for name, alias in ALIASES.items():
        plain = table.resolve(name.strip("'"))
        for written in (alias, alias.upper(), f"{alias}[1m]") if alias else (name,):
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
    assert [name for name in listed[4:] if name.startswith("claude") and "-custom-" not in name] == list(names)
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
    assert KnownModel("claude-llama3", "llama3 (localhost:11434)") in table.known_models()


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
