"""What Anthropic says when it refuses, for where that is not passed on. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from proxy.providers.common import json_text
from proxy.providers.common.failures import SHOWN_LIMIT, Failure, plain_words


def read_failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """Reads `{"type": "error", "error": {"type", "message"}}`, or text. `headers` by name in lower case."""
    code, message = "", plain_words(body)
    try:
        error = json_text.loads(body)["error"]
        code, message = str(error["type"]), str(error["message"])
    except (ValueError, TypeError, KeyError):
        pass
    words = message[:SHOWN_LIMIT] or f"status {status} without a message"
    return Failure(status, words, code, retry_after=_seconds(headers.get("retry-after", "")))


def _seconds(text: str) -> float | None:
    try:
        return max(0.0, float(text))
    except ValueError:
        return None
