"""A Plan -> the body of `streamGenerateContent`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from proxy.models.routing import Route
from proxy.protocol.notes import Notes
from proxy.protocol.request import Tool
from proxy.providers.base import Plan, Wire
from proxy.providers.common.memo import Memo
from proxy.providers.common.tool_names import ToolNames
from proxy.providers.gemini.contents import Contents
from proxy.providers.gemini.grounding import google_search
from proxy.providers.gemini.names import RULES
from proxy.providers.gemini.schema import SchemaCleaner
from proxy.providers.gemini.signatures import SignatureMemory, Signatures

Transport = Literal["gemini", "vertex"]

STORE = "store"
"""The field with which Google may be kept from storing a request: in paid projects made since 2026-10-26 it stores them
by default (ai.google.dev/gemini-api/docs/changelog, 2026-11). Vertex AI has no such field."""
THINKING = "thinkingConfig"
_TOOL_LIMIT = 512
"""Functions in one request (ai.google.dev/gemini-api/docs/function-calling, 2026-11)."""
_SCHEMAS: Memo[tuple[list[dict[str, Any]], tuple[str, ...]]] = Memo(64)
"""Sets of tools; a conversation has one or two."""
_FILTERS = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
"""The categories that may be switched off (ai.google.dev/gemini-api/docs/safety-settings, 2026-11)."""
_MODES = {"any": "ANY", "none": "NONE"}


@dataclass(frozen=True, slots=True)
class Options:
    """What the user chose for all requests to Google."""

    transport: Transport
    unfiltered: bool = False
    forbids_storing: bool = True


@dataclass(frozen=True, slots=True)
class GeminiRequest:
    """`names` leads the model's calls back to the client's names, `signatures` takes what they are signed with.

    `search` is the client's web search tool, where Google Search was asked to answer it.
    """

    body: dict[str, Any]
    names: ToolNames
    signatures: Signatures
    notes: tuple[str, ...]
    search: Tool | None = None


def wire(route: Route, options: Options) -> Wire:
    """What can be told to this API: Google Search only alone, and no model is kept from parallel calls."""
    return Wire(
        options.transport,
        "Gemini",
        RULES,
        _TOOL_LIMIT,
        searches="alone",
        top_k=True,
        parallel_switch=False,
        schema_with_tools=route.facts.since_gemini_3,
    )


def build(plan: Plan, options: Options, memory: SignatureMemory) -> GeminiRequest:
    """The request to send."""
    route, habits, notes = plan.route, plan.habits, Notes()
    signatures = Signatures(options.transport, route.model, plan.exchange.session, memory)
    search = plan.search if plan.tool_choice != "none" else None
    system = "\n\n".join(block.text for block in plan.system)
    has_field = route.facts.system_role and not habits.no_system_role
    contents = Contents(
        plan.names,
        signatures,
        route.facts,
        notes,
        vision=plan.vision,
        ids=not habits.no_call_ids,
        fetches=not habits.no_fetching,
        sentinels=habits.no_reasoning_replay,
    )
    body: dict[str, Any] = {
        "contents": contents.build("" if has_field else system, plan.turns),
        "generationConfig": _generation(plan, notes),
    }
    if system and has_field:
        body["systemInstruction"] = {"parts": [{"text": system}]}
    body |= _tools(plan, notes)
    if search is not None:
        body["tools"] = [google_search(search, notes, vertex=options.transport == "vertex")]
    if plan.tier == "priority":
        notes.add("speed: fast was left out, Gemini has no such switch")
    if options.unfiltered:
        body["safetySettings"] = [{"category": f"HARM_CATEGORY_{name}", "threshold": "OFF"} for name in _FILTERS]
    if options.transport == "gemini" and options.forbids_storing and STORE not in habits.refused:
        body[STORE] = False
    return GeminiRequest(body, plan.names, signatures, tuple(notes), search)


def _tools(plan: Plan, notes: Notes) -> dict[str, Any]:
    """`tools` and `toolConfig`; nothing at all without tools, where a choice among them is refused."""
    if not plan.tools:
        return {}
    calling: dict[str, Any] = {}
    if plan.tool_choice in _MODES:
        calling["mode"] = _MODES[plan.tool_choice]
    if plan.forced_tool is not None:
        calling["allowedFunctionNames"] = [plan.names.upstream(plan.forced_tool)]
    parameters, costs = _parameters(plan.tools, constrains=plan.tool_choice == "any")
    for note in costs:
        notes.add(note)
    if any(tool.strict for tool in plan.tools):
        notes.add("tools: strict was left out, Gemini has no such rule")
    declarations = [
        {
            "name": plan.names.upstream(tool.name),
            **({"description": tool.description} if tool.description else {}),
            "parametersJsonSchema": schema,
        }
        for tool, schema in zip(plan.tools, parameters, strict=True)
    ]
    return {
        "tools": [{"functionDeclarations": declarations}],
        **({"toolConfig": {"functionCallingConfig": calling}} if calling else {}),
    }


def _parameters(tools: Sequence[Tool], *, constrains: bool) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The schemas of all tools together, since some limits are those of a request; and what they cost."""

    def make() -> tuple[list[dict[str, Any]], tuple[str, ...]]:
        notes = Notes()
        cleaner = SchemaCleaner(notes, constrains=constrains)
        return [cleaner.parameters(tool.input_schema or {}, tool.name) for tool in tools], tuple(notes)

    return _SCHEMAS.get((constrains, [(tool.name, tool.input_schema) for tool in tools]), make)


def _generation(plan: Plan, notes: Notes) -> dict[str, Any]:
    config: dict[str, Any] = {"maxOutputTokens": plan.max_tokens}
    thinking = _thinking(plan)
    if thinking and THINKING not in plan.habits.refused:
        config[THINKING] = thinking
    values = {"temperature": plan.temperature, "topP": plan.top_p, "topK": plan.top_k}
    config |= {name: value for name, value in values.items() if value is not None}
    if plan.schema is not None:
        config["responseMimeType"] = "application/json"
        config["responseJsonSchema"] = SchemaCleaner(notes, constrains=True).answer(plan.schema)
    return config


def _thinking(plan: Plan) -> dict[str, Any]:
    """Gemini 2.5 takes a budget, its successors a level (ai.google.dev/gemini-api/docs/thinking, 2026-11)."""
    config: dict[str, Any] = {}
    if plan.route.facts.reasons and plan.budget != 0 and plan.display != "none":
        config["includeThoughts"] = True
    if plan.budget is not None:
        config["thinkingBudget"] = plan.budget
    elif plan.effort is not None and plan.route.facts.thinking_budget is None:
        config["thinkingLevel"] = plan.effort.upper()
    return config
