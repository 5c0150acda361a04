"""Chunks of Chat Completions -> deltas: every way in which servers stray, whatever the network makes of the bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.protocol.errors import ApiError
from proxy.protocol.events import BlockDelta, BlockStart
from tests.fakes.odd_base import OddStream
from tests.fakes.odd_streams import ODD_STREAMS, TOOL_NAMES
from tests.translation import Answer, answer, asking, chat_deltas, tool

REQUEST = asking(tools=[tool(name) for name in TOOL_NAMES])
STOP_REASONS = {"end": "end_turn", "tool_use": "tool_use", "max_tokens": "max_tokens", "refusal": "refusal"}
READABLE = [odd for odd in ODD_STREAMS.values() if not odd.content_type.startswith("text/html")]
"""A web page is not for this module to read."""


def read(odd: OddStream, pieces: list[bytes]) -> Answer:
    deltas = chat_deltas(pieces, TOOL_NAMES, odd.content_type, cut=odd.cut)
    return answer(deltas, REQUEST, tags=odd.think_tags)


def shown(answered: Answer) -> list[tuple[Any, ...]]:
    """The blocks as far as they were shown; a tool's input as the text that came."""
    blocks: list[list[Any]] = []
    for event in answered.events:
        if isinstance(event, BlockStart):
            kind = event.block["type"]
            blocks.append(["tool", event.block["name"], ""] if kind == "tool_use" else [kind, ""])
        elif isinstance(event, BlockDelta):
            blocks[-1][-1] += event.value
    return [tuple(block) for block in blocks]


def expect(odd: OddStream, answered: Answer, *, in_pieces: bool) -> None:
    blocks = shown(answered)
    if odd.finish == "error":
        assert answered.error is not None
        assert odd.error in answered.error.message
        # What came in one piece with the failure may be lost with it.
        wanted = odd.blocks if in_pieces else odd.blocks[: len(blocks)]
    else:
        assert answered.message is not None
        assert answered.message["stop_reason"] == STOP_REASONS[odd.finish]
        wanted = odd.blocks
    whole = [block for block in wanted if block[-1] is not None]
    assert [block[:-1] for block in blocks[: len(whole)]] == [block[:-1] for block in whole]
    for block, want in zip(blocks, whole, strict=False):
        assert (json.loads(block[-1] or "{}") if want[0] == "tool" else block[-1]) == want[-1]
    assert [block[:2] for block in blocks[len(whole) :]] in ([], [block[:2] for block in wanted[len(whole) :]])
    if odd.usage is not None and answered.message is not None:
        usage = answered.message["usage"]
        told = {"input": usage["input_tokens"], "output": usage["output_tokens"]}
        told |= {"cache_read": usage["cache_read_input_tokens"], "cache_write": usage["cache_creation_input_tokens"]}
        assert told == odd.usage


@pytest.mark.parametrize("odd", READABLE, ids=lambda odd: odd.name)
def test_odd_stream(odd: OddStream) -> None:
    expect(odd, read(odd, list(odd.chunks)), in_pieces=True)
    whole = b"".join(odd.chunks)
    expect(odd, read(odd, [whole]), in_pieces=False)
    expect(odd, read(odd, [whole[at : at + 1] for at in range(len(whole))]), in_pieces=True)
