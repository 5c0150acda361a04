"""A request, its route, the habits of its server and the user's limits -> the Plan. Pure.

Everything that is decided about a request is decided here and once; a provider writes the Plan down. Notes say what the
decisions cost the client.

Thinking counts as output with every vendor, and most models cannot do without: with less than `THINKING_OUTPUT_MIN`
tokens they use all up before the first word. So a small limit asks for as little thinking as the model can, and where
it still thinks the limit is raised.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from proxy.answering.dropped import dropped_fields
from proxy.models.catalog import ModelFacts
from proxy.models.habits import NO_HABITS, Habits
from proxy.protocol.blocks import TextBlock
from proxy.protocol.effort import nearest, requested_display, requested_effort
from proxy.protocol.history import offered_tools, system_blocks, turns
from proxy.protocol.notes import Notes
from proxy.protocol.request import MessagesRequest, Tool
from proxy.protocol.web_search import search_tool
from proxy.providers.base import Exchange, Plan, Wire
from proxy.providers.common.tool_names import ToolNames

__all__ = ["THINKING_OUTPUT_MIN", "Limits", "Plan", "output_ceiling", "plan"]

THINKING_OUTPUT_MIN = 2048
"""Tokens."""
_SCHEMA_FIELDS = frozenset(("response_format", "text"))
"""What the schema for the answer is called on OpenAI's two APIs, as far as servers refuse it."""
_SCHEMA_IN_WORDS = (
    "Answer with one JSON value and nothing else: no Markdown fence, no words before or after it. "
    "It must be valid against this JSON schema:\n"
)
_OUTPUT_LIMIT = 16_384
"""Tokens, for models whose own limit is not known and to which the user sets none: most servers take so much."""
_ANSWER_MIN = 4096
"""Tokens of output that a budget for thinking should leave for the answer."""
_DYNAMIC_BUDGET = -1
"""Gemini 2.5's word for a budget that the model chooses (ai.google.dev/gemini-api/docs/thinking, 2026-11)."""

_EFFORT_BUDGETS = {"minimal": 1024, "low": 1024, "medium": 8192}
"""Google's own budgets for efforts on Gemini 2.5; more effort gets all there is
(ai.google.dev/gemini-api/docs/openai, 2026-11)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the user allows, whatever model answers. `max_tokens` of output; None leaves it to the model."""

    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class _ToolPlan:
    offered: tuple[Tool, ...]
    choice: Literal["auto", "any", "none"] = "auto"
    forced: str | None = None
    parallel: bool = True
    search: Tool | None = None


@dataclass(frozen=True, slots=True)
class _ThinkingPlan:
    requested: str | None
    effort: str | None
    budget: int | None
    thinks: bool
    max_tokens: int


def plan(exchange: Exchange, wire: Wire, habits: Habits, limits: Limits) -> Plan:
    request, route, notes = exchange.request, exchange.route, Notes()
    if wire.verbatim:
        return _verbatim(exchange, wire, habits)
    tools = _tools(request, wire, route.facts, habits, notes)
    thinking = _thinking(exchange, wire, habits, limits, notes, has_tools=bool(tools.offered))
    schema, in_words = _schema(request, wire, habits, notes, has_tools=bool(tools.offered) or tools.search is not None)
    temperature, top_p, top_k = _sampling(request, wire, route.facts, notes, thinks=thinking.thinks)
    return Plan(
        exchange=exchange,
        wire=wire,
        habits=habits,
        system=(*system_blocks(request, searches=tools.search is not None or route.facts.searches_itself), *in_words),
        turns=tuple(turns(request, notes)),
        tools=tools.offered,
        names=ToolNames((tool.name for tool in tools.offered), wire.names),
        tool_choice=tools.choice,
        forced_tool=tools.forced,
        parallel=tools.parallel,
        search=tools.search,
        requested_effort=thinking.requested,
        effort=thinking.effort,
        budget=thinking.budget,
        thinks=thinking.thinks,
        display=requested_display(request),
        max_tokens=thinking.max_tokens,
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        schema=schema,
        user=_user(request),
        tier=_tier(request),
        stream=not habits.no_streaming and (route.custom is None or route.custom.can_stream),
        notes=(*notes, *dropped_fields(request, exchange.received.headers, route.facts.context_window)),
    )


def _verbatim(exchange: Exchange, wire: Wire, habits: Habits) -> Plan:
    """Nothing is decided about a request that goes on as it came."""
    request = exchange.request
    return Plan(
        exchange=exchange,
        wire=wire,
        habits=habits,
        system=(),
        turns=(),
        tools=(),
        names=ToolNames((), wire.names),
        tool_choice="auto",
        forced_tool=None,
        parallel=True,
        search=None,
        requested_effort=None,
        effort=None,
        budget=None,
        thinks=False,
        display="full",
        max_tokens=request.max_tokens,
        temperature=None,
        top_p=None,
        top_k=None,
        schema=None,
        user="",
        tier="auto",
        stream=bool(request.stream),
        notes=(),
    )


