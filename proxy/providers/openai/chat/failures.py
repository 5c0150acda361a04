"""Failures that servers report inside an answer of status 200, wherever they put them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_WORDS = ("message", "msg", "detail", "error_msg", "error_message")
_FINE = (None, 0, 200, "", "0", "200", "ok", "OK", "success")
"""Codes that report no failure."""
_MINIMAX = {
    1001: 504,
    1002: 429,
    1004: 401,
    1008: 402,
    1026: 400,
    1027: 400,
    1033: 503,
    1039: "context_length_exceeded",
    1041: 429,
    2013: 400,
    2045: 429,
    2049: 401,
    2056: 429,
}
"""MiniMax's `base_resp.status_code` -> the HTTP status or OpenAI's code for the same
(platform.minimax.io/docs/api-reference/errorcode, 2026-11); other codes go on as they are."""


def error_in(chunk: dict[str, Any]) -> Any | None:
    """The error that a chunk reports, None where it reports none.

    A top-level `error` (OpenAI, OpenRouter, vLLM), `errors` (Cloudflare), `base_resp` (MiniMax), `choices[].error` and
    `delta.error` (OpenRouter, xyOz-dev/Saturn#43), a flat object in place of an answer (old vLLM, FastAPI's `detail`,
    `{code, msg}` of Chinese gateways).
    """
    for error in (chunk.get("error"), chunk.get("errors"), *_in_choices(chunk.get("choices"))):
        if _says_something(error):
            return error
    base = chunk.get("base_resp")
    if isinstance(base, dict) and base.get("status_code") not in _FINE:
        code, words = base["status_code"], base.get("status_msg") or "no message"
        return {"code": _MINIMAX.get(code, code) if isinstance(code, int) else code, "message": f"{words} ({code})"}
    if chunk.get("choices"):
        return None
    if chunk.get("object") == "error" or chunk.get("type") == "error":
        return chunk
    words = next((word for key in _WORDS if (word := chunk.get(key)) and not isinstance(word, dict)), None)
    if words is None or (words in _FINE and chunk.get("code") in _FINE):
        return None
    return chunk if chunk.get("message") or chunk.get("detail") else {**chunk, "message": words}


def _in_choices(choices: Any) -> Iterator[Any]:
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict):
            yield choice.get("error")
            for inner in (choice.get("delta"), choice.get("message")):
                if isinstance(inner, dict):
                    yield inner.get("error")


def _says_something(error: Any) -> bool:
    """Whether it is more than an error field that every chunk has."""
    if isinstance(error, dict):
        return any(value not in _FINE for value in error.values() if not isinstance(value, list | dict) or value)
    return bool(error)
