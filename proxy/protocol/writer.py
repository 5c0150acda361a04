"""Deltas -> events: the only code that numbers, opens and closes blocks and decides the stop reason.

The rules it keeps, whatever order a vendor sends things in:

    answer  := message_start block* message_delta message_stop
    block_i := content_block_start(i) content_block_delta(i)* content_block_stop(i)     i = 0, 1, 2, ...

* One block is open at a time. Text and thinking end when something else begins. A tool call ends when its provider
  says so; what arrives in the meantime (a second call, text) waits in its own track and follows whole.
* A text block that would hold only white space is not opened: Anthropic's API refuses such a block when it comes back.
* The input of a tool use is an object. `null` and nothing become `{}`; JSON that is broken is an error, never `{}`.
  Only where the token limit cut the last call does it stand as it is, and `stop_reason` says `max_tokens`.
* `stop_reason` follows from what was written: any tool use means `tool_use`, whatever the vendor called it.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from proxy.protocol import ids
from proxy.protocol.deltas import (
    Citation,
    Delta,
    Finish,
    RedactedThinking,
    ServerBlock,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
    merged,
)
from proxy.protocol.errors import ApiError
from proxy.protocol.events import (
    BlockDelta,
    BlockStart,
    BlockStop,
    DeltaType,
    Event,
    MessageDelta,
    MessageStart,
    MessageStop,
)

CUT_OFF = "the upstream's answer ended before it was complete"
_CHARS_PER_TOKEN = 4
_STOP_REASONS = {
    "max_tokens": "max_tokens",
    "refusal": "refusal",
    "context_window_exceeded": "model_context_window_exceeded",
}
"""The finish reasons that win over a tool use."""


@dataclass(slots=True, eq=False)
class _Track:
    """One content block to be. `pieces` wait here until the track is first in line and may be opened."""

    kind: Literal["text", "thinking", "tool", "server", "whole"]
    block: dict[str, Any]
    key: int = -1
    pieces: list[str | dict[str, Any]] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    object_begun: bool = False
    signature: str = ""
    index: int | None = None
    ended: bool = False
    broken: bool = False


_SURROGATE = re.compile("[\ud800-\udfff]")
_DELTA_TYPE: dict[str, DeltaType] = {
    "text": "text_delta",
    "thinking": "thinking_delta",
    "tool": "input_json_delta",
    "server": "input_json_delta",
}


class Writer:
    """Writes one answer.

    Call `feed` with each batch of deltas, then `finish` when the upstream is through. Both return the events that may
    be sent now; the first call of `feed` begins with `message_start`.
    """

    def __init__(self, model: str, input_estimate: int) -> None:
        """`model` is the name that the client asked for; `input_estimate` in tokens stands until the truth is known."""
        self._message: dict[str, Any] = {
            "id": ids.message_id(),
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "stop_details": None,
            "usage": {
                "input_tokens": input_estimate,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": 1,
            },
        }
        self._started = False
        self._tracks: deque[_Track] = deque()
        self._next_index = 0
        self._used_tool = False
        self._chars = 0
        self._usage = Usage()
        self._finish: Finish | None = None

    def feed(self, deltas: Iterable[Delta]) -> list[Event]:
        out: list[Event] = [] if self._started else [MessageStart(self._message)]
        self._started = True
        for delta in deltas:
            self._take(delta)
        self._advance(out)
        return out

    def nudge(self) -> list[Event]:
        """A real event that changes nothing, for clients whose watchdog does not count pings."""
        if not self._tracks:
            return self.feed([ThinkingDelta("")])
        head = self._tracks[0]
        return [] if head.index is None else [BlockDelta(head.index, _DELTA_TYPE[head.kind], "")]

    def finish(self) -> list[Event]:
        """Closes what is open and ends the message.

        Raises:
            ApiError: 502, when the upstream never said that it was done or a tool call's input is not a JSON object.
        """
        if self._finish is None:
            raise ApiError(502, CUT_OFF)
        out = self.feed(())
        at_limit = self._finish.reason == "max_tokens"
        for track in self._tracks:
            self._end(track, cut=at_limit)
        self._advance(out)
        while self._tracks:
            broken = self._tracks.popleft()
            if not at_limit or any(later.kind == "tool" for later in self._tracks):
                name = broken.block["name"]
                raise ApiError(502, f"the model called the tool {name} with input that is not a JSON object")
            if broken.index is not None:
                out.append(BlockStop(broken.index))
            self._advance(out)
        out.append(self._message_delta(self._finish))
        out.append(MessageStop())
        return out

    def _take(self, delta: Delta) -> None:
        match delta:
            case TextDelta(text):
                if text:
                    self._current("text").pieces.append(text)
            case ThinkingDelta(text):
                self._current("thinking").pieces.append(text)
            case ToolCallDelta(key, text):
                track = self._tool(key)
                track.pieces.append(text)
                track.arguments.append(text)
            case ToolCallStart(key, name):
                block = {"type": "tool_use", "id": ids.tool_use_id(), "name": name, "input": {}}
                self._add(_Track("tool", block, key))
            case ToolCallEnd(key):
                self._end(self._tool(key))
            case ThinkingEnd(signature):
                track = self._current("thinking")
                track.signature = signature
                track.ended = True
            case RedactedThinking(data):
                self._add(_Track("whole", {"type": "redacted_thinking", "data": data}, ended=True))
            case ServerBlock({"type": "server_tool_use"} as block):
                pieces: list[str | dict[str, Any]] = [json.dumps(block["input"], ensure_ascii=False)]
                self._add(_Track("server", {**block, "input": {}}, pieces=pieces, ended=True))
            case ServerBlock(block):
                self._add(_Track("whole", block, ended=True))
            case Citation(citation):
                self._current("text").pieces.append(citation)
            case Usage():
                self._usage = merged(self._usage, delta)
            case Finish():
                self._finish = delta

    def _current(self, kind: Literal["text", "thinking"]) -> _Track:
        """The run of text or thinking that goes on, or a new one."""
        if self._tracks and self._tracks[-1].kind == kind and not self._tracks[-1].ended:
            return self._tracks[-1]
        empty = (
            {"type": "text", "text": ""} if kind == "text" else {"type": "thinking", "thinking": "", "signature": ""}
        )
        return self._add(_Track(kind, empty))

    def _add(self, track: _Track) -> _Track:
        if self._tracks and self._tracks[-1].kind != "tool":
            self._tracks[-1].ended = True
        self._tracks.append(track)
        return track

    def _tool(self, key: int) -> _Track:
        return next(track for track in reversed(self._tracks) if track.kind == "tool" and track.key == key)

    def _end(self, track: _Track, *, cut: bool = False) -> None:
        if track.kind == "tool" and not track.ended:
            arguments = "".join(track.arguments)
            track.broken = not _is_input(arguments) or (cut and not arguments.strip())
        track.ended = True

    def _advance(self, out: list[Event]) -> None:
        """Emits what the first track holds, and goes on to the next as long as tracks are complete."""
        while self._tracks:
            head = self._tracks[0]
            if head.broken and head.index is None:
                return
            if head.index is None and _has_content(head):
                self._open(head, out)
            if head.index is not None and head.pieces:
                self._flush(head, head.index, out)
            if not head.ended or head.broken:
                return
            if head.index is not None:
                if head.kind == "tool" and not head.object_begun:
                    out.append(BlockDelta(head.index, "input_json_delta", "{}"))
                if head.signature:
                    out.append(BlockDelta(head.index, "signature_delta", head.signature))
                out.append(BlockStop(head.index))
            self._tracks.popleft()

    def _open(self, track: _Track, out: list[Event]) -> None:
        track.index = self._next_index
        self._next_index += 1
        self._used_tool = self._used_tool or track.kind == "tool"
        out.append(BlockStart(track.index, track.block))

    def _flush(self, track: _Track, index: int, out: list[Event]) -> None:
        if track.kind == "tool" and not track.object_begun:
            track.object_begun = "".join(track.arguments).lstrip().startswith("{")
            if not track.object_begun:
                return
        text = "".join([piece for piece in track.pieces if isinstance(piece, str)])
        citations = [piece for piece in track.pieces if isinstance(piece, dict)]
        track.pieces.clear()
        if not text.isascii() and _SURROGATE.search(text):
            text, half = _whole_characters(text, track.ended)
            if half:
                track.pieces.append(half)
        self._chars += len(text)
        if text:
            out.append(BlockDelta(index, _DELTA_TYPE[track.kind], text))
        out.extend(BlockDelta(index, "citations_delta", citation) for citation in citations)

    def _message_delta(self, finish: Finish) -> MessageDelta:
        sequence = None
        if finish.reason in _STOP_REASONS:
            reason = _STOP_REASONS[finish.reason]
        elif self._used_tool:
            reason = "tool_use"
        elif finish.reason == "stop_sequence":
            reason, sequence = "stop_sequence", finish.stop_sequence
        else:
            reason = "end_turn"
        details = None
        if reason == "refusal":
            details = {"type": "refusal", "category": None, "explanation": finish.explanation}
        return MessageDelta(reason, sequence, details, self._final_usage())

    def _final_usage(self) -> dict[str, Any]:
        """Cumulative and true where the upstream told; clients keep the estimate of the start for what is left out."""
        told = self._usage
        output = told.output if told.output is not None else self._chars // _CHARS_PER_TOKEN
        usage: dict[str, Any] = {"output_tokens": max(output, 1)}
        if told.input is not None and (told.input or told.cache_read or told.cache_write):
            # Clients ignore a 0 and would add the estimate of the start to what the cache took or gave.
            usage["input_tokens"] = max(told.input, 1)
        if told.cache_read is not None:
            usage["cache_read_input_tokens"] = told.cache_read
        if told.cache_write is not None:
            usage["cache_creation_input_tokens"] = told.cache_write
        if told.thinking:
            usage["output_tokens_details"] = {"thinking_tokens": min(told.thinking, usage["output_tokens"])}
        if told.web_searches:
            usage["server_tool_use"] = {"web_search_requests": told.web_searches}
        return usage


def _has_content(track: _Track) -> bool:
    """Whether the block may be opened; text waits for something that is not white space."""
    if track.kind == "text":
        return any(not isinstance(piece, str) or piece.strip() for piece in track.pieces)
    return True


def _whole_characters(text: str, is_last: bool) -> tuple[str, str]:
    """`text` without half characters, and a half at its end whose other half may come with the next piece.

    Vendors cut JSON escapes between the two UTF-16 halves of an emoji.
    """
    half = "" if is_last or not "\ud800" <= text[-1] <= "\udbff" else text[-1]
    whole = text[: len(text) - len(half)]
    return whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), half


def _is_input(arguments: str) -> bool:
    """Whether the arguments of a tool call are a JSON object, or stand for an empty one."""
    if arguments.strip() in ("", "null"):
        return True
    try:
        return isinstance(json.loads(arguments, parse_constant=int), dict)  # int refuses NaN, which is no JSON
    except (ValueError, RecursionError):
        return False
