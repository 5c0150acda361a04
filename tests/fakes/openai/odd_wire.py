"""Odd streams: framing, empty and foreign chunks, and where text and reasoning are kept."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.openai.odd_base import (
    OddStream,
    call,
    calls,
    chunk,
    final,
    joined,
    odd,
    text,
    tokens,
    torn,
    usage_body,
)
from tests.fakes.openai.replies import DONE, sse

_HELLO = ("text", "hello")
_THOUGHT = ("thinking", "let me see")
_ANSWER: list[Any] = [text("hello"), final("stop"), DONE]
_PLAIN = joined(chunk({"role": "assistant", "content": ""}), text("grün \U0001f600 日本"), final("stop"), DONE)
_PLAIN_TEXT = ("text", "grün \U0001f600 日本")

FRAMING: tuple[OddStream, ...] = (
    odd("one_write", "servers that buffer", [_PLAIN], _PLAIN_TEXT),
    odd("byte_by_byte", "any network: also in the middle of a UTF-8 character", torn(_PLAIN, 1), _PLAIN_TEXT),
    odd("torn_in_threes", "any network: also between the two line ends of an event", torn(_PLAIN, 3), _PLAIN_TEXT),
    odd("crlf", "servers on Windows, ASP.NET gateways", [_PLAIN.replace(b"\n", b"\r\n")], _PLAIN_TEXT),
    odd("crlf_torn", "the same, cut between CR and LF", torn(_PLAIN.replace(b"\n", b"\r\n"), 1), _PLAIN_TEXT),
    odd("no_space_after_colon", "many", [_PLAIN.replace(b"data: ", b"data:")], _PLAIN_TEXT),
    odd("no_blank_line_at_end", "many", [joined(*_ANSWER).removesuffix(b"\n\n")], _HELLO),
    odd(
        "no_blank_line_after_finish",
        "many, without [DONE]",
        [joined(text("hello"), final("stop")).removesuffix(b"\n\n")],
        _HELLO,
    ),
    odd(
        "comments",
        "OpenRouter",
        [b": OPENROUTER PROCESSING\n\n", b": OPENROUTER PROCESSING\n\n", *_ANSWER[:1], b": ping\n\n", *_ANSWER[1:]],
        _HELLO,
    ),
    odd(
        "ping_events",
        "proxies",
        [
            b"event: ping\n\n",
            b'event: ping\ndata: {"type": "ping"}\n\n',
            *_ANSWER[:1],
            b"event: ping\ndata:\n\n",
            *_ANSWER[1:],
        ],
        _HELLO,
    ),
    odd("empty_data", "proxies that keep the line alive", [b"data:\n\n", b"data: \n\n", *_ANSWER], _HELLO),
    odd("blank_lines", "proxies that keep the line alive", [b"\n\n\n", *_ANSWER[:1], b"\n\n", *_ANSWER[1:]], _HELLO),
    odd(
        "event_names_and_ids",
        "gateways built on an SSE library",
        [b"id: 1\nevent: message\nretry: 3000\n" + sse(text("hello")), *_ANSWER[1:]],
        _HELLO,
    ),
    odd(
        "unicode_line_separators",
        "every server that writes JSON without escapes: U+2028 and U+0085 end no line",
        [text("a\u2028b\u2029c\u0085d\u000be"), final("stop"), DONE],
        ("text", "a\u2028b\u2029c\u0085d\u000be"),
    ),
    odd(
        "json_instead_of_stream",
        "servers and gateways that ignore stream",
        [
            json.dumps(
                {
                    "id": "chatcmpl-odd",
                    "object": "chat.completion",
                    "choices": [
                        {
                            "index": 0,
                            "message": {
                                "role": "assistant",
                                "content": "hello",
                                "reasoning_content": "let me see",
                                "tool_calls": [call(id="call_1", name="Read", arguments='{"file_path": "a.py"}')],
                            },
                            "finish_reason": "tool_calls",
                        }
                    ],
                    "usage": usage_body(10, 3),
                }
            ).encode()
        ],
        _THOUGHT,
        _HELLO,
        ("tool", "Read", {"file_path": "a.py"}),
        usage=tokens(10, 3),
        content_type="application/json",
    ),
)

EMPTY: tuple[OddStream, ...] = (
    odd(
        "empty_deltas",
        "vmlx (jjang-ai/vmlx#219), Azure",
        [
            chunk({"role": "assistant"}),
            chunk({}),
            {**chunk(), "choices": [{"index": 0, "delta": None, "finish_reason": None}]},
            {**chunk(), "choices": [{"index": 0, "finish_reason": None}]},
            {**chunk(), "choices": None},
            {**chunk(), "choices": []},
            {"id": "chatcmpl-odd", "object": "chat.completion.chunk"},
            *_ANSWER,
        ],
        _HELLO,
    ),
    odd(
        "empty_tool_calls_beside_text",
        "Qwen on vLLM, one-api gateways",
        [
            chunk({"role": "assistant", "content": "hel", "tool_calls": []}),
            chunk({"content": "lo", "tool_calls": None, "function_call": None, "reasoning_content": None}),
            *_ANSWER[1:],
        ],
        _HELLO,
    ),
    odd(
        "azure_filters",
        "Azure (microsoft/autogen#6465)",
        [
            {
                "choices": [],
                "created": 0,
                "id": "",
                "model": "",
                "object": "",
                "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False}}}],
            },
            text("hello"),
            final("stop"),
            {
                **chunk(),
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": None,
                        "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}},
                        "content_filter_offsets": {"check_offset": 0, "start_offset": 0, "end_offset": 5},
                    }
                ],
            },
            DONE,
        ],
        _HELLO,
    ),
    odd(
        "role_on_every_chunk",
        "OpenRouter, Gemini's OpenAI endpoint",
        [chunk({"role": "assistant", "content": "hel"}), chunk({"role": "", "content": "lo"}), *_ANSWER[1:]],
        _HELLO,
    ),
    odd(
        "content_null",
        "vLLM",
        [chunk({"role": "assistant", "content": None}), *_ANSWER],
        _HELLO,
    ),
)


def _message(message: dict[str, object], finish: str | None = None, **choice: object) -> dict[str, object]:
    return {**chunk(), "choices": [{"index": 0, **choice, "message": message, "finish_reason": finish}]}


PLACES: tuple[OddStream, ...] = (
    odd(
        "content_parts",
        "gateways that keep the request's shape",
        [
            chunk({"content": [{"type": "text", "text": "hel"}]}),
            chunk({"content": [{"type": "text", "text": "l"}, {"type": "text", "text": "o"}]}),
            *_ANSWER[1:],
        ],
        _HELLO,
    ),
    odd(
        "thinking_parts",
        "Mistral's Magistral (BerriAI/litellm#16272)",
        [
            chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "let me "}]}]}),
            chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "see"}]}]}),
            *_ANSWER,
        ],
        _THOUGHT,
        _HELLO,
    ),
    odd(
        "message_instead_of_delta",
        "some gateways",
        [_message({"role": "assistant", "content": "hel"}), _message({"content": "lo"}, "stop"), DONE],
        _HELLO,
    ),
    odd(
        "final_message_repeats_text",
        "saberjack/SHTUCodeProxy#1: the last chunk carries the whole message",
        [text("hel"), text("lo"), _message({"role": "assistant", "content": "hello"}, "stop", delta={}), DONE],
        _HELLO,
    ),
    odd(
        "reasoning_content",
        "DeepSeek, GLM, Kimi, Qwen, old vLLM",
        [chunk({"reasoning_content": "let me "}), chunk({"reasoning_content": "see", "content": None}), *_ANSWER],
        _THOUGHT,
        _HELLO,
    ),
    odd(
        "reasoning",
        "Ollama, Groq, new vLLM",
        [chunk({"reasoning": "let me "}), chunk({"reasoning": "see", "content": ""}), *_ANSWER],
        _THOUGHT,
        _HELLO,
    ),
    odd(
        "reasoning_twice",
        "OpenRouter: the same text in `reasoning` and in `reasoning_details`",
        [
            chunk(
                {
                    "content": "",
                    "reasoning": piece,
                    "reasoning_details": [{"type": "reasoning.text", "text": piece, "format": "unknown", "index": 0}],
                }
            )
            for piece in ("let me ", "see")
        ]
        + _ANSWER,
        _THOUGHT,
        _HELLO,
    ),
    odd(
        "reasoning_under_both_names",
        "vLLM while it renamed the field",
        [chunk({"reasoning": piece, "reasoning_content": piece}) for piece in ("let me ", "see")] + _ANSWER,
        _THOUGHT,
        _HELLO,
    ),
    odd(
        "reasoning_details_only",
        "OpenRouter",
        [
            chunk({"reasoning_details": [{"type": "reasoning.summary", "summary": "let me ", "index": 0}]}),
            chunk({"reasoning_details": [{"type": "reasoning.text", "text": "see", "index": 0}]}),
            chunk({"reasoning_details": [{"type": "reasoning.encrypted", "data": "gAAAA", "index": 1}]}),
            *_ANSWER,
        ],
        _THOUGHT,
        _HELLO,
    ),
    odd(
        "reasoning_as_list_and_object",
        "gateways",
        [chunk({"reasoning_content": [{"text": "let me "}]}), chunk({"reasoning": {"text": "see"}}), *_ANSWER],
        _THOUGHT,
        _HELLO,
    ),
    odd(
        "reasoning_then_call",
        "DeepSeek, Kimi: no text at all",
        [
            chunk({"role": "assistant", "content": None, "reasoning_content": "let me see"}),
            calls(call(index=0, id="call_1", name="Read", arguments='{"file_path": "a.py"}')),
            final("tool_calls"),
            DONE,
        ],
        _THOUGHT,
        ("tool", "Read", {"file_path": "a.py"}),
    ),
    odd(
        "reasoning_and_text_in_one_chunk",
        "gateways at the border between the two",
        [chunk({"reasoning_content": "let me see", "content": "hel"}), text("lo"), *_ANSWER[1:]],
        _THOUGHT,
        _HELLO,
    ),
    odd(
        "think_tags",
        "llama.cpp and other local servers without a reasoning parser; tags torn between chunks",
        [text("<th"), text("ink>let me "), text("see</thi"), text("nk>hel"), text("lo"), *_ANSWER[1:]],
        _THOUGHT,
        _HELLO,
        think_tags=True,
    ),
)

WIRE = (*FRAMING, *EMPTY, *PLACES)
