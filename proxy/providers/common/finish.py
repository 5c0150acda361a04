"""Why an answer ended: one table of the words of all vendors.

Gateways hand on the words of the vendor behind them, in their own spelling or not, so every reader of an answer looks
here: `MAX_TOKENS` in a chat chunk means what it means in one of Gemini's.
"""

from __future__ import annotations

import re
from typing import Literal

FinishKind = Literal["end", "tool", "max_tokens", "context_window_exceeded", "refusal", "broken", "unknown"]
"""`end` and `tool`: the model was done (what it called decides, not the word). `max_tokens` and
`context_window_exceeded`: it had more to say. `refusal`: a filter or the model itself refused. `broken`: the server or
the model failed, and asking again may help. `unknown`: no normal end unless something was said."""

WORDS: dict[FinishKind, dict[str, str]] = {
    "end": {
        "stop": "OpenAI, Gemini and nearly all others",
        "stop_sequence": "Anthropic, Bedrock, Cohere, TGI, watsonx",
        "end_turn": "Anthropic, Bedrock",
        "pause_turn": "Anthropic: a loop of server tools that no other client can resume",
        "compaction": "Anthropic (beta compact-2026-01-12)",
        "eos": "llama.cpp, Together",
        "eos_token": "TGI, watsonx",
        "word": "llama.cpp's own API: a stop word",
        "complete": "Cohere",
        "completed": "OpenAI Responses (status)",
        "finish": "Bedrock (Titan)",
        "stop_criteria_met": "Bedrock (Titan)",
        "endoftext": "AI21",
        "done": "gateways in front of Ollama",
    },
    "tool": {
        "tool_calls": "OpenAI and nearly all others",
        "tool_call": "Cohere",
        "tool_use": "Anthropic, Bedrock",
        "function_call": "OpenAI's older API",
        "function_calls": "gateways",
    },
    "max_tokens": {
        "length": "OpenAI and nearly all others",
        "max_tokens": "Anthropic, Gemini, Cohere, watsonx",
        "max_output_tokens": "OpenAI Responses (incomplete_details)",
        "max_completion_tokens": "gateways, after OpenAI's parameter",
        "max_length": "Bedrock (Jurassic)",
        "max_len": "xAI (gRPC)",
        "limit": "llama.cpp's own API",
        "token_limit": "watsonx",
        "output_token_limit": "gateways",
        "continuation": "Gemini: the answer goes on in another request",
    },
    "context_window_exceeded": {
        "model_context_window_exceeded": "Anthropic, Bedrock, GLM",
        "context_window_exceeded": "gateways",
        "context_length_exceeded": "gateways, after OpenAI's error code",
        "context_length": "gateways",
        "model_length": "Mistral",
        "max_context": "xAI (gRPC)",
        "error_limit": "Cohere: the context is full",
    },
    "refusal": {
        "content_filter": "OpenAI, Azure, OpenAI Responses (incomplete_details)",
        "content_filtered": "Bedrock",
        "refusal": "Anthropic",
        "guardrail_intervened": "Bedrock",
        "sensitive": "GLM",
        "error_toxic": "Cohere",
        "safety": "Gemini",
        "recitation": "Gemini",
        "language": "Gemini",
        "blocklist": "Gemini",
        "prohibited_content": "Gemini",
        "spii": "Gemini",
        "model_armor": "Gemini on Vertex AI",
        "escalation": "Gemini",
        "jailbreak": "Gemini (blockReason)",
        "image_safety": "Gemini",
        "image_prohibited_content": "Gemini",
        "image_recitation": "Gemini",
        "pup_limited_disabled": "Gemini",
        "data_inspection_failed": "Qwen on DashScope",
    },
    "broken": {
        "error": "OpenRouter, Mistral, Cohere, vLLM, watsonx",
        "network_error": "GLM (earendil-works/pi#2313)",
        "insufficient_system_resource": "DeepSeek",
        "abort": "vLLM, sglang",
        "aborted": "gateways in front of vLLM",
        "repetition": "vLLM: the model went round in circles",
        "cancelled": "OpenAI Responses (status), watsonx",
        "canceled": "gateways",
        "user_cancel": "Cohere",
        "failed": "OpenAI Responses (status)",
        "incomplete": "OpenAI Responses (status, where no reason stands beside it)",
        "not_finished": "watsonx",
        "timeout": "Cohere, gateways",
        "time_limit": "watsonx, xAI (gRPC)",
        "load": "Ollama: it has loaded the model and answered nothing",
        "unload": "Ollama: it has unloaded the model",
        "malformed_function_call": "Gemini",
        "unexpected_tool_call": "Gemini",
        "too_many_tool_calls": "Gemini",
        "malformed_response": "Gemini",
        "missing_thought_signature": "Gemini",
        "malformed_model_output": "Bedrock",
        "malformed_tool_use": "Bedrock",
    },
    "unknown": {
        "unspecified": "Gemini (FINISH_REASON_UNSPECIFIED)",
        "other": "Gemini, gateways",
        "image_other": "Gemini",
        "no_image": "Gemini",
        "unknown": "Vercel's AI SDK, gateways",
        "null": "gateways that write the word",
        "none": "llama.cpp's own API",
        "invalid": "xAI (gRPC)",
    },
}
"""Each word in lower case, and who says it."""
_KINDS = {word: kind for kind, words in WORDS.items() for word in words}
_PARTS: tuple[tuple[re.Pattern[str], FinishKind], ...] = (
    (re.compile("filter|safety|sensitive|prohibited|moderat|policy|blocked|refus|guardrail|toxic"), "refusal"),
    (re.compile("context"), "context_window_exceeded"),
    (re.compile("error|fail|abort|cancel|timed?_?out|interrupt|malformed|exception|overload|unavailable"), "broken"),
    (re.compile("max_?(new_|output_|completion_)?(token|len)|length|token_limit|limit_reached"), "max_tokens"),
)
"""What a word that is not in the table means by one of its parts; the first that fits."""
_PREFIXES = ("finish_reason_", "finishreason_", "reason_", "stop_reason_")
_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[\s.:/-]+")


def finish(word: object) -> FinishKind:
    """The kind of end that a vendor's word means, in upper, lower or camel case, with or without its enum's name."""
    if not isinstance(word, str):
        return "unknown"
    plain = _BORDER.sub("_", word.strip()[:100]).lower()
    for prefix in _PREFIXES:
        plain = plain.removeprefix(prefix)
    if plain in _KINDS:
        return _KINDS[plain]
    return next((kind for part, kind in _PARTS if part.search(plain)), "unknown")
