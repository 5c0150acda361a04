"""Tool names within Gemini's limits, and back."""

from __future__ import annotations

from collections.abc import Iterable

from proxy.providers.common import tool_names
from proxy.providers.common.tool_names import NameRules

RULES = NameRules(characters="a-zA-Z0-9_.:-", first="a-zA-Z_", limit=64, kept=54)
"""As the API's own refusal of a name says; the SDK's docstring already allows 128 characters (2026-11)."""


class ToolNames(tool_names.ToolNames):
    """The names of one request's tools, there (a letter or `_`, then `[a-zA-Z0-9_.:-]`, 64 in all) and back."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(names, RULES)
