"""Errors as Google's Gemini API words them, for the rules of the fake and for scripted failures."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NoReturn

from tests.fakes.refusal import Refusal, Refused

STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_DOCS = "https://ai.google.dev/gemini-api/docs"
_TYPE = "type.googleapis.com/google.rpc."


def gemini_error(code: int, message: str, *details: dict[str, Any], status: str | None = None) -> Refusal:
    """`status` is the name of the code, by default the usual one of `code`; `details` have an `@type` each."""
    error: dict[str, Any] = {"code": code, "message": message, "status": status or STATUS[code]}
    if details:
        error["details"] = list(details)
    return Refusal(code, {"error": error})


def refuse(message: str, code: int = 400) -> NoReturn:
    raise Refused(gemini_error(code, message))


def refuse_field(path: str, problem: str) -> NoReturn:
    """The form in which the service reports a value that parsed and is not allowed."""
    refuse(f"* GenerateContentRequest.{path}: {problem}\n")


def list_wrapped(failure: Refusal) -> Refusal:
    """The same error inside a list, as streams without `alt=sse` and some gateways send it."""
    return Refusal(failure.status, [failure.body])


def field_violations(problems: Iterable[tuple[str, str]]) -> Refusal:
    """What a body gets that does not fit the messages of the API. `problems` are (path, text)."""
    found = list(problems)
    violations = [{"field": path, "description": text} if path else {"description": text} for path, text in found]
    detail = {"@type": f"{_TYPE}BadRequest", "fieldViolations": violations}
    return gemini_error(400, "\n".join(text for _, text in found), detail)


def no_key() -> Refusal:
    text = "Method doesn't allow unregistered callers (callers without established identity)."
    return gemini_error(403, f"{text} Please use API Key or other form of API consumer identity to call this API.")


def api_key_invalid() -> Refusal:
    text = "API key not valid. Please pass a valid API key."
    info = {
        "@type": f"{_TYPE}ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }
    return gemini_error(400, text, info, {"@type": f"{_TYPE}LocalizedMessage", "locale": "en-US", "message": text})


def model_not_found(name: str, version: str = "v1beta", method: str = "generateContent") -> Refusal:
    text = f"models/{name} is not found for API version {version}, or is not supported for {method}."
    return gemini_error(
        404, f"{text} Call ModelService.ListModels to see the list of available models and their supported methods."
    )


def rate_limited(retry_delay: str = "14s", quota: str = "GenerateRequestsPerMinutePerProjectPerModel") -> Refusal:
    """429 with RetryInfo in its body (never as a header); `retry_delay` is a duration such as "14s" or "0.5s"."""
    text = (
        "You exceeded your current quota, please check your plan and billing details. For more information on this "
        f"error, head to: {_DOCS}/rate-limits. To monitor your current usage, head to: https://ai.dev/rate-limit. "
    )
    seconds = float(retry_delay.removesuffix("s"))
    violation = {
        "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
        "quotaId": f"{quota}-FreeTier",
        "quotaDimensions": {"location": "global", "model": "gemini-3.8-flash"},
        "quotaValue": "20",
    }
    return gemini_error(
        429,
        f"{text}\nPlease retry in {seconds:.9f}s.",
        {"@type": f"{_TYPE}Help", "links": [{"description": "Quotas", "url": f"{_DOCS}/rate-limits"}]},
        {"@type": f"{_TYPE}QuotaFailure", "violations": [violation]},
        {"@type": f"{_TYPE}RetryInfo", "retryDelay": retry_delay},
    )


def daily_quota(retry_delay: str = "48s") -> Refusal:
    """429 that no short wait helps: the quota of the day is used up, whatever RetryInfo says."""
    return rate_limited(retry_delay, "GenerateRequestsPerDayPerProjectPerModel")


def context_overflow(tokens: int | None = 1_091_639, most: int = 1_048_576) -> Refusal:
    """`tokens` None gives the form without the first number."""
    count = "" if tokens is None else f" ({tokens})"
    return gemini_error(400, f"The input token count{count} exceeds the maximum number of tokens allowed ({most}).")


def signature_missing(name: str = "Read", position: int = 2) -> Refusal:
    """`position` counts the contents from 1."""
    return gemini_error(
        400,
        "Function call is missing a thought_signature in functionCall parts. This is required for tools to work "
        "correctly, and missing thought_signature may lead to degraded model performance. Additional data, function "
        f"call `default_api:{name}` , position {position}. Please refer to {_DOCS}/thought-signatures for more "
        "details.",
    )


def payload_too_large(most: int) -> Refusal:
    return gemini_error(400, f"Request payload size exceeds the limit: {most} bytes.")


def deadline_too_short(seconds: float) -> Refusal:
    text = f"Manually set deadline {math.ceil(seconds)}s is too short. Minimum allowed deadline is 10s."
    return gemini_error(400, text)


TOO_MANY_STATES = (
    "The specified schema produces a constraint that has too many states for serving.  Typical causes of this error "
    "are schemas with lots of text (for example, very long property or enum names), schemas with long array length "
    "limits (especially when nested), or schemas using complex value matchers (for example, integers or numbers with "
    "minimum/maximum bounds or strings with complex formats like date-time)"
)
SIGNATURE_CORRUPTED = "Corrupted thought signature."
SIGNATURE_OF_ANOTHER_MODEL = "Invalid thought signature."

FAILURES: dict[str, Refusal] = {
    "api_key_invalid": api_key_invalid(),
    "billing": gemini_error(
        400,
        "Gemini API free tier is not available in your country. Please enable billing on your project in Google AI "
        "Studio.",
        status="FAILED_PRECONDITION",
    ),
    "cancelled": gemini_error(499, "The operation was cancelled."),
    "context_overflow": context_overflow(),
    "context_overflow_without_count": context_overflow(None),
    "daily_quota": daily_quota(),
    "deadline": gemini_error(504, "Deadline expired before operation could complete."),
    "internal": gemini_error(
        500,
        "An internal error has occurred. Please retry or report in "
        "https://developers.generativeai.google/guide/troubleshooting",
    ),
    "location": gemini_error(400, "User location is not supported for the API use.", status="FAILED_PRECONDITION"),
    "model_not_found": model_not_found("gemini-2.0-flash"),
    "overloaded": gemini_error(503, "The model is overloaded. Please try again later."),
    "payload_too_large": gemini_error(413, "Request payload size exceeds the limit: 104857600 bytes."),
    "permission_denied": gemini_error(403, "The caller does not have permission"),
    "rate_limited": rate_limited(),
    "signature_corrupted": gemini_error(400, SIGNATURE_CORRUPTED),
    "signature_missing": signature_missing(),
    "signature_of_another_model": gemini_error(400, SIGNATURE_OF_ANOTHER_MODEL),
    "too_many_states": gemini_error(400, TOO_MANY_STATES),
    "unauthenticated": gemini_error(
        401,
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential.",
    ),
}
"""Every documented failure under a name of ours, for the tables of tests."""

USUAL: dict[int, Refusal] = {
    FAILURES[name].status: FAILURES[name]
    for name in (
        "context_overflow",
        "unauthenticated",
        "permission_denied",
        "model_not_found",
        "payload_too_large",
        "rate_limited",
        "cancelled",
        "internal",
        "overloaded",
        "deadline",
    )
}
"""The most common failure of each status."""
