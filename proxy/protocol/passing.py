"""What is read of an answer of Anthropic's that is passed on as it is: its usage, and how it ended. Pure.

Nearly all frames are looked at only for the name of an event, which costs less than to copy them.
"""

from __future__ import annotations

import json
import re
from typing import Any

from proxy.protocol.deltas import Usage, merged

_COUNT_MAX = 2**53
"""Tokens; nobody counts as many."""
_DATA = re.compile(rb"^data: ?(.*)$", re.MULTILINE)


class PassedAnswer:
    """`usage`, `stop_reason` and the type of the `error`, as far as they are known; the last two may be empty."""

    def __init__(self) -> None:
        self.usage = Usage()
        self.stop_reason = ""
        self.error = ""

    def saw_frames(self, frames: bytes) -> None:
        """Takes whole frames of an event stream."""
        if not _tells(frames):
            return
        for found in _DATA.finditer(frames):
            if _tells(found[1]):
                self._take(_object(found[1]))

    def saw_body(self, body: bytes) -> None:
        """Takes the whole body of an answer that is no stream."""
        self._take(_object(body))

    def _take(self, value: dict[str, Any]) -> None:
        match value:
            case {"type": "message_start", "message": {"usage": dict(usage)}}:
                self._count(usage)
            case {"type": "message_delta", "usage": dict(usage)}:
                self._count(usage)
                self._stop(value.get("delta"))
            case {"type": "message", "usage": dict(usage)}:
                self._count(usage)
                self._stop(value)
            case {"type": "error", "error": {"type": str(error)}}:
                self.error = error

    def _count(self, usage: dict[str, Any]) -> None:
        counts = {name: _number(usage.get(key)) for name, key in _COUNTS.items()}
        created = usage.get("cache_creation")
        if isinstance(created, dict):
            counts["cache_write_1h"] = _number(created.get("ephemeral_1h_input_tokens"))
        self.usage = merged(self.usage, Usage(**counts))

    def _stop(self, ending: Any) -> None:
        if isinstance(ending, dict) and isinstance(reason := ending.get("stop_reason"), str):
            self.stop_reason = reason


_COUNTS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read_input_tokens",
    "cache_write": "cache_creation_input_tokens",
}


def _tells(data: bytes) -> bool:
    """Whether one of the events is named. In the text of an answer a backslash stands before the second quote."""
    return b'"message_delta"' in data or b'"message_start"' in data or b'"error"' in data


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < _COUNT_MAX else None
