"""The words for the end of an answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.providers.common.finish import WORDS as TABLE
from proxy.providers.common.finish import finish

WORDS: dict[str, list[object]] = {
    "end": [
        "stop",
        "STOP",
        "end_turn",
        "stop_sequence",
        "COMPLETE",
        "eos",
        "eos_token",
        "FINISH_REASON_STOP",
        "pause_turn",
    ],
    "tool": ["tool_calls", "tool-calls", "toolUse", "TOOL_CALL", "function_call", "REASON_TOOL_CALLS"],
    "max_tokens": [
        *("length", "LENGTH", "max_tokens", "MAX_TOKENS", "maxTokens", "FinishReason.MAX_TOKENS", "max_output_tokens"),
        *("token_limit", "TOKEN_LIMIT", "CONTINUATION", "REASON_MAX_LEN", "max_new_tokens", "length_limit"),
    ],
    "context_window_exceeded": [
        *(
            "model_context_window_exceeded",
            "model_length",
            "REASON_MAX_CONTEXT",
            "ERROR_LIMIT",
            "context_length_exceeded",
        ),
        *("context_limit", "max_context_length"),
    ],
    "refusal": [
        *("content_filter", "content-filter", "CONTENT_FILTERED", "guardrail_intervened", "refusal", "sensitive"),
        *("SAFETY", "safety", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE", "MODEL_ARMOR"),
        *("IMAGE_SAFETY", "PUP_LIMITED_DISABLED", "ERROR_TOXIC", "moderation", "policy_violation"),
    ],
    "broken": [
        *("error", "ERROR", "network_error", "insufficient_system_resource", "abort", "aborted", "cancelled", "failed"),
        *("MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "MISSING_THOUGHT_SIGNATURE", "malformed_tool_use"),
        *("USER_CANCEL", "timeout", "TIME_LIMIT", "load", "upstream_error", "internal server error", "timed_out"),
    ],
    "unknown": ["", " ", "OTHER", "FINISH_REASON_UNSPECIFIED", "NO_IMAGE", "brand_new", "null", None, 7, ["stop"]],
}


@pytest.mark.parametrize(("kind", "word"), [(kind, word) for kind, words in WORDS.items() for word in words])
def test_words(kind: str, word: object) -> None:
    assert finish(word) == kind


def test_no_word_stands_twice() -> None:
    words = [word for words in TABLE.values() for word in words]
    assert len(words) == len(set(words))


@pytest.mark.parametrize("word", [word for words in TABLE.values() for word in words])
def test_each_row_is_found_in_any_spelling(word: str) -> None:
    kind = finish(word)
    head, *tail = word.split("_")
    camel = head + "".join(part.title() for part in tail)
    for spelling in (word.upper(), word.replace("_", "-"), camel, f"FINISH_REASON_{word.upper()}", f" {word} "):
        assert finish(spelling) == kind


@given(st.text() | st.none() | st.integers())
def test_any_word(word: object) -> None:
    assert finish(word) in WORDS
