"""A Plan -> the body of `POST /chat/completions`. Pure."""

from __future__ import annotations

from typing import Any

from proxy.models.routing import Route
from proxy.protocol.notes import Notes
from proxy.protocol.request import Tool
from proxy.providers.base import Plan, Wire, any_schema
from proxy.providers.openai.breakpoints import Breakpoints
from proxy.providers.openai.chat.messages import Abilities, ChatMessages
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
from proxy.providers.openai.tools import NAME_RULES

_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def wire(route: Route) -> Wire:
    """What can be told to this API. OpenAI's own models take no effort "max" here, and some reason or take tools."""
    facts = route.facts
    return Wire(
        "openai-chat",
        "Chat Completions",
        NAME_RULES,
        TOOL_LIMIT,
        refused_efforts=("max",) if route.custom is None else (),
        tools_end_reasoning=facts.tools_on_chat != "always" and "none" in facts.efforts,
        takes_schema=takes_answer_schema if route.official else any_schema,
        effort_unknown=not route.official and facts.thinking_style == "effort" and not {*facts.efforts} - {"none"},
    )


def build(plan: Plan) -> BuiltRequest:
    """The request to send."""
    route, habits, notes = plan.route, plan.habits, Notes()
    abilities = Abilities(
        vision=plan.vision,
        pdf=route.facts.pdf,
        system_role=route.facts.system_role and not habits.no_system_role,
        system_anywhere=route.official,
    )
    conversation = ChatMessages(plan.names, route.model, abilities, habits, notes, Breakpoints.of(plan))
    token_field = route.custom.max_tokens_field if route.custom is not None else route.facts.token_field
    body: dict[str, Any] = {
        "model": route.model,
        "messages": conversation.build(plan.system, plan.turns),
        **_tools(plan, notes),
        habits.token_field or token_field: plan.max_tokens,
        **_reasoning(plan),
        **sampling(plan),
        **_format(plan, notes),
        **identity(plan, notes),
        **_streaming(plan),
    }
    body = without_refused(body, plan, notes)
    return BuiltRequest(body, plan.names, tuple(notes))


def _tools(plan: Plan, notes: Notes) -> dict[str, Any]:
    """`tools`, `tool_choice` and `parallel_tool_calls`; nothing at all without tools, where they are refused."""
    offered = plan.tools
    if not offered:
        return {}
    choice: str | dict[str, Any] = _CHOICES[plan.tool_choice]
    if plan.forced_tool is not None and plan.habits.plain_tool_choice:
        offered = tuple(tool for tool in offered if tool.name == plan.forced_tool)
    elif plan.forced_tool is not None:
        choice = {"type": "function", "function": {"name": plan.names.upstream(plan.forced_tool)}}
    return {
        "tools": [{"type": "function", "function": _function(tool, plan, notes)} for tool in offered],
        **({"tool_choice": choice} if choice != "auto" else {}),
        **({} if plan.parallel else {"parallel_tool_calls": False}),
    }


def _function(tool: Tool, plan: Plan, notes: Notes) -> dict[str, Any]:
    fields, strict = function(tool, plan, notes)
    return {**fields, "strict": True} if strict else fields


def _reasoning(plan: Plan) -> dict[str, Any]:
    """How much to think, in the server's own form."""
    style, effort = plan.route.facts.thinking_style, plan.effort
    if style == "thinking" and plan.requested_effort == "none":
        return {"thinking": {"type": "disabled"}}
    if style == "thinking" and plan.requested_effort is not None:
        return {"thinking": {"type": "enabled"}, **({"reasoning_effort": effort} if effort else {})}
    if effort is None:
        return {}
    return {"reasoning": {"effort": effort}} if style == "openrouter" else {"reasoning_effort": effort}


def _format(plan: Plan, notes: Notes) -> dict[str, Any]:
    schema = answer_schema(plan, notes)
    if schema is None:
        return {}
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}}


def _streaming(plan: Plan) -> dict[str, Any]:
    if not plan.stream:
        return {"stream": False}
    options = {"include_usage": True, **({"include_obfuscation": False} if plan.route.official else {})}
    return {"stream": True, "stream_options": options}
