"""Prompts that do not fit: every server says so in words of its own, and clients recover from Anthropic's only."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocol.patterns import OUTPUT_TOO_LONG, PROMPT_TOO_LONG
from tests.providers.openai.failures import LONG, RATE_LIMIT, flat, openai, told


def maximum(window: int, rest: str, subject: str = "This model's") -> str:
    return f"{subject} maximum context length is {window} tokens. However, {rest}"


LMSTUDIO = "Try to load the model with a larger context length, or provide a shorter input"
PROMPTS: list[Any] = [
    pytest.param(
        400,
        openai(
            maximum(128000, "your messages resulted in 140004 tokens. Please reduce the length of the messages."), LONG
        ),
        (140004, 128000),
        id="OpenAI",
    ),
    pytest.param(
        400,
        openai(
            "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in"
            " 300100 tokens. Please reduce the length of the messages.",
            LONG,
        ),
        (300100, 272000),
        id="OpenAI GPT-5",
    ),
    pytest.param(
        400,
        openai(maximum(8192, "you requested 9256 tokens (9064 in the messages, 192 in the completion).")),
        (9064, 8192),
        id="OpenAI older, DeepSeek, vLLM older",
    ),
    pytest.param(
        400,
        openai("Your input exceeds the context window of this model. Please adjust your input and try again.", LONG),
        None,
        id="OpenAI Responses",
    ),
    pytest.param(
        400,
        flat(
            maximum(
                131072,
                "you requested 4096 output tokens and your prompt contains at least 134145 input "
                "tokens, for a total of at least 138241 tokens. (parameter=input_tokens, "
                "value=134145)",
            )
        ),
        (134145, 131072),
        id="vLLM",
    ),
    pytest.param(
        400,
        flat(
            "You passed 140000 input tokens and requested 4096 output tokens. However, the "
            "model's context length is only 131072 tokens, resulting in a maximum input length of"
            " 126976 tokens."
        ),
        (140000, 131072),
        id="vLLM 2026",
    ),
    pytest.param(
        400,
        flat(
            maximum(
                16384,
                "you requested 4096 output tokens and your prompt contains at least 12289 input "
                "tokens, for a total of at least 16385 tokens.",
            )
        ),
        None,
        id="vLLM, which stopped counting",
    ),
    pytest.param(
        400,
        flat(
            "You passed 98305 input tokens and requested 32768 output tokens. However, the "
            "model's context length is only 131072 tokens, resulting in a maximum input length of"
            " 98304 tokens."
        ),
        None,
        id="vLLM 2026, which stopped counting",
    ),
    pytest.param(
        400,
        {
            "error": {
                "code": 400,
                "message": "the request exceeds the available context size, try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 5120,
                "n_ctx": 4096,
            }
        },
        (5120, 4096),
        id="llama.cpp",
    ),
    pytest.param(
        400,
        {
            "error": {
                "code": 400,
                "message": "request (5120 tokens) exceeds the available context size (4096 tokens), try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 5120,
                "n_ctx": 4096,
            }
        },
        (5120, 4096),
        id="llama.cpp 2026",
    ),
    pytest.param(
        500,
        {"error": {"code": 500, "message": "Context size has been exceeded.", "type": "server_error"}},
        None,
        id="llama.cpp while it generates",
    ),
    pytest.param(
        400,
        {
            "error": f"Trying to keep the first 15857 tokens when context the overflows. However, the model"
            f" is loaded with context length of only 4096 tokens, which is not enough. {LMSTUDIO}"
        },
        (15857, 4096),
        id="LM Studio",
    ),
    pytest.param(
        400,
        {
            "error": f"The number of tokens to keep from the initial prompt is greater than the context "
            f"length (n_keep: 4162>= n_ctx: 4096). {LMSTUDIO}."
        },
        (4162, 4096),
        id="LM Studio 2026",
    ),
    pytest.param(
        400, {"error": "Cannot truncate prompt with n_keep (15028) >= n_ctx (7424)"}, (15028, 7424), id="LM Studio, MLX"
    ),
    pytest.param(
        400,
        openai(
            maximum(
                65536,
                "you requested about 141100 tokens (141000 of text input, 100 in the output). Please "
                "reduce the length of either one.",
                "This endpoint's",
            )
        ),
        (141000, 65536),
        id="OpenRouter",
    ),
    pytest.param(
        400,
        openai(
            maximum(
                200000,
                "you requested about 5028244 tokens (4945291 of text input, 2953 of tool input, 80000 in the output).",
                "This endpoint's",
            )
        ),
        (4948244, 200000),
        id="OpenRouter with tools",
    ),
    pytest.param(
        400,
        flat(
            "Prompt contains 40086 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
            "invalid_request_prompt",
            "3051",
        ),
        (40086, 32768),
        id="Mistral",
    ),
    pytest.param(
        400, openai("Please reduce the length of the messages or completion.", LONG, param="messages"), None, id="Groq"
    ),
    pytest.param(
        413,
        openai(
            "Request too large for model `llama-3.3-70b-versatile` in organization `org_x` "
            "service tier `on_demand` on tokens per minute (TPM): Limit 12000, Requested 14137, "
            "please reduce your message size and try again.",
            "rate_limit_exceeded",
            "tokens",
        ),
        (14137, 12000),
        id="Groq, more than a minute's allowance",
    ),
    pytest.param(
        429,
        openai(
            "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 342389."
            " The input or output tokens must be reduced in order to run successfully.",
            "rate_limit_exceeded",
            "tokens",
        ),
        (342389, 30000),
        id="OpenAI, more than a minute's allowance",
    ),
    pytest.param(
        400,
        openai(
            "Please reduce the length of the messages or completion. Current length is 42328 while limit is 40000", LONG
        ),
        (42328, 40000),
        id="Cerebras",
    ),
    pytest.param(
        400,
        openai("This model's maximum prompt length is 131072 but the request contains 537812 tokens."),
        (537812, 131072),
        id="xAI",
    ),
    pytest.param(
        400,
        openai("Invalid request: Your request exceeded model token limit: 262144 (requested: 262879)"),
        (262879, 262144),
        id="Kimi",
    ),
    pytest.param(
        400,
        openai("The input (516368 tokens) is longer than the model's context length (262144 tokens)."),
        (516368, 262144),
        id="Together, sglang",
    ),
    pytest.param(
        400,
        openai("Input length (265330) exceeds model's maximum context length (262144)."),
        (265330, 262144),
        id="sglang",
    ),
    pytest.param(
        400,
        openai("Input length 300000 exceeds the maximum allowed input length of 262144 tokens."),
        (300000, 262144),
        id="Poolside",
    ),
    pytest.param(
        400,
        openai("prompt token count of 130301 exceeds the limit of 128000", "model_max_prompt_tokens_exceeded"),
        (130301, 128000),
        id="Copilot",
    ),
    pytest.param(
        400,
        openai("Prompt has 300,000 tokens, but the configured context size is 131,072 tokens"),
        (300000, 131072),
        id="with thousands marked",
    ),
    pytest.param(
        400,
        openai(
            "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 129024]",
            "invalid_parameter_error",
        ),
        None,
        id="DashScope",
    ),
    pytest.param(400, openai("invalid params, context window exceeds limit (2013)", None), None, id="MiniMax"),
    pytest.param(400, {"error": {"code": "1261", "message": "Prompt exceeds max length"}}, None, id="Z.ai"),
    pytest.param(400, openai("prompt too long; exceeded max context length by 4096 tokens"), None, id="Ollama"),
    pytest.param(
        400,
        [
            {
                "error": {
                    "code": 400,
                    "message": "The input token count (1196265) exceeds the maximum number of tokens allowed "
                    "(1048575).",
                }
            }
        ],
        (1196265, 1048575),
        id="Gemini's OpenAI endpoint",
    ),
    pytest.param(
        400,
        openai("prompt is too long: 213462 tokens > 200000 maximum"),
        (213462, 200000),
        id="Claude behind a gateway",
    ),
]


@pytest.mark.parametrize(("status", "body", "numbers"), PROMPTS)
def test_prompts_that_are_too_long(status: int, body: Any, numbers: tuple[int, int] | None) -> None:
    """CASES-78"""
    error = told(status, body)
    assert (error.status, error.type) == (400, "invalid_request_error")
    assert "prompt is too long" in error.message
    found = PROMPT_TOO_LONG.search(error.message)
    assert (found and (int(found[1]), int(found[2]))) == numbers
    assert (error.retry_after, error.should_retry) == (None, None)


OUTPUTS: list[Any] = [
    pytest.param(
        openai(maximum(8192, "you requested 8256 tokens (64 in the messages, 8192 in the completion).")),
        (64, 8192, 8192),
        id="CASES-79 OpenAI older, DeepSeek, vLLM older",
    ),
    pytest.param(
        flat(
            "'max_tokens' or 'max_completion_tokens' is too large: 64000. This model's maximum context length is 64001 "
            "tokens and your request has 24235 input tokens (64000 > 64001 - 24235)."
        ),
        (24235, 64000, 64001),
        id="CASES-79 vLLM",
    ),
    pytest.param(
        openai(maximum(131072, "you requested about 139907 tokens (81253 of text input, 58654 in the output).")),
        (81253, 58654, 131072),
        id="CASES-79 OpenRouter",
    ),
    pytest.param(
        openai(
            maximum(
                131072,
                "you requested about 141361 tokens (107261 of text input, 2100 of tool input, 32000 in the output).",
            )
        ),
        (109361, 32000, 131072),
        id="CASES-79 OpenRouter with tools",
    ),
]


@pytest.mark.parametrize(("body", "numbers"), OUTPUTS)
def test_outputs_that_are_too_long(body: Any, numbers: tuple[int, int, int]) -> None:
    error = told(400, body)
    found = OUTPUT_TOO_LONG.search(error.message)
    assert found is not None, error.message
    assert tuple(map(int, found.groups())) == numbers


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, openai("max_tokens is too large: 32000. This model supports at most 16384 completion tokens.")),
        (429, openai(RATE_LIMIT.format("20s"), "rate_limit_exceeded", "tokens")),
        (400, openai("Invalid 'tools': array too long. Expected an array with maximum length 128.")),
        (400, openai("Invalid 'user': string too long.")),
        (413, b"Request Entity Too Large"),
    ],
)
def test_other_things_that_are_too_large(status: int, body: Any) -> None:
    assert "prompt is too long" not in told(status, body).message
