"""Reads chunks of Chat Completions as a client would get them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from proxy.protocol.deltas import Delta, Note
from proxy.providers.common.tool_names import ToolNames
from proxy.providers.openai.chat.stream import ChatStream
from proxy.providers.openai.tools import NAME_RULES
from tests.fakes.openai.odd_streams import TOOL_NAMES
from tests.fakes.openai.replies import DONE
from tests.translation import BACKEND, Answer, answer, asking, tool

REQUEST = asking(tools=[tool(name) for name in TOOL_NAMES])


def new_stream(tools: Iterable[str] = TOOL_NAMES) -> ChatStream:
    return ChatStream(ToolNames(tools, NAME_RULES), BACKEND, "local")


def batches(stream: ChatStream, chunks: Iterable[Any]) -> Iterator[list[Delta]]:
    """Batches of deltas, one for each chunk and one for the end; `DONE` is one, too."""
    for chunk in chunks:
        if chunk == DONE:
            stream.done = True
        else:
            yield list(stream.feed(chunk))
    yield list(stream.end())


def read(*chunks: Any) -> Answer:
    """What the client is sent, checked."""
    return answer(batches(new_stream(), chunks), REQUEST)


def noted(*chunks: Any) -> list[str]:
    return [delta.text for delta in deltas_of(*chunks) if isinstance(delta, Note)]


def content(answered: Answer) -> list[tuple[Any, ...]]:
    """The blocks of the message: ("text", text), ("thinking", text), ("tool", name, input), (any other type,)."""
    assert answered.message is not None, answered.error
    blocks: list[tuple[Any, ...]] = []
    for block in answered.message["content"]:
        match block["type"]:
            case "tool_use":
                blocks.append(("tool", block["name"], block["input"]))
            case "text" | "thinking" as kind:
                blocks.append((kind, block[kind]))
            case other:
                blocks.append((other,))
    return blocks


def deltas_of(*chunks: Any) -> list[Delta]:
    return [delta for batch in batches(new_stream(), chunks) for delta in batch]
