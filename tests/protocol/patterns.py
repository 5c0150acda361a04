"""By what Claude Code knows the errors from which it recovers, as its bundle has them."""

from __future__ import annotations

import re

PROMPT_TOO_LONG = re.compile(r"prompt is too long[^0-9]*(\d+)\s*tokens?\s*>\s*(\d+)", re.IGNORECASE)
OUTPUT_TOO_LONG = re.compile(r"input length and `max_tokens` exceed context limit: (\d+) \+ (\d+) > (\d+)")
