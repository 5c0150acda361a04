"""Odd Responses streams: how they end, fail and count."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.openai.odd_base import OddStream, odd, tokens
from tests.fakes.openai.replies import sse
from tests.fakes.responses.odd_base import (
    COMPLETED,
    HELLO,
    READ,
    START,
    added,
    arguments,
    call,
    done,
    event,
    lifecycle,
    message,
    reasoning,
    summary,
    text,
    usage,
)
from tests.fakes.responses.replies import error_of, named

_HELLO = ("text", "hello")
_READ_BROKEN = ("tool", "Read", None)
_HALF_TEXT = (*START, added(message()), text("hello"))
_HALF_CALL = (*START, added(call()), arguments(READ[:10]))
_CUT_SHORT = {"incomplete_details": {"reason": "max_output_tokens"}}

FINISHES: tuple[OddStream, ...] = (
    odd(
        "max_output_tokens",
        "OpenAI",
        [*START, *HELLO, lifecycle("incomplete", message("hello"), **_CUT_SHORT)],
        _HELLO,
        finish="max_tokens",
    ),
    odd(
        "max_output_tokens_inside_call",
        "OpenAI",
        [
            *_HALF_CALL,
            event("function_call_arguments.done", item_id="fc_1", output_index=0, arguments=READ[:10]),
            done({**call(READ[:10]), "status": "incomplete"}),
            lifecycle("incomplete", **_CUT_SHORT),
        ],
        _READ_BROKEN,
        finish="max_tokens",
    ),
    odd(
        "max_output_tokens_while_reasoning",
        "OpenAI: nothing was said yet",
        [*START, added(reasoning()), done(reasoning()), lifecycle("incomplete", reasoning(), **_CUT_SHORT)],
        finish="max_tokens",
    ),
    odd(
        "content_filter",
        "OpenAI, Azure",
        [*_HALF_TEXT, lifecycle("incomplete", incomplete_details={"reason": "content_filter"})],
        _HELLO,
        finish="refusal",
    ),
    odd(
        "refusal_part",
        "OpenAI",
        [
            *START,
            added(message()),
            event("refusal.delta", item_id="msg_1", output_index=0, content_index=0, delta="I cannot "),
            event("refusal.delta", item_id="msg_1", output_index=0, content_index=0, delta="do that."),
            event("refusal.done", item_id="msg_1", output_index=0, content_index=0, refusal="I cannot do that."),
            done({**message(), "content": [{"type": "refusal", "refusal": "I cannot do that."}]}),
            lifecycle("completed"),
        ],
        ("text", "I cannot do that."),
        finish="refusal",
    ),
    odd(
        "answer_without_output",
        "OpenAI: the model had nothing to say; the client is told so once asking again was in vain",
        [*START, lifecycle("completed")],
        ("text", "[The model ended its turn without saying anything.]"),
    ),
)

CUTS: tuple[OddStream, ...] = (
    odd("clean_end_inside_text", "Ollama (ollama/ollama#17118)", _HALF_TEXT, _HELLO, finish="error"),
    odd(
        "clean_end_inside_reasoning",
        "Ollama (ollama/ollama#17118)",
        [*START, added(reasoning()), summary("let me see")],
        ("thinking", "let me see"),
        finish="error",
    ),
    odd("clean_end_inside_call", "anomalyco/opencode#44385", _HALF_CALL, _READ_BROKEN, finish="error"),
    odd(
        "clean_end_after_whole_call",
        "any gateway",
        [*_HALF_CALL, arguments(READ[10:]), done(call(READ))],
        _READ_BROKEN,
        finish="error",
    ),
    odd("clean_end_after_start", "any gateway", START, finish="error"),
    odd("empty_body", "any gateway", [], finish="error"),
    odd("broken_connection_inside_text", "any network", _HALF_TEXT, _HELLO, finish="error", cut=True),
    odd("broken_connection_inside_call", "any network", _HALF_CALL, _READ_BROKEN, finish="error", cut=True),
    odd("broken_connection_after_start", "any network", START, finish="error", cut=True),
)


def _failed(code: str, message: str) -> bytes:
    return lifecycle("failed", error={"code": code, "message": message})


_LIMIT = (
    "Rate limit reached for gpt-5.1 in organization org-AAA on tokens per min (TPM): Limit 30000, Used 22999, "
    "Requested 12528. Please try again in 11.054s."
)
_OVERFLOW = "Your input exceeds the context window of this model. Please adjust your input and try again."
_SERVER = "The server had an error while processing your request. Sorry about that!"


def _error(**fields: Any) -> bytes:
    return named({"type": "error", **fields})


ERRORS: tuple[OddStream, ...] = (
    odd("failed_first", "OpenAI", [_failed("rate_limit_exceeded", _LIMIT)], finish="error", error="Rate limit reached"),
    odd(
        "failed_after_start",
        "OpenAI",
        [*START, _failed("server_error", _SERVER)],
        finish="error",
        error="The server had an error",
    ),
    odd(
        "failed_inside_text",
        "OpenAI",
        [*_HALF_TEXT, _failed("server_error", _SERVER)],
        _HELLO,
        finish="error",
        error="The server had an error",
    ),
    odd(
        "failed_inside_call",
        "OpenAI",
        [*_HALF_CALL, _failed("server_error", _SERVER)],
        _READ_BROKEN,
        finish="error",
        error="The server had an error",
    ),
    odd(
        "failed_with_error_outside",
        "gateways: the error stands beside the response",
        [*START, event("failed", error={"message": "upstream is gone"})],
        finish="error",
        error="upstream is gone",
    ),
    odd(
        "failed_without_error",
        "gateways",
        [*_HALF_TEXT, lifecycle("failed", error=None)],
        _HELLO,
        finish="error",
    ),
    odd(
        "error_nested",
        "OpenAI (anomalyco/opencode#6071)",
        [*START, _error(sequence_number=2, error=error_of("context_length_exceeded", _OVERFLOW))],
        finish="error",
    ),
    odd(
        "error_flat",
        "OpenAI's specification",
        [*START, _error(sequence_number=2, code="server_error", message=_SERVER, param=None)],
        finish="error",
        error="The server had an error",
    ),
    odd(
        "error_inside_text",
        "OpenAI",
        [*_HALF_TEXT, _error(sequence_number=4, error=error_of("server_error", _SERVER, "server_error"))],
        _HELLO,
        finish="error",
        error="The server had an error",
    ),
    odd(
        "error_without_code",
        "Menci/Floway#330 before its fix",
        [*_HALF_TEXT, _error(message="socket closed", code="internal_error", name="Error", stack="at x")],
        _HELLO,
        finish="error",
        error="socket closed",
    ),
    odd(
        "error_of_chat",
        "LiteLLM before BerriAI/litellm#40243",
        [*_HALF_TEXT, sse({"error": {"message": "litellm.InternalServerError: no", "code": "500"}})],
        _HELLO,
        finish="error",
        error="InternalServerError",
    ),
    odd(
        "error_event_without_type",
        "gateways that name their events",
        [*_HALF_TEXT, b"event: error\n" + sse({"message": "upstream timed out"})],
        _HELLO,
        finish="error",
        error="upstream timed out",
    ),
    odd(
        "json_error_with_200",
        "gateways",
        [json.dumps({"error": {"message": "invalid model", "type": "invalid_request_error"}}).encode()],
        finish="error",
        error="invalid model",
        content_type="application/json",
    ),
    odd(
        "json_failed_with_200",
        "OpenAI, without a stream",
        [
            json.dumps(
                {
                    "object": "response",
                    "status": "failed",
                    "output": [],
                    "error": {"code": "server_error", "message": _SERVER},
                }
            ).encode()
        ],
        finish="error",
        error="The server had an error",
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


def _counted(**more: Any) -> tuple[bytes, ...]:
    return (*START, *HELLO, lifecycle("completed", message("hello"), usage=usage(100, 7, **more)))


USAGE: tuple[OddStream, ...] = (
    odd(
        "usage_with_cache",
        "OpenAI",
        _counted(
            input_tokens_details={"cached_tokens": 60, "cache_write_tokens": 10},
            output_tokens_details={"reasoning_tokens": 5},
        ),
        _HELLO,
        usage=tokens(30, 7, 60, 10),
    ),
    odd("usage_without_details", "Ollama and others", _counted(), _HELLO, usage=tokens(100, 7)),
    odd(
        "usage_with_null_details",
        "gateways",
        _counted(input_tokens_details=None, output_tokens_details={"reasoning_tokens": None}),
        _HELLO,
        usage=tokens(100, 7),
    ),
    odd(
        "usage_of_incomplete",
        "OpenAI",
        [*START, *HELLO, lifecycle("incomplete", message("hello"), **_CUT_SHORT, usage=usage(10, 16))],
        _HELLO,
        finish="max_tokens",
        usage=tokens(10, 16),
    ),
    odd("usage_never", "local servers", [*START, *HELLO, COMPLETED], _HELLO),
)

ENDINGS = (*FINISHES, *CUTS, *ERRORS, *USAGE)
