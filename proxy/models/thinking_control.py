"""How well-known OpenAI-compatible services are told how much to think."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

ThinkingStyle = Literal["effort", "openrouter", "thinking"]
"""The field of a chat request that says it: `reasoning_effort: low`, `reasoning: {effort: low}`, or
`thinking: {type: enabled}` with `reasoning_effort` beside it where the server takes efforts."""


class ThinkingControl(NamedTuple):
    """`efforts`: what the server takes, words of `protocol.effort.SCALE`."""

    style: ThinkingStyle
    efforts: tuple[str, ...] = ()


OPENROUTER = ThinkingControl("openrouter", ("none", "minimal", "low", "medium", "high", "xhigh"))
_GLM_5_3 = ThinkingControl("effort", ("low", "high", "max"))
_SERVICES: tuple[tuple[str, str, ThinkingControl], ...] = (
    ("groq.com", "gpt-oss", ThinkingControl("effort", ("low", "medium", "high"))),
    ("groq.com", "qwen3", ThinkingControl("effort", ("none",))),
    ("openrouter.ai", "", OPENROUTER),
    ("deepseek.com", "", ThinkingControl("thinking", ("low", "high", "max"))),
    ("moonshot.ai", "", ThinkingControl("thinking")),
    ("moonshot.cn", "", ThinkingControl("thinking")),
    *((host, r"glm-5\.[3-9]", _GLM_5_3) for host in ("z.ai", "bigmodel.cn")),
    *((host, "", ThinkingControl("thinking")) for host in ("z.ai", "bigmodel.cn")),
)
"""Domain, a pattern in the model's name, and what holds there; the first that fits counts."""


def thinking_control(url: str, model: str) -> ThinkingControl | None:
    """What is known of a server and its model; None for those of which nothing is."""
    host = f".{urlsplit(url).hostname or ''}"
    for domain, pattern, control in _SERVICES:
        if host.endswith(f".{domain}") and re.search(pattern, model.lower()):
            return control
    return None
