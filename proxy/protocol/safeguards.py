"""`safeguards` of a request and `safeguard_results` of its answer, as Claude Code 2.1.332 sends and reads them. Pure.

    request   safeguards: [{"type": "dangerous_tool_use", "classifier_context": {...}}]
    answer    safeguard_results: [{"type": "dangerous_tool_use", "status": STATUS}]
    STATUS    {"type": "available", "tool_uses": {ID: VERDICT}} | {"type": "unsupported"}
    VERDICT   {"type": "evaluated", "outcome": "flagged" | "not_flagged", "explanation"?, "cited_rule"?}
              | {"type": "unavailable", "reason": "timeout" | "error" | "not_judged_as_run"}

The results stand in the delta of `message_delta`, and at the top level of a plain message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.protocol.request import MessagesRequest

TYPE = "dangerous_tool_use"

Json = dict[str, Any]
Results = list[Json]


def classifier_context(request: MessagesRequest) -> Json | None:
    """What the client tells of its permissions; None where it asks for no verdicts."""
    requested = (request.model_extra or {}).get("safeguards")
    for each in requested if isinstance(requested, list) else ():
        if isinstance(each, dict) and each.get("type") == TYPE:
            context = each.get("classifier_context")
            return context if isinstance(context, dict) else {}
    return None


def results(verdicts: Mapping[str, Json]) -> Results:
    """`verdicts` by the ids of tool uses that the client sees."""
    return [{"type": TYPE, "status": {"type": "available", "tool_uses": dict(verdicts)}}]


def unsupported() -> Results:
    """Nobody judges here; the client goes on by itself and no longer asks."""
    return [{"type": TYPE, "status": {"type": "unsupported"}}]


def evaluated(*, flagged: bool, explanation: str = "", cited_path: str = "") -> Json:
    """`cited_path` names an entry of the user's own lists, such as `auto_mode.soft_deny.0`."""
    verdict: Json = {"type": "evaluated", "outcome": "flagged" if flagged else "not_flagged"}
    if flagged and explanation:
        verdict["explanation"] = explanation
    if cited_path:
        verdict["cited_rule"] = {"type": "classifier_context", "path": cited_path}
    return verdict


def unavailable(reason: str) -> Json:
    """The client then judges by itself or denies. `reason`: "timeout" or "error", after which it may try again, or
    "not_judged_as_run", after which it must not."""
    return {"type": "unavailable", "reason": reason}
