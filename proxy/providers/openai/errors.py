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
from proxy.providers.common.waits import retry_after
from proxy.providers.common.words import kind_of

__all__ = ["Backend", "Failure", "api_error", "failure_of", "read_failure"]

_INVALID = ("invalid_request", "invalid_prompt", "content_filter", "_policy")
"""Codes of a refusal that will not go away."""
_STATUS = re.compile(r"[45]\d\d", re.ASCII)
_WAIT = re.compile(r"try again in (?:(\d{1,9})h)?(?:(\d{1,9})m(?!s))?(?:(\d{1,9}(?:\.\d{0,9})?)\d*(ms|s))?", re.ASCII)


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
    if isinstance(value, dict) and isinstance(value.get("error"), dict | str):
        value = value["error"]
    if not isinstance(value, dict):
        return Failure.said(status or 502, str(value))
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
    wait = _wait_in_words(message) if wait is None else wait
    return Failure.said(status, message, code, str(value.get("param") or ""), retry_after=wait)


def _status_in_stream(code: str, message: str) -> int:
    """The status that an error would have had, had it come before the stream began."""
    if _STATUS.fullmatch(code):
        return int(code)
    if status := STATUS_OF_KIND.get(kind_of(Failure(0, message, code))):
        return status
    text = f"{code} {message}".lower()
    return 400 if any(word in text for word in _INVALID) else 502


def _wait_in_words(message: str) -> float | None:
    """Seconds, from the sentence that OpenAI writes ("Please try again in 1m41.7s")."""
    found = _WAIT.search(message[:READ_LIMIT])
    if found is None or not any(found.groups()[:3]):
        return None
    hours, minutes, amount, unit = found.groups()
    seconds = float(amount or 0) * (0.001 if unit == "ms" else 1)
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + seconds


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
