"""A plan in words."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.providers.base import Plan


def decisions(plan: Plan) -> Iterator[tuple[str, str]]:
    """What was decided for a request: name and value, for people."""
    request = plan.exchange.request
    yield "API", plan.wire.title
    if plan.wire.verbatim:
        yield "all", "as the client has it: the request is passed on"
        return
    yield "streaming", _yes(plan.stream)
    yield "effort", f"{plan.effort or 'not sent'} (asked for: {plan.requested_effort or 'nothing'})"
    yield "budget", _budget(plan.budget)
    yield "thinks", _yes(plan.thinks)
    yield "display", f"thinking is shown: {plan.display}"
    yield "output limit", f"{plan.max_tokens} tokens (asked for: {request.max_tokens})"
    yield "tools", f"{len(plan.tools)} of {len(request.tools)}{_names(plan)}"
    renamed = [(tool.name, plan.names.upstream(tool.name)) for tool in plan.tools]
    yield "renamed", ", ".join(f"{ours} -> {theirs}" for ours, theirs in renamed if ours != theirs) or "none"
    forced = f", the tool {plan.forced_tool}" if plan.forced_tool else ""
    yield "tool choice", f"{plan.tool_choice}{forced}; {'parallel' if plan.parallel else 'one call at a time'}"
    yield "web search", f"by the vendor ({plan.search.name})" if plan.search is not None else "none"
    sampling = {"temperature": plan.temperature, "top_p": plan.top_p, "top_k": plan.top_k}
    yield "sampling", ", ".join(f"{name} {value}" for name, value in sampling.items() if value is not None) or "none"
    in_words = request.json_schema is not None and plan.schema is None
    yield "schema", "as a field" if plan.schema is not None else "in words" if in_words else "none"
    yield "tier", plan.tier


def _names(plan: Plan) -> str:
    return f": {', '.join(tool.name for tool in plan.tools)}" if plan.tools else ""


def _budget(tokens: int | None) -> str:
    words = {None: "none", -1: "the model chooses", 0: "off"}
    return words.get(tokens) or f"{tokens} tokens"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
