"""What both of OpenAI's APIs write down alike: functions, the answer's schema, identity, what the server refuses."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy.protocol.notes import Notes
from proxy.protocol.request import Tool
from proxy.providers.base import Plan
from proxy.providers.common.memo import Memo
from proxy.providers.common.tool_names import ToolNames
from proxy.providers.openai import schemas
from proxy.providers.openai.schemas import fits_strict, input_schema, with_types

TOOL_LIMIT = 128
"""Functions in one request ("array too long. Expected an array with maximum length 128", OpenAI, 2026-11)."""
_DESCRIPTION_LIMIT = 1024
"""Characters, where a server has the habit `short_descriptions` ("string too long. Expected a string with maximum
length 1024"): OpenAI lifted that limit in 2025-05, Azure and older gateways still have it (2026-11)."""
_ID_LIMIT = 64
"""Characters of `prompt_cache_key` (platform.openai.com/docs/api-reference/responses, 2026-11)."""
_SCHEMAS: Memo[_SentSchema] = Memo(1024)
"""Tools; some dozens of clients' sets of them."""
_TIERS = {"priority": "priority", "standard": "default"}


@dataclass(frozen=True, slots=True)
class BuiltRequest:
    """What is sent; `names` leads the model's tool calls back to the client's names.

    `search` is the client's web search tool, where the server was asked to answer it.
    """

    body: dict[str, Any]
    names: ToolNames
    notes: tuple[str, ...]
    search: Tool | None = None


def function(tool: Tool, plan: Plan, notes: Notes) -> tuple[dict[str, Any], bool]:
    """`name`, `description` and `parameters` of a function tool; and whether its schema is to be kept strictly."""
    official, habits = plan.route.official, plan.habits
    sent = _sent_schema(tool, official=official or habits.openai_schemas, typed=habits.typed_schemas)
    for note in sent.notes:
        notes.add(note)
    strict = bool(tool.strict) and official and not habits.no_strict and sent.fits_strict
    if tool.strict and not official:
        notes.add("tools: strict was left out, only OpenAI itself is sent it")
    elif tool.strict and not strict:
        notes.add(f"tools: strict was left out of {tool.name}, OpenAI does not take its schema so")
    description = tool.description
    if habits.short_descriptions and len(description) > _DESCRIPTION_LIMIT:
        notes.add("tools: long descriptions were cut, the server takes no more")
        description = description[:_DESCRIPTION_LIMIT]
    fields = {
        "name": plan.names.upstream(tool.name),
        **({"description": description} if description else {}),
        "parameters": sent.schema,
    }
    return fields, strict


@dataclass(frozen=True, slots=True)
class _SentSchema:
    schema: dict[str, Any]
    fits_strict: bool
    notes: tuple[str, ...]


def _sent_schema(tool: Tool, *, official: bool, typed: bool) -> _SentSchema:
    def make() -> _SentSchema:
        notes = Notes()
        schema = input_schema(tool, notes, official=official)
        return _SentSchema(with_types(schema) if typed else schema, official and fits_strict(schema), tuple(notes))

    return _SCHEMAS.get((tool.name, tool.input_schema, official, typed), make)


def takes_answer_schema(schema: Mapping[str, Any]) -> bool:
    """Whether OpenAI itself can be sent it as the schema of an answer."""
    return schemas.answer_schema(schema, Notes(), official=True) is not None


def answer_schema(plan: Plan, notes: Notes) -> dict[str, Any] | None:
    """The schema that the answer must follow, held to the same rules as that of a tool."""
    if plan.schema is None:
        return None
    return schemas.answer_schema(plan.schema, notes, official=plan.route.official)


def identity(plan: Plan, notes: Notes) -> dict[str, str]:
    """For OpenAI itself: what keeps a conversation on one cache, who asks (hashed to the length it takes), how fast."""
    if not plan.route.official:
        if plan.tier == "priority":
            notes.add("speed: fast was left out, it is not known whether the server has such a switch")
        return {}
    fields: dict[str, str] = {}
    if plan.exchange.session:
        fields["prompt_cache_key"] = plan.exchange.session[:_ID_LIMIT]
    if plan.user:
        fields["safety_identifier"] = hashlib.sha256(plan.user.encode()).hexdigest()
    if plan.tier in _TIERS:
        fields["service_tier"] = _TIERS[plan.tier]
    return fields


def sampling(plan: Plan) -> dict[str, float]:
    values = {"temperature": plan.temperature, "top_p": plan.top_p}
    return {name: value for name, value in values.items() if value is not None}


def without_refused(body: dict[str, Any], plan: Plan, notes: Notes) -> dict[str, Any]:
    """The body without what the server has refused before, and with what the user adds for a custom model."""
    for name in sorted(plan.habits.refused & body.keys()):
        del body[name]
        notes.add(f"{name} was left out: the server refuses it")
    if plan.route.custom is not None:
        body.update(plan.route.custom.extra_body)
    return body
