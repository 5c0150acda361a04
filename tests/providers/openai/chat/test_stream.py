"""Chunks of Chat Completions -> deltas: every way in which servers stray, whatever the network makes of the bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.protocol.deltas import TextDelta, ToolCallDelta, ToolCallStart, Usage
from proxy.providers.common.splitter import Event, Splitter
from tests.fakes.openai.odd_base import (
    OddStream,
    call,
    calls,
    chunk,
    final,
    odd,
    text,
    tokens,
    torn,
    usage_body,
    usage_chunk,
)
from tests.fakes.openai.odd_streams import ODD_STREAMS, TOOL_NAMES
from tests.fakes.openai.replies import DONE
from tests.fuzz import examples
from tests.providers.openai.expectations import expect
from tests.translation import Answer, answer, asking, chat_deltas, tool

REQUEST = asking(tools=[tool(name) for name in TOOL_NAMES])
READABLE = [odd for odd in ODD_STREAMS.values() if not odd.content_type.startswith("text/html")]
"""A web page is not for this module to read."""


def read(odd: OddStream, pieces: list[bytes]) -> Answer:
    deltas = chat_deltas(pieces, TOOL_NAMES, odd.content_type, cut=odd.cut)
    return answer(deltas, REQUEST, tags=odd.think_tags)


CASE_OF = {
    "think_tags": 52,
    **dict.fromkeys(["same_index_new_id", "same_index_numbered_ids", "same_index_whole_calls"], 53),
    **dict.fromkeys(["first_call_at_index_1", "index_with_gaps", "three_parallel_calls"], 53),
    "interleaved": 54,
    "text_after_tool": 55,
    **dict.fromkeys(["empty_id_and_name_later", "id_never_sent", "id_before_name", "name_at_the_very_end"], 56),
    **dict.fromkeys(["several_calls_in_one_chunk", "index_missing", "index_missing_in_one_chunk"], 57),
    **dict.fromkeys(["index_missing_in_pieces", "index_and_id_missing"], 57),
    **dict.fromkeys(["arguments_cumulative", "final_message_repeats_text", "final_message_repeats_call"], 58),
    **dict.fromkeys(["finish_and_content_in_one_chunk", "text_and_call_in_one_chunk"], 59),
    "call_and_finish_in_one_chunk": 59,
    **dict.fromkeys(["stop_with_tool_call", "function_call_with_tool_call"], 60),
    "tool_calls_without_call": 61,
    **dict.fromkeys(["length_inside_call", "length_before_arguments", "finish_null_with_done_inside_call"], 62),
    **dict.fromkeys(["clean_end_inside_call", "broken_connection_inside_call", "error_inside_call"], 62),
    **dict.fromkeys(["clean_end_inside_text", "clean_end_after_whole_call", "finish_null_with_done"], 63),
    **dict.fromkeys(["broken_connection_inside_text", "broken_connection_inside_event", "finish_without_done"], 63),
    **dict.fromkeys(["empty_body", "only_done", "only_comments"], 64),
    **dict.fromkeys(["error_first", "error_as_string", "error_with_no_choices", "json_error_with_200"], 65),
    **dict.fromkeys(["error_in_the_middle", "error_flat", "error_beside_finish", "finish_error", "error_event"], 66),
    **dict.fromkeys(["usage_never", "usage_cumulative", "usage_null_after_the_number", "usage_in_finish_chunk"], 72),
    **dict.fromkeys(["usage_in_last_chunk", "usage_in_choice", "usage_of_deepseek", "usage_of_groq"], 73),
    "usage_without_reasoning": 73,
}
READ_A, READ_B = (("tool", "Read", {"file_path": f"{name}.py"}) for name in "ab")
A, B = (json.dumps(block[2]) for block in (READ_A, READ_B))
GREP = ("tool", "Grep", {"pattern": "x"})
X = json.dumps(GREP[2])
THOUGHT, HELLO = ("thinking", "let me see"), ("text", "hello")
ENDING = (final("tool_calls"), DONE)
MORE: dict[int, list[OddStream]] = {
    57: [
        odd(
            "one_id_and_name_without_index",
            "gateways that number nothing: only the arguments tell",
            [
                calls(call(id="call_1", name="Read", arguments=A), call(id="call_1", name="Read", arguments=B)),
                *ENDING,
            ],
            READ_A,
            READ_B,
        ),
        odd(
            "one_id_and_name_in_pieces",
            "gateways that number nothing",
            [
                calls(call(id="call_1", name="Read", arguments=A[:9])),
                calls(call(id="call_1", name="Read", arguments=A[9:])),
                calls(call(id="call_1", name="Read", arguments=B[:9])),
                calls(call(id="call_1", name="Read", arguments=B[9:])),
                *ENDING,
            ],
            READ_A,
            READ_B,
        ),
        odd(
            "one_id_and_name_and_all_of_it_again",
            "gateways that number nothing and repeat the whole message",
            [
                calls(call(id="call_1", name="Read", arguments=A), call(id="call_1", name="Read", arguments=B)),
                calls(call(id="call_1", name="Read", arguments=A), call(id="call_1", name="Read", arguments=B)),
                *ENDING,
            ],
            READ_A,
            READ_B,
        ),
    ],
    53: [
        odd(
            "one_id_for_parallel_calls",
            "GLM, DeepSeek behind gateways (HKUDS/nanobot#3943)",
            [
                calls(call(index=0, id="call_1", name="Read", arguments=A)),
                calls(call(index=1, id="call_1", name="Read", arguments="")),
                calls(call(index=1, id="call_1", arguments=B)),
                *ENDING,
            ],
            READ_A,
            READ_B,
        ),
        odd(
            "one_id_and_index_for_parallel_calls",
            "a server behind OpenRouter (skye-harris/hass_local_openai_llm#92): only the name tells",
            [
                calls(call(index=0, id="call_1", name="Read", arguments=A)),
                calls(call(index=0, id="call_1", name="Grep", arguments=X)),
                *ENDING,
            ],
            READ_A,
            GREP,
        ),
        odd(
            "ids_in_turns_at_one_index",
            "gateways that number nothing",
            [
                calls(call(index=0, id="call_1", name="Read", arguments='{"file_path"')),
                calls(call(index=0, id="call_2", name="Grep", arguments='{"pattern"')),
                calls(call(index=0, id="call_1", arguments=': "a.py"}')),
                calls(call(index=0, id="call_2", arguments=': "x"}')),
                *ENDING,
            ],
            READ_A,
            GREP,
        ),
    ],
    56: [
        odd(
            "name_of_no_tool",
            "any model may make one up",
            [calls(call(index=0, id="call_1", name="List", arguments="")), chunk({}, "tool_calls"), DONE],
            ("tool", "List", {}),
        ),
        odd(
            "call_without_name",
            "a call that nobody can run is none",
            [text("hello"), calls(call(index=0, id="call_1", name="", arguments="{}")), *ENDING],
            HELLO,
        ),
    ],
    58: [
        odd(
            "final_delta_repeats_text",
            "servers whose last chunk carries all of the text",
            [text("hello, you in the "), text("wide world"), text("hello, you in the wide world!", "stop"), DONE],
            ("text", "hello, you in the wide world!"),
        ),
        odd(
            "final_message_repeats_reasoning",
            "servers whose last chunk carries the whole message",
            [
                chunk({"reasoning_content": "let me see"}),
                text("hello"),
                {
                    **chunk(),
                    "choices": [
                        {
                            "index": 0,
                            "message": {"content": "hello", "reasoning_content": "let me see"},
                            "finish_reason": "stop",
                        }
                    ],
                },
                DONE,
            ],
            THOUGHT,
            HELLO,
        ),
        odd("text_that_repeats_itself", "any model", [text("ha"), text("ha", "stop"), DONE], ("text", "haha")),
        odd(
            "arguments_cumulative_behind_a_colon",
            "saberjack/SHTUCodeProxy#1",
            [calls(call(index=0, id="call_1", name="Read", arguments=A[:end])) for end in (13, 14, len(A))] + [*ENDING],
            READ_A,
        ),
    ],
    60: [
        odd(
            "two_finish_chunks",
            "OpenRouter (skye-harris/hass_local_openai_llm#92)",
            [
                calls(call(index=0, id="call_1", name="Read", arguments=A)),
                final("tool_calls"),
                {**final("tool_calls"), "usage": usage_body(10, 3)},
                DONE,
            ],
            READ_A,
            usage=tokens(10, 3),
        ),
        odd("function_call", "servers of the older API", [
            chunk({"function_call": {"name": "Read", "arguments": ""}}),
            chunk({"function_call": {"arguments": A}}),
            final("function_call"),
            DONE,
        ], READ_A),
    ],
    62: [
        odd(
            "length_after_a_call_without_input",
            "all: only the last call can have been cut",
            [
                calls(call(index=0, id="call_1", name="List", arguments="")),
                calls(call(index=1, id="call_2", name="Read", arguments='{"file_pa')),
                final("length"),
                DONE,
            ],
            ("tool", "List", {}),
            ("tool", "Read", None),
            finish="max_tokens",
        ),
    ],
    63: [
        odd("second_choice", "servers asked for several answers by a gateway", [
            text("hello"),
            {**chunk(), "choices": [{"index": 1, "delta": {"content": "other"}, "finish_reason": None}]},
            final("stop"),
            DONE,
        ], HELLO),
    ],
    73: [
        odd(
            "usage_of_odd_kinds",
            "gateways",
            [
                text("hello"),
                final("stop"),
                usage_chunk(10, 3, prompt_tokens_details=None, completion_tokens_details=None, cached_tokens="many"),
                DONE,
            ],
            HELLO,
            usage=tokens(10, 3),
        ),
        odd(
            "usage_with_more_cached_than_prompt",
            "servers that count the cache beside the prompt",
            [text("hello"), final("stop"), usage_chunk(10, 3, prompt_tokens_details={"cached_tokens": 90}), DONE],
            HELLO,
            usage=tokens(1, 3, 90),
        ),
    ],
}  # fmt: skip


def named(case: int | None, stream: OddStream) -> Any:
    return pytest.param(stream, id=f"CASES-{case} {stream.name}" if case else stream.name)


STREAMS = [named(CASE_OF.get(stream.name), stream) for stream in READABLE]
STREAMS += [named(case, stream) for case, streams in MORE.items() for stream in streams]


@pytest.mark.parametrize("stream", STREAMS)
def test_odd_stream(stream: OddStream) -> None:
    expect(stream, read(stream, list(stream.chunks)), in_pieces=True)
    whole = b"".join(stream.chunks)
    expect(stream, read(stream, [whole]), in_pieces=False)
    expect(stream, read(stream, torn(whole, 1)), in_pieces=True)


@pytest.mark.parametrize("stream", STREAMS)
def test_odd_stream_cut_anywhere(stream: OddStream) -> None:
    """Two pieces give the same events as one, wherever the cut is."""
    whole = b"".join(stream.chunks)
    events = split(whole)
    for at in range(1, len(whole)):
        assert split(whole[:at], whole[at:]) == events


def split(*pieces: bytes) -> list[Event]:
    splitter = Splitter()
    return [data for piece in pieces for data in splitter.feed(piece)] + list(splitter.end())


@given(st.sampled_from(STREAMS), st.data())
@settings(max_examples=examples(30), deadline=None)
def test_any_cutting(stream: Any, data: st.DataObject) -> None:
    (odd_stream,) = stream.values
    whole = b"".join(odd_stream.chunks)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    expect(odd_stream, read(odd_stream, pieces), in_pieces=False)


@pytest.mark.parametrize(
    ("called", "named"),
    [
        pytest.param("Read", "Read", id="CASES-27 as it is"),
        pytest.param("read", "Read", id="CASES-27 in small letters"),
        pytest.param("mcp__files__SEARCH", "mcp__files__search", id="CASES-27 in great letters"),
        pytest.param("Nobody", "Nobody", id="CASES-27 a name that was not offered"),
    ],
)
def test_names_lead_back_to_the_client(called: str, named: str) -> None:
    stream = odd("names", "", [calls(call(index=0, id="call_1", name=called, arguments="{}")), *ENDING])
    deltas = [delta for batch in chat_deltas(stream.chunks, ["Read", "mcp__files__search"]) for delta in batch]
    assert ToolCallStart(0, named) in deltas


def test_nothing_waits() -> None:
    """CASES-68: each chunk's delta comes with its chunk."""
    chunks = [
        text("a"),
        calls(call(index=0, id="call_1", name="Read", arguments="")),
        calls(call(index=0, arguments='{"a"')),
        calls(call(index=0, arguments=": 1}")),
    ]
    batches = list(chat_deltas([*odd("live", "", chunks).chunks, *odd("end", "", [*ENDING]).chunks], TOOL_NAMES))
    assert batches[:4] == [
        [TextDelta("a")],
        [ToolCallStart(0, "Read")],
        [ToolCallDelta(0, '{"a"')],
        [ToolCallDelta(0, ": 1}")],
    ]


def test_reasoning_tokens_are_told() -> None:
    usage = usage_chunk(10, 9, completion_tokens_details={"reasoning_tokens": 4})
    deltas = [delta for batch in chat_deltas(odd("", "", [text("a", "stop"), usage]).chunks, ()) for delta in batch]
    assert Usage(input=10, output=9, cache_read=0, cache_write=0, thinking=4) in deltas
