"""The rules of HTTP responses that are not streams (H1-H5, H7, H8)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from tests.conformance.violation import Json, Violation, is_count, need, strict_json

_REQUEST_ID = r"req_[A-Za-z0-9_-]{6,}"
_ERROR_TYPES: dict[int, tuple[str, ...]] = {
    400: ("invalid_request_error",),
    401: ("authentication_error",),
    402: ("billing_error",),
    403: ("permission_error",),
    404: ("not_found_error",),
    408: ("timeout_error",),
    409: ("conflict_error",),
    413: ("request_too_large",),
    422: ("invalid_request_error",),
    429: ("rate_limit_error",),
    500: ("api_error",),
    501: ("not_supported", "api_error"),
    502: ("api_error",),
    503: ("api_error", "timeout_error"),
    504: ("api_error", "timeout_error"),
    529: ("overloaded_error",),
}
_ALL_ERROR_TYPES = {name for names in _ERROR_TYPES.values() for name in names}
_WAITING_HELPS = (429, 503, 529)
_WAITING_IS_VAIN = (400, 401, 403, 404, 413)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
_LEAK = re.compile(
    r"Traceback \(most recent call last\)|File \\?\"[^\"]+\", line \d+|<!doctype|<html"
    r"|\bsk-[A-Za-z0-9_-]{16,}|\bAIza[A-Za-z0-9_-]{20,}|\bBearer\s+(?=\S*\d)[A-Za-z0-9._-]{8,}",
    re.IGNORECASE,
)


def check_json(status: int, headers: Mapping[str, str], body: bytes) -> Json:
    """Checks what holds for every JSON response (H1, H2, H5, and of H3 that only errors look like errors)."""
    named = check_headers(headers)
    content_type = named.get("content-type", "")
    need(content_type.split(";")[0].strip() == "application/json", "H2", f"content-type {content_type!r}")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Violation("H2", f"not UTF-8: {error}") from error
    parsed = strict_json(text, "H2")
    if not isinstance(parsed, dict):
        raise Violation("H2", f"not a JSON object: {text[:200]}")
    need((status >= 400) == (parsed.get("type") == "error"), "H3", f"status {status} with {text[:200]}")
    return parsed


def check_error(status: int, headers: Mapping[str, str], body: bytes) -> Json:
    """Checks an error response (H1-H5) and returns its `error` object."""
    parsed = check_json(status, headers, body)
    error = check_error_object(parsed, "H3", headers)
    need("request_id" in parsed, "H1", "an error body without request_id")
    allowed = _ERROR_TYPES.get(status, ("invalid_request_error",) if status < 500 else ("api_error",))
    need(error["type"] in allowed, "H3", f"{error['type']} with status {status}")
    named = _lower(headers)
    wait = named.get("retry-after")
    need(wait is None or status not in _WAITING_IS_VAIN, "H4", f"retry-after with status {status}")
    in_reach = wait is None or re.fullmatch(r"[1-9]|[1-5]\d|60", wait)
    need(in_reach, "H4", f"retry-after {wait!r} is not a whole number of seconds from 1 to 60")
    should_retry = named.get("x-should-retry", "true")
    need(should_retry in ("true", "false"), "H4", f"x-should-retry {should_retry!r}")
    return error


def check_count(status: int, headers: Mapping[str, str], body: bytes, request: Json | None = None) -> int:
    """H7: checks an answer of count_tokens and returns the count; that equal inputs count alike is for the caller."""
    need(status == 200, "H7", f"status {status}")
    answer = check_json(status, headers, body)
    need(answer.keys() - {"context_management"} == {"input_tokens"}, "H7", f"keys {sorted(answer)}")
    count = answer["input_tokens"]
    if not is_count(count):
        raise Violation("H7", f"input_tokens is {count!r}")
    need(not (request or {}).get("messages") or count > 0, "H7", "no tokens in a request with messages")
    return int(count)


def check_models(status: int, headers: Mapping[str, str], body: bytes) -> list[Json]:
    """H8: checks a page of models and returns its entries."""
    need(status == 200, "H8", f"status {status}")
    answer = check_json(status, headers, body)
    models = answer.get("data")
    if not isinstance(models, list):
        raise Violation("H8", f"data is {models!r}")
    for model in models:
        _check_model_info(model)
    ids = [model["id"] for model in models]
    need(len(set(ids)) == len(ids), "H8", f"a model is listed twice: {ids}")
    need(isinstance(answer.get("has_more"), bool), "H8", f"has_more is {answer.get('has_more')!r}")
    ends = (answer.get("first_id"), answer.get("last_id"))
    need(answer.keys() >= {"first_id", "last_id"}, "H8", f"keys {sorted(answer)}")
    need(ends == ((ids[0], ids[-1]) if ids else (None, None)), "H8", f"first and last are {ends}, ids {ids}")
    return models


def check_model(status: int, headers: Mapping[str, str], body: bytes, listed: Json) -> Json:
    """H8: checks one retrieved model against its entry in the list, and returns it."""
    need(status == 200, "H8", f"status {status}")
    model = check_json(status, headers, body)
    need(model == listed, "H8", f"retrieved {model!r}, listed {listed!r}")
    return model


def assert_absent(raw: bytes, canaries: Iterable[str]) -> None:
    """H3: none of the secrets is in the response, neither as it is nor as JSON would escape it."""
    for number, canary in enumerate(canaries):
        forms = {canary.encode("utf-8"), json.dumps(canary)[1:-1].encode("ascii")}
        need(not any(form in raw for form in forms), "H3", f"secret number {number} is in the response")


def check_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """H1 and H5; returns the headers by lower-case name."""
    named = _lower(headers)
    request_id = named.get("request-id", "")
    need(re.fullmatch(_REQUEST_ID, request_id), "H1", f"request-id {request_id!r}")
    invented = [name for name in named if name.startswith("anthropic-ratelimit-unified-")]
    need(not invented, "H5", f"{invented} drive the client's plan display")
    return named


def check_error_object(body: Json, rule: str, headers: Mapping[str, str] | None) -> Json:
    """The body of an error response or event; returns its `error`. Of the request ids both sides must be the same."""
    error = body.get("error")
    if not isinstance(error, dict):
        raise Violation(rule, f"no error object in {body!r}")
    need(error.get("type") in _ALL_ERROR_TYPES, rule, f"error.type is {error.get('type')!r}")
    message: Any = error.get("message")
    need(isinstance(message, str) and message.strip(), rule, f"error.message is {message!r}")
    need(not _LEAK.search(json.dumps(error, ensure_ascii=False)), rule, "the error shows a key, a traceback or HTML")
    if headers is not None and "request_id" in body:
        expected = _lower(headers).get("request-id")
        need(body["request_id"] == expected, "H1", f"request_id {body['request_id']!r}, header {expected!r}")
    return error


def _check_model_info(model: Any) -> None:
    if not isinstance(model, dict):
        raise Violation("H8", f"a model that is not an object: {model!r}")
    need(model.get("type") == "model", "H8", f"type is {model.get('type')!r}")
    for key in ("id", "display_name"):
        need(isinstance(model.get(key), str) and model[key], "H8", f"{key} is {model.get(key)!r}")
    created = str(model.get("created_at"))
    need(_RFC_3339.fullmatch(created), "H8", f"created_at is {created!r}")
    try:
        datetime.fromisoformat(created)
    except ValueError as error:
        raise Violation("H8", f"created_at is {created!r}") from error


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
