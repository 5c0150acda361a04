"""What Chat Completions say was used, from wherever the server puts it and by whatever names."""

from __future__ import annotations

import math
from typing import Any

from proxy.protocol.deltas import Usage
from proxy.providers.common.fields import count_of

_PROMPT = ("prompt_tokens", "input_tokens", "promptTokens", "inputTokens", "promptTokenCount", "prompt_eval_count")
_OUTPUT = (
    *("completion_tokens", "output_tokens", "completionTokens", "outputTokens", "candidatesTokenCount"),
    *("eval_count", "predicted_n"),
)
"""OpenAI's names, Anthropic's, those of SDKs in gateways, Gemini's, Ollama's, llama.cpp's."""


def usage_of(chunk: dict[str, Any]) -> Usage | None:
    """The counts in a chunk, None where it holds none that mean anything.

    `prompt_tokens` includes what was read from and written to caches. A count of nothing at all is none: gateways end
    with one after the true counts.
    """
    usage = _object(chunk)
    prompt, output = _count(usage, *_PROMPT), _count(usage, *_OUTPUT)
    if not prompt and not output:
        return None
    details = _mapping(usage, "prompt_tokens_details", "input_tokens_details")
    read = _count(details, "cached_tokens") or _count(
        usage, "prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens", "num_cached_tokens"
    )
    if not read:
        read = _count(_mapping(chunk, "timings"), "cache_n")  # llama.cpp
    written = _count(details, "cache_write_tokens", "cache_creation_tokens") or _count(
        usage, "cache_creation_input_tokens"
    )
    total = _count(usage, "total_tokens")
    if prompt is not None and output is not None and total and total > prompt + output:
        output = total - prompt  # servers that leave the reasoning out of completion_tokens
    spent = _mapping(usage, "completion_tokens_details", "output_tokens_details")
    return Usage(
        input=max(prompt - (read or 0) - (written or 0), 0) if prompt is not None else None,
        output=output,
        cache_read=read or 0,
        cache_write=written or 0,
        thinking=_count(spent, "reasoning_tokens") or None,
        cost=_cost(usage),
    )


def _cost(usage: dict[str, Any]) -> float | None:
    """OpenRouter's, in USD: what it has charged, and what the server behind it charges to a key of the user's own."""
    charged = _dollars(usage.get("cost"))
    if charged is None or usage.get("is_byok") is not True:
        return charged
    return charged + (_dollars(_mapping(usage, "cost_details").get("upstream_inference_cost")) or 0)


def _dollars(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < math.inf else None


def _object(chunk: dict[str, Any]) -> dict[str, Any]:
    """The usage of OpenAI's place, of Kimi's (in the choice), of gateways' (in the delta), of Groq's or of Gemini's.

    llama.cpp's `timings` tell as much where there is none; their `prompt_n` leaves out what came from the cache.
    """
    choices = chunk.get("choices")
    first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    places = (chunk, first, _mapping(first, "delta", "message"), _mapping(chunk, "x_groq"))
    usage = next((found for place in places if (found := _mapping(place, "usage"))), None)
    if usage or (usage := _mapping(chunk, "usageMetadata")):
        return usage
    timings = _mapping(chunk, "timings")
    return {**timings, "prompt_tokens": (_count(timings, "prompt_n") or 0) + (_count(timings, "cache_n") or 0)}


def _mapping(value: dict[str, Any], *keys: str) -> dict[str, Any]:
    return next((inner for key in keys if isinstance(inner := value.get(key), dict) and inner), {})


def _count(value: dict[str, Any], *keys: str) -> int | None:
    """The first that is a number of tokens."""
    counts = (count_of(_number(value.get(key))) for key in keys)
    return next((count for count in counts if count is not None), None)


def _number(value: Any) -> Any:
    """A number that came as text is one all the same."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16 else value
