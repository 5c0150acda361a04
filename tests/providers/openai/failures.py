"""What servers answer instead of a completion, for the tests of errors."""

from __future__ import annotations

import json
from typing import Any

from proxy.protocol.errors import ApiError
from proxy.providers.openai.errors import Backend, api_error, read_failure
from tests.conformance import check_error
from tests.translation import BACKEND

URL = BACKEND.url


def openai(message: str, code: str | None = None, type: str = "invalid_request_error", param: str | None = None) -> Any:
    return {"error": {"message": message, "type": type, "param": param, "code": code}}


def flat(message: str, type: str = "BadRequestError", code: Any = 400) -> Any:
    """vLLM's form, and Mistral's."""
    return {"object": "error", "message": message, "type": type, "param": None, "code": code}


def told(status: int, body: Any, backend: Backend = BACKEND, **headers: str) -> ApiError:
    """What the client is told, checked for conformance as an HTTP answer."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    error = api_error(read_failure(status, headers, raw), backend)
    sent = {"request-id": "req_123456", "content-type": "application/json"}
    if error.retry_after is not None:
        sent["retry-after"] = str(error.retry_after)
    if error.should_retry is not None:
        sent["x-should-retry"] = str(error.should_retry).lower()
    check_error(error.status, sent, json.dumps(error.body("req_123456")).encode())
    return error


RATE_LIMIT = (
    "Rate limit reached for gpt-4 in organization org-x on tokens per min (TPM): Limit 10000, Used 8782, "
    "Requested 8172. Please try again in {}."
)
LONG = "context_length_exceeded"
