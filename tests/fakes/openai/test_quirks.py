"""Each quirk of a compatible server refuses what it is there for, in that server's words, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.openai.bodies import IMAGE, RESULT, USER, asked, messages, tool, tools, user
from tests.fakes.openai.quirks import QUIRKS, compatible_refusal, details_signature, quirk_refusal

REPLAYED = messages(USER, asked("call_1"), RESULT)
THOUGHT = messages(USER, asked("call_1", reasoning_content=""), RESULT)
SYSTEM_LATER = messages(USER, {"role": "system", "content": "x"})
SYSTEM_FIRST = messages({"role": "system", "content": "x"}, USER)
SEEN = user(IMAGE)
NAMED = tools(tool(), tool_choice={"type": "function", "function": {"name": "Read"}})
SHORT_ID = {**RESULT, "tool_call_id": "abcDEF123"}
LONG_TEXT = messages({"role": "user", "content": "x" * 4 * 1100})


def signed(text: str, signature: str) -> dict[str, Any]:
    entry = {"type": "reasoning.text", "text": text, "signature": signature, "format": "anthropic-claude-v1"}
    return {"role": "assistant", "content": "x", "reasoning_details": [entry]}


# quirk -> what it refuses (with status and text), and what it lets pass
QUIRK_CASES: dict[str, tuple[list[tuple[dict[str, Any], int, str]], list[dict[str, Any]]]] = {
    "copilot": (
        [({"model": "gpt-5.3-codex"}, 400, "gpt-5.3-codex is not accessible via the /chat/completions endpoint")],
        [{"model": "gpt-5"}],
    ),
    "dashscope": ([({"max_tokens": 9000}, 400, "Range of max_tokens should be [1, 8192]")], [{"max_tokens": 8192}]),
    "glm": (
        [
            ({"reasoning_effort": "medium"}, 400, "Invalid API parameter"),
            ({"thinking": {"type": "disabled"}}, 400, "Invalid API"),
        ],
        [{"reasoning_effort": "max", "thinking": {"type": "enabled"}}],
    ),
    "groq": (
        [
            ({"reasoning_effort": "none"}, 400, "must be one of"),
            (THOUGHT, 400, "property 'reasoning_content' is unsupported"),
        ],
        [{"reasoning_effort": "low", **REPLAYED}],
    ),
    "kimi": (
        [
            (REPLAYED, 400, "reasoning_content is missing in assistant tool call message at index 1"),
            ({"thinking": {"type": "enabled"}, "reasoning_effort": "low"}, 400, "cannot specify both 'thinking' and"),
            ({"temperature": 0.5}, 400, "invalid temperature: only 1 is allowed"),
        ],
        [THOUGHT, {**REPLAYED, "thinking": {"type": "disabled"}}],
    ),
    "llamacpp_overflow": ([(LONG_TEXT, 400, "exceeds the available context size")], [{"max_tokens": 5000}]),
    "max_completion_tokens_unknown": (
        [({"max_completion_tokens": 9}, 422, "Extra inputs are not permitted")],
        [{"max_tokens": 9}],
    ),
    "max_tokens_unknown": (
        [({"max_tokens": 9}, 400, "Use 'max_completion_tokens' instead.")],
        [{"max_completion_tokens": 9}],
    ),
    "mistral": (
        [
            ({"stream_options": {}}, 422, "extra_forbidden"),
            (THOUGHT, 422, "reasoning_content"),
            (REPLAYED, 400, "Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9."),
            (messages(USER, asked("abcDEF123"), SHORT_ID, USER), 400, "Unexpected role 'user' after role 'tool'"),
            (messages(USER, {"role": "assistant", "content": "x"}), 400, "Expected last role User or Tool"),
        ],
        [messages(USER, asked("abcDEF123"), SHORT_ID, {"role": "assistant", "content": "x"}, USER)],
    ),
    "moonshot_schema": ([(tools(tool(properties={"a": {}})), 400, "type is not defined")], [tools(tool())]),
    "no_parallel_tool_calls": (
        [(tools(tool(), parallel_tool_calls=False), 400, "supplied: parallel_tool_calls")],
        [tools(tool())],
    ),
    "no_stream_options": (
        [({"stream_options": {"include_usage": True}}, 400, "supplied: stream_options")],
        [{"stream": True}],
    ),
    "no_system_role": (
        [(SYSTEM_FIRST, 400, "System role not supported"), (SYSTEM_LATER, 400, "System role not supported")],
        [messages(USER)],
    ),
    "openai_schemas": (
        [(tools(tool(properties={"a": {"type": "array"}})), 400, "array schema missing items")],
        [tools(tool(properties={"a": {"type": "array", "items": {}}}))],
    ),
    "openrouter": (
        [(messages(USER, signed("let me see", "sig-of-another"), USER), 400, "Provider returned error")],
        [messages(USER, signed("let me see", details_signature("let me see")), USER), THOUGHT],
    ),
    "reasoning_content_required": (
        [(REPLAYED, 400, "The `reasoning_content` in the thinking mode must be passed back to the API.")],
        [THOUGHT, {**REPLAYED, "thinking": {"type": "disabled"}}],
    ),
    "short_descriptions": (
        [
            (
                tools({**tool(), "function": {"name": "R", "description": "x" * 1025}}),
                400,
                "'tools[0].function.description': string too long",
            )
        ],
        [tools(tool())],
    ),
    "stream_unverified": (
        [({"stream": True}, 400, "Your organization must be verified to stream this model.")],
        [{"stream": False}],
    ),
    "string_content": ([(SEEN, 422, "invalid type: sequence, expected a string")], [REPLAYED]),
    "system_first": ([(SYSTEM_LATER, 500, "System message must be at the beginning.")], [SYSTEM_FIRST]),
    "text_only": ([(SEEN, 400, "unknown variant `image_url`, expected `text`")], [user({"type": "text", "text": "x"})]),
    "tool_choice_string": (
        [(NAMED, 400, "Invalid tool_choice type: 'object'")],
        [tools(tool(), tool_choice="required")],
    ),
    "user_query": (
        [(messages({"role": "system", "content": "x"}), 500, "No user query found in messages.")],
        [SYSTEM_FIRST],
    ),
    "vllm_overflow": (
        [
            (
                {"max_tokens": 64000},
                400,
                "'max_tokens' or 'max_completion_tokens' is too large: 64000. This model's maximum context length is "
                "1000 tokens and your request has 4 input tokens (64000 > 1000 - 4).",
            ),
            (LONG_TEXT, 400, "your prompt contains at least 1103 input tokens"),
        ],
        [{"max_tokens": 900}],
    ),
    "vllm_system_first": ([(SYSTEM_LATER, 400, "System message must be at the beginning.")], [SYSTEM_FIRST]),
}


def test_every_quirk_has_a_case() -> None:
    assert QUIRK_CASES.keys() == QUIRKS.keys()


@pytest.mark.parametrize("quirk", QUIRKS)
def test_quirks(quirk: str) -> None:
    refused_ones, taken = QUIRK_CASES[quirk]
    for change, status, text in refused_ones:
        body = {"model": "local", "messages": [USER], **change}
        assert compatible_refusal(body) is None
        refused = quirk_refusal(frozenset([quirk]), body, 1000)
        assert refused is not None
        assert (refused.status, text in refused.message) == (status, True), refused.message
    for change in taken:
        assert quirk_refusal(frozenset([quirk]), {"model": "local", "messages": [USER], **change}, 1000) is None
