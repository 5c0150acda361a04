"""Odd streams: how they end, fail and count."""

from __future__ import annotations

import json

from tests.fakes.openai.odd_base import OddStream, call, calls, chunk, final, odd, text, tokens, usage_body, usage_chunk
from tests.fakes.openai.replies import DONE

_READ = ("tool", "Read", {"file_path": "a.py"})
_READ_BROKEN = ("tool", "Read", None)
_HELLO = ("text", "hello")
_CALL = calls(call(index=0, id="call_1", name="Read", arguments='{"file_path": "a.py"}'))
_HALF_CALL = calls(call(index=0, id="call_1", name="Read", arguments='{"file_pa'))

FINISHES: tuple[OddStream, ...] = (
    odd(
        "stop_with_tool_call",
        "gpt-4o with a forced tool, Ollama, Gemini's OpenAI endpoint, vLLM with a named tool",
        [_CALL, final("stop"), DONE],
        _READ,
    ),
    odd(
        "function_call_with_tool_call",
        "servers that kept the name of the older API",
        [_CALL, final("function_call"), DONE],
        _READ,
    ),
    odd(
        "tool_calls_without_call",
        "gateways (jasonxu114514/opencode2api#27)",
        [text("hello"), final("tool_calls"), DONE],
        _HELLO,
    ),
    odd(
        "finish_empty_string",
        "old Ollama (ollama/ollama#4357)",
        [text("hello", ""), text(" you", ""), DONE],
        ("text", "hello you"),
    ),
    odd("finish_eos", "text-generation servers", [text("hello"), final("eos"), DONE], _HELLO),
    odd("finish_null_with_done", "many", [text("hello"), DONE], _HELLO),
    odd("finish_null_with_done_after_call", "many", [_CALL, DONE], _READ),
    odd("finish_null_with_done_inside_call", "many", [_HALF_CALL, DONE], _READ_BROKEN, finish="error"),
    odd("finish_without_done", "many gateways", [text("hello"), final("stop")], _HELLO),
    odd("finish_without_done_after_call", "many gateways", [_CALL, final("tool_calls")], _READ),
    odd(
        "finish_and_content_in_one_chunk",
        "Gemma on Vertex, by LiteLLM's account",
        [text("hel"), text("lo", "stop"), DONE],
        _HELLO,
    ),
    odd("length", "all", [text("hello"), final("length"), DONE], _HELLO, finish="max_tokens"),
    odd(
        "length_inside_call",
        "all (router-for-me/CLIProxyAPI#5836)",
        [_HALF_CALL, final("length"), DONE],
        _READ_BROKEN,
        finish="max_tokens",
    ),
    odd(
        "length_before_arguments",
        "all: the name had come, not one character of the arguments",
        [calls(call(index=0, id="call_1", name="Read", arguments="")), final("length"), DONE],
        _READ_BROKEN,
        finish="max_tokens",
    ),
    odd(
        "content_filter",
        "OpenAI, Azure",
        [text("hello"), final("content_filter"), DONE],
        _HELLO,
        finish="refusal",
    ),
    odd(
        "refusal_field",
        "OpenAI",
        [chunk({"refusal": "I cannot "}), chunk({"refusal": "do that."}), final("stop"), DONE],
        ("text", "I cannot do that."),
        finish="refusal",
    ),
    odd(
        "answer_without_content",
        "all: the model had nothing to say",
        [chunk({"role": "assistant"}), final("stop"), DONE],
        ("text", "[The model ended its turn without saying anything.]"),
        asked_again=True,
    ),
)

CUTS: tuple[OddStream, ...] = (
    odd("clean_end_inside_text", "Ollama (ollama/ollama#17118)", [text("hello")], _HELLO, finish="error"),
    odd("clean_end_inside_call", "anomalyco/opencode#44385", [_HALF_CALL], _READ_BROKEN, finish="error"),
    odd("clean_end_after_whole_call", "anomalyco/opencode#44385", [_CALL], _READ_BROKEN, finish="error"),
    odd("broken_connection_inside_text", "any network", [text("hello")], _HELLO, finish="error", cut=True),
    odd("broken_connection_inside_call", "any network", [_HALF_CALL], _READ_BROKEN, finish="error", cut=True),
    odd(
        "broken_connection_inside_event",
        "any network",
        [text("hello"), b'data: {"choices":[{"ind'],
        _HELLO,
        finish="error",
        cut=True,
    ),
    odd("empty_body", "diegosouzapw/OmniRoute#13285", [], finish="error"),
    odd("only_done", "diegosouzapw/OmniRoute#13285", [DONE], finish="error"),
    odd("only_comments", "proxies that time out", [b": ping\n\n", b": ping\n\n"], finish="error"),
)


def _error(**error: object) -> dict[str, object]:
    return {"error": error}


