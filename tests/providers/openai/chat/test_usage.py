"""Token counts, from wherever and in whatever form servers send them."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.protocol.deltas import Usage
from proxy.providers.openai.chat.usage import usage_of
from tests.fakes.openai.odd_base import chunk, usage_body, usage_chunk


def usage(input: int | None, output: int | None, read: int = 0, written: int = 0, thinking: int | None = None) -> Usage:
    return Usage(input=input, output=output, cache_read=read, cache_write=written, thinking=thinking)


@pytest.mark.parametrize(
    ("reported", "counted"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 3}, usage(10, 3)),
        ({"input_tokens": 10, "output_tokens": 3}, usage(10, 3)),
        ({"prompt_tokens": 10.0, "completion_tokens": 3.0}, usage(10, 3)),
        ({"prompt_tokens": "10", "completion_tokens": "3"}, usage(10, 3)),
        ({"promptTokens": 10, "completionTokens": 3}, usage(10, 3)),
        ({"inputTokens": 10, "outputTokens": 3}, usage(10, 3)),
        ({"prompt_eval_count": 10, "eval_count": 3}, usage(10, 3)),
        ({"prompt_tokens": 10, "completion_tokens": None}, usage(10, None)),
        (usage_body(10, 3, prompt_tokens_details={"cached_tokens": 4, "cache_write_tokens": 1}), usage(5, 3, 4, 1)),
        (usage_body(10, 3, prompt_cache_hit_tokens=4), usage(6, 3, 4)),
        (usage_body(10, 3, cached_tokens=4), usage(6, 3, 4)),
        (usage_body(10, 3, cache_read_input_tokens=4, cache_creation_input_tokens=2), usage(4, 3, 4, 2)),
        (usage_body(10, 3, completion_tokens_details={"reasoning_tokens": 2}), usage(10, 3, thinking=2)),
        ({**usage_body(10, 3), "total_tokens": 20}, usage(10, 10)),
        ({**usage_body(10, 3), "total_tokens": True}, usage(10, 3)),
        (usage_body(10, 3, prompt_tokens_details={"cached_tokens": True}), usage(10, 3)),
    ],
)
def test_counts(reported: dict[str, Any], counted: Usage) -> None:
    assert usage_of({**chunk(), "usage": reported}) == counted


@pytest.mark.parametrize(
    "reported",
    [
        *(None, {}, [], 7, "many", {"prompt_tokens": None}, {"prompt_tokens": True, "completion_tokens": False}),
        *({"prompt_tokens": "ten"}, {"prompt_tokens": -1}, {"prompt_tokens": 10**30}, {"prompt_tokens": 1.5}),
        *({"prompt_tokens": float("inf")}, usage_body(0, 0)),
    ],
    ids=repr,
)
def test_no_counts(reported: Any) -> None:
    assert usage_of({**chunk(), "usage": reported}) is None


@pytest.mark.parametrize(
    "reported",
    [
        usage_chunk(10, 3),
        {"choices": [{"index": 0, "usage": usage_body(10, 3)}]},
        {"choices": [], "usage": None, "x_groq": {"usage": usage_body(10, 3)}},
        chunk({"usage": usage_body(10, 3)}),
        {"choices": [{"index": 0, "message": {"usage": usage_body(10, 3)}}]},
        {"choices": [], "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 3}},
        {"choices": [], "timings": {"prompt_n": 10, "predicted_n": 3}},
    ],
    ids=["OpenAI", "Kimi", "Groq", "in the delta", "in the message", "Gemini", "llama.cpp"],
)
def test_places(reported: dict[str, Any]) -> None:
    assert usage_of(reported) == usage(10, 3)


def test_llama_cpp_without_usage() -> None:
    """Its `prompt_n` is without what came from the cache."""
    timings = {"cache_n": 4, "prompt_n": 6, "predicted_n": 3}
    assert usage_of({"choices": [], "timings": timings}) == usage(6, 3, 4)
    assert usage_of({"choices": [], "timings": timings, "usage": usage_body(11, 5)}) == usage(7, 5, 4)
