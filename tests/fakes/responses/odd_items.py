"""Odd Responses streams: how items are numbered, and where arguments and reasoning are kept."""

from __future__ import annotations

from tests.fakes.openai.odd_base import OddStream, odd
from tests.fakes.responses.odd_base import (
    HELLO,
    READ,
    START,
    added,
    arguments,
    call,
    done,
    event,
    hello,
    lifecycle,
    message,
    reasoning,
    summary,
    text,
    thought,
)

_HELLO = ("text", "hello")
_READ = ("tool", "Read", {"file_path": "a.py"})
_READ_B = ("tool", "Read", {"file_path": "b.py"})
_B = READ.replace("a.py", "b.py")
_THOUGHT = ("thinking", "let me see")
_TWO_PARTS = {**reasoning(), "summary": [*reasoning("first")["summary"], *reasoning("second")["summary"]]}
_OPEN = reasoning("let me see", open=True)

NUMBERED: tuple[OddStream, ...] = (
    odd(
        "no_index_and_no_item_id",
        "RESMP-DEV/ccr-rust#25",
        [
            START[0],
            event("output_item.added", item=message()),
            event("output_text.delta", delta="hello"),
            event("output_item.done", item=message("hello")),
            event("output_item.added", item=call()),
            event("function_call_arguments.delta", delta=READ),
            event("output_item.done", item=call(READ)),
            lifecycle("completed"),
        ],
        _HELLO,
        _READ,
    ),
    odd(
        "same_index_for_all",
        "BerriAI/litellm#36375",
        [
            *START,
            *HELLO,
            added(call()),
            arguments(READ),
            done(call(READ)),
            added(call(id="fc_2", call_id="call_2")),
            arguments(_B, id="fc_2"),
            done(call(_B, id="fc_2", call_id="call_2")),
            lifecycle("completed"),
        ],
        _HELLO,
        _READ,
        _READ_B,
    ),
    odd(
        "other_id_on_each_delta",
        "BerriAI/litellm#36375",
        [
            *START,
            added(reasoning(id="rs_1")),
            summary("let ", id="rs_2"),
            summary("me see", id="rs_3"),
            done(reasoning("let me see", id="rs_4")),
            added(message(id="msg_1"), 1),
            text("hel", 1, "msg_2"),
            text("lo", 1, "msg_3"),
            done(message("hello", id="msg_4"), 1),
            lifecycle("completed", reasoning("let me see", id="rs_5"), message("hello", id="msg_5")),
        ],
        _THOUGHT,
        _HELLO,
    ),
    odd(
        "other_ids_in_completed",
        "vllm-project/vllm#38227: the answer is read twice",
        [
            *START,
            added(call()),
            arguments(READ),
            done(call(READ)),
            lifecycle("completed", call(READ, id="fc_9", call_id="call_9")),
        ],
        _READ,
    ),
    odd(
        "interleaved_calls",
        "gateways in front of parallel calls",
        [
            *START,
            added(call()),
            added(call(id="fc_2", call_id="call_2"), 1),
            arguments(READ[:7]),
            arguments(_B[:9], 1, "fc_2"),
            arguments(READ[7:]),
            arguments(_B[9:], 1, "fc_2"),
            done(call(READ)),
            done(call(_B, id="fc_2", call_id="call_2"), 1),
            lifecycle("completed"),
        ],
        _READ,
        _READ_B,
    ),
)

