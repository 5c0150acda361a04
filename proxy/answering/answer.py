"""One answer: what a provider gives, through the filters. Runs in the task."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache

from proxy.answering.attempts import Attempts
from proxy.answering.calibration import learn_input
from proxy.answering.filters.bare_text import bare_text
from proxy.answering.filters.end_tokens import end_tokens
from proxy.answering.filters.stop_sequences import stop_sequences
from proxy.answering.filters.think_tags import Mode, think_tags
from proxy.answering.filters.thinking_display import thinking_display
from proxy.answering.filters.tool_input import EMPTY_OPTIONALS, repair_tool_input
from proxy.answering.filters.written_calls import written_calls
from proxy.models.routing import Route
from proxy.protocol.deltas import Delta, Finish, Usage
from proxy.protocol.effort import requested_display
from proxy.protocol.request import Tool
from proxy.providers.base import Exchange
from proxy.providers.call import Call


def answer(
    exchange: Exchange, attempts: Attempts, call: Call, learn: Callable[[int], None]
) -> Iterator[Sequence[Delta]]:
    """Batches of deltas; `learn` gets the input tokens that a complete answer reports. Raises ApiError."""
    request = exchange.request
    if request.max_tokens == 0:
        return iter([[Usage(input=0, output=0), Finish("max_tokens")]])
    batches = attempts.deltas(exchange, call)
    if mode := _tags_mode(exchange.route):
        batches = think_tags(batches, mode)
    if not exchange.route.official:
        batches = end_tokens(batches)
    tools = {tool.name: tool for tool in request.tools if tool.is_custom}
    may_call = tools and (request.tool_choice is None or request.tool_choice.type != "none")
    if may_call and not exchange.route.official:
        names = cache(lambda: attempts.prepare(exchange).plan.names)
        batches = written_calls(batches, names, bare=request.json_schema is None)
    schemas = {name: tool.input_schema or {} for name, tool in tools.items()}
    held = {name for name, tool in tools.items() if _wants_repair(exchange, tool)}
    batches = repair_tool_input(batches, schemas, held.__contains__)
    if request.stop_sequences:
        batches = stop_sequences(batches, request.stop_sequences)
    if exchange.route.role.kind == "classifier":
        batches = bare_text(batches)
    return learn_input(thinking_display(batches, requested_display(request)), learn)


def _tags_mode(route: Route) -> Mode | None:
    """Servers of one's own may have no reasoning parser; vendors have theirs."""
    wanted = route.custom.think_tags if route.custom is not None else "auto"
    if route.official or not wanted:
        return None
    return "auto" if wanted == "auto" else "always"


def _wants_repair(exchange: Exchange, tool: Tool) -> bool:
    """Whether a call's input is held until it is whole.

    Vendors' own models write sound JSON, so their calls are shown as they come, but for two habits: "" where nothing is
    meant, and null in parameters that may be left out (OpenAI's models, coder/xum#2250, 2026).
    """
    if not exchange.route.official or any(name == tool.name for name, _ in EMPTY_OPTIONALS):
        return True
    schema = tool.input_schema or {}
    properties, required = schema.get("properties"), schema.get("required")
    return isinstance(properties, dict) and not properties.keys() <= set(required if isinstance(required, list) else ())
