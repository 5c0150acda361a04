"""Compares what a client was sent with what has to come of an odd stream."""

from __future__ import annotations

import json
from typing import Any

from proxy.protocol.events import BlockDelta, BlockStart
from tests.fakes.openai.odd_base import OddStream
from tests.fakes.outcomes import STOP_REASONS
from tests.translation import Answer


def shown(answered: Answer) -> list[tuple[Any, ...]]:
    """The blocks as far as they were shown; a tool's input as the text that came."""
    blocks: list[list[Any]] = []
    for event in answered.events:
        if isinstance(event, BlockStart):
            kind = event.block["type"]
            blocks.append(["tool", event.block["name"], ""] if kind == "tool_use" else [kind, ""])
        elif isinstance(event, BlockDelta) and event.type != "signature_delta":
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
