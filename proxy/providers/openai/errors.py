"""Errors of OpenAI and compatible servers -> ApiError, in the words that clients recover from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.protocol.errors import ApiError, output_too_long, prompt_too_long

_KEY_LIKE = re.compile(r"\b(?:(?:sk|gsk|xai|key)[-_]|Bearer )[A-Za-z0-9_\-*.]{6,}")

_SHORTEST_KEY = 8
"""Characters; words like "none" or "ollama" stand in for a key where none is needed, and in messages as themselves."""
_LONGEST_RAW = 500
_OVERFLOW = (
    "context_length_exceeded",
    "exceeds the context window",
    "exceeds the available context size",
    "exceed_context_size",
    "'s context length",
    "context the overflows",
    "tokens exceed the configured limit",
    "configured context size",
    "context size has been exceeded",
    "context window exceeds",
    "maximum context length",
    "max context length",
    "greater than the context length",
    "n_keep",
    "maximum prompt length",
    "maximum input length",
    "maximum allowed input length",
    "range of input length",
    "prompt is too long",
    "prompt exceeds max length",
    "prompt token count",
    "input is too long",
    "input tokens, limit is",
    "exceeded model token limit",
    "exceeds the maximum number of tokens",
    "reduce the length of the messages",
    "request too large for",
)
"""What servers say when a prompt does not fit. The last one: Groq and OpenAI, when it alone is more than a minute's
allowance, so that waiting is in vain."""
_QUOTA = ("insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached", "exceeded your current quota")
_OVERLOADED = ("server_is_overloaded", "service_unavailable_error", "overloaded")


@dataclass(frozen=True, slots=True)
class Backend:
    """How to speak of the server in a message: where it is, and what holds its key (None: it takes no key)."""

    url: str
    key_variable: str | None
    key: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What else is sent to it, keys in headers of their own included."""

    @property
    def secrets(self) -> Iterator[str]:
        """What must not be repeated to a client."""
        for value in (self.key or "", *self.headers.values()):
            yield from (word for word in value.split() if len(word) >= _SHORTEST_KEY)


@dataclass(frozen=True, slots=True)
class Failure:
    """What a server said when it refused: any of the shapes that are in use, read the same way."""

    status: int
    message: str
    code: str = ""
    param: str = ""
    retry_after: float | None = None

    @property
    def text(self) -> str:
        """Message and code in lower case, to look for known words in."""
        return f"{self.message} {self.code}".lower()


def read_failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """Reads `{"error": {...}}`, `{"error": "..."}`, vLLM's flat form, `{"detail": ...}`, lists of those, or text."""
    try:
        value = json.loads(body)
    except ValueError:
        text = body.decode("utf-8", "replace").strip()
        is_page = text[:200].lower().lstrip().startswith(("<!doctype", "<html", "<?xml", "<head"))
        message = "the server answered with a web page, not with an API error" if is_page else text[:500]
        return Failure(status, message, retry_after=_retry_after(headers, ""))
    failure = failure_of(value, status)
    return Failure(status, failure.message, failure.code, failure.param, _retry_after(headers, failure.message))


def failure_of(value: Any, status: int = 0) -> Failure:
    """Reads an error that came as JSON; `status` 0 means that it came without one, inside a stream."""
    while isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, dict) and isinstance(value.get("error"), dict | str):
        value = value["error"]
    if not isinstance(value, dict):
        return Failure(status or 502, str(value))
    message = value.get("message") or value.get("detail") or value.get("error") or json.dumps(value)[:500]
    if not isinstance(message, str):
        message = json.dumps(message)[:500]
    if "n_prompt_tokens" in value:
        message += f" (request ({value['n_prompt_tokens']} tokens), context size {value.get('n_ctx')})"
    metadata = value.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("raw"), str):
        # OpenRouter: what the server behind it said.
        message += f": {metadata['raw'][:_LONGEST_RAW]}"
    code = str(value.get("code") or value.get("type") or "")
    return Failure(status or _status_in_stream(code, message), message, code, str(value.get("param") or ""))


def _status_in_stream(code: str, message: str) -> int:
    """The status that an error would have had, had it come before the stream began."""
    if code.isdigit() and 400 <= int(code) < 600:
        return int(code)
    text = f"{code} {message}".lower()
    if "rate_limit" in text or "high concurrency" in text or "too many requests" in text:
        return 429
    if any(word in text for word in (*_OVERFLOW, "invalid_request", "invalid_prompt", "content_filter", "_policy")):
        return 400
    if any(word in text for word in _OVERLOADED):
        return 503
    return 502


