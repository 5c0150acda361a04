"""A messages request -> the body of `POST /responses`. Pure."""

from __future__ import annotations

from typing import Any

from proxy.models.routing import Route
from proxy.protocol.blocks import TextBlock
from proxy.protocol.effort import wanted_display
from proxy.protocol.history import system_blocks, turns
from proxy.protocol.notes import Notes
from proxy.protocol.request import Tool
from proxy.protocol.web_search import domain_of
from proxy.providers.base import Exchange
from proxy.providers.openai.breakpoints import Breakpoints
from proxy.providers.openai.parameters import (
    BuiltRequest,
    Toolbox,
    answer_schema,
    chosen_effort,
    function,
    identity,
    note_effort_left_out,
    output_limit,
    sampling,
    toolbox,
    without_refused,
)
from proxy.providers.openai.quirks import Quirks
from proxy.providers.openai.responses.input import ResponsesInput

_PLACE = ("city", "region", "country", "timezone")
_LEAST_OUTPUT = 16
"""The API refuses less; clients probe with 1."""


def searches(route: Route, quirks: Quirks) -> bool:
    """Whether the web search can be asked for: compatible servers have none."""
    return route.custom is None and not quirks.no_web_search


def build(exchange: Exchange, quirks: Quirks, *, most_tokens: int) -> BuiltRequest:
    """The request to send. `most_tokens` is the ceiling that the user set for output."""
    request, route, notes = exchange.request, exchange.route, exchange.notes
    tools = toolbox(exchange, searches=searches(route, quirks))
    breakpoints = Breakpoints.of(exchange, quirks)
    conversation = ResponsesInput(
        names=tools.names,
        model=route.model,
        vision=route.facts.vision and not quirks.no_images,
        pdf=route.facts.pdf,
        replay_reasoning=not quirks.no_reasoning_replay,
        notes=notes,
        breakpoints=breakpoints,
    )
    system = system_blocks(request, searches=tools.search is not None)
    instructions = {} if breakpoints.wanted else _instructions(system)
    effort = chosen_effort(exchange, quirks)
    if tools.search is not None and effort == "minimal":
        effort = "low"  # with less, the web search is refused
    body: dict[str, Any] = {
        "model": route.model,
        **instructions,
        "input": conversation.build([] if instructions else system, turns(request, notes)),
        **_tools(tools, exchange, quirks),
        "max_output_tokens": max(output_limit(exchange, quirks, most_tokens), _LEAST_OUTPUT),
        **_included(exchange, effort, tools.search),
        **_reasoning(exchange, effort, quirks),
        **sampling(exchange, effort),
        **_format(exchange),
        **identity(exchange),
        "store": False,
        "stream": not quirks.no_streaming and (route.custom is None or route.custom.can_stream),
    }
    if body["stream"] and route.official:
        body["stream_options"] = {"include_obfuscation": False}
    return BuiltRequest(without_refused(body, exchange, quirks), tools.names, tools.search)


def _instructions(system: list[TextBlock]) -> dict[str, str]:
    return {"instructions": "\n\n".join(block.text for block in system)} if system else {}


def _tools(tools: Toolbox, exchange: Exchange, quirks: Quirks) -> dict[str, Any]:
    """`strict` is always said: left out, this API switches it on and rewrites the schema."""
    search, notes = tools.search, exchange.notes
    if not tools.tools and search is None:
        return {}
    fields: dict[str, Any] = {
        "tools": [
            *([_web_search(search, notes)] if search is not None else ()),
            *(
                {
                    "type": "function",
                    **function(tool, tools.names, exchange, quirks),
                    "strict": bool(tool.strict) and exchange.route.official,
                }
                for tool in tools.tools
            ),
        ]
    }
    if search is not None and search.max_uses:
        fields["max_tool_calls"] = search.max_uses
    if search is not None and tools.forced == search.name:
        fields["tool_choice"] = {"type": "web_search"}
    elif tools.forced is not None:
        fields["tool_choice"] = {"type": "function", "name": tools.names.upstream(tools.forced)}
    elif tools.choice != "auto":
        fields["tool_choice"] = tools.choice
    if not tools.parallel:
        fields["parallel_tool_calls"] = False
    return fields


def _web_search(tool: Tool, notes: Notes) -> dict[str, Any]:
    if tool.blocked_domains:
        notes.add("tools: blocked_domains of the web search were only taken out of its results")
    place = {name: value for name, value in (tool.user_location or {}).items() if name in _PLACE and value}
    domains = list(dict.fromkeys(map(domain_of, tool.allowed_domains)))
    return {
        "type": "web_search",
        **({"filters": {"allowed_domains": domains}} if domains else {}),
        **({"user_location": {"type": "approximate", **place}} if place else {}),
    }


def _included(exchange: Exchange, effort: str | None, search: Tool | None) -> dict[str, Any]:
    """The reasoning state without which the next turn would have to think again, and the pages that were found."""
    included = ["reasoning.encrypted_content"] if exchange.route.facts.reasons and effort != "none" else []
    if search is not None:
        included.append("web_search_call.action.sources")
    return {"include": included} if included else {}


def _reasoning(exchange: Exchange, effort: str | None, quirks: Quirks) -> dict[str, Any]:
    """Effort and summary."""
    facts = exchange.route.facts
    if not facts.reasons:
        note_effort_left_out(exchange)
        return {}
    reasoning: dict[str, Any] = {"effort": effort} if effort is not None else {}
    if effort != "none" and wanted_display(exchange.request) == "full" and not quirks.no_summary:
        reasoning["summary"] = "auto"
    return {"reasoning": reasoning} if reasoning else {}


def _format(exchange: Exchange) -> dict[str, Any]:
    schema = answer_schema(exchange)
    if schema is None:
        return {}
    return {"text": {"format": {"type": "json_schema", "name": "answer", "schema": schema, "strict": False}}}
