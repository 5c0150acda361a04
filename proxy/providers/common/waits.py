"""How long a server asks to wait before another request."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_WAIT = re.compile(
    r"(?:try(?: it| your request)? again|retry(?:ing)?|wait(?:ing)?|resets?|available)(?: again)?"
    r"(?: in| after| for| at least| about| approximately){0,3} (?=\d)(?:(\d{1,9}) ?h(?:(?:ou)?rs?)?(?![a-z]),? ?)?"
    r"(?:(\d{1,9}) ?m(?:in(?:ute)?s?)?(?![a-z]),? ?)?"
    r"(?:(\d{1,9}(?:\.\d{0,9})?)\d* ?(ms|milliseconds?|s(?:ec(?:ond)?s?)?)(?![a-z]))?",
    re.ASCII | re.IGNORECASE,
)
"""OpenAI writes "Please try again in 1m41.7s", Azure "retry after 6 seconds", Moonshot "try again after 1 seconds"."""
_WAIT_CHINESE = re.compile(r"(\d{1,9}) ?(秒|分钟|小时)(?:之?后)")
_SECONDS = {"秒": 1, "分钟": 60, "小时": 3600}


def wait_in_words(message: str) -> float | None:
    """Seconds, from a sentence that tells how long to wait."""
    for found in _WAIT.finditer(message):
        hours, minutes, amount, unit = found.groups()
        if hours or minutes or amount:
            factor = 0.001 if (unit or "").lower().startswith("m") else 1
            return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(amount or 0) * factor
    chinese = _WAIT_CHINESE.search(message)
    return float(int(chinese[1]) * _SECONDS[chinese[2]]) if chinese else None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from `retry-after-ms` or `retry-after`; None where neither says anything. Names in lower case."""
    if (milliseconds := _number(headers.get("retry-after-ms", ""))) is not None:
        return milliseconds / 1000
    given = headers.get("retry-after", "")
    if (seconds := _number(given)) is not None:
        return seconds
    if (date := _date(given)) is None:
        return None
    # By the server's clock, which is the one that counts, or by ours where it does not tell the time.
    now = _date(headers.get("date", "")) or datetime.now(UTC)
    return (date - now).total_seconds() if date > now else None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return max(number, 0.0) if math.isfinite(number) else None


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
