"""Wordings that no table has: the words are made for kinds, not for single texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.models.habits import Habits
from proxy.providers.common.failures import Failure
from proxy.providers.common.learning import learn
from proxy.providers.common.output_limits import output_limit
from proxy.providers.common.overflow import overflow_numbers
from proxy.providers.common.words import kind_of
from tests.providers.common.test_words import CHAT

WORDINGS: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "other_wordings.yaml").read_text(encoding="utf-8"))
STATUSES = {"money": 429, "botched": 500}


def cases(texts: dict[str, list[str]]) -> list[Any]:
    return [pytest.param(kind, text, id=text) for kind, each in texts.items() for text in each]


@pytest.mark.parametrize(("kind", "text"), cases(WORDINGS["kinds"]))
def test_kinds(kind: str, text: str) -> None:
    assert kind_of(Failure(STATUSES.get(kind, 400), text)) == kind
    if kind == "output_limit":
        assert output_limit(text, 64_000) == 8192


@pytest.mark.parametrize(("name", "text"), cases(WORDINGS["lessons"]))
def test_lessons(name: str, text: str) -> None:
    lesson = learn(Failure(400, text), CHAT, Habits())
    assert lesson is not None
    assert lesson.name == name
    if name == "efforts":
        assert lesson.changes == {"efforts": ("low", "medium", "high")}


@pytest.mark.parametrize("entry", WORDINGS["numbers"], ids=lambda entry: entry["text"])
def test_numbers(entry: dict[str, Any]) -> None:
    numbers = overflow_numbers(entry["text"])
    assert (numbers.prompt, numbers.output, numbers.window) == tuple(map(entry.get, ("prompt", "output", "window")))


@pytest.mark.parametrize(("status", "text"), WORDINGS["ordinary"], ids=[text for _, text in WORDINGS["ordinary"]])
def test_ordinary_refusals_have_no_kind(status: int, text: str) -> None:
    """They share nouns with the kinds: tokens, credits, keys, images, limits."""
    assert kind_of(Failure(status, text)) == ""
