"""The shape of an odd stream and the few helpers that write one down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tests.fakes.openai.replies import sse
from tests.fakes.server import CUT, Raw, Step

Block = tuple[Any, ...]
Finish = Literal["end", "tool_use", "max_tokens", "refusal", "error"]


@dataclass(frozen=True, slots=True)
class OddStream:
    """What a server really sent, and what has to come of it.

    `blocks` are in the order of their beginning: ("text", text), ("thinking", text), or ("tool", name, input), where
    an input of None means that the call was never finished: it may be shown as far as it came or be left out. With
    finish "error" they are what came before it, and `error` is a piece of what the client has to read (empty: any
    words will do). `usage` has the keys input, output, cache_read and cache_write in
    Anthropic's sense (input without cache); None means that nothing was told.
    """

    name: str
    seen: str
    """The servers that showed it, with the issue where there is one."""
    chunks: tuple[bytes, ...]
    """Each arrives in a TCP segment of its own."""
    blocks: tuple[Block, ...]
    finish: Finish
    usage: dict[str, int] | None = None
    error: str = ""
    cut: bool = False
    """The connection breaks after the last chunk, instead of ending as HTTP wants it."""
    content_type: str = "text/event-stream"
    think_tags: bool = False
    """The expectation holds with the tag parser on."""
    asked_again: bool = False
    """The answer says nothing, so that it is asked for once more; it comes again."""

    def raw(self) -> Raw:
        """As an answer of `FakeServer`."""
        steps: list[Step] = [*self.chunks, CUT] if self.cut else list(self.chunks)
        return Raw(steps, content_type=self.content_type)


def odd(
    name: str,
    seen: str,
    chunks: Sequence[bytes | dict[str, Any]],
    *blocks: Block,
    finish: Finish | None = None,
    **more: Any,
) -> OddStream:
    """A dict among the chunks is sent as one event. `finish` defaults to "tool_use" with a tool, else "end"."""
    written = tuple(chunk if isinstance(chunk, bytes) else sse(chunk) for chunk in chunks)
    if finish is None:
        finish = "tool_use" if any(block[0] == "tool" for block in blocks) else "end"
    return OddStream(name, seen, written, blocks, finish, **more)


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    head = {"id": "chatcmpl-odd", "object": "chat.completion.chunk", "created": 1_795_000_000, "model": "odd"}
    return {**head, "choices": [choice], **more}


def text(piece: str, finish: str | None = None, **more: Any) -> dict[str, Any]:
    return chunk({"content": piece}, finish, **more)


def call(**fields: Any) -> dict[str, Any]:
    """One member of `tool_calls`; `name` and `arguments` go where they belong."""
    function = {key: fields.pop(key) for key in ("name", "arguments") if key in fields}
    return {**fields, "type": "function", "function": function}


def calls(*members: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    return chunk({"tool_calls": list(members)}, finish, **more)


def final(finish: str | None) -> dict[str, Any]:
    return chunk({}, finish)


def usage_body(prompt: int, completion: int, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion, **more}


def usage_chunk(prompt: int, completion: int, **more: Any) -> dict[str, Any]:
    return {**chunk(), "choices": [], "usage": usage_body(prompt, completion, **more)}


def tokens(input: int, output: int, cache_read: int = 0, cache_write: int = 0) -> dict[str, int]:
    return {"input": input, "output": output, "cache_read": cache_read, "cache_write": cache_write}


def torn(events: bytes, size: int) -> list[bytes]:
    """The same bytes in pieces of `size`, wherever that cuts."""
    return [events[start : start + size] for start in range(0, len(events), size)]


def joined(*events: dict[str, Any] | bytes) -> bytes:
    return b"".join(event if isinstance(event, bytes) else sse(event) for event in events)
