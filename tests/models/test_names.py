"""Names of models taken apart and made."""

from __future__ import annotations

import pytest

from proxy.models.names import CLAUDE_MODELS, bare, claude_alias, claude_family, free, slug


@pytest.mark.parametrize(
    ("name", "without"),
    [
        ("claude-opus-5-5[1m]", "claude-opus-5-5"),
        ("claude-opus-5-5 [2M]", "claude-opus-5-5"),
        ("opus[1m][1m]", "opus"),
        (" gpt-4o\n", "gpt-4o"),
        ("big[1k]", "big[1k]"),
        ("[1m]big", "[1m]big"),
        ("[1m]", ""),
    ],
)
def test_bare(name: str, without: str) -> None:
    assert bare(name) == without


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("claude-opus-5-5", "opus"),
        ("Claude_Haiku", "haiku"),
        ("opus", "opus"),
        ("claude-2.1", ""),
        ("best", ""),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", "sonnet"),
        ("opus-4", None),
        ("my-opusculum", None),
        ("notclaude-opus", None),
        ("gpt-4o", None),
        ("", None),
    ],
)
def test_claude_family(name: str, family: str | None) -> None:
    assert claude_family(name) == family


def test_each_family_has_a_listed_name() -> None:
    assert [claude_family(name) for name in CLAUDE_MODELS] == ["haiku", "sonnet", "opus", "fable"]


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("Qwen/Qwen3_Coder:30B", "qwen-qwen3-coder-30b"),
        ("gpt-5.5", "gpt-5.5"),
        ("\u6a21\u578b", "model"),
        ("..", "model"),
    ],
)
def test_slug(name: str, made: str) -> None:
    assert slug(name) == made


def test_free() -> None:
    assert free("a", {"b"}) == "a"
    assert free("a", {"a", "a-2"}) == "a-3"


@pytest.mark.parametrize(
    ("name", "taken", "alias"),
    [
        ("gpt-6-sol", (), "claude-gpt-6-sol"),
        ("gpt-6-sol", ("claude-gpt-6-sol",), "claude-gpt-6-sol-2"),
        ("opus-5-5", (), "claude-openai-opus-5-5"),
    ],
    ids=["plain", "taken", "would be of a family"],
)
def test_claude_alias(name: str, taken: tuple[str, ...], alias: str) -> None:
    assert claude_alias(name, "openai", taken) == alias
