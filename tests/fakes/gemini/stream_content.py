"""Gemini streams: parts, calls, signatures, counts and the cuts of the network."""

from __future__ import annotations

from tests.fakes.gemini.replies import sse
from tests.fakes.gemini.signatures import issue
from tests.fakes.gemini.stream_base import (
    MODEL,
    STOP,
    STOP_AFTER_CALL,
    GeminiStream,
    call,
    chunk,
    framed,
    gemini,
    tail,
    text,
    thought,
    usage,
)
from tests.fakes.openai.odd_base import tokens, torn

HELLO = ("text", "hello")
THOUGHT = ("thinking", "let me see")
_ARGS = {"file_path": "a.py"}
READ = ("tool", "Read", _ARGS)
GREP = ("tool", "Grep", {"pattern": "x"})
SIGNED = issue(MODEL, "Read", _ARGS)
READ_PART = call("Read", _ARGS, signature=SIGNED)
GREP_PART = call("Grep", {"pattern": "x"})
_REC = "recorded"
_WORDS = "gr\u00fcn \U0001f600 \u65e5\u672c"
_PLAIN = sse(chunk(text(_WORDS))) + sse(STOP)

SHAPES: tuple[GeminiStream, ...] = (
    gemini("text", _REC, [chunk(text("hel")), chunk(text("lo")), STOP], HELLO),
    gemini("text_and_finish_in_one_chunk", _REC, [chunk(text("hello"), finish="STOP")], HELLO),
    gemini("several_texts_in_one_chunk", _REC, [chunk(text("hel"), text("lo")), STOP], HELLO),
    gemini(
        "thoughts_then_text",
        _REC,
        [chunk(thought("let me ")), chunk(thought("see")), chunk(text("hello")), STOP],
        THOUGHT,
        HELLO,
    ),
    gemini("thought_and_text_in_one_chunk", _REC, [chunk(thought("let me see"), text("hello")), STOP], THOUGHT, HELLO),
    gemini(
        "thoughts_between_texts",
        "Gemini 3 with tools",
        [chunk(text("hello")), chunk(thought("let me see")), chunk(text("hello")), STOP],
        HELLO,
        THOUGHT,
        HELLO,
    ),
    gemini(
        "candidates_missing",
        _REC,
        [tail(**usage(5)), chunk(text("hello")), tail(**usage(5, 1)), STOP],
        HELLO,
        usage=tokens(5, 1),
    ),
    gemini("candidates_empty", _REC, [{"candidates": [], **tail()}, chunk(text("hello")), STOP], HELLO),
    gemini("content_empty", _REC, [framed({"content": {}, "index": 0}), chunk(text("hello")), STOP], HELLO),
    gemini("content_without_parts", _REC, [framed({"content": {"role": "model"}}), chunk(text("hello")), STOP], HELLO),
    gemini("content_missing", _REC, [chunk(text("hello")), framed({"finishReason": "STOP", "index": 0})], HELLO),
    gemini("index_and_role_missing", _REC, [framed({"content": {"parts": [text("hello")]}}), STOP], HELLO),
    gemini(
        "unknown_fields",
        "any update of the service",
        [
            chunk(text("hello", mood="good"), weather="fair"),
            chunk(text(""), finish="STOP", modelStatus={"stage": "LEGACY"}),
        ],
        HELLO,
    ),
    gemini(
        "ratings_and_feedback_without_block",
        _REC,
        [chunk(text("hello"), promptFeedback={"safetyRatings": []}), STOP],
        HELLO,
    ),
)

CALLS: tuple[GeminiStream, ...] = (
    gemini("call", _REC, [chunk(READ_PART), STOP_AFTER_CALL], READ, signatures=(SIGNED,)),
    gemini(
        "call_with_id",
        "Gemini 3",
        [chunk(call("Read", _ARGS, id="zi06h2mp", signature=SIGNED)), STOP],
        READ,
        signatures=(SIGNED,),
    ),
    gemini("call_without_signature", "Gemini 2.5", [chunk(call("Read", _ARGS)), STOP], READ),
    gemini("call_without_args", _REC, [chunk(call("List", None)), STOP], ("tool", "List", {})),
    gemini("call_with_empty_args", _REC, [chunk(call("List", {})), STOP], ("tool", "List", {})),
    gemini("call_and_finish_in_one_chunk", "Gemini 2.5", [chunk(READ_PART, finish="STOP")], READ, signatures=(SIGNED,)),
    gemini(
        "calls_in_one_chunk",
        _REC,
        [chunk(READ_PART, GREP_PART), STOP_AFTER_CALL],
        READ,
        GREP,
        signatures=(SIGNED, None),
    ),
    gemini(
        "calls_across_chunks",
        _REC,
        [chunk(READ_PART), chunk(GREP_PART), STOP_AFTER_CALL],
        READ,
        GREP,
        signatures=(SIGNED, None),
    ),
    gemini(
        "the_same_call_twice",
        _REC,
        [chunk(READ_PART), chunk(call("Read", _ARGS)), STOP],
        READ,
        READ,
        signatures=(SIGNED, None),
    ),
    gemini(
        "thoughts_then_call",
        _REC,
        [chunk(thought("let me see")), chunk(READ_PART), STOP_AFTER_CALL],
        THOUGHT,
        READ,
        signatures=(None, SIGNED),
    ),
    gemini(
        "text_then_calls",
        _REC,
        [chunk(text("hello")), chunk(READ_PART, GREP_PART), STOP_AFTER_CALL],
        HELLO,
        READ,
        GREP,
        signatures=(None, SIGNED, None),
    ),
    gemini(
        "text_after_call",
        "Gemini 3",
        [chunk(READ_PART), chunk(text("hello")), STOP],
        READ,
        HELLO,
        signatures=(SIGNED, None),
    ),
    gemini(
        "call_with_unicode_and_nesting",
        _REC,
        [chunk(call("Write", {"text": _WORDS, "list": [1, 2.5, None, {"deep": [True]}]})), STOP],
        ("tool", "Write", {"text": _WORDS, "list": [1, 2.5, None, {"deep": [True]}]}),
    ),
)