def _tools(request: MessagesRequest, wire: Wire, facts: ModelFacts, habits: Habits, notes: Notes) -> _ToolPlan:
    """What of the request's tools reaches the model; a choice that names something else falls back to "auto"."""
    search = search_tool(request)
    can_search = wire.searches != "never" and not habits.no_web_search
    offered = offered_tools(request, notes, searches=can_search)
    if search is not None and offered and wire.searches == "alone" and can_search:
        notes.add(f"tools: {search.type} is not available here together with other tools")
        can_search = False
    if len(offered) > wire.tool_limit:
        notes.add(f"tools: only the first {wire.tool_limit} of {len(offered)} were sent, the server takes no more")
        offered = offered[: wire.tool_limit]
    search = search if can_search else None
    choice = request.tool_choice
    if choice is None:
        return _ToolPlan(tuple(offered), search=search)
    forced = choice.name if choice.type == "tool" else None
    word: Literal["auto", "any", "none"] = "any" if choice.type == "tool" else choice.type
    present = {tool.name for tool in (*offered, *([search] if search else ()))}
    if forced is not None and forced not in present:
        notes.add(f"tool_choice: {forced} is not available here")
        word, forced = "auto", None
    if habits.auto_tool_choice and word == "any":
        notes.add(f"tool_choice: {choice.type} was left out, the server refuses it")
        word, forced = "auto", None
    parallel = not (choice.disable_parallel_tool_use and word != "none")
    if not parallel and not (wire.parallel_switch and facts.parallel_tool_calls):
        notes.add("tool_choice: this model cannot be kept from calling several tools at once")
        parallel = True
    return _ToolPlan(tuple(offered), word, forced, parallel, search)


def _thinking(
    exchange: Exchange, wire: Wire, habits: Habits, limits: Limits, notes: Notes, *, has_tools: bool
) -> _ThinkingPlan:
    request, facts = exchange.request, exchange.route.facts
    requested = exchange.route.effort or requested_effort(request)
    ceiling = output_ceiling(facts, limits, habits)
    tokens = max(min(request.max_tokens, ceiling), wire.output_min)
    if tokens < request.max_tokens:
        notes.add(f"max_tokens was lowered to {tokens}")
    is_off = requested == "none"
    if wire.tools_end_reasoning and has_tools:
        if not is_off:
            notes.add(f"reasoning is off: on {wire.title} the model takes tools only without it")
        return _ThinkingPlan(requested, "none", None, False, tokens)
    if facts.reasons and not is_off and tokens < min(THINKING_OUTPUT_MIN, ceiling):
        if "none" in facts.efforts or requested is not None:
            notes.add("thinking was kept short: max_tokens leaves little room")
        requested = "none"
    effort = _effort(requested, wire, facts, habits)
    budget = _budget(exchange, requested, tokens) if facts.thinking_budget is not None else None
    thinks = _thinks(requested, effort, budget, facts)
    if is_off and (thinks or habits.always_thinks):
        notes.add("thinking cannot be switched off here; the model thinks as little as it can")
    room = min(_room(exchange, thinks=thinks), ceiling)
    if tokens < room:
        tokens = room
        notes.add(f"max_tokens was raised to {tokens}: thinking counts as output")
    if effort is None:
        _note_unheard_effort(request, wire, facts, notes)
    return _ThinkingPlan(requested, effort, budget, thinks, tokens)


def _room(exchange: Exchange, *, thinks: bool) -> int:
    """The least output, in tokens, with which an answer can be expected.

    Claude Code's own classifier asks for 64 tokens and denies what it cannot read, ten calls later; so it gets room
    beside the 64, also where it is only not known whether the model thinks.
    """
    route = exchange.route
    if route.role.kind == "classifier" and (thinks or not route.official):
        return exchange.request.max_tokens + THINKING_OUTPUT_MIN
    return THINKING_OUTPUT_MIN if thinks else 0


def output_ceiling(facts: ModelFacts, limits: Limits, habits: Habits = NO_HABITS) -> int:
    """The most output, in tokens, that may be asked of a model."""
    known = [each for each in (limits.max_tokens, facts.max_output, habits.output_limit) if each is not None]
    return min(known, default=_OUTPUT_LIMIT)


