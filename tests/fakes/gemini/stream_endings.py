"""Gemini streams: every way to end, to be blocked, to fail and to break off."""

from __future__ import annotations

import json

from tests.fakes.gemini.replies import sse
from tests.fakes.gemini.stream_base import (
    STOP,
    GeminiStream,
    bare,
    call,
    chunk,
    error,
    framed,
    gemini,
    tail,
    text,
    thought,
    usage,
)
from tests.fakes.gemini.stream_content import HELLO, READ, READ_PART, SIGNED, THOUGHT
from tests.fakes.openai.odd_base import tokens

_DOCUMENTED = "the list of finish reasons"
FILTERED = (
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "LANGUAGE",
    "MODEL_ARMOR",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "ESCALATION",
    "PUP_LIMITED_DISABLED",
)
VAGUE = ("FINISH_REASON_UNSPECIFIED", "OTHER", "IMAGE_OTHER", "NO_IMAGE", "BRAND_NEW_REASON")
"""The last one is unknown to everybody."""
BLOCKED = (
    "SAFETY",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "IMAGE_SAFETY",
    "MODEL_ARMOR",
    "JAILBREAK",
    "BRAND_NEW",
)
BROKEN = {
    "MALFORMED_FUNCTION_CALL": "Malformed function call: print(default_api.Read(file_path='a.py'))",
    "UNEXPECTED_TOOL_CALL": "Unexpected tool call: Model tried to call an undeclared function: list_files",
    "TOO_MANY_TOOL_CALLS": "Too many tool calls",
    "MALFORMED_RESPONSE": "Malformed response",
    "MISSING_THOUGHT_SIGNATURE": "Missing thought signature",
}
"""With the finishMessage of each."""


def _filtered(reason: str) -> tuple[GeminiStream, ...]:
    name = f"finish_{reason.lower()}"
    return (
        gemini(f"{name}_after_text", _DOCUMENTED, [chunk(text("hello")), bare(reason)], HELLO, finish="refusal"),
        gemini(f"{name}_alone", _DOCUMENTED, [bare(reason)], finish="refusal", error=reason),
    )


def _vague(reason: str) -> tuple[GeminiStream, ...]:
    name = f"finish_{reason.lower()}"
    return (
        gemini(f"{name}_after_text", _DOCUMENTED, [chunk(text("hello")), bare(reason)], HELLO),
        gemini(f"{name}_after_call", _DOCUMENTED, [chunk(READ_PART), bare(reason)], READ, signatures=(SIGNED,)),
        gemini(f"{name}_alone", _DOCUMENTED, [bare(reason)], finish="error", error=reason),
    )


def _broken(reason: str, message: str) -> tuple[GeminiStream, ...]:
    name = f"finish_{reason.lower()}"
    broken = bare(reason, message)
    return (
        gemini(f"{name}_alone", "recorded", [broken], finish="error", error=message, retry=True),
        gemini(
            f"{name}_after_thoughts",
            "recorded",
            [chunk(thought("let me see")), broken],
            THOUGHT,
            finish="error",
            error=message,
            retry=True,
        ),
        gemini(f"{name}_after_text", "recorded", [chunk(text("hello")), broken], HELLO, finish="error", error=message),
    )


FINISHES: tuple[GeminiStream, ...] = (
    *(stream for reason in FILTERED for stream in _filtered(reason)),
    *(stream for reason in VAGUE for stream in _vague(reason)),
    *(stream for reason, message in BROKEN.items() for stream in _broken(reason, message)),
    gemini("finish_max_tokens", "recorded", [chunk(text("hello"), finish="MAX_TOKENS")], HELLO, finish="max_tokens"),
    gemini(
        "finish_max_tokens_after_call",
        "recorded",
        [chunk(READ_PART), bare("MAX_TOKENS")],
        READ,
        finish="max_tokens",
        signatures=(SIGNED,),
    ),
    gemini(
        "finish_max_tokens_while_thinking",
        "recorded: thoughts use up a small limit",
        [chunk(text(""), finish="MAX_TOKENS", **usage(10, 0, 64))],
        finish="max_tokens",
        usage=tokens(10, 64),
    ),
    gemini(
        "finish_continuation",
        "Gemini 4 Argon beyond one hop",
        [chunk(text("hello")), framed({"finishReason": "CONTINUATION", "continuationToken": "AAAA", "index": 0})],
        HELLO,
        finish="max_tokens",
    ),
    gemini(
        "filter_seen_before_stop",
        "gateways that repeat the last chunk",
        [chunk(text("hello")), bare("SAFETY"), STOP],
        HELLO,
        finish="refusal",
    ),
    gemini("empty_stop", "recorded", [STOP], finish="error", retry=True),
    gemini("empty_stop_without_parts", "recorded", [bare("STOP")], finish="error", retry=True),
    gemini(
        "stop_after_thoughts_only",
        "Gemini 2.5 and 3",
        [chunk(thought("let me see")), STOP],
        THOUGHT,
        finish="error",
        retry=True,
    ),
)


def _blocked(reason: str) -> GeminiStream:
    return gemini(
        f"prompt_blocked_{reason.lower()}",
        "the list of block reasons",
        [tail(promptFeedback={"blockReason": reason}, **usage(10))],
        finish="refusal",
        error=reason,
        usage=tokens(10, 0),
    )


PROMPTS: tuple[GeminiStream, ...] = (
    *map(_blocked, BLOCKED),
    gemini(
        "prompt_blocked_with_empty_candidates",
        "gateways",
        [{"candidates": [], **tail(promptFeedback={"blockReason": "SAFETY"})}],
        finish="refusal",
        error="SAFETY",
    ),
)

