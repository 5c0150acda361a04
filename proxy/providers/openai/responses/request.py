"""A Plan -> the body of `POST /responses`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proxy.models.routing import Route
from proxy.protocol.blocks import TextBlock
from proxy.protocol.notes import Notes
from proxy.protocol.request import Tool
from proxy.protocol.web_search import domain_of
from proxy.providers.base import Plan, Wire, any_schema
from proxy.providers.openai.breakpoints import Breakpoints
from proxy.providers.openai.parameters import (
    TOOL_LIMIT,
    BuiltRequest,
    answer_schema,
    function,
    identity,
    sampling,
    takes_answer_schema,
    without_refused,
)
from proxy.providers.openai.responses.input import TRANSPORT, ResponsesInput
from proxy.providers.openai.tools import NAME_RULES

OUTPUT_MIN = 16
"""Tokens; the API refuses less ("integer below minimum value. Expected a value >= 16", 2026-11), and clients probe
with 1."""
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_LOCATION_FIELDS = ("city", "region", "country", "timezone")


def wire(route: Route) -> Wire:
    """What can be told to this API; compatible servers have no web search."""
    return Wire(
        TRANSPORT,
        "the Responses API",
        NAME_RULES,
        TOOL_LIMIT,
        searches="beside tools" if route.custom is None else "never",
        output_min=OUTPUT_MIN,
        takes_schema=takes_answer_schema if route.official else any_schema,
        effort_unknown=not route.official and not route.facts.reasons,
    )


def build(plan: Plan) -> BuiltRequest:
    """The request to send."""
    route, habits, notes = plan.route, plan.habits, Notes()
    breakpoints = Breakpoints.of(plan)
    conversation = ResponsesInput(
        names=plan.names,
        model=route.model,
        vision=plan.vision,
        pdf=route.facts.pdf,
        replay_reasoning=not habits.no_reasoning_replay,
        notes=notes,
        breakpoints=breakpoints,
    )
    instructions = {} if breakpoints.wanted else _instructions(plan.system)
    effort = _effort(plan)
    body: dict[str, Any] = {
        "model": route.model,
        **instructions,
        "input": conversation.build(() if instructions else plan.system, plan.turns),
        **_tools(plan, notes),
        "max_output_tokens": plan.max_tokens,
        **_included(plan, effort),
        **_reasoning(plan, effort),
        **sampling(plan),
        **_format(plan, notes),
        **identity(plan, notes),
        "store": False,
        "stream": plan.stream,
    }
    if body["stream"] and route.official:
        body["stream_options"] = {"include_obfuscation": False}
    body = without_refused(body, plan, notes)
    return BuiltRequest(body, plan.names, tuple(notes), plan.search)


def _effort(plan: Plan) -> str | None:
    """With "minimal" the web search is refused ("web_search cannot be used with reasoning.effort 'minimal'")."""
    return "low" if plan.search is not None and plan.effort == "minimal" else plan.effort


def _instructions(system: Sequence[TextBlock]) -> dict[str, str]:
    return {"instructions": "\n\n".join(block.text for block in system)} if system else {}


def _tools(plan: Plan, notes: Notes) -> dict[str, Any]:
    search = plan.search
    if not plan.tools and search is None:
        return {}
    web_search = [_web_search(search, notes)] if search is not None else []
    fields: dict[str, Any] = {"tools": [*web_search, *(_function(tool, plan, notes) for tool in plan.tools)]}
    if search is not None and search.max_uses:
        fields["max_tool_calls"] = search.max_uses
    if search is not None and plan.forced_tool == search.name:
        fields["tool_choice"] = {"type": "web_search"}
    elif plan.forced_tool is not None:
        fields["tool_choice"] = {"type": "function", "name": plan.names.upstream(plan.forced_tool)}
    elif plan.tool_choice != "auto":
        fields["tool_choice"] = _CHOICES[plan.tool_choice]
    if not plan.parallel:
        fields["parallel_tool_calls"] = False
    return fields


def _function(tool: Tool, plan: Plan, notes: Notes) -> dict[str, Any]:
    """`strict` is always said: left out, this API switches it on and rewrites the schema."""
    fields, strict = function(tool, plan, notes)
    is_unknown = plan.habits.no_strict and not plan.route.official
    return {"type": "function", **fields, **({} if is_unknown else {"strict": strict})}


def _web_search(tool: Tool, notes: Notes) -> dict[str, Any]:
    if tool.blocked_domains:
        notes.add("tools: blocked_domains of the web search were only taken out of its results")
    location = tool.user_location or {}
    place = {name: location[name] for name in _LOCATION_FIELDS if location.get(name)}
    domains = list(dict.fromkeys(map(domain_of, tool.allowed_domains)))
    return {
        "type": "web_search",
        **({"filters": {"allowed_domains": domains}} if domains else {}),
        **({"user_location": {"type": "approximate", **place}} if place else {}),
    }


def _included(plan: Plan, effort: str | None) -> dict[str, Any]:
    """The reasoning state without which the next turn would have to think again, and the pages that were found."""
    included = ["reasoning.encrypted_content"] if plan.route.facts.reasons and effort != "none" else []
    if plan.search is not None:
        included.append("web_search_call.action.sources")
    return {"include": included} if included else {}


def _reasoning(plan: Plan, effort: str | None) -> dict[str, Any]:
    """Effort and summary."""
    if not plan.route.facts.reasons:
        return {}
    reasoning: dict[str, Any] = {"effort": effort} if effort is not None else {}
    if effort != "none" and plan.display == "full" and not plan.habits.no_summary:
        reasoning["summary"] = "auto"
    return {"reasoning": reasoning} if reasoning else {}


def _format(plan: Plan, notes: Notes) -> dict[str, Any]:
    schema = answer_schema(plan, notes)
    if schema is None:
        return {}
    return {"text": {"format": {"type": "json_schema", "name": "answer", "schema": schema, "strict": False}}}
