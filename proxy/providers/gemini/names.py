"""Tool names within Gemini's limits."""

from __future__ import annotations

from proxy.providers.common.tool_names import NameRules

RULES = NameRules(characters="a-zA-Z0-9_.:-", first="a-zA-Z_", limit=64, kept=54)
"""Characters ("Invalid function name. Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, 0-9),
underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 64", 2026-11). The SDK's docstring
allows 128. 54 characters, `_` and 8 digits of a hash are 63, the limit that Google's older SDKs state.
"""