CUTS: tuple[GeminiStream, ...] = (
    gemini("end_without_finish_after_text", "recorded", [chunk(text("hello"))], HELLO, finish="error"),
    gemini("end_without_finish_after_thoughts", "recorded", [chunk(thought("let me see"))], THOUGHT, finish="error"),
    gemini(
        "end_without_finish_after_call",
        "recorded",
        [chunk(READ_PART)],
        ("tool", "Read", None),
        finish="error",
    ),
    gemini("empty_200", "gateways; googleapis/python-genai#1356", [], finish="error"),
    gemini("only_usage", "gateways", [tail(**usage(10))], finish="error", usage=tokens(10, 0)),
    gemini("broken_connection_after_text", "any network", [chunk(text("hello"))], HELLO, finish="error", cut=True),
    gemini("broken_connection_at_once", "any network", [], finish="error", cut=True),
    gemini(
        "half_an_event",
        "any network",
        [chunk(text("hello")), sse(chunk(text("you")))[:40]],
        HELLO,
        finish="error",
    ),
    gemini(
        "broken_connection_inside_event",
        "any network",
        [chunk(text("hello")), sse(chunk(text("you")))[:40]],
        HELLO,
        finish="error",
        cut=True,
    ),
)

_OVERLOADED = error(503, "The model is overloaded. Please try again later.", "UNAVAILABLE")
_INTERNAL = error(500, "An internal error has occurred.", "INTERNAL")
_EXHAUSTED = error(429, "Resource has been exhausted (e.g. check quota).", "RESOURCE_EXHAUSTED")


def _pretty(body: object) -> bytes:
    return json.dumps(body, indent=2).encode() + b"\n"


ERRORS: tuple[GeminiStream, ...] = (
    gemini(
        "error_event_in_the_middle",
        "overload",
        [chunk(text("hello")), _OVERLOADED],
        HELLO,
        finish="error",
        error="overloaded",
        error_type="overloaded_error",
    ),
    gemini(
        "error_event_first",
        "overload",
        [_OVERLOADED],
        finish="error",
        error="overloaded",
        error_type="overloaded_error",
    ),
    gemini(
        "error_event_after_call",
        "overload",
        [chunk(READ_PART), _INTERNAL],
        ("tool", "Read", None),
        finish="error",
        error="internal error",
        error_type="api_error",
    ),
    gemini(
        "error_of_quota_in_the_middle",
        "quota used up during an answer",
        [chunk(text("hello")), _EXHAUSTED],
        HELLO,
        finish="error",
        error="exhausted",
        error_type="rate_limit_error",
    ),
    gemini(
        "error_as_bare_json",
        "the service, which forgets the framing of events",
        [chunk(text("hello")), _pretty(_OVERLOADED)],
        HELLO,
        finish="error",
        error="overloaded",
        error_type="overloaded_error",
    ),
    gemini(
        "error_as_bare_json_first",
        "the service, which forgets the framing of events",
        [_pretty(_INTERNAL)],
        finish="error",
        error="internal error",
        error_type="api_error",
    ),
    gemini(
        "error_in_a_list",
        "gateways",
        [chunk(text("hello")), sse([_OVERLOADED])],
        HELLO,
        finish="error",
        error="overloaded",
        error_type="overloaded_error",
    ),
    gemini(
        "error_as_bare_list",
        "the service without alt=sse, gateways",
        [_pretty([_EXHAUSTED])],
        finish="error",
        error="exhausted",
        error_type="rate_limit_error",
    ),
    gemini(
        "error_without_code",
        "gateways",
        [chunk(text("hello")), error(None, "upstream went away")],
        HELLO,
        finish="error",
        error="upstream went away",
    ),
    gemini(
        "error_key_not_first",
        "gateways",
        [chunk(text("hello")), {"responseId": "x", **_OVERLOADED}],
        HELLO,
        finish="error",
        error="overloaded",
        error_type="overloaded_error",
    ),
)

# The SDK's own reader gives up on these; the service does not send them, things between do.
GATEWAYS: tuple[GeminiStream, ...] = (
    gemini("gateway_done", "gateways made for OpenAI", [chunk(text("hello")), STOP, b"data: [DONE]\r\n\r\n"], HELLO),
    gemini(
        "gateway_comments", "proxies that keep the line alive", [b": ping\r\n\r\n", chunk(text("hello")), STOP], HELLO
    ),
    gemini(
        "gateway_line_feeds",
        "gateways",
        [sse(chunk(text("hello"))).replace(b"\r\n", b"\n"), sse(STOP).replace(b"\r\n", b"\n")],
        HELLO,
    ),
    gemini(
        "gateway_no_space_after_colon",
        "gateways",
        [sse(chunk(text("hello"))).replace(b"data: ", b"data:"), sse(STOP).replace(b"data: ", b"data:")],
        HELLO,
    ),
    gemini(
        "gateway_event_names",
        "gateways built on an SSE library",
        [b"event: message\r\n" + sse(chunk(text("hello"))), STOP],
        HELLO,
    ),
    gemini(
        "gateway_html",
        "a base URL that points at a web page",
        [b"<!doctype html><html><body>Sign in to continue</body></html>"],
        finish="error",
        content_type="text/html; charset=utf-8",
    ),
    gemini(
        "gateway_whole_json",
        "gateways that ignore the stream",
        [json.dumps(chunk(text("hello"), call("Read", {"file_path": "a.py"}), finish="STOP")).encode()],
        HELLO,
        READ,
        content_type="application/json",
    ),
)

ENDINGS = (*FINISHES, *PROMPTS, *CUTS, *ERRORS)
