"""Errors of Gemini's APIs -> ApiError, in the words that clients recover from."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.protocol.errors import ApiError, prompt_too_long

_STATUSES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""Google's names, for errors that come without a number."""
_OVERFLOW = (
    r"input token count(?: \((?P<tokens>\d+)\))? exceeds the maximum number of tokens allowed(?: \(?(?P<most>\d+))?",
    r"input token count is (?P<tokens>\d+) but (?:the )?model only supports up to (?P<most>\d+)",
)
_THINKING = r"thinking (is not|budget|level)|thinking_?(budget|level|config)|budget -?\d+ is invalid"
_SEARCH = r"search (tool|grounding|as (a )?tool)|google_?search"
_KEY_LIKE = re.compile(r"\bAIza[A-Za-z0-9_-]{10,}|\bya29\.[A-Za-z0-9_.-]+")
_SHOWN = 2000


@dataclass(frozen=True, slots=True)
class Backend:
    """How to speak of the server in a message: where it is, and what lets us in."""

    url: str
    credentials: str
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """What the server said when it refused. `status` 0 stands for a connection that failed; `reason` is ErrorInfo's."""

    status: int
    message: str
    name: str = ""
    reason: str = ""
    retry_after: float | None = None
    quota: str = ""

    @property
    def about_signatures(self) -> bool:
        return self.status == 400 and re.search(r"thought.?signature", self.message, re.IGNORECASE) is not None

    @property
    def about_fetching(self) -> bool:
        return self.status == 400 and "cannot fetch content" in self.message.lower()

    @property
    def about_thinking(self) -> bool:
        """Google answers to some names with other models than they say."""
        return self.status == 400 and re.search(_THINKING, self.message, re.IGNORECASE) is not None

    @property
    def about_search(self) -> bool:
        return self.status == 400 and re.search(_SEARCH, self.message, re.IGNORECASE) is not None

    def about_field(self, name: str) -> bool:
        """Whether the server knows no field of this name."""
        return self.status == 400 and f'Unknown name "{name}"' in self.message


def read_failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """Reads Google's `{"error": {...}}`, also in a list, or the text that something in between has answered with."""
    try:
        value = json.loads(body)
    except ValueError:
        text = body.decode("utf-8", "replace").strip()
        is_page = text[:200].lower().startswith(("<!doctype", "<html", "<?xml", "<head"))
        said = "the server answered with a web page, not with an API error" if is_page else text
        return Failure(status, said, retry_after=_retry_after(headers, []))
    return failure_of(value, status, headers)


def failure_of(value: Any, status: int = 0, headers: Mapping[str, str] | None = None) -> Failure:
    """Reads an error that came as JSON; `status` 0 means that it came inside a stream."""
    while isinstance(value, list) and value:
        value = value[0]
    error = value.get("error", value) if isinstance(value, dict) else value
    if not isinstance(error, dict):
        return Failure(status or 502, str(error))
    name, code, message = error.get("status"), error.get("code"), error.get("message")
    name = name if isinstance(name, str) else ""
    if not status:
        status = code if isinstance(code, int) and 400 <= code < 600 else _STATUSES.get(name, 500)
    details = list(_details(error))
    return Failure(
        status,
        message if isinstance(message, str) else json.dumps(error),
        name,
        next((each["reason"] for each in details if isinstance(each.get("reason"), str)), ""),
        _retry_after(headers or {}, details),
        " ".join(_quotas(details)),
    )


def _details(error: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    details = error.get("details")
    yield from (each for each in details if isinstance(each, dict)) if isinstance(details, list) else ()


def _retry_after(headers: Mapping[str, str], details: list[Mapping[str, Any]]) -> float | None:
    """Seconds. Google says them in the body, as "14s"; gateways in the header."""
    given = (each.get("retryDelay") for each in details)
    delay = next((value for value in given if isinstance(value, str)), headers.get("retry-after", ""))
    try:
        seconds = float(delay.removesuffix("s"))
    except ValueError:
        return None
    return seconds if 0 <= seconds < math.inf else None


def _quotas(details: list[Mapping[str, Any]]) -> Iterator[str]:
    for each in details:
        violations = each.get("violations")
        for violation in violations if isinstance(violations, list) else ():
            if isinstance(violation, dict):
                yield str(violation.get("quotaId") or "")


def api_error(failure: Failure, backend: Backend) -> ApiError:
    """The error for the client."""
    status, text = failure.status, failure.message.lower()
    said = _without_keys(failure.message, backend)[:_SHOWN] or f"status {status} without a message"
    if status == 0:
        return ApiError(502, f"cannot reach {backend.url} ({said}); check the connection and the address")
    if status == 400 and (overflow := _overflow(failure.message)):
        return overflow
    if status == 401 or failure.reason in ("API_KEY_INVALID", "API_KEY_EXPIRED"):
        message = f"{backend.url} refused {backend.credentials}; check that where the proxy runs. It says: {said}"
        return ApiError(401, message, should_retry=False)
    if status == 400 and failure.name == "FAILED_PRECONDITION" and ("billing" in text or "location" in text):
        return ApiError(402 if "billing" in text else 403, said, should_retry=False)
    if status == 413 or (status == 400 and "payload size exceeds" in text):
        return ApiError(413, said)
    if status == 429 and "PerDay" in failure.quota:
        return ApiError(
            429, f"The quota of the day is used up, it begins anew at midnight Pacific time: {said}", should_retry=False
        )
    if status == 429:
        return ApiError(429, said, retry_after=failure.retry_after)
    if status in (503, 529):
        return ApiError(529, f"Gemini is overloaded: {said}", retry_after=failure.retry_after)
    if status in (408, 504):
        return ApiError(504, f"Gemini did not finish in time: {said}")
    if status in (400, 402, 403, 404):
        return ApiError(status, said)
    if 300 <= status < 400:
        return ApiError(502, f"{backend.url} answered with a redirect; set GEMINI_BASE_URL to where it leads")
    if 400 <= status < 499:
        return ApiError(400, f"{backend.url} answered {status}: {said}")
    return ApiError(500 if status in (499, 500) else 502, f"{backend.url} answered {status}: {said}")


def _overflow(message: str) -> ApiError | None:
    for pattern in _OVERFLOW:
        if found := re.search(pattern, message):
            tokens, most = (int(value) if value else None for value in found.group("tokens", "most"))
            return prompt_too_long(tokens, most)
    return None


def _without_keys(message: str, backend: Backend) -> str:
    if backend.key:
        message = message.replace(backend.key, "[key]")
    return _KEY_LIKE.sub("[key]", message)
