"""Failures that every vendor reports alike -> ApiError, in the words that clients recover from."""

from __future__ import annotations

from proxy.protocol.errors import ApiError
from proxy.providers.common.failures import Backend, Failure
from proxy.providers.common.overflow import overflow_error
from proxy.providers.common.words import Kind, kind_of

STATUS_OF_KIND: dict[Kind, int] = {
    "overflow": 400,
    "output_limit": 400,
    "money": 402,
    "key": 401,
    "no_images": 400,
    "bad_picture": 400,
    "botched": 502,
    "no_model": 404,
    "rate_limit": 429,
    "overloaded": 503,
}
"""The status that an error would have had, had it come before the stream began."""


def shown(failure: Failure, backend: Backend) -> str:
    """What may be repeated of the server's words."""
    return backend.shown(failure.message) or f"status {failure.status} without a message"


def common_error(failure: Failure, backend: Backend) -> ApiError | None:
    """The error for the client where words or status say what is wrong; None leaves it to the vendor's room."""
    words, status = shown(failure, backend), failure.status
    if status == 0:
        remedy = "check that the server runs and that the URL is right"
        return ApiError(502, f"cannot reach {backend.url} ({words}); {remedy}")
    match kind_of(failure):
        case "money":
            return ApiError(402, f"Credit balance is too low at {backend.url}: {words}", should_retry=False)
        case "overflow":
            return overflow_error(failure.message)
        case "key" if status != 403:
            return ApiError(401, _refused_key(backend, words), should_retry=False)
        case "overloaded":
            return ApiError(529, f"{backend.url} is overloaded: {words}", retry_after=failure.retry_after)
        case "rate_limit":
            return ApiError(429, words, retry_after=failure.retry_after)
        case "bad_picture" | "no_images":
            return ApiError(400, f"Could not process image: {words}")
        case "botched":
            return ApiError(502, f"{backend.url}: {words}")
        case "no_model":
            remedy = "name one that it has in BIG_MODEL, SMALL_MODEL or the entry's `model_name`"
            return ApiError(404, f"{backend.url}: {words} (there is no such model; {remedy})")
        case _ if 300 <= status < 400:
            return ApiError(502, f"{backend.url} answered with a redirect; set the base URL to where it leads")
        case _:
            return None


def _refused_key(backend: Backend, words: str) -> str:
    if backend.key_variable is None:
        return f"{backend.url} asks for an API key; name its environment variable in the entry's `api_key_name`"
    return (
        f"{backend.url} refused the API key in {backend.key_variable}; check that variable where the proxy runs. "
        f"It says: {words}"
    )
