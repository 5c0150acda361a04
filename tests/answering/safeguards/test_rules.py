"""By which rules calls are judged: whose lists hold, and how an entry is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.answering.safeguards.rules import Rule, own_rules, rules_for
from proxy.settings.auto_mode_rules import LISTS, rules_of_client
from tests.answering.safeguards.samples import context

DEFAULTS = {"hard_deny": ["never"], "soft_deny": ["a", "b"], "allow": ["c"], "environment": ["here"]}


def _rules(**lists: Any) -> dict[str, list[Rule]]:
    return rules_for(context(auto_mode=lists), DEFAULTS)


def _keys(name: str, entries: Any) -> list[str]:
    return [rule.key for rule in _rules(**{name: entries})[name]]


@pytest.mark.parametrize(
    ("entries", "keys"),
    [
        pytest.param([], ["default.soft_deny.0", "default.soft_deny.1"], id="none, as the client sends it"),
        pytest.param(None, ["default.soft_deny.0", "default.soft_deny.1"], id="null"),
        pytest.param("$defaults", ["default.soft_deny.0", "default.soft_deny.1"], id="no list"),
        pytest.param(["$defaults"], ["default.soft_deny.0", "default.soft_deny.1"], id="the defaults by name"),
        pytest.param(["x"], ["auto_mode.soft_deny.0"], id="instead of the defaults"),
        pytest.param(
            ["$defaults", "x"], ["default.soft_deny.0", "default.soft_deny.1", "auto_mode.soft_deny.1"], id="behind"
        ),
        pytest.param(
            ["x", "$defaults", "y"],
            ["auto_mode.soft_deny.0", "default.soft_deny.0", "default.soft_deny.1", "auto_mode.soft_deny.2"],
            id="around",
        ),
        pytest.param([7, None, "x"], ["auto_mode.soft_deny.2"], id="among what is no text"),
        pytest.param(["$DEFAULTS"], ["auto_mode.soft_deny.0"], id="nearly the word"),
    ],
)
def test_where_the_defaults_stand(entries: Any, keys: list[str]) -> None:
    assert _keys("soft_deny", entries) == keys


@pytest.mark.parametrize("auto_mode", [None, [], "x", {}], ids=repr)
def test_without_lists_the_defaults_hold(auto_mode: Any) -> None:
    rules = rules_for(context(auto_mode=auto_mode), DEFAULTS)
    assert {name: [rule.text for rule in rules[name]] for name in LISTS} == DEFAULTS


@pytest.mark.parametrize("name", LISTS)
def test_an_entry_of_the_user_is_cited_by_its_place_in_his_list(name: str) -> None:
    (default, *_, own) = _rules(**{name: ["$defaults", "mine"]})[name]
    assert own == Rule(f"auto_mode.{name}.1", "mine", f"auto_mode.{name}.1")
    assert default.path == ""


def test_permission_rules() -> None:
    """In the order of the client's; they are no entries of `auto_mode`, so nothing cites them."""
    given = {
        "allow": [{"rule": "Bash(npm test:*)", "source": "userSettings"}, {"rule": 7}, "x"],
        "ask": [{"rule": "Bash(docker:*)"}],
        "deny": {"rule": "x"},
    }
    rules = rules_for(context(rules=given), DEFAULTS)
    assert rules["permission_allow"] == [Rule("permission_allow.0", "Bash(npm test:*)")]
    assert rules["permission_ask"] == [Rule("permission_ask.0", "Bash(docker:*)")]
    assert rules["permission_deny"] == []
    assert rules_for(context(rules=None), DEFAULTS)["permission_allow"] == []


def test_keys_are_unique() -> None:
    rules = rules_for(context(auto_mode={name: ["$defaults", "x", "x"] for name in LISTS}), own_rules())
    keys = [rule.key for entries in rules.values() for rule in entries]
    assert len(keys) == len(set(keys)) > 30


def test_own_rules() -> None:
    """Every list has entries, and each is one text."""
    rules = own_rules()
    assert rules.keys() == set(LISTS)
    assert all(
        entries and all(isinstance(each, str) and each.strip() for each in entries) for entries in rules.values()
    )


def test_rules_of_the_client() -> None:
    """`claude auto-mode config` prints all four lists; what is no text in them is left out."""
    printed = {"allow": ["a"], "soft_deny": ["b", 7], "hard_deny": [], "environment": ["c"], "classifyAllShell": False}
    assert rules_of_client(json.dumps(printed)) == {
        "allow": ["a"],
        "soft_deny": ["b"],
        "hard_deny": [],
        "environment": ["c"],
    }


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"allow": "x"}', '{"allow": []}', '{"allow": [7]}', "usage:", "[" * 100_000]
)
def test_what_is_no_rules_of_the_client(text: str) -> None:
    with pytest.raises(ValueError):
        rules_of_client(text)
