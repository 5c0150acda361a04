"""A messages request -> the body of `POST /responses`. Pure."""

from __future__ import annotations

from typing import Any

from proxy.protocol.effort import wanted_display
from proxy.protocol.history import system_blocks, system_text, turns
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
from proxy.providers.openai.responses_input import ResponsesInput

_LEAST_OUTPUT = 16
"""The API refuses less; clients probe with 1."""


def build(exchange: Exchange, quirks: Quirks, *, most_tokens: int) -> BuiltRequest:
    """The request to send. `most_tokens` is the ceiling that the user set for output."""
    request, route, notes = exchange.request, exchange.route, exchange.notes
    tools = toolbox(exchange)
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
    instructions = {} if breakpoints.wanted else _instructions(exchange)
    effort = chosen_effort(exchange, quirks)
    body: dict[str, Any] = {
        "model": route.model,
        **instructions,
        "input": conversation.build([] if instructions else system_blocks(request), turns(request, notes)),
        **_tools(tools, exchange, quirks),
        "max_output_tokens": max(output_limit(exchange, quirks, most_tokens), _LEAST_OUTPUT),
        **_reasoning(exchange, effort, quirks),
        **sampling(exchange, effort),
        **_format(exchange),
        **identity(exchange),
        "store": False,
        "stream": not quirks.no_streaming and (route.custom is None or route.custom.can_stream),
    }
    if body["stream"] and route.official:
        body["stream_options"] = {"include_obfuscation": False}
    return BuiltRequest(without_refused(body, exchange, quirks), tools.names)


def _instructions(exchange: Exchange) -> dict[str, str]:
    system = system_text(exchange.request)
    return {"instructions": system} if system else {}


def _tools(tools: Toolbox, exchange: Exchange, quirks: Quirks) -> dict[str, Any]:
    """`strict` is always said: left out, this API switches it on and rewrites the schema."""
    if not tools.tools:
        return {}
    fields: dict[str, Any] = {
        "tools": [
            {
                "type": "function",
                **function(tool, tools.names, exchange, quirks),
                "strict": bool(tool.strict) and exchange.route.official,
            }
            for tool in tools.tools
        ]
    }
    if tools.forced is not None:
        fields["tool_choice"] = {"type": "function", "name": tools.names.upstream(tools.forced)}
    elif tools.choice != "auto":
        fields["tool_choice"] = tools.choice
    if not tools.parallel:
        fields["parallel_tool_calls"] = False
    return fields


def _reasoning(exchange: Exchange, effort: str | None, quirks: Quirks) -> dict[str, Any]:
    """Effort and summary, and the state without which the next turn would have to think again."""
    facts = exchange.route.facts
    if not facts.reasons:
        note_effort_left_out(exchange)
        return {}
    reasoning: dict[str, Any] = {"effort": effort} if effort is not None else {}
    if effort != "none" and wanted_display(exchange.request) == "full" and not quirks.no_summary:
        reasoning["summary"] = "auto"
    fields: dict[str, Any] = {"reasoning": reasoning} if reasoning else {}
    if effort != "none":
        fields["include"] = ["reasoning.encrypted_content"]
    return fields


def _format(exchange: Exchange) -> dict[str, Any]:
    schema = answer_schema(exchange)
    if schema is None:
        return {}
    return {"text": {"format": {"type": "json_schema", "name": "answer", "schema": schema, "strict": False}}}
