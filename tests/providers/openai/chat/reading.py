"""Reads chunks of Chat Completions as a client would get them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from proxy.protocol.deltas import Delta, Note
from proxy.providers.common.tool_names import ToolNames
from proxy.providers.openai.chat.stream import ChatStream
from proxy.providers.openai.tools import NAME_RULES
from tests.fakes.openai.odd_base import call, calls, chunk, final, text, usage_chunk
from tests.fakes.openai.odd_streams import TOOL_NAMES
from tests.fakes.openai.replies import DONE
from tests.translation import BACKEND, Answer, answer, asking, tool

REQUEST = asking(tools=[tool(name) for name in TOOL_NAMES])


def new_stream(tools: Iterable[str] = TOOL_NAMES) -> ChatStream:
    return ChatStream(ToolNames(tools, NAME_RULES), BACKEND, "local")


def batches(stream: ChatStream, chunks: Iterable[Any]) -> Iterator[list[Delta]]:
    """Batches of deltas, one for each chunk and one for the end; `DONE` is one, too."""
    for each in chunks:
        if each == DONE:
            stream.done = True
        else:
            yield list(stream.feed(each))
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


EVERYTHING: list[Any] = [
    chunk({"role": "assistant", "content": ""}),
    chunk(
        {"reasoning_content": "let me", "reasoning_details": [{"type": "reasoning.text", "text": "let", "index": 0}]}
    ),
    text("hello"),
    chunk(
        {"content": [{"type": "text", "text": "you"}, {"type": "image_url", "image_url": {"url": "data:image/png,A"}}]}
    ),
    calls(call(index=0, id="call_1", name="Read", arguments='{"file_path"')),
    calls(
        {"index": 0, "function": {"arguments": ': "a.py"}'}, "extra_content": {"google": {"thought_signature": "s"}}}
    ),
    calls(call(index=1, id="call_2", name="Grep", arguments="")),
    chunk({"function_call": {"name": "Read", "arguments": "{}"}, "refusal": None, "audio": {"transcript": "hm"}}),
    {**chunk(), "choices": [{"index": 1, "message": {"content": "hello", "tool_calls": []}, "finish_reason": "stop"}]},
    {**final("tool_calls"), "citations": ["http://a.test"], "base_resp": {"status_code": 0}},
    usage_chunk(10, 3, prompt_tokens_details={"cached_tokens": 2}, completion_tokens_details={"reasoning_tokens": 1}),
    {"error": {"message": "m", "code": 429, "metadata": {"raw": "r"}}},
]
"""Chunks of every kind; the last reports a failure."""
