"""The rule of verdicts on tool uses (M12): what Claude Code 2.1.332 reads from `safeguard_results`, and no more."""

from __future__ import annotations

import re
from typing import Any

from tests.conformance.violation import Json, Violation, need

KEY = "safeguard_results"
_TYPE = "dangerous_tool_use"
_REASONS = ("timeout", "error", "refused", "input_too_long", "input_unparsed", "truncated", "not_judged_as_run")
_LIST_OF_OUTCOME = {"flagged": "soft_deny", "not_flagged": "allow"}
"""The user's list that a verdict may cite."""
_STATUS_KEYS = {"available": {"tool_uses"}, "unsupported": set[str](), "unavailable": {"reason"}}
_VERDICT_KEYS: dict[str, tuple[set[str], set[str]]] = {  # type: (required, optional) besides "type"
    "evaluated": ({"outcome"}, {"explanation", "cited_rule", "judged_as"}),
    "skipped": (set(), set()),
    "unavailable": ({"reason"}, set()),
}


def check_safeguards(message: Json, request: Json | None) -> None:
    """With `request` also that there are results exactly where it asked for them."""
    context = _context(request or {})
    if KEY in message:
        need(request is None or context is not None, "M12", f"{KEY} that nobody asked for")
        _check_results(message[KEY], message["content"], context)
    else:
        need(context is None, "M12", f"no {KEY}, though they were asked for")


def without_ids(results: list[Json], order: dict[str, int]) -> list[Json]:
    """The results with the positions of the tool uses in place of their ids."""
    found = []
    for entry in results:
        status = dict(entry["status"])
        if "tool_uses" in status:
            status["tool_uses"] = {order.get(id, id): verdict for id, verdict in status["tool_uses"].items()}
        found.append({**entry, "status": status})
    return found


def _context(request: Json) -> Json | None:
    entries = request.get("safeguards")
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and entry.get("type") == _TYPE:
            context = entry.get("classifier_context")
            return context if isinstance(context, dict) else {}
    return None


def _check_results(results: Any, content: list[Json], context: Json | None) -> None:
    if not isinstance(results, list) or not all(isinstance(entry, dict) for entry in results):
        raise Violation("M12", f"{KEY} is {results!r}")
    own = [entry for entry in results if entry.get("type") == _TYPE]
    need(len(own) == len(results) == 1, "M12", f"not one entry of {_TYPE}: {results!r}")
    status = own[0].get("status")
    kind = status.get("type") if isinstance(status, dict) else None
    if not isinstance(status, dict) or kind not in _STATUS_KEYS:
        raise Violation("M12", f"status {status!r}")
    need(status.keys() == {"type", *_STATUS_KEYS[kind]}, "M12", f"status {status!r}")
    if kind == "unavailable":
        need(isinstance(status["reason"], str), "M12", f"status {status!r}")
    if kind == "available":
        verdicts = status["tool_uses"]
        need(isinstance(verdicts, dict), "M12", f"tool_uses is {verdicts!r}")
        calls = {block["id"] for block in content if block["type"] == "tool_use"}
        need(verdicts.keys() <= calls, "M12", f"verdicts on {sorted(verdicts)}, called were {sorted(calls)}")
        for verdict in verdicts.values():
            _check_verdict(verdict, context)


def _check_verdict(verdict: Any, context: Json | None) -> None:
    kind = verdict.get("type") if isinstance(verdict, dict) else None
    if not isinstance(verdict, dict) or kind not in _VERDICT_KEYS:
        raise Violation("M12", f"verdict {verdict!r}")
    required, optional = _VERDICT_KEYS[kind]
    need(required <= verdict.keys() - {"type"} <= required | optional, "M12", f"verdict {verdict!r}")
    if kind == "unavailable":
        need(verdict["reason"] in _REASONS, "M12", f"verdict {verdict!r}")
    if kind == "evaluated":
        need(verdict["outcome"] in ("flagged", "not_flagged"), "M12", f"verdict {verdict!r}")
        need(isinstance(verdict.get("explanation"), str | None), "M12", f"verdict {verdict!r}")
        if verdict.get("cited_rule") is not None:
            _check_citation(verdict["cited_rule"], _LIST_OF_OUTCOME[verdict["outcome"]], context)


def _check_citation(cited: Any, name: str, context: Json | None) -> None:
    need(isinstance(cited, dict) and cited.keys() == {"type", "path"}, "M12", f"cited_rule {cited!r}")
    need(cited["type"] == "classifier_context" and isinstance(cited["path"], str), "M12", f"cited_rule {cited!r}")
    match = re.fullmatch(rf"auto_mode\.{name}\.(0|[1-9][0-9]*)", cited["path"])
    if match is None:
        raise Violation("M12", f"{cited['path']!r} is no entry of {name}")
    if context is not None:
        entries = (context.get("auto_mode") or {}).get(name) or []
        own = dict(enumerate(entries)).get(int(match[1]))
        need(isinstance(own, str) and own != "$defaults", "M12", f"{cited['path']} is {own!r}")
