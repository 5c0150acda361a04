"""The rules of Claude Code's auto mode, as its program prints them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

LISTS = ("hard_deny", "soft_deny", "allow", "environment")
"""Of Claude Code's `autoMode` settings."""

Rules = Mapping[str, Sequence[str]]
"""Entries by the name of their list."""


def rules_of_client(text: str) -> Rules:
    """What `claude auto-mode config` prints. Raises ValueError for anything else."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict) or not any(_entries(value, name) for name in LISTS):
        raise ValueError("no rules in it")
    return {name: _entries(value, name) for name in LISTS}


def _entries(value: dict[str, Any], name: str) -> list[str]:
    entries = value.get(name)
    return [each for each in entries if isinstance(each, str)] if isinstance(entries, list) else []
