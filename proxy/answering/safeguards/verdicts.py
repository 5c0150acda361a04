"""The judge's answer -> a verdict for each call. Pure; whatever is not sound is `unavailable`, never `not_flagged`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from proxy.answering.safeguards.calls import ToolCall
from proxy.answering.safeguards.rules import Rule
from proxy.protocol.safeguards import evaluated, unavailable

_FORBIDDING = ("hard_deny", "permission_deny")
"""Lists whose rules hold whatever the user says."""
_EXPLANATION_LIMIT = 1500
"""Characters; the client cuts at 2000."""
_NO_REASON = "The call was stopped by the check of dangerous tool uses, which gave no reason."

Json = dict[str, Any]


def failed(calls: Sequence[ToolCall], reason: str) -> dict[str, Json]:
    return {call.id: unavailable(reason) for call in calls}


def read_verdicts(text: str, calls: Sequence[ToolCall], rules: Mapping[str, Sequence[Rule]]) -> dict[str, Json]:
    """By the ids of the calls. An answer that speaks of a call that there is not cannot be trusted with the others."""
    entries = _entries(text)
    if entries is None or any(_number(each) not in range(1, len(calls) + 1) for each in entries):
        return failed(calls, "error")
    verdicts: dict[str, Json] = {}
    for number, call in enumerate(calls, 1):
        own = [each for each in entries if _number(each) == number]
        verdicts[call.id] = _verdict(own[0], rules) if len(own) == 1 else unavailable("error")
    return verdicts


def _entries(text: str) -> list[Json] | None:
    try:
        value = json.loads(_unfenced(text), object_pairs_hook=_object)
    except (ValueError, RecursionError):
        return None
    entries = value.get("verdicts") if isinstance(value, dict) else None
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        return None
    return entries


def _unfenced(text: str) -> str:
    lines = text.strip().split("\n")
    fenced = len(lines) > 2 and lines[0].rstrip() in ("```", "```json") and lines[-1].strip() == "```"
    return "\n".join(lines[1:-1]) if fenced else text


def _object(pairs: list[tuple[str, Any]]) -> Json:
    """Raises ValueError where a name comes twice: readers differ on which one counts."""
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a name comes twice")
    return value


def _number(entry: Json) -> int:
    """0 where there is none; true and 1.0 are none."""
    number = entry.get("call")
    return number if type(number) is int else 0


def _verdict(entry: Json, rules: Mapping[str, Sequence[Rule]]) -> Json:
    flagged, explanation, key = entry.get("flagged"), entry.get("explanation"), entry.get("rule")
    if not isinstance(flagged, bool):
        return unavailable("error")
    if not flagged and any(rule.key == key for name in _FORBIDDING for rule in rules.get(name, ())):
        return unavailable("error")
    words = explanation.strip()[:_EXPLANATION_LIMIT] if isinstance(explanation, str) else ""
    # The client knows an entry of `allow` behind what may run, and one of `soft_deny` behind what may not.
    citable = rules.get("soft_deny" if flagged else "allow", ())
    path = next((rule.path for rule in citable if rule.path and rule.key == key), "")
    return evaluated(flagged=flagged, explanation=(words or _NO_REASON) if flagged else "", cited_path=path)