CALLS: tuple[OddStream, ...] = (
    odd(
        "arguments_done_only",
        "lidge-jun/opencodex#4652",
        [
            *START,
            added(call()),
            event("function_call_arguments.done", item_id="fc_1", output_index=0, arguments=READ),
            lifecycle("completed"),
        ],
        _READ,
    ),
    odd(
        "arguments_in_item_only",
        "servers that do not stream calls",
        [*START, added(call()), done(call(READ)), lifecycle("completed")],
        _READ,
    ),
    odd(
        "arguments_in_added",
        "servers that do not stream calls: they are not to be counted twice",
        [*START, added(call(READ)), done(call(READ)), lifecycle("completed")],
        _READ,
    ),
    odd(
        "arguments_empty",
        "servers in front of tools without parameters",
        [*START, added(call(name="List")), done(call(name="List")), lifecycle("completed")],
        ("tool", "List", {}),
    ),
    odd(
        "no_id_and_no_status",
        "aaif-goose/goose#10108",
        [
            *START,
            added({"type": "function_call", "call_id": "call_1", "name": "Read", "arguments": ""}),
            event("function_call_arguments.delta", output_index=0, delta=READ),
            done({"type": "function_call", "call_id": "call_1", "name": "Read", "arguments": READ}),
            lifecycle("completed"),
        ],
        _READ,
    ),
    odd(
        "no_call_id",
        "aaif-goose/goose#10108: the id of the item has to do",
        [
            *START,
            added({"type": "function_call", "id": "fc_1", "name": "Read", "arguments": ""}),
            arguments(READ),
            lifecycle("completed"),
        ],
        _READ,
    ),
)

REASONING: tuple[OddStream, ...] = (
    odd(
        "summary_of_two_parts",
        "OpenAI",
        [
            *START,
            added(reasoning()),
            event("reasoning_summary_part.added", item_id="rs_1", output_index=0, summary_index=0),
            summary("first"),
            event("reasoning_summary_part.added", item_id="rs_1", output_index=0, summary_index=1),
            summary("second", 1),
            done(_TWO_PARTS),
            *hello(1),
            lifecycle("completed", _TWO_PARTS, message("hello")),
        ],
        ("thinking", "first\n\nsecond"),
        _HELLO,
    ),
    odd(
        "summary_in_item_only",
        "servers that do not stream it",
        [
            *START,
            added(reasoning()),
            done(reasoning("let me see")),
            *hello(1),
            lifecycle("completed", reasoning("let me see"), message("hello")),
        ],
        _THOUGHT,
        _HELLO,
    ),
    odd(
        "reasoning_without_summary",
        "OpenAI, when none was asked for and nothing was sealed",
        [
            *START,
            added(reasoning()),
            done(reasoning()),
            *hello(1),
            lifecycle("completed", reasoning(), message("hello")),
        ],
        _HELLO,
    ),
    odd(
        "reasoning_text",
        "open models on vLLM and LM Studio",
        [
            *START,
            added(reasoning()),
            event("reasoning_part.added", item_id="rs_1", output_index=0, content_index=0),
            thought("let "),
            thought("me see"),
            event("reasoning_text.done", item_id="rs_1", output_index=0, content_index=0, text="let me see"),
            done(_OPEN),
            *hello(1),
            lifecycle("completed", _OPEN, message("hello")),
        ],
        _THOUGHT,
        _HELLO,
    ),
    odd(
        "reasoning_text_done_only",
        "LM Studio (earendil-works/pi#4191)",
        [
            *START,
            event("reasoning_text.done", item_id="rs_1", output_index=0, content_index=0, text="let me see"),
            text("hello", 1),
            done(message("hello"), 1),
            lifecycle("completed", _OPEN, message("hello")),
        ],
        _THOUGHT,
        _HELLO,
    ),
    odd(
        "reasoning_as_content_part",
        "vLLM before vllm-project/vllm#35184: its part is announced as that of a message",
        [
            *START,
            added(reasoning()),
            event("content_part.added", item_id="rs_1", content_index=0, part={"type": "reasoning_text", "text": ""}),
            thought("let me see"),
            done(_OPEN),
            *hello(1),
            lifecycle("completed", _OPEN, message("hello")),
        ],
        _THOUGHT,
        _HELLO,
    ),
)

ITEMS = (*NUMBERED, *CALLS, *REASONING)