def _retry_after(headers: Mapping[str, str], message: str) -> float | None:
    """Seconds, from the headers or from the sentence OpenAI writes ("Please try again in 1m41.7s")."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * scale)
        except (KeyError, ValueError):
            continue
    found = re.search(r"try again in (?:(\d+)h)?(?:(\d+)m(?!s))?(?:([\d.]+)(ms|s))?", message)
    if found is None or not any(found.groups()[:3]):
        return None
    hours, minutes, amount, unit = found.groups()
    seconds = float(amount.rstrip(".") or 0) * (0.001 if unit == "ms" else 1) if amount else 0.0
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + seconds


def api_error(failure: Failure, backend: Backend) -> ApiError:
    """The error for the client."""
    status, text = failure.status, failure.text
    said = _without_keys(failure.message, backend) or f"status {status} without a message"
    if any(word in text for word in _QUOTA) or status == 402:
        return ApiError(402, f"Credit balance is too low at {backend.url}: {said}", should_retry=False)
    if status in (400, 413, 422, 429, 500) and is_overflow(failure):
        return _overflow(failure.message)
    if status == 401:
        return ApiError(401, _refused_key(backend), should_retry=False)
    if status in (503, 529) or (status >= 500 and any(word in text for word in _OVERLOADED)):
        return ApiError(529, f"{backend.url} is overloaded: {said}", retry_after=failure.retry_after)
    if status == 429:
        return ApiError(429, said, retry_after=failure.retry_after)
    if 300 <= status < 400:
        return ApiError(502, f"{backend.url} answered with a redirect; set the base URL to where it leads")
    if status == 404:
        return ApiError(404, f"{backend.url}: {said}")
    if status in (408, 504):
        return ApiError(504, f"{backend.url}: {said}")
    if status in (400, 403, 413, 422):
        return ApiError(status, said)
    if 400 <= status < 500:
        return ApiError(400, f"{backend.url} answered {status}: {said}")
    return ApiError(502 if status != 500 else 500, f"{backend.url} answered {status}: {said}")


def is_overflow(failure: Failure) -> bool:
    return any(word in failure.text for word in _OVERFLOW)


@dataclass(frozen=True, slots=True)
class Overflow:
    """The numbers of an overflow, in tokens, as far as the server told them."""

    prompt: int | None
    output: int | None
    window: int | None

    @property
    def is_bound(self) -> bool:
        """Whether `prompt` is only where the server stopped counting: vLLM reads no further than it must to refuse."""
        if self.prompt is None or self.output is None or self.window is None:
            return False
        return self.prompt + self.output == self.window + 1


_BOTH = (
    r"\((?P<output>\d+) > (?P<window>\d+) - (?P<prompt>\d+)\)",
    r"\((?P<prompt>\d+) in the messages[^)]*?(?P<output>\d+) in the completion",
    r"\((?P<prompt>\d+) of text input(?:, (?P<more>\d+) of tool input)?[^)]*?(?P<output>\d+) in the output",
    r"requested (?P<output>\d+) output tokens and your prompt contains (?:at least )?(?P<prompt>\d+) input tokens",
    r"passed (?P<prompt>\d+) input tokens and requested (?P<output>\d+) output tokens",
)
_PROMPT = (
    r"resulted in (\d+)",
    r"requested (?:about )?(\d+)",
    r"prompt (?:contains|has) (?:at least )?(\d+)",
    r"request (?:contains |\()(\d+) tokens",
    r"has (\d+) input tokens",
    r"input \((\d+) tokens\)",
    r"input length \(?(\d+)\)? exceeds",
    r"token count (?:of )?\(?(\d+)",
    r"keep the first (\d+)",
    r"n_keep[: (]+(\d+)",
    r"requested: (\d+)",
    r"current length is (\d+)",
    r"too long: (\d+)",
)
_WINDOW = (
    r"context (?:size|length|window) (?:of only |of |is only |is )?\(?(\d+)",
    r"(\d+) maximum context length",
    r"maximum prompt length is (\d+)",
    r"maximum (?:allowed )?input length (?:of )?(\d+)",
    r"maximum number of tokens allowed \((\d+)",
    r"input length should be \[\d+, (\d+)",
    r"n_ctx[: (]+(\d+)",
    r"(?:configured limit of|exceeds the limit of|limit is|token limit:|\bLimit) (\d+)",
    r"tokens > (\d+)",
)


def overflow_numbers(message: str) -> Overflow:
    message = re.sub(r"(?<=\d),(?=\d{3}\b)", "", message)
    window = _first(_WINDOW, message)
    for pattern in _BOTH:
        if found := re.search(pattern, message, re.IGNORECASE):
            told = {name: int(value) for name, value in found.groupdict().items() if value}
            return Overflow(told["prompt"] + told.get("more", 0), told["output"], told.get("window", window))
    return Overflow(_first(_PROMPT, message), None, window)


def _first(patterns: tuple[str, ...], message: str) -> int | None:
    found = (re.search(pattern, message, re.IGNORECASE) for pattern in patterns)
    return next((int(match[1]) for match in found if match), None)


def _overflow(message: str) -> ApiError:
    numbers = overflow_numbers(message)
    if numbers.prompt is None or numbers.window is None or numbers.is_bound:
        return prompt_too_long()
    if numbers.output is not None and numbers.prompt < numbers.window:
        return output_too_long(numbers.prompt, numbers.output, numbers.window)
    return prompt_too_long(numbers.prompt, numbers.window)


def _refused_key(backend: Backend) -> str:
    if backend.key_variable is None:
        return f"{backend.url} asks for an API key; name its environment variable in the entry's `api_key_name`"
    return f"{backend.url} refused the API key in {backend.key_variable}; check that variable where the proxy runs"


def _without_keys(message: str, backend: Backend) -> str:
    """Servers quote the key, or parts of it, in what they say."""
    for secret in backend.secrets:
        message = message.replace(secret, "[key]")
    return _KEY_LIKE.sub("[key]", message)
