"""Which call a fragment goes on with: the table at the top of proxy/providers/openai/chat/tool_calls.py."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.protocol.deltas import ToolCallDelta, ToolCallStart
from tests.fakes.openai.odd_base import Block, call, calls, chunk, final, text
from tests.fakes.openai.replies import DONE
from tests.providers.openai.chat.reading import content, deltas_of, noted, read

A, B = '{"file_path": "a.py"}', '{"file_path": "b.py"}'
READ_A: Block = ("tool", "Read", {"file_path": "a.py"})
READ_B: Block = ("tool", "Read", {"file_path": "b.py"})
GREP: Block = ("tool", "Grep", {"pattern": "x"})
X = '{"pattern": "x"}'


def one(**fields: Any) -> dict[str, Any]:
    return calls(call(**fields))


def bare(value: Any) -> dict[str, Any]:
    return chunk({"tool_calls": value})


def message(*members: Any, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {}, "message": {"content": None, "tool_calls": list(members), **more}}]}


CASES: dict[str, tuple[list[Any], list[Block]]] = {
    # shapes
    "one call, no list": ([bare({"id": "a", "function": {"name": "Read", "arguments": A}})], [READ_A]),
    "calls by number": (
        [
            bare(
                {
                    "0": {"function": {"name": "Read", "arguments": A}},
                    "1": {"function": {"name": "Grep", "arguments": X}},
                }
            )
        ],
        [READ_A, GREP],
    ),
    "flat": ([bare([{"index": 0, "id": "a", "name": "Read", "arguments": A}])], [READ_A]),
    "flat, one call, no list": ([bare({"name": "Read", "arguments": A})], [READ_A]),
    "Claude's fields": (
        [bare([{"type": "tool_use", "id": "a", "name": "Read", "input": {"file_path": "a.py"}}])],
        [READ_A],
    ),
    "parameters": ([bare([{"function": {"name": "Read", "parameters": {"file_path": "a.py"}}}])], [READ_A]),
    "function is the name": ([bare([{"function": "Read", "arguments": A}])], [READ_A]),
    "an object": ([one(index=0, name="Read", arguments={"file_path": "a.py"})], [READ_A]),
    "an empty object, then the object": (
        [one(index=0, name="Read", arguments={}), one(index=0, arguments={"file_path": "a.py"})],
        [READ_A],
    ),
    "the older API": (
        [chunk({"function_call": {"name": "Read"}}), chunk({"function_call": {"arguments": A}})],
        [READ_A],
    ),
    "the older API beside the newer": (
        [
            chunk(
                {
                    "function_call": {"name": "Read", "arguments": A},
                    "tool_calls": [call(index=0, id="a", name="Read", arguments=A)],
                }
            )
        ],
        [READ_A],
    ),
    "an index as text": (
        [
            one(index="0", id="a", name="Read", arguments=""),
            one(index="1", id="b", name="Grep", arguments=X),
            one(index="0", arguments=A),
        ],
        [READ_A, GREP],
    ),
    "an index with a fraction": (
        [
            one(index=0.0, name="Read", arguments=""),
            one(index=1.0, name="Grep", arguments=X),
            one(index=0.0, arguments=A),
        ],
        [READ_A, GREP],
    ),
    "an id that is a list": ([one(index=0, id=["a"], name="Read", arguments=A)], [READ_A]),
    # repetitions
    "the whole call again": (
        [one(index=0, id="a", name="Read", arguments=A), one(index=0, name="Read", arguments=A)],
        [READ_A],
    ),
    "the whole call again, spaced otherwise": (
        [one(index=0, id="a", name="Read", arguments=A), one(index=0, name="Read", arguments='{"file_path":"a.py"}')],
        [READ_A],
    ),
    "the whole call again, no index": ([one(name="Read", arguments=A), one(name="Read", arguments=A)], [READ_A]),
    "both calls again, no ids": (
        [
            one(name="Read", arguments=A),
            one(name="Read", arguments=B),
            one(name="Read", arguments=A),
            one(name="Read", arguments=B),
        ],
        [READ_A, READ_B],
    ),
    "all of it in the message": (
        [
            one(index=0, id="a", name="Read", arguments=A),
            one(index=1, id="b", name="Read", arguments=B),
            message(call(id="a", name="Read", arguments=A), call(id="b", name="Read", arguments=B)),
        ],
        [READ_A, READ_B],
    ),
    "all of it in the message, no ids": (
        [
            one(index=0, name="Read", arguments=A),
            one(index=1, name="Read", arguments=B),
            message(call(name="Read", arguments=A), call(name="Read", arguments=B)),
        ],
        [READ_A, READ_B],
    ),
    "all of it in the message, other ids": (
        [one(index=0, id="a", name="Read", arguments=A), message(call(id="z", name="Read", arguments=A))],
        [READ_A],
    ),
    "more in the message": (
        [
            one(index=0, id="a", name="Read", arguments=A),
            message(call(id="a", name="Read", arguments=A), call(id="b", name="Grep", arguments=X)),
        ],
        [READ_A, GREP],
    ),
    "only the message has calls": (
        [text("so"), message(call(id="a", name="Read", arguments=A), call(id="b", name="Read", arguments=B))],
        [("text", "so"), READ_A, READ_B],
    ),
    "only the message has calls, no ids": (
        [text("so"), message(call(name="Read", arguments=A), call(name="Grep", arguments=X))],
        [("text", "so"), READ_A, GREP],
    ),
    "the message has the real input": (
        [one(index=0, id="a", name="Read", arguments="{}"), message(call(id="a", name="Read", arguments=A))],
        [READ_A],
    ),
    # ids
    "an id for each piece, no name": (
        [
            one(index=0, id="a", name="Read", arguments='{"file_path"'),
            one(index=0, id="b", arguments=": "),
            one(index=0, id="c", arguments='"a.py"}'),
        ],
        [READ_A],
    ),
    "new ids at one index": (
        [one(index=0, id="a", name="Read", arguments=A), one(index=0, id="b", name="Read", arguments=A)],
        [READ_A, READ_A],
    ),
    "one id, two indices": (
        [one(index=0, id="a", name="Read", arguments=A), one(index=1, id="a", name="Read", arguments=B)],
        [READ_A, READ_B],
    ),
    # placeholders
    "{} first, with the name again": (
        [one(index=0, id="a", name="Read", arguments="{}"), one(index=0, id="a", name="Read", arguments=A)],
        [READ_A],
    ),
    "{} and another call": (
        [one(index=0, id="a", name="List", arguments="{}"), one(index=1, id="b", name="Read", arguments=A)],
        [("tool", "List", {}), READ_A],
    ),
    "two tools with one input": (
        [one(name="Read", arguments=A), one(name="Write", arguments=B), one(name="Write", arguments=A)],
        [READ_A, ("tool", "Write", {"file_path": "b.py"}), ("tool", "Write", {"file_path": "a.py"})],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_calls(name: str) -> None:
    chunks, blocks = CASES[name]
    assert content(read(*chunks, final("tool_calls"), DONE)) == blocks


@pytest.mark.parametrize(
    "fields",
    [{"index": 0, "id": "a"}, {"index": 0}, {"id": "a"}, {}],
    ids=["index and id", "index", "id", "neither"],
)
def test_the_name_on_every_piece(fields: dict[str, Any]) -> None:
    """vLLM#14951, MiniMax on NIM: it costs no more with each piece, and begins no call while the last is open."""
    pieces = ['{"file_path": "', *("x" * 20 for _ in range(2000)), '"}']
    chunks = [one(**fields, name="Read", arguments=piece) for piece in pieces]
    assert content(read(*chunks, final("tool_calls"), DONE)) == [("tool", "Read", {"file_path": "x" * 40_000})]


