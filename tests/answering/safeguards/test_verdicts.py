"""The judge's answer: whatever is not sound is no verdict, and above all none that lets a call run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.answering.safeguards.rules import Rule
from proxy.answering.safeguards.verdicts import read_verdicts
from tests.answering.safeguards.samples import Json, bash

CALLS = [bash("ls", "toolu_a"), bash("rm -r /", "toolu_b")]
RULES = {
    "hard_deny": [Rule("default.hard_deny.0", "x"), Rule("auto_mode.hard_deny.0", "x", "auto_mode.hard_deny.0")],
    "soft_deny": [Rule("default.soft_deny.0", "x"), Rule("auto_mode.soft_deny.1", "x", "auto_mode.soft_deny.1")],
    "allow": [Rule("auto_mode.allow.0", "x", "auto_mode.allow.0")],
    "environment": [Rule("auto_mode.environment.0", "x", "auto_mode.environment.0")],
    "permission_deny": [Rule("permission_deny.0", "x")],
}
FINE = {"type": "evaluated", "outcome": "not_flagged"}
NONE = {"type": "unavailable", "reason": "error"}


def entry(call: Any = 1, flagged: Any = False, explanation: Any = "", rule: Any = "", **more: Any) -> Json:
    return {"call": call, "flagged": flagged, "explanation": explanation, "rule": rule, **more}


def answer(*entries: Any) -> str:
    return json.dumps({"verdicts": list(entries)})


GOOD = answer(entry(1), entry(2, flagged=True, explanation="It deletes all."))
SOUND: dict[str, str] = {
    "plain": GOOD,
    "indented": json.dumps(json.loads(GOOD), indent=2),
    "in another order": answer(*reversed(json.loads(GOOD)["verdicts"])),
    "with space around": f"\n {GOOD}\n\n",
    "in a fence": f"```json\n{GOOD}\n```",
    "in a fence without a language": f"\n```\n{GOOD}\n```\n",
    "in a fence, indented": f"```json\n{json.dumps(json.loads(GOOD), indent=2)}\n```",
    "with more fields": answer(entry(1, tool="Bash"), entry(2, flagged=True, explanation="It deletes all.", why=7)),
}
UNREADABLE: dict[str, str] = {
    "nothing": "",
    "blank": " \n",
    "cut": GOOD[:-2],
    "cut behind the first": GOOD[: GOOD.index("}") + 1],
    "cut in a fence": f"```json\n{GOOD}",
    "prose before": f"Here it is: {GOOD}",
    "prose behind": f"{GOOD}\nAll is fine.",
    "prose before a fence": f"Sure:\n```json\n{GOOD}\n```",
    "a fence in a fence": f"```\n```json\n{GOOD}\n```\n```",
    "an empty fence": "```json\n```",
    "two values": GOOD + GOOD,
    "an array at the root": json.dumps(json.loads(GOOD)["verdicts"]),
    "a text": json.dumps(GOOD),
    "null": "null",
    "true": "true",
    "no verdicts": "{}",
    "verdicts null": '{"verdicts": null}',
    "verdicts as an object": json.dumps({"verdicts": {"1": entry(1), "2": entry(2)}}),
    "an entry that is no object": answer(entry(1), "not_flagged"),
    "nested without end": '{"verdicts":' * 100_000,
    "lists without end": "[" * 100_000,
    "single quotes": GOOD.replace('"', "'"),
    "a comment": GOOD.replace("{", "{ /* fine */ ", 1),
    "line ends without end in a fence": "```\n" + "\n" * 20_000,
    "a digit that is no digit": GOOD.replace("1", "\u0661"),
    "verdicts twice": '{"verdicts": [], ' + GOOD[1:],
    "a number of too many digits": '{"verdicts": [{"call": ' + "1" * 5000 + "}]}",
}
NUMBERS: dict[str, Any] = {
    "zero": 0,
    "negative": -1,
    "beyond the last": 3,
    "true": True,
    "fraction": 1.0,
    "text": "1",
    "null": None,
    "list": [1],
    "id": "toolu_a",
}


@pytest.mark.parametrize("name", SOUND)
def test_sound(name: str) -> None:
    flagged = {"type": "evaluated", "outcome": "flagged", "explanation": "It deletes all."}
    assert read_verdicts(SOUND[name], CALLS, RULES) == {"toolu_a": FINE, "toolu_b": flagged}


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable(name: str) -> None:
    assert read_verdicts(UNREADABLE[name], CALLS, RULES) == {"toolu_a": NONE, "toolu_b": NONE}


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_that_no_call_has_spoils_all(name: str) -> None:
    """Who cannot number the calls may have confused them."""
    text = answer(entry(1), entry(2), entry(NUMBERS[name]))
    assert read_verdicts(text, CALLS, RULES) == {"toolu_a": NONE, "toolu_b": NONE}


@pytest.mark.parametrize(
    ("entries", "verdicts"),
    [
        pytest.param([], {"toolu_a": NONE, "toolu_b": NONE}, id="none"),
        pytest.param([entry(2)], {"toolu_a": NONE, "toolu_b": FINE}, id="one call is missing"),
        pytest.param([entry(1), entry(1), entry(2)], {"toolu_a": NONE, "toolu_b": FINE}, id="one twice, alike"),
        pytest.param(
            [entry(1, flagged=True), entry(1), entry(2)], {"toolu_a": NONE, "toolu_b": FINE}, id="one twice, otherwise"
        ),
    ],
)
def test_a_call_needs_exactly_one_entry(entries: list[Json], verdicts: Json) -> None:
    assert read_verdicts(answer(*entries), CALLS, RULES) == verdicts


@pytest.mark.parametrize("flagged", ["false", "true", "", None, 0, 1, [], {}, "not_flagged"], ids=repr)
def test_flagged_is_true_or_false(flagged: Any) -> None:
    verdicts = read_verdicts(answer(entry(1, flagged=flagged), entry(2)), CALLS, RULES)
    assert verdicts == {"toolu_a": NONE, "toolu_b": FINE}


def test_flagged_is_not_left_out() -> None:
    assert read_verdicts('{"verdicts": [{"call": 1}]}', CALLS[:1], RULES) == {"toolu_a": NONE}


def test_flagged_does_not_come_twice() -> None:
    """Readers of JSON differ on which one counts."""
    text = '{"verdicts": [{"call": 1, "flagged": true, "flagged": false}]}'
    assert read_verdicts(text, CALLS[:1], RULES) == {"toolu_a": NONE}


@pytest.mark.parametrize("explanation", ["", " \n", None, 7, ["It deletes."], {}], ids=repr)
def test_who_is_stopped_is_told_something(explanation: Any) -> None:
    verdict = read_verdicts(answer(entry(1, flagged=True, explanation=explanation)), CALLS[:1], RULES)["toolu_a"]
    assert verdict["outcome"] == "flagged"
    assert "no reason" in verdict["explanation"]


def test_an_explanation_has_an_end() -> None:
    """Claude Code 2.1.332 cuts at 2000 characters."""
    text = answer(entry(1, flagged=True, explanation=" " + "x" * 5000))
    assert read_verdicts(text, CALLS[:1], RULES)["toolu_a"]["explanation"] == "x" * 1500


def test_what_may_run_needs_no_explanation() -> None:
    assert read_verdicts(answer(entry(1, explanation="It only lists.")), CALLS[:1], RULES) == {"toolu_a": FINE}


@pytest.mark.parametrize(
    ("flagged", "key", "path"),
    [
        (True, "auto_mode.soft_deny.1", "auto_mode.soft_deny.1"),
        (False, "auto_mode.allow.0", "auto_mode.allow.0"),
        (True, "default.soft_deny.0", None),
        (True, "auto_mode.soft_deny.0", None),
        (True, "auto_mode.allow.0", None),
        (False, "auto_mode.soft_deny.1", None),
        (True, "auto_mode.hard_deny.0", None),
        (True, "permission_deny.0", None),
        (False, "auto_mode.environment.0", None),
        (True, "soft_deny", None),
        (True, "", None),
        (True, None, None),
        (True, ["auto_mode.soft_deny.1"], None),
        (False, "whatever the user wants", None),
    ],
)
def test_the_rule_that_is_cited(flagged: bool, key: Any, path: str | None) -> None:
    """Only an entry of the user's that can be behind such a verdict; the verdict stands without it."""
    verdict = read_verdicts(answer(entry(1, flagged=flagged, rule=key)), CALLS[:1], RULES)["toolu_a"]
    assert verdict["outcome"] == ("flagged" if flagged else "not_flagged")
    assert verdict.get("cited_rule") == (path and {"type": "classifier_context", "path": path})


@pytest.mark.parametrize("key", ["default.hard_deny.0", "auto_mode.hard_deny.0", "permission_deny.0"])
def test_no_call_runs_by_a_rule_that_forbids_it(key: str) -> None:
    """The verdict contradicts itself."""
    assert read_verdicts(answer(entry(1, rule=key)), CALLS[:1], RULES) == {"toolu_a": NONE}
