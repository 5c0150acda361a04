"""A messages request -> the body of `POST /chat/completions`. Pure."""

from __future__ import annotations

from typing import Any

from proxy.protocol.effort import asked_effort
from proxy.protocol.history import system_blocks, turns
from proxy.protocol.request import Tool
from proxy.providers.base import Exchange
from proxy.providers.openai.breakpoints import Breakpoints
from proxy.providers.openai.chat.messages import Abilities, ChatMessages
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

_NOT_ON_CHAT = "max"
"""An effort that OpenAI's Chat Completions refuses on every model."""


def build(exchange: Exchange, quirks: Quirks, *, most_tokens: int) -> BuiltRequest:
    """The request to send. `most_tokens` is the ceiling that the user set for output."""
    request, route, notes = exchange.request, exchange.route, exchange.notes
    tools = toolbox(exchange)
    abilities = Abilities(
        vision=route.facts.vision and not quirks.no_images,
        pdf=route.facts.pdf,
        system_role=route.facts.system_role,
        system_anywhere=route.official,
    )
    breakpoints = Breakpoints.of(exchange, quirks)
    conversation = ChatMessages(tools.names, route.model, abilities, quirks, notes, breakpoints)
    system = system_blocks(request, searches=route.facts.searches_itself)
    effort = _effort(exchange, quirks, has_tools=bool(tools.tools))
    token_field = route.custom.max_tokens_field if route.custom is not None else route.facts.token_field
    body: dict[str, Any] = {
        "model": route.model,
        "messages": conversation.build(system, turns(request, notes)),
        **_tools(tools, exchange, quirks),
        quirks.token_field or token_field: output_limit(exchange, quirks, most_tokens),
        **_reasoning(exchange, effort),
        **sampling(exchange, effort),
        **_format(exchange),
        **identity(exchange),
        **_streaming(exchange, quirks),
    }
    return BuiltRequest(without_refused(body, exchange, quirks), tools.names)


def _tools(tools: Toolbox, exchange: Exchange, quirks: Quirks) -> dict[str, Any]:
    """`tools`, `tool_choice` and `parallel_tool_calls`; nothing at all without tools, where they are refused."""
    offered = tools.tools
    if not offered:
        return {}
    choice: str | dict[str, Any] = tools.choice
    if tools.forced is not None and quirks.plain_tool_choice:
        offered = [tool for tool in offered if tool.name == tools.forced]
        choice = "required"
    elif tools.forced is not None:
        choice = {"type": "function", "function": {"name": tools.names.upstream(tools.forced)}}
    return {
        "tools": [{"type": "function", "function": _function(tool, tools, exchange, quirks)} for tool in offered],
        **({"tool_choice": choice} if choice != "auto" else {}),
        **({} if tools.parallel else {"parallel_tool_calls": False}),
    }


def _function(tool: Tool, tools: Toolbox, exchange: Exchange, quirks: Quirks) -> dict[str, Any]:
    strict = {"strict": True} if tool.strict and exchange.route.official else {}
    return {**function(tool, tools.names, exchange, quirks), **strict}


def _effort(exchange: Exchange, quirks: Quirks, *, has_tools: bool) -> str | None:
    facts = exchange.route.facts
    if has_tools and facts.tools_on_chat != "always" and "none" in facts.efforts:
        if asked_effort(exchange.request) != "none":
            exchange.notes.add("reasoning is off: on Chat Completions the model takes tools only without it")
        return "none"
    return chosen_effort(exchange, quirks, without=None if exchange.route.custom is not None else _NOT_ON_CHAT)


def _reasoning(exchange: Exchange, effort: str | None) -> dict[str, Any]:
    """How much to think, in the server's own form."""
    style, asked = exchange.route.facts.thinking_style, asked_effort(exchange.request)
    if style == "thinking" and asked == "none":
        return {"thinking": {"type": "disabled"}}
    if style == "thinking" and asked is not None:
        return {"thinking": {"type": "enabled"}, **({"reasoning_effort": effort} if effort else {})}
    if effort is None:
        note_effort_left_out(exchange)
        return {}
    return {"reasoning": {"effort": effort}} if style == "openrouter" else {"reasoning_effort": effort}


def _format(exchange: Exchange) -> dict[str, Any]:
    schema = answer_schema(exchange)
    if schema is None:
        return {}
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}}


def _streaming(exchange: Exchange, quirks: Quirks) -> dict[str, Any]:
    route = exchange.route
    if quirks.no_streaming or (route.custom is not None and not route.custom.can_stream):
        return {"stream": False}
    options = {"include_usage": True, **({"include_obfuscation": False} if route.official else {})}
    return {"stream": True, "stream_options": options}