ERRORS: tuple[OddStream, ...] = (
    odd(
        "error_first",
        "GLM behind gateways (ding113/claude-code-hub#649)",
        [_error(code="1302", message="High concurrency usage of this API"), DONE],
        finish="error",
        error="High concurrency",
    ),
    odd(
        "error_as_string",
        "servers whose errors are strings, such as LM Studio",
        [{"error": "Model unloaded"}],
        finish="error",
        error="Model unloaded",
    ),
    odd(
        "error_in_the_middle",
        "vLLM",
        [
            text("hello"),
            _error(message="Internal server error", type="InternalServerError", param=None, code=500),
            DONE,
        ],
        _HELLO,
        finish="error",
        error="Internal server error",
    ),
    odd(
        "error_flat",
        "old vLLM",
        [text("hello"), {"object": "error", "message": "EngineDeadError", "type": "InternalServerError", "code": 500}],
        _HELLO,
        finish="error",
        error="EngineDeadError",
    ),
    odd(
        "error_beside_finish",
        "OpenRouter",
        [
            text("hello"),
            {**final("error"), **_error(code=502, message="Provider disconnected")},
            DONE,
        ],
        _HELLO,
        finish="error",
        error="Provider disconnected",
    ),
    odd(
        "error_with_no_choices",
        "OpenRouter (diegosouzapw/OmniRoute#8210)",
        [
            {**chunk(), "choices": [], **_error(code=502, message="Worker local total request limit reached (33/32)")},
            DONE,
        ],
        finish="error",
        error="request limit reached",
    ),
    odd("finish_error", "OpenRouter", [text("hello"), final("error"), DONE], _HELLO, finish="error"),
    odd(
        "error_event",
        "gateways that name their events",
        [text("hello"), b'event: error\ndata: {"message": "upstream timed out", "type": "timeout"}\n\n'],
        _HELLO,
        finish="error",
        error="upstream timed out",
    ),
    odd(
        "error_inside_call",
        "OpenRouter (damianvtran/local-operator#223)",
        [_HALF_CALL, {**final("error"), **_error(code=502, message="Provider disconnected")}, DONE],
        _READ_BROKEN,
        finish="error",
        error="Provider disconnected",
    ),
    odd(
        "json_error_with_200",
        "gateways",
        [json.dumps(_error(message="invalid model", type="invalid_request_error", code=None)).encode()],
        finish="error",
        error="invalid model",
        content_type="application/json",
    ),
    odd(
        "html_with_200",
        "a base_url that points at a web page",
        [b"<!doctype html><html><body>Sign in to continue</body></html>"],
        finish="error",
        content_type="text/html; charset=utf-8",
    ),
)

USAGE: tuple[OddStream, ...] = (
    odd(
        "usage_in_last_chunk",
        "OpenAI",
        [
            text("hello", usage=None),
            final("stop"),
            usage_chunk(100, 7, prompt_tokens_details={"cached_tokens": 60, "cache_write_tokens": 10}),
            DONE,
        ],
        _HELLO,
        usage=tokens(30, 7, 60, 10),
    ),
    odd(
        "usage_cumulative",
        "vLLM with continuous_usage_stats, SiliconFlow",
        [
            text("hel", usage=usage_body(10, 1)),
            text("lo", usage=usage_body(10, 2)),
            {**final("stop"), "usage": usage_body(10, 3)},
            usage_chunk(10, 3),
            DONE,
        ],
        _HELLO,
        usage=tokens(10, 3),
    ),
    odd(
        "usage_null_after_the_number",
        "gateways: the last chunk takes nothing back",
        [text("hello"), {**final("stop"), "usage": usage_body(10, 3)}, {**usage_chunk(0, 0), "usage": None}, DONE],
        _HELLO,
        usage=tokens(10, 3),
    ),
    odd(
        "usage_in_finish_chunk",
        "DeepSeek, Mistral",
        [text("hello"), {**final("stop"), "usage": usage_body(10, 3)}, DONE],
        _HELLO,
        usage=tokens(10, 3),
    ),
    odd(
        "usage_in_choice",
        "Kimi (earendil-works/pi#2017)",
        [
            text("hello"),
            {
                **chunk(),
                "choices": [
                    {"index": 0, "delta": {}, "finish_reason": "stop", "usage": usage_body(10, 3, cached_tokens=4)}
                ],
            },
            DONE,
        ],
        _HELLO,
        usage=tokens(6, 3, 4),
    ),
    odd(
        "usage_of_groq",
        "Groq",
        [text("hello"), {**final("stop"), "x_groq": {"id": "req_1", "usage": usage_body(10, 3)}}, DONE],
        _HELLO,
        usage=tokens(10, 3),
    ),
    odd(
        "usage_of_deepseek",
        "DeepSeek",
        [
            text("hello"),
            final("stop"),
            usage_chunk(10, 3, prompt_cache_hit_tokens=8, prompt_cache_miss_tokens=2),
            DONE,
        ],
        _HELLO,
        usage=tokens(2, 3, 8),
    ),
    odd(
        "usage_without_reasoning",
        "Gemini's OpenAI endpoint: the total holds reasoning that completion_tokens leaves out",
        [text("hello"), {**final("stop"), "usage": {**usage_body(10, 5), "total_tokens": 40}}, DONE],
        _HELLO,
        usage=tokens(10, 30),
    ),
    odd("usage_never", "many local servers", [text("hello"), final("stop"), DONE], _HELLO),
)

ENDINGS = (*FINISHES, *CUTS, *ERRORS, *USAGE)