_LARGE = issue(MODEL, "Read", _ARGS, size=104_000)
_OF_TEXT = issue(MODEL)
SIGNATURES: tuple[GeminiStream, ...] = (
    gemini(
        "signature_on_first_text",
        "Gemini 2.5",
        [chunk(text("hel", thoughtSignature=_OF_TEXT)), chunk(text("lo")), STOP],
        HELLO,
        signatures=(_OF_TEXT,),
    ),
    gemini(
        "signature_on_last_empty_text",
        "Gemini 3",
        [chunk(text("hello")), chunk(text("", thoughtSignature=_OF_TEXT), finish="STOP")],
        HELLO,
        signatures=(_OF_TEXT,),
    ),
    gemini(
        "signature_on_empty_text_after_thoughts",
        "Gemini 3",
        [chunk(thought("let me see")), chunk(text("hello")), chunk(text("", thoughtSignature=_OF_TEXT)), STOP],
        THOUGHT,
        HELLO,
        signatures=(None, _OF_TEXT),
    ),
    gemini(
        "signature_of_139_kilobytes",
        "Gemini 3 Flash",
        [chunk(call("Read", _ARGS, signature=_LARGE)), STOP_AFTER_CALL],
        READ,
        signatures=(_LARGE,),
    ),
)

USAGE: tuple[GeminiStream, ...] = (
    gemini(
        "usage_cumulative",
        _REC,
        [
            chunk(text("hel"), **usage(10, 1)),
            chunk(text("lo"), **usage(10, 2)),
            chunk(text(""), finish="STOP", **usage(10, 3)),
        ],
        HELLO,
        usage=tokens(10, 3),
    ),
    gemini(
        "usage_prompt_grows_at_the_end",
        _REC,
        [chunk(READ_PART, **usage(55, 9)), chunk(text(""), finish="STOP", **usage(257, 9))],
        READ,
        signatures=(SIGNED,),
        usage=tokens(257, 9),
    ),
    gemini(
        "usage_thoughts_come_first",
        _REC,
        [
            chunk(thought("let me see"), **usage(10, 0, 40)),
            chunk(text("hello"), **usage(10, 2, 60)),
            chunk(text(""), finish="STOP", **usage(10, 3, 60)),
        ],
        THOUGHT,
        HELLO,
        usage=tokens(10, 63),
    ),
    gemini(
        "usage_fields_dropped_later",
        _REC,
        [
            chunk(text("hello"), **usage(100, 3, 60, cachedContentTokenCount=80)),
            chunk(text(""), finish="STOP", **usage(100, 4)),
        ],
        HELLO,
        usage=tokens(20, 64, 80),
    ),
    gemini(
        "usage_with_cache_and_tools",
        _REC,
        [chunk(text("hello"), finish="STOP", **usage(100, 4, cachedContentTokenCount=80, toolUsePromptTokenCount=7))],
        HELLO,
        usage=tokens(27, 4, 80),
    ),
    gemini(
        "usage_after_the_finish",
        _REC,
        [chunk(text("hello"), **usage(9)), STOP, tail(**usage(10, 3))],
        HELLO,
        usage=tokens(10, 3),
    ),
    gemini("usage_never", "gateways", [chunk(text("hello")), STOP], HELLO),
)

WIRE: tuple[GeminiStream, ...] = (
    gemini("one_write", "any network", [_PLAIN], ("text", _WORDS)),
    gemini("byte_by_byte", "any network: also inside a UTF-8 character", torn(_PLAIN, 1), ("text", _WORDS)),
    gemini("torn_in_threes", "any network: also between the line ends of an event", torn(_PLAIN, 3), ("text", _WORDS)),
    gemini(
        "cut_inside_character_of_a_call",
        "any network",
        torn(sse(chunk(call("Write", {"text": _WORDS}))) + sse(STOP), 7),
        ("tool", "Write", {"text": _WORDS}),
    ),
    gemini(
        "unicode_line_separators",
        "every text may have them: they end no line",
        [chunk(text("a\u2028b\u2029c\u0085d\u000be")), STOP],
        ("text", "a\u2028b\u2029c\u0085d\u000be"),
    ),
    gemini("no_blank_line_at_end", "gateways", [sse(chunk(text("hello"))), sse(STOP).removesuffix(b"\r\n\r\n")], HELLO),
)

CONTENT = (*SHAPES, *CALLS, *SIGNATURES, *USAGE, *WIRE)
