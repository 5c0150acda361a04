"""What both of OpenAI's APIs need to know of a request: tools, limits, effort, sampling, identity.

The two differ in how they write these down, not in what a model takes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from proxy.protocol.effort import asked_effort, nearest
from proxy.protocol.history import offered_tools
from proxy.protocol.request import Tool
from proxy.protocol.web_search import search_tool
from proxy.providers.base import Exchange
from proxy.providers.openai.quirks import Quirks
from proxy.providers.openai.tools import ToolNames, input_schema, with_types

_CHOICES = {"auto": "auto", "any": "required", "tool": "required", "none": "none"}
_MOST_TOOLS = 128
_SHORT_DESCRIPTION = 1024
_ID_LIMIT = 64


@dataclass(frozen=True, slots=True)
class BuiltRequest:
    """What is sent; `names` leads the model's tool calls back to the client's names.

    `search` is the client's web search tool, where the server was asked to answer it.
    """

    body: dict[str, Any]
    names: ToolNames
    search: Tool | None = None


@dataclass(frozen=True, slots=True)
class Toolbox:
    """The functions to send, and the web search. `choice` is OpenAI's word: "auto", "none" or "required"; `forced`
    names the one to call."""

    tools: list[Tool]
    names: ToolNames
    choice: str
    forced: str | None
    parallel: bool
    search: Tool | None = None


def toolbox(exchange: Exchange, *, searches: bool = False) -> Toolbox:
    """What of the request's tools reaches the model; a choice that names something else falls back to "auto".

    `searches`: the server can search the web.
    """
    request, notes = exchange.request, exchange.notes
    tools = offered_tools(request, notes, searches=searches)
    search = search_tool(request) if searches else None
    if len(tools) > _MOST_TOOLS:
        notes.add(f"tools: only the first {_MOST_TOOLS} of {len(tools)} were sent, the server takes no more")
        tools = tools[:_MOST_TOOLS]
    names = ToolNames(tool.name for tool in tools)
    choice = request.tool_choice
    word = _CHOICES[choice.type] if choice is not None else "auto"
    forced = choice.name if choice is not None and choice.type == "tool" else None
    present = {tool.name for tool in (*tools, *([search] if search else ()))}
    if forced is not None and forced not in present:
        notes.add(f"tool_choice: {forced} is not available here")
        word, forced = "auto", None
    limited = choice is not None and choice.disable_parallel_tool_use and word != "none"
    parallel = not (limited and exchange.route.facts.parallel_tool_calls)
    return Toolbox(tools, names, word, forced, parallel, search)


def function(tool: Tool, names: ToolNames, exchange: Exchange, quirks: Quirks) -> dict[str, Any]:
    """`name`, `description` and `parameters` of a function tool."""
    if tool.strict and not exchange.route.official:
        exchange.notes.add("tools: strict was left out, only OpenAI itself is sent it")
    schema = input_schema(tool, exchange.notes, official=exchange.route.official)
    description = tool.description
    if quirks.short_descriptions and len(description) > _SHORT_DESCRIPTION:
        exchange.notes.add("tools: long descriptions were cut, the server takes no more")
        description = description[:_SHORT_DESCRIPTION]
    return {
        "name": names.upstream(tool.name),
        **({"description": description} if description else {}),
        "parameters": with_types(schema) if quirks.typed_schemas else schema,
    }


def answer_schema(exchange: Exchange) -> dict[str, Any] | None:
    """The schema that the answer must follow, held to the same rules as that of a tool."""
    schema = exchange.request.json_schema
    if schema is None:
        return None
    return input_schema(Tool(name="the answer", input_schema=schema), exchange.notes, official=exchange.route.official)


def output_limit(exchange: Exchange, quirks: Quirks, most_tokens: int) -> int:
    """The output tokens to ask for: the client's wish within what the user, the model and the server allow."""
    asked = exchange.request.max_tokens
    limits = (asked, most_tokens, exchange.route.facts.max_output, quirks.most_tokens)
    tokens = min(limit for limit in limits if limit is not None)
    if tokens < asked:
        exchange.notes.add(f"max_tokens was lowered to {tokens}")
    return tokens


def chosen_effort(exchange: Exchange, quirks: Quirks, *, without: str | None = None) -> str | None:
    """The effort to send, None to leave it to the model. `without` is one that this API does not take."""
    learned = quirks.efforts
    if learned == ("none",):
        return "none"
    asked = asked_effort(exchange.request)
    offered = [effort for effort in learned or exchange.route.facts.efforts if effort != without]
    if asked is None or (offered == ["none"] and asked != "none"):
        return None
    return nearest(asked, offered)


def note_effort_left_out(exchange: Exchange) -> None:
    """For compatible servers: what they take can only be told."""
    request = exchange.request
    thinking = request.thinking
    if exchange.route.official:
        return
    if thinking is not None and (thinking.type == "disabled" or (thinking.budget_tokens and not request.effort)):
        exchange.notes.add("thinking was left out: set efforts or thinking_style for this model")
    elif request.effort:
        exchange.notes.add("output_config.effort was left out: set efforts for this model")


def sampling(exchange: Exchange, effort: str | None) -> dict[str, float]:
    """`temperature` and `top_p` where the model takes them."""
    request, facts, notes = exchange.request, exchange.route.facts, exchange.notes
    reasons = facts.reasons_by_default if effort is None else effort != "none"
    accepted = facts.sampling == "always" or (facts.sampling == "without_reasoning" and not reasons)
    fields: dict[str, float] = {}
    for name, value in (("temperature", request.temperature), ("top_p", request.top_p)):
        if value is not None and accepted:
            fields[name] = value
        elif value is not None:
            notes.add(f"{name} was left out: the model does not take it")
    if request.top_k is not None:
        notes.add("top_k was left out: OpenAI has no such parameter")
    return fields


def identity(exchange: Exchange) -> dict[str, str]:
    """For OpenAI itself: what keeps a conversation on one cache, who asks (hashed to the length it takes), how fast."""
    if not exchange.route.official:
        return {}
    fields: dict[str, str] = {}
    if exchange.session:
        fields["prompt_cache_key"] = exchange.session[:_ID_LIMIT]
    user = (exchange.request.metadata or {}).get("user_id")
    if isinstance(user, str) and user:
        fields["safety_identifier"] = hashlib.sha256(user.encode()).hexdigest()
    if exchange.request.speed == "fast":
        fields["service_tier"] = "priority"
    elif exchange.request.service_tier == "standard_only":
        fields["service_tier"] = "default"
    return fields


def without_refused(body: dict[str, Any], exchange: Exchange, quirks: Quirks) -> dict[str, Any]:
    """The body without what the server has refused before, and with what the user adds for a custom model."""
    for name in sorted(quirks.refused & body.keys()):
        del body[name]
        exchange.notes.add(f"{name} was left out: the server refuses it")
    if exchange.route.custom is not None:
        body.update(exchange.route.custom.extra_body)
    return body