def test_calls_without_a_name_are_noted() -> None:
    chunks = [
        text("hello"),
        one(index=0, id="a", name="", arguments="{}"),
        one(index=2, id="c", name=" \n", arguments="{}"),
        one(index=1, id="b", arguments="{}"),
        final("stop"),
    ]
    assert content(read(*chunks)) == [("text", "hello")]
    assert noted(*chunks) == ["3 tool calls without a name were left out"]


def test_input_is_shown_as_it_comes() -> None:
    pieces = ['{"file', '_path": ', '"a.py"', "}"]
    deltas = deltas_of(*(one(index=0, id="a", name="Read", arguments=piece) for piece in pieces), final("tool_calls"))
    assert deltas[:5] == [ToolCallStart(0, "Read"), *(ToolCallDelta(0, piece) for piece in pieces)]


def test_more_behind_a_call_that_has_ended_is_an_error() -> None:
    chunks = [
        one(index=0, id="a", name="Read", arguments=A),
        text("so"),
        one(index=0, arguments='{"b": 1}'),
        final("stop"),
    ]
    answered = read(*chunks)
    assert answered.error is not None
    assert answered.error.status == 502
    repeated = [one(index=0, id="a", name="Read", arguments=A), text("so"), one(index=0, arguments=A), final("stop")]
    assert content(read(*repeated)) == [READ_A, ("text", "so")]
