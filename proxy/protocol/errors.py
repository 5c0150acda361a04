"""The one exception that reaches a client, in the shape Anthropic's API gives its errors."""

from __future__ import annotations

import math
from typing import Any

from proxy.protocol.characters import whole_characters

TYPE_OF_STATUS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    500: "api_error",
    501: "not_supported",
    502: "api_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""HTTP status -> `error.type`, as Anthropic documents it."""

_RETRY_AFTER_STATUSES = (429, 503, 529)
RETRY_AFTER_MAX = 60
"""Seconds; Claude Code does not wait longer before it repeats a request."""


class ApiError(Exception):
    """A refusal or failure as the client will see it.

    `retry_after` is in seconds and is only kept where waiting helps (429, 503, 529). Claude Code gives up at once on
    waits of more than a minute; we say that aloud with `should_retry=False` in place of a header it would not obey.
    `should_retry` becomes the `x-should-retry` header, which both the Anthropic SDKs and Claude Code obey before
    they look at the status; None leaves the decision to the client.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        retry_after: float | None = None,
        should_retry: bool | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = whole_characters(message)
        self.should_retry = should_retry
        self.details = details
        self.wait = retry_after
        """Seconds that the upstream wants to be left alone, however many; None where it has said nothing."""
        self.retry_after: int | None = None
        if retry_after is not None and status in _RETRY_AFTER_STATUSES:
            if retry_after > RETRY_AFTER_MAX:
                self.should_retry = False
            else:
                self.retry_after = max(1, math.ceil(retry_after))

    @property
    def type(self) -> str:
        return TYPE_OF_STATUS.get(self.status, "invalid_request_error" if self.status < 500 else "api_error")

    def body(self, request_id: str) -> dict[str, Any]:
        """The JSON body: `{"type": "error", "error": {"type", "message"[, "details"]}, "request_id"}`."""
        error: dict[str, Any] = {"type": self.type, "message": self.message}
        if self.details is not None:
            error["details"] = self.details
        return {"type": "error", "error": error, "request_id": request_id}


def prompt_too_long(tokens: int | None = None, maximum: int | None = None) -> ApiError:
    """Context overflow in the only words from which Claude Code recovers by itself (it compacts and goes on).

    It looks for the phrase and reads the two numbers to decide how much to trim, so they are given when known.
    """
    if tokens is None or maximum is None:
        return ApiError(400, "prompt is too long")
    return ApiError(400, f"prompt is too long: {tokens} tokens > {maximum} maximum")


def output_too_long(prompt: int, max_tokens: int, window: int) -> ApiError:
    """The prompt fits, prompt plus `max_tokens` does not: Claude Code repeats with a smaller `max_tokens`."""
    return ApiError(400, f"input length and `max_tokens` exceed context limit: {prompt} + {max_tokens} > {window}")