def _effort(requested: str | None, wire: Wire, facts: ModelFacts, habits: Habits) -> str | None:
    """The effort to send, None to leave it to the model."""
    if habits.efforts == ("none",):
        return "none"
    refused = (*wire.refused_efforts, *(("none",) if habits.always_thinks else ()))
    offered = [effort for effort in habits.efforts or facts.efforts if effort not in refused]
    if requested is None or (offered == ["none"] and requested != "none"):
        return None
    return nearest(requested, offered)


def _budget(exchange: Exchange, requested: str | None, tokens: int) -> int | None:
    """Within the model's range, and so that room is left for an answer; None where the request says nothing."""
    facts, thinking = exchange.route.facts, exchange.request.thinking
    lowest, highest = facts.thinking_budget or (0, 0)
    if requested is None:
        return None
    if requested == "none":
        return 0 if "none" in facts.efforts else lowest
    if exchange.route.effort is not None:
        wanted = _EFFORT_BUDGETS.get(requested, highest)
    elif thinking is None or thinking.type != "enabled" or thinking.budget_tokens is None:
        return _DYNAMIC_BUDGET
    else:
        wanted = thinking.budget_tokens
    budget = min(wanted, highest)
    if tokens - budget < _ANSWER_MIN:
        budget = min(budget, tokens // 2)
    return max(budget, lowest)


def _thinks(requested: str | None, effort: str | None, budget: int | None, facts: ModelFacts) -> bool:
    has_switch = facts.thinking_style == "thinking"
    if not facts.reasons or budget == 0 or (has_switch and requested == "none"):
        return False
    return effort != "none" if effort is not None else facts.reasons_by_default or budget is not None


def _note_unheard_effort(request: MessagesRequest, wire: Wire, facts: ModelFacts, notes: Notes) -> None:
    """Of a model that does not reason, and of a server of which it is not known how to say it."""
    thinking, effort = request.thinking, request.effort
    is_on = thinking is not None and thinking.type != "disabled"
    if wire.effort_unknown:
        if thinking is not None and (not is_on or (thinking.budget_tokens and not effort)):
            notes.add("thinking was left out: set efforts or thinking_style for this model")
        elif effort:
            notes.add("output_config.effort was left out: set efforts for this model")
    elif not facts.reasons and facts.thinking_style == "effort" and is_on:
        notes.add("thinking was left out: the model does not reason")


def _sampling(
    request: MessagesRequest, wire: Wire, facts: ModelFacts, notes: Notes, *, thinks: bool
) -> tuple[float | None, float | None, int | None]:
    """Temperature, top_p and top_k where the model takes them.

    A top_p of 0 leaves the likeliest token alone, and so does a temperature of 0, which more servers take ("top_p must
    be in (0, 1], got 0.0.", vLLM, EvolvingLMMs-Lab/lmms-eval#1265).
    """
    accepted = facts.sampling == "always" or (facts.sampling == "without_reasoning" and not thinks)
    wanted: dict[str, Any] = {"temperature": request.temperature, "top_p": request.top_p, "top_k": request.top_k}
    if accepted and request.top_p == 0:
        notes.add("top_p became a temperature of 0, which says the same")
        wanted |= {"temperature": 0.0, "top_p": None}
    for name, value in wanted.items():
        if value is None:
            continue
        if name == "top_k" and not wire.top_k:
            notes.add("top_k was left out: the server has no such parameter")
            wanted[name] = None
        elif not accepted:
            notes.add(f"{name} was left out: the model does not take it")
            wanted[name] = None
        elif name == "top_k" and value < 1:
            notes.add("top_k was left out: the model takes none below 1")
            wanted[name] = None
    return wanted["temperature"], wanted["top_p"], wanted["top_k"]


def _schema(
    request: MessagesRequest, wire: Wire, habits: Habits, notes: Notes, *, has_tools: bool
) -> tuple[dict[str, Any] | None, list[TextBlock]]:
    """The schema for the answer as a field of the request, or in words for the system prompt."""
    schema = request.json_schema
    if schema is None:
        if request.answer_format:
            notes.add("output_config.format was left out: it is no JSON schema")
        return None, []
    refused = not habits.refused.isdisjoint(_SCHEMA_FIELDS)
    beside_tools = has_tools and not wire.schema_with_tools
    if not refused and not beside_tools and wire.takes_schema(schema):
        return schema, []
    why = "the model takes none together with tools" if beside_tools else "the server does not take it as a field"
    notes.add(f"output_config.format was put in words: {why}")
    return None, [TextBlock(text=_SCHEMA_IN_WORDS + json.dumps(schema, ensure_ascii=False))]


def _user(request: MessagesRequest) -> str:
    user = (request.metadata or {}).get("user_id")
    return user if isinstance(user, str) else ""


def _tier(request: MessagesRequest) -> Literal["auto", "priority", "standard"]:
    if request.speed == "fast":
        return "priority"
    return "standard" if request.service_tier == "standard_only" else "auto"
