"""Anthropic's `cache_control` as the explicit prompt cache breakpoints of OpenAI's newer models.

Only content parts carry one. Where a model has them, all that could carry one is therefore always written as a list of
parts: clients move their marks with every turn, and what was sent before must stay the same but for the mark.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from proxy.protocol.blocks import ContentBlock
from proxy.protocol.history import SystemTurn
from proxy.providers.base import Plan

FIELD = "prompt_cache_breakpoint"
_LIMIT = 4
"""Breakpoints that one request may write (developers.openai.com/api/docs/guides/prompt-caching, 2026-11)."""

Part = dict[str, Any]


@dataclass(slots=True)
class Breakpoints:
    """The marks of one request. `wanted`: the model has them."""

    wanted: bool
    _marked: list[Part] = field(default_factory=list)

    @classmethod
    def of(cls, plan: Plan) -> Breakpoints:
        route = plan.route
        return cls(route.official and route.facts.cache_breakpoints and not plan.habits.no_cache_breakpoints)

    def mark(self, part: Part, *sources: ContentBlock | SystemTurn) -> Part:
        """The part, marked if a block or turn that it was made of is; the last marks of a request win."""
        if self.wanted and any(getattr(source, "cache_control", False) for source in sources):
            part[FIELD] = {"mode": "explicit"}
            self._marked.append(part)
            if len(self._marked) > _LIMIT:
                del self._marked.pop(0)[FIELD]
        return part

    def mark_last(self, parts: list[Part], source: ContentBlock) -> list[Part]:
        """The parts of one block, the last of them marked."""
        if parts:
            self.mark(parts[-1], source)
        return parts
