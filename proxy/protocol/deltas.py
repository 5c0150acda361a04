"""The small vocabulary that every provider speaks and the writer turns into Anthropic events.

A provider never sees a block index, an event name or a stop reason. Within one answer the deltas of one text or
thinking run belong together; tool calls are told apart by `key`, which is private to the provider's stream.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """A piece of visible reasoning; the empty string opens a thinking block without showing anything."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingEnd:
    """Closes the current run of reasoning (or makes one without text) and signs it."""

    signature: str


@dataclass(frozen=True, slots=True)
class RedactedThinking:
    """Reasoning state that has no text to show, opaque to the client."""

    data: str


@dataclass(frozen=True, slots=True)
class ToolCallStart:
    """The id that the client sees is the writer's: vendors' ids are missing, empty or repeated too often."""

    key: int
    name: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """The next piece of the JSON text of the arguments."""

    key: int
    json: str


@dataclass(frozen=True, slots=True)
class ToolCallEnd:
    key: int


@dataclass(frozen=True, slots=True)
class ServerBlock:
    """A whole content block that the client only reads: `server_tool_use`, `web_search_tool_result`."""

    block: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Citation:
    """A citation of the text block now open."""

    citation: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used so far, cumulative; None means not reported. `input` excludes both cache counts."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    thinking: int | None = None
    web_searches: int | None = None
    cache_write_1h: int | None = None
    """Of `cache_write`, what is kept for an hour."""
    cost: float | None = None
    """USD, where the server tells what it has charged."""


@dataclass(frozen=True, slots=True)
class Note:
    """What was dropped or changed on the way, for the response header and the log; no part of the answer."""

    text: str


FinishReason = Literal["end", "max_tokens", "stop_sequence", "refusal", "context_window_exceeded"]


@dataclass(frozen=True, slots=True)
class Finish:
    """The upstream said that it is done. Without one, the answer counts as cut off."""

    reason: FinishReason = "end"
    stop_sequence: str | None = None
    explanation: str | None = None


Delta = (
    TextDelta
    | ThinkingDelta
    | ThinkingEnd
    | RedactedThinking
    | ToolCallStart
    | ToolCallDelta
    | ToolCallEnd
    | ServerBlock
    | Citation
    | Usage
    | Note
    | Finish
)


def shows(item: object) -> bool:
    """Whether the client sees something of it; what is no delta is part of an answer that is passed on."""
    return not isinstance(item, Usage | Note) and item not in _EMPTY


_EMPTY = (ThinkingDelta(""), TextDelta(""))


def merged(old: Usage, new: Usage) -> Usage:
    """Cumulative counts: the latest reported value of each field."""
    return Usage(*[before if now is None else now for before, now in zip(_counts(old), _counts(new), strict=True)])


_counts = attrgetter(*(item.name for item in fields(Usage)))
