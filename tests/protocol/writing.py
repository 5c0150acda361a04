"""Deltas, and what is written of them, in short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proxy.protocol.deltas import Delta, Finish, ToolCallDelta, ToolCallEnd, ToolCallStart
from tests.translation import Json, answer, asking, tool

REQUEST = asking(tools=[tool("Read"), tool("Grep")], stop_sequences=["END"])
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
CITED = {"type": "char_location", "cited_text": "x", "document_index": 0, "document_title": None}


def written(*batches: Sequence[Delta]) -> Json:
    message = answer(batches, REQUEST).message
    assert message is not None
    return message


def content(message: Json) -> list[Any]:
    """Blocks as short tuples, ids left out."""
    short = {"text": ("text",), "thinking": ("thinking", "signature"), "tool_use": ("name", "input")}
    return [
        (block["type"], *(block[key] for key in short[block["type"]])) if block["type"] in short else block["type"]
        for block in message["content"]
    ]


def called(key: int, name: str, *pieces: str) -> list[Delta]:
    return [ToolCallStart(key, name), *(ToolCallDelta(key, piece) for piece in pieces), ToolCallEnd(key)]


READ = ("tool_use", "Read", {"path": "a"})
READING = called(0, "Read", '{"pa', 'th": "a"}')
END = Finish()
