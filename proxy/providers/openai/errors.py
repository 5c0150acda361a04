"""Errors of OpenAI and compatible servers -> ApiError, in the words that clients recover from."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from proxy.protocol.errors import ApiError
from proxy.providers.common import json_text
from proxy.providers.common.errors import STATUS_OF_KIND, common_error, shown
from proxy.providers.common.failures import READ_LIMIT, Backend, Failure, plain_words
from proxy.providers.common.waits import retry_after, wait_in_words
from proxy.providers.common.words import kind_of

__all__ = ["Backend", "Failure", "api_error", "failure_of", "read_failure"]

_INVALID = ("invalid_request", "invalid_prompt", "content_filter", "_policy")
"""Codes of a refusal that will not go away."""
_BESIDE = ("message", "detail", "error_description", "error_message", "msg", "reason")
_STATUS = re.compile(r"[45]\d\d", re.ASCII)


def read_failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """Reads `{"error": {...}}`, `{"error": "..."}`, vLLM's flat form, `{"detail": ...}`, lists of those, or text."""
    try:
        value = json_text.loads(body)
    except ValueError:
        return Failure(status, plain_words(body), retry_after=retry_after(headers))
    failure = failure_of(value, status)
    wait = retry_after(headers)
    return replace(failure, status=status, retry_after=failure.retry_after if wait is None else wait)


def failure_of(value: Any, status: int = 0) -> Failure:
    """Reads an error that came as JSON; `status` 0 means that it came without one, inside a stream."""
    while isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, dict) and isinstance(value.get("error"), dict):
        value = value["error"]
    elif isinstance(value, dict) and isinstance(value.get("error"), str):
        value = _flat(value)
    if not isinstance(value, dict):
        if not value:
            return Failure.said(status or 502, str(value))
        value = {"message": str(value)}
    message = value.get("message") or value.get("detail") or value.get("error") or json.dumps(value)
    if not isinstance(message, str):
        message = json.dumps(message)
    if "n_prompt_tokens" in value:
        message += f" (request ({value['n_prompt_tokens']} tokens), context size {value.get('n_ctx')})"
    metadata = value.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    if isinstance(metadata.get("raw"), str):
        # OpenRouter: what the server behind it said.
        message += f": {metadata['raw']}"
    code = str(value.get("code") or value.get("type") or "")
    status = status or _status_in_stream(code, message)
    given = metadata.get("headers")  # OpenRouter's, of the server behind it
    headers = {str(name).lower(): str(each) for name, each in given.items()} if isinstance(given, dict) else {}
    wait = retry_after(headers)
    wait = wait_in_words(message[:READ_LIMIT]) if wait is None else wait
    return Failure.said(status, message, code, str(value.get("param") or ""), retry_after=wait)


def _flat(value: dict[str, Any]) -> dict[str, Any]:
    """An error that is a string: all that was said (Ollama), or a word for the kind with the words beside it.

    xAI writes `{"code": ..., "error": ...}`, web frameworks write `{"error": "Bad Request", "message": ...}`.
    """
    error, beside = value["error"], next((word for key in _BESIDE if isinstance(word := value.get(key), str)), "")
    code = value.get("code") if isinstance(value.get("code"), str | int) else None
    return {"message": f"{beside} ({error})" if beside and error not in beside else beside or error, "code": code}


def _status_in_stream(code: str, message: str) -> int:
    """The status that an error would have had, had it come before the stream began."""
    if _STATUS.fullmatch(code):
        return int(code)
    if status := STATUS_OF_KIND.get(kind_of(Failure(0, message, code))):
        return status
    text = f"{code} {message}".lower()
    return 400 if any(word in text for word in _INVALID) else 502


def api_error(failure: Failure, backend: Backend) -> ApiError:
    """The error for the client."""
    if (error := common_error(failure, backend)) is not None:
        return error
    status, words = failure.status, shown(failure, backend)
    if status == 404:
        return ApiError(404, f"{backend.url}: {words}")
    if status in (408, 504):
        return ApiError(504, f"{backend.url}: {words}")
    if status in (400, 403, 413, 422):
        return ApiError(status, words)
    if 400 <= status < 500:
        return ApiError(400, f"{backend.url} answered {status}: {words}")
    return ApiError(502 if status != 500 else 500, f"{backend.url} answered {status}: {words}")
