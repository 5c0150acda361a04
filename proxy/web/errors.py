"""Every failure leaves in Anthropic's shape: JSON body, right status, `request-id`."""

from __future__ import annotations

import logging

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from proxy.answering.pump import ClientGone, where
from proxy.protocol import ids
from proxy.protocol.errors import ApiError

_CLIENT_CLOSED = 499
_NOT_OFFERED = ("/v1/messages/batches", "/v1/files", "/v1/complete", "/v1/skills", "/v1/agents", "/v1/sessions")

log = logging.getLogger(__name__)


def request_id() -> str:
    """The id of the current request, made on first use."""
    if "request_id" not in g:
        g.request_id = ids.request_id()
    return str(g.request_id)


def error_type() -> str:
    """The type of the error that answers the current request; empty where none does."""
    return str(g.get("error_type", ""))


def register(app: Flask) -> None:
    app.register_error_handler(ApiError, answer)
    app.register_error_handler(ClientGone, lambda _: Response(status=_CLIENT_CLOSED))
    app.register_error_handler(HTTPException, _http_exception)
    app.register_error_handler(Exception, _unexpected)


def answer(error: ApiError) -> Response:
    g.error_type = error.type
    response: Response = jsonify(error.body(request_id()))
    response.status_code = error.status
    if error.retry_after is not None:
        response.headers["retry-after"] = str(error.retry_after)
    if error.should_retry is not None:
        response.headers["x-should-retry"] = "true" if error.should_retry else "false"
    return response


def too_large() -> ApiError:
    return ApiError(
        413,
        "Request exceeds the maximum allowed number of bytes (32 MB); the proxy takes no more on any path, also where "
        "Anthropic does",
    )


def not_found(path: str) -> ApiError:
    """404 that says what is wrong with the path, where that can be seen."""
    if path.startswith("/v1/v1/"):
        return ApiError(404, f"{path}: the base URL must not end in /v1, the client adds it")
    if path.rstrip("/") in ("/messages", "/messages/count_tokens", "/models", "/v1/chat/completions"):
        return ApiError(404, f"{path}: this is an Anthropic API; messages go to /v1/messages")
    if path.startswith(_NOT_OFFERED):
        return ApiError(
            404, f"{path}: not offered by this proxy, which has /v1/messages, its count_tokens and /v1/models"
        )
    return ApiError(404, f"{path}: Not found")


def _http_exception(error: HTTPException) -> Response:
    if isinstance(error, NotFound):
        return answer(not_found(request.path))
    if isinstance(error, RequestEntityTooLarge):
        return answer(too_large())
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        return answer(ApiError(405, f"{request.method} {request.path}: method not allowed, use {allowed}"))
    status = error.code or 500
    return answer(ApiError(status if status >= 400 else 500, error.description or error.name))


def _unexpected(error: Exception) -> Response:
    log.error("request %s failed: %s", request_id(), where(error))
    return answer(ApiError(500, f"the proxy failed unexpectedly ({type(error).__name__}); its log has the place"))
