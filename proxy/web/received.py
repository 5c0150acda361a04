"""What is read of an HTTP request before anything is decided about it."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import quote

from flask import request

from proxy.protocol.errors import ApiError
from proxy.protocol.request import MessagesRequest
from proxy.providers.base import ClientRequest, Exchange
from proxy.web.services import services

_QUERY = "%/?:@!$&'()*+,;="
"""What stands in a query as it is (RFC 3986, 3.4); all else is percent-encoded."""


def body_bytes() -> bytes:
    """The body. Raises ApiError (400) for one that is compressed."""
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise ApiError(
            400,
            f"Content-Encoding: {encoding} is not supported; send the body uncompressed",
            details={"error_code": "request_body_encoding_unsupported"},
        )
    return request.get_data(cache=False)


def client_request(body: bytes = b"", path: str | None = None) -> ClientRequest:
    """The current request as it can be passed on; the query goes with the path."""
    path = request.path if path is None else path
    if request.query_string:
        path = f"{path}?{quote(request.query_string, safe=_QUERY)}"
    return ClientRequest(request.method, path, tuple(request.headers.items()), body)


def exchanges_of(parsed: MessagesRequest, body: bytes) -> list[Exchange]:
    """The current request with each who may answer it, best first. Raises ApiError (404).

    Where others wait, a failure is not worth a repeat: the next one is asked.
    """
    routes = services().routes(parsed, dict(request.headers), len(body))
    last = Exchange(parsed, routes[-1], _retries(), session_of(parsed), len(routes) > 1, client_request(body))
    return [*(replace(last, route=route, retries=0) for route in routes[:-1]), last]


def _retries() -> int:
    """One layer at a time: a client that is itself repeating a request does not want each attempt repeated again."""
    return services().config.max_retries if request.headers.get("x-stainless-retry-count", "0") == "0" else 0


def session_of(parsed: MessagesRequest) -> str:
    """The client's conversation: Claude Code names it in a header, and inside `metadata.user_id`, which is JSON."""
    if header := request.headers.get("x-claude-code-session-id"):
        return header
    try:
        session = json.loads(str((parsed.metadata or {}).get("user_id")))["session_id"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
    return session if isinstance(session, str) else ""
