"""The events of one streamed answer, as values. The grammar that orders them is the writer's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from proxy.protocol.errors import ApiError

DeltaType = Literal["text_delta", "thinking_delta", "signature_delta", "input_json_delta", "citations_delta"]


@dataclass(frozen=True, slots=True)
class MessageStart:
    message: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BlockStart:
    """`block` is empty where deltas follow (text, thinking, tool use), complete otherwise."""

    index: int
    block: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BlockDelta:
    """`value` is the text, JSON text or signature added, or a whole citation."""

    index: int
    type: DeltaType
    value: str | dict[str, Any]


@dataclass(frozen=True, slots=True)
class BlockStop:
    index: int


@dataclass(frozen=True, slots=True)
class MessageDelta:
    stop_reason: str
    stop_sequence: str | None
    stop_details: dict[str, Any] | None
    usage: dict[str, Any]
    safeguard_results: list[dict[str, Any]] | None = None
    """Verdicts on the answer's tool uses, where the request asked for them; see safeguards.py."""


@dataclass(frozen=True, slots=True)
class MessageStop:
    pass


@dataclass(frozen=True, slots=True)
class Ping:
    pass


@dataclass(frozen=True, slots=True)
class StreamError:
    """Ends the stream; nothing may follow."""

    error: ApiError
    request_id: str


Event = MessageStart | BlockStart | BlockDelta | BlockStop | MessageDelta | MessageStop | Ping | StreamError
