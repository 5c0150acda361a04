"""A messages request -> the body of `POST /chat/completions`. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from proxy.protocol.effort import asked_effort, nearest
from proxy.protocol.history import offered_tools, system_text, turns
from proxy.protocol.notes import Notes
from proxy.protocol.request import MessagesRequest, Tool
from proxy.providers.base import Exchange
from proxy.providers.openai.chat_messages import Abilities, ChatMessages
from proxy.providers.openai.quirks import Quirks
from proxy.providers.openai.tools import ToolNames, parameters

_MOST_TOOLS = 128
_SHORT_DESCRIPTION = 1024
_ID_LIMIT = 64


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """`names` leads the model's tool calls back to the client's names."""

    body: dict[str, Any]
    names: ToolNames


def build(exchange: Exchange, quirks: Quirks, *, most_tokens: int) -> ChatRequest:
    """The request to send. `most_tokens` is the ceiling that the user set for output."""
    request, route, notes = exchange.request, exchange.route, exchange.notes
    tools = _offered(request, notes)
    names = ToolNames(tool.name for tool in tools)
    abilities = Abilities(
        vision=route.facts.vision and not quirks.no_images,
        pdf=route.facts.pdf,
        system_role=route.facts.system_role,
        system_anywhere=route.official,
    )
    messages = ChatMessages(names, abilities, quirks, notes).build(system_text(request), turns(request, notes))
    effort = _effort(exchange, quirks, has_tools=bool(tools))
    body = {
        "model": route.model,
        "messages": messages,
        **_tools(tools, names, exchange, quirks),
        **_tokens(exchange, quirks, most_tokens),
        **({"reasoning_effort": effort} if effort else {}),
        **_sampling(exchange, effort),
        **_format(request),
        **_identity(exchange),
        **_streaming(exchange, quirks),
    }
    for name in sorted(quirks.refused & body.keys()):
        del body[name]
        notes.add(f"{name} was left out: the server refuses it")
    if route.custom is not None:
        body.update(route.custom.extra_body)
    return ChatRequest(body, names)


def _offered(request: MessagesRequest, notes: Notes) -> list[Tool]:
    tools = offered_tools(request, notes)
    if len(tools) > _MOST_TOOLS:
        notes.add(f"tools: only the first {_MOST_TOOLS} of {len(tools)} were sent, the server takes no more")
    return tools[:_MOST_TOOLS]


def _tools(tools: list[Tool], names: ToolNames, exchange: Exchange, quirks: Quirks) -> dict[str, Any]:
    """`tools`, `tool_choice` and `parallel_tool_calls`; nothing at all without tools, where they are refused."""
    if not tools:
        return {}
    choice = exchange.request.tool_choice
    forced = choice.name if choice is not None and choice.type == "tool" else None
    if forced is not None and forced not in {tool.name for tool in tools}:
        exchange.notes.add(f"tool_choice: {forced} is not available here")
        choice = forced = None
    if forced is not None and quirks.plain_tool_choice:
        tools = [tool for tool in tools if tool.name == forced]
    fields: dict[str, Any] = {"tools": [_function(tool, names, exchange, quirks) for tool in tools]}
    if choice is None:
        return fields
    if choice.type == "none":
        fields["tool_choice"] = "none"
    elif choice.type == "any" or (forced is not None and quirks.plain_tool_choice):
        fields["tool_choice"] = "required"
    elif forced is not None:
        fields["tool_choice"] = {"type": "function", "function": {"name": names.upstream(forced)}}
    if choice.disable_parallel_tool_use and choice.type != "none" and exchange.route.facts.parallel_tool_calls:
        fields["parallel_tool_calls"] = False
    return fields


def _function(tool: Tool, names: ToolNames, exchange: Exchange, quirks: Quirks) -> dict[str, Any]:
    description = tool.description
    if quirks.short_descriptions and len(description) > _SHORT_DESCRIPTION:
        exchange.notes.add("tools: long descriptions were cut, the server takes no more")
        description = description[:_SHORT_DESCRIPTION]
    function: dict[str, Any] = {"name": names.upstream(tool.name)}
    if description:
        function["description"] = description
    function["parameters"] = parameters(tool, exchange.notes, official=exchange.route.official)
    if tool.strict and exchange.route.official:
        function["strict"] = True
    return {"type": "function", "function": function}


def _tokens(exchange: Exchange, quirks: Quirks, most_tokens: int) -> dict[str, int]:
    facts, custom = exchange.route.facts, exchange.route.custom
    limits = (exchange.request.max_tokens, most_tokens, facts.max_output, quirks.most_tokens)
    tokens = min(limit for limit in limits if limit is not None)
    if tokens < exchange.request.max_tokens:
        exchange.notes.add(f"max_tokens was lowered to {tokens}")
    return {quirks.token_field or (custom.max_tokens_field if custom else facts.token_field): tokens}


def _effort(exchange: Exchange, quirks: Quirks, *, has_tools: bool) -> str | None:
    facts, asked = exchange.route.facts, asked_effort(exchange.request)
    offered = [effort for effort in quirks.efforts or facts.efforts if effort != "max"]
    if has_tools and facts.tools_on_chat != "always" and "none" in offered:
        if asked != "none":
            exchange.notes.add("reasoning is off: here the model takes tools only without it")
        return "none"
    if quirks.efforts == ("none",):
        return "none"
    return nearest(asked, offered) if asked is not None else None


def _sampling(exchange: Exchange, effort: str | None) -> dict[str, float]:
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
        notes.add("top_k was left out: Chat Completions has no such parameter")
    return fields


def _format(request: MessagesRequest) -> dict[str, Any]:
    schema = request.json_schema
    if schema is None:
        return {}
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}}


def _identity(exchange: Exchange) -> dict[str, str]:
    """For OpenAI itself: what keeps a conversation on one cache, and who asks, hashed to the length it takes."""
    if not exchange.route.official:
        return {}
    fields: dict[str, str] = {}
    if exchange.session:
        fields["prompt_cache_key"] = exchange.session[:_ID_LIMIT]
    user = (exchange.request.metadata or {}).get("user_id")
    if isinstance(user, str) and user:
        fields["safety_identifier"] = hashlib.sha256(user.encode()).hexdigest()
    return fields


def _streaming(exchange: Exchange, quirks: Quirks) -> dict[str, Any]:
    route = exchange.route
    if quirks.no_streaming or (route.custom is not None and not route.custom.can_stream):
        return {"stream": False}
    options = {"include_usage": True, **({"include_obfuscation": False} if route.official else {})}
    return {"stream": True, "stream_options": options}
