"""Errors of Gemini's APIs -> ApiError, in the words that clients recover from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from proxy.protocol.errors import ApiError
from proxy.providers.common.errors import common_error, shown
from proxy.providers.common.failures import Backend, Failure, plain_words
from proxy.providers.common.json_text import loads
from proxy.providers.common.waits import retry_after

__all__ = ["Backend", "Failure", "api_error", "failure_of", "read_failure"]

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


def read_failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """Reads Google's `{"error": {...}}`, also in a list, or the text that something in between has answered with."""
    try:
        value = loads(body)
    except ValueError:
        return Failure(status, plain_words(body), retry_after=retry_after(headers))
    return failure_of(value, status, headers)


def failure_of(value: Any, status: int = 0, headers: Mapping[str, str] | None = None) -> Failure:
    """Reads an error that came as JSON; `status` 0 means that it came inside a stream."""
    while isinstance(value, list) and value:
        value = value[0]
    error = value.get("error", value) if isinstance(value, dict) else value
    if not isinstance(error, dict):
        return Failure.said(status or 502, str(error))
    name, code, message = error.get("status"), error.get("code"), error.get("message")
    name = name if isinstance(name, str) else ""
    if not status:
        status = code if isinstance(code, int) and 400 <= code < 600 else _STATUSES.get(name, 500)
    details = list(_details(error))
    return Failure.said(
        status,
        message if isinstance(message, str) else json.dumps(error),
        name,
        retry_after=_wait(headers or {}, details),
        reason=next((each["reason"] for each in details if isinstance(each.get("reason"), str)), ""),
        quota=" ".join(_quotas(details)),
    )


def _details(error: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    details = error.get("details")
    yield from (each for each in details if isinstance(each, dict)) if isinstance(details, list) else ()


def _wait(headers: Mapping[str, str], details: list[Mapping[str, Any]]) -> float | None:
    """Seconds. Google says them in the body, as "14s"; gateways in the header."""
    given = (each.get("retryDelay") for each in details)
    delay = next((value for value in given if isinstance(value, str)), "")
    wait = retry_after({"retry-after": delay.removesuffix("s")})
    return retry_after(headers) if wait is None else wait


def _quotas(details: list[Mapping[str, Any]]) -> Iterator[str]:
    for each in details:
        violations = each.get("violations")
        for violation in violations if isinstance(violations, list) else ():
            if isinstance(violation, dict):
                yield str(violation.get("quotaId") or "")


def api_error(failure: Failure, backend: Backend) -> ApiError:
    """The error for the client."""
    status, text, words = failure.status, failure.text, shown(failure, backend)
    if status == 401 or failure.reason in ("API_KEY_INVALID", "API_KEY_EXPIRED"):
        variable = backend.key_variable
        credentials = f"the key in {variable}" if variable else "the application default credentials"
        message = f"{backend.url} refused {credentials}; check that where the proxy runs. It says: {words}"
        return ApiError(401, message, should_retry=False)
    if status == 400 and failure.code == "FAILED_PRECONDITION" and ("billing" in text or "location" in text):
        return ApiError(402 if "billing" in text else 403, words, should_retry=False)
    if status == 413 or (status == 400 and "payload size exceeds" in text):
        return ApiError(413, words)
    if status == 429 and "PerDay" in failure.quota:
        message = f"The quota of the day is used up, it begins anew at midnight Pacific time: {words}"
        return ApiError(429, message, should_retry=False)
    if 300 <= status < 400:
        return ApiError(502, f"{backend.url} answered with a redirect; set GEMINI_BASE_URL to where it leads")
    if (error := common_error(failure, backend)) is not None:
        return error
    if status in (408, 504):
        return ApiError(504, f"Gemini did not finish in time: {words}")
    if status in (400, 402, 403, 404):
        return ApiError(status, words)
    if 400 <= status < 499:
        return ApiError(400, f"{backend.url} answered {status}: {words}")
    return ApiError(500 if status in (499, 500) else 502, f"{backend.url} answered {status}: {words}")
