"""The tables of servers' words: each text is recognised, gives its numbers and its lesson, and no other text is."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.models.habits import Habits
from proxy.providers.common.failures import Failure
from proxy.providers.common.learning import learn
from proxy.providers.common.output_limits import output_limit
from proxy.providers.common.overflow import overflow_numbers
from proxy.providers.common.words import full_text, kind_of

Json = dict[str, Any]
KINDS = {
    "overflow": "overflow",
    "sums": "overflow",
    "money": "money",
    "keys": "key",
    "output_limits": "output_limit",
    "no_images": "no_images",
    "bad_pictures": "bad_picture",
    "botched": "botched",
    "models": "no_model",
    "rate_limits": "rate_limit",
    "overloaded": "overloaded",
}
"""Table -> what kind its texts are."""
MIN_COUNTS = {"overflow": 40, "sums": 20, "money": 25, "output_limits": 20, "models": 25, "refused_parameters": 40}
PRECISION: list[Json] = yaml.safe_load((Path(__file__).parent / "precision.yaml").read_text(encoding="utf-8"))
PICTURE = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}
CHAT: Json = {
    "model": "m",
    "messages": [{"role": "system", "content": "s"}, PICTURE],
    "max_completion_tokens": 1_000_000,
    "reasoning_effort": "high",
    "temperature": 0.5,
    "top_p": 0.9,
    "stream_options": {"include_usage": True},
    "tools": [{"type": "function", "function": {"name": "Read", "strict": True}}],
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "response_format": {},
    "prompt_cache_key": "k",
}
OTHERS: list[Json] = [
    {"model": "m", "messages": [PICTURE], "max_tokens": 1_000_000, "thinking": {"type": "disabled"}},
    {"model": "m", "messages": [PICTURE], "reasoning": {"effort": "none"}},
    {"contents": [], "tools": [{"googleSearch": {}}]},
    {"model": "m", "input": [], "include": ["reasoning.encrypted_content"], "text": {"format": {}}},
]


def table(name: str) -> Json:
    path = resources.files("proxy.providers.common").joinpath(f"words/{name}.yaml")
    loaded: Json = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def failure(entry: Json) -> Failure:
    return Failure(entry["status"], entry["text"], entry.get("code", ""), entry.get("param", ""))


def rows(*names: str) -> list[Any]:
    return [
        pytest.param(name, rule, entry, id=f"{name} {entry['server']} {number}")
        for name in names
        for rule in table(name)["rules"]
        for number, entry in enumerate(rule["texts"])
    ]


def test_there_is_a_class_for_every_table() -> None:
    words = resources.files("proxy.providers.common").joinpath("words")
    assert {path.name for path in words.iterdir()} == {f"{name}.yaml" for name in (*KINDS, "refused_parameters")}


@pytest.mark.parametrize("name", MIN_COUNTS)
def test_enough_true_texts(name: str) -> None:
    """Texts that differ by more than numbers, seen on a server."""
    entries = [entry for rule in table(name)["rules"] for entry in rule["texts"]]
    true = {re.sub(r"\d+", "0", each["text"]) for each in entries if not each["source"].startswith("made ")}
    assert len(true) >= MIN_COUNTS[name]


@pytest.mark.parametrize(("name", "rule", "entry"), rows(*KINDS))
def test_each_text_is_of_its_kind_and_its_row(name: str, rule: Json, entry: Json) -> None:
    assert kind_of(failure(entry)) == KINDS[name]
    assert re.search(rule["words"], full_text(failure(entry)), re.IGNORECASE)
    assert entry["source"]


@pytest.mark.parametrize(("name", "rule", "entry"), rows("overflow", "sums"))
def test_numbers_of_overflows(name: str, rule: Json, entry: Json) -> None:
    numbers = overflow_numbers(entry["text"])
    assert (numbers.prompt, numbers.output, numbers.window) == tuple(map(entry.get, ("prompt", "output", "window")))


@pytest.mark.parametrize("requested", [None, 10_000_000], ids=["", "where the requested number is known"])
@pytest.mark.parametrize(("name", "rule", "entry"), rows("output_limits"))
def test_numbers_of_output_limits(name: str, rule: Json, entry: Json, requested: int | None) -> None:
    assert output_limit(entry["text"], requested) == entry["limit"]


@pytest.mark.parametrize(("name", "rule", "entry"), rows("refused_parameters"))
def test_each_refusal_teaches_its_habit(name: str, rule: Json, entry: Json) -> None:
    lessons = [learn(failure(entry), body, Habits()) for body in (CHAT, *OTHERS)]
    taught = {lesson.name: lesson for lesson in lessons if lesson is not None}
    if "habit" in rule:
        assert rule["habit"] in taught
        assert taught[rule["habit"]].lasting is rule.get("lasting", True)
    elif "token_field" in rule:
        assert taught["token_field"].changes == {"token_field": rule["token_field"]}
    elif rule["field"] == "any":
        assert any(name == "efforts" or name.startswith("without ") for name in taught)
    else:
        assert f"without {rule['field']}" in taught
        assert taught[f"without {rule['field']}"].lasting is rule.get("lasting", True)


@pytest.mark.parametrize(
    "entry", [pytest.param(entry, id=f"{entry['not']}: {entry['because']} {n}") for n, entry in enumerate(PRECISION)]
)
def test_no_text_is_taken_for_what_it_is_not(entry: Json) -> None:
    """Ordinary refusals that mention tokens, money, keys or pictures."""
    lessons = [learn(failure(entry), body, Habits()) for body in (CHAT, *OTHERS)]
    taught = {lesson.name for lesson in lessons if lesson is not None}
    if entry["not"] == "refused":
        assert not [name for name in taught if name.startswith("without ")]
    else:
        assert kind_of(failure(entry)) != entry["not"]
    if entry["not"] == "output_limit":
        assert not [each for each in lessons if each and each.name == "output_limit" and each.lasting]
    if entry["not"] == "no_images":
        assert not [each for each in lessons if each and each.name == "no_images" and each.lasting]


def test_what_the_client_sent_is_not_the_servers_word() -> None:
    """Pydantic repeats it in its errors."""
    echo = "[{'type': 'missing', 'loc': ('x',), 'msg': 'Field required', 'input': {'a': 'Insufficient balance'}}]"
    assert kind_of(Failure(422, echo)) == ""


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "key"), (402, "money"), (429, "rate_limit"), (503, "overloaded"), (400, ""), (500, "")]
)
def test_without_telling_words_the_status_decides(status: int, kind: str) -> None:
    assert kind_of(Failure(status, "no")) == kind


def test_no_table_is_read_before_a_failure() -> None:
    code = "from proxy.providers.common import learning, words; print(words.rules.cache_info().currsize)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
