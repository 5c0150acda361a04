"""How much a model is told to think, and how much it may write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from proxy.protocol.effort import SCALE, asked_effort, nearest
from proxy.protocol.request import MessagesRequest
from proxy.providers.base import Exchange

LEAST_OUTPUT = 2048
"""Tokens. What a model thinks counts as output, and most cannot do without: with less they answer nothing at all."""
_LEAST_ANSWER = 4096
_DYNAMIC = -1
_LEVELS = ((10_001, "high"), (2001, "medium"))
"""The least budget, in tokens, of each level above the lowest."""


@dataclass(frozen=True, slots=True)
class ThinkingPlan:
    """`config` is the `thinkingConfig`, empty for models without; `max_output` is in tokens."""

    config: dict[str, Any]
    max_output: int


def shows_thinking(request: MessagesRequest) -> bool:
    """Whether the client wants thinking blocks. Unlike Anthropic's newest models, ours show none unasked."""
    return request.thinking is not None and request.thinking.type != "disabled"


def plan(exchange: Exchange, most_tokens: int) -> ThinkingPlan:
    """`most_tokens` is the ceiling that the user set for output."""
    request, facts, notes = exchange.request, exchange.route.facts, exchange.notes
    ceiling = min(most_tokens, facts.max_output or most_tokens)
    tokens = min(request.max_tokens, ceiling)
    if tokens < request.max_tokens:
        notes.add(f"max_tokens was lowered to {tokens}")
    effort = _effort(request)
    if tokens < LEAST_OUTPUT and effort != "none" and facts.reasons:
        notes.add("thinking was kept short: max_tokens leaves little room")
        effort = "none"
    config: dict[str, Any] = {}
    if facts.thinking_budget is not None:
        config = {"thinkingBudget": _budget(exchange, effort, tokens)}
    elif level := nearest(effort, facts.efforts) if effort else None:
        config = {"thinkingLevel": level.upper()}
    thinks = facts.reasons and config.get("thinkingBudget") != 0
    if thinks and effort == "none" and request.thinking is not None and request.thinking.type == "disabled":
        notes.add("thinking cannot be switched off here; the model thinks as little as it can")
    if thinks and tokens < min(LEAST_OUTPUT, ceiling):
        tokens = min(LEAST_OUTPUT, ceiling)
        notes.add(f"max_tokens was raised to {tokens}: thinking counts as output")
    if thinks and shows_thinking(request):
        config = {"includeThoughts": True, **config}
    return ThinkingPlan(config, tokens)


def _effort(request: MessagesRequest) -> str | None:
    """A word of `SCALE`; None leaves it to the model."""
    thinking = request.thinking
    if request.effort not in SCALE and (thinking is None or thinking.type != "disabled"):
        if thinking is None:
            return "none"
        budget = thinking.budget_tokens if thinking.type == "enabled" else None
        return next((level for least, level in _LEVELS if budget >= least), "low") if budget is not None else None
    return asked_effort(request)


def _budget(exchange: Exchange, effort: str | None, tokens: int) -> int:
    """Within the model's range, and so that room is left for an answer."""
    facts, thinking = exchange.route.facts, exchange.request.thinking
    least, most = facts.thinking_budget or (0, 0)
    if effort == "none":
        return 0 if "none" in facts.efforts else least
    if thinking is None or thinking.type != "enabled" or thinking.budget_tokens is None:
        return _DYNAMIC
    budget = min(thinking.budget_tokens, most)
    if tokens - budget < _LEAST_ANSWER:
        budget = min(budget, tokens // 2)
    return max(budget, least)
