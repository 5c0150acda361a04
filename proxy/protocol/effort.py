"""How much reasoning a request asks for, the nearest that a model offers, and what of it the client wants to see."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from proxy.protocol.request import MessagesRequest

SCALE = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_BUDGETS = ((4096, "high"), (2048, "medium"), (1024, "low"))


def requested_effort(request: MessagesRequest) -> str | None:
    """A word of `SCALE`, or None where the request leaves it to the model.

    Thinking that is switched off wins over an effort that is set; a budget speaks only where no effort does.
    """
    thinking = request.thinking
    if thinking is not None and thinking.type == "disabled":
        return "none"
    if request.effort in SCALE:
        return request.effort
    if thinking is None:
        return None
    if thinking.type == "enabled" and thinking.budget_tokens is not None:
        return next((effort for minimum, effort in _BUDGETS if thinking.budget_tokens >= minimum), "minimal")
    return "medium"


def nearest(effort: str, offered: Sequence[str]) -> str | None:
    """The weakest offered effort not below the requested one, else the strongest; None where none is offered."""
    known = sorted((word for word in offered if word in SCALE), key=SCALE.index)
    return next((word for word in known if SCALE.index(word) >= SCALE.index(effort)), known[-1] if known else None)


Display = Literal["full", "omitted", "none"]
_BEFORE_5 = re.compile(r"claude-(?:instant|v?[1-4]\b|(?:haiku|sonnet|opus)-[1-4]\b)", re.IGNORECASE)
"""Names of models that think only where a request says so (Anthropic's documentation, 2026-11). What is written for
them may take the first content block for text."""


def requested_display(request: MessagesRequest) -> Display:
    """ "none" where thinking is off, by the request or for want of it, "omitted" where only its state is wanted."""
    thinking = request.thinking
    if thinking is None:
        return "none" if _BEFORE_5.search(request.model) else "full"
    if thinking.type == "disabled":
        return "none"
    return "omitted" if thinking.display == "omitted" else "full"
