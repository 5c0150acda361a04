"""Deltas -> events: the only code that numbers, opens and closes blocks and decides the stop reason.

The rules it keeps, whatever order a vendor sends things in:

    answer  := message_start block* message_delta message_stop
    block_i := content_block_start(i) content_block_delta(i)* content_block_stop(i)     i = 0, 1, 2, ...

* One block is open at a time. Text and thinking end when something else begins. A tool call ends when its provider
  says so; what arrives in the meantime (a second call, text) waits in its own track and follows whole.
* A text block that would hold only white space is not opened: Anthropic's API refuses such a block when it comes back.
* The input of a tool use is an object. `null` and nothing become `{}`; JSON that is broken is an error, never `{}`.
  Only where the end cut the last call (the token limit, a full window, a filter) does the beginning of an object stand
  as it is, and `stop_reason` says so. At a limit, a last call without any input is such a call, so its end waits for
  what follows.
* Thinking is signed, by its provider or by the writer: many clients take none back without a signature.
* What comes for a call that has ended or never begun is an error, unless it is blank.
* `stop_reason` follows from what was written: any tool use means `tool_use`, whatever the vendor called it.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from proxy.protocol import ids
from proxy.protocol.characters import has_halves, joined_escapes, joined_halves, whole_characters
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
from proxy.protocol.signature import NO_STATE
from proxy.protocol.tool_json import is_cut_input, parsed_input

CUT_OFF = "the upstream's answer ended before it was complete"
_STOP_REASONS = {
    "max_tokens": "max_tokens",
    "refusal": "refusal",
    "context_window_exceeded": "model_context_window_exceeded",
}
"""The finish reasons that win over a tool use, and that may have cut one in the middle of its input."""
_LENGTHS = ("max_tokens", "context_window_exceeded")
"""Those that may have cut it before the first byte of its input."""
_NO_INPUT = ("", "null")


@dataclass(slots=True, eq=False)
class _Track:
    """One content block to be. `pieces` wait here until the track is first in line and may be opened.

    `begins_with` is the first character of text or arguments that is not white space.
    """

    kind: Literal["text", "thinking", "tool", "server", "whole"]
    block: dict[str, Any]
    pieces: list[str | dict[str, Any]] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    begins_with: str = ""
    signature: str = ""
    index: int | None = None
    ended: bool = False
    broken: bool = False
    without_input: bool = False

    def add(self, text: str) -> None:
        self.pieces.append(text)
        if not self.begins_with:
            self.begins_with = text.lstrip()[:1]

    @property
    def may_open(self) -> bool:
        """Text waits for something that is not white space."""
        return self.kind != "text" or bool(self.begins_with)

    @property
    def may_flow(self) -> bool:
        """Input waits until it is known to be an object."""
        return self.kind != "tool" or self.begins_with == "{"


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
        self._calls: dict[int, _Track] = {}
        self._next_index = 0
        self._used_tool = False
        self._input_estimate = input_estimate
        self._usage = Usage()
        self._finish: Finish | None = None

    def feed(self, deltas: Iterable[Delta]) -> list[Event]:
        """Raises ApiError (502) where a piece belongs to no tool call that is open."""
        for delta in deltas:
            self._take(delta)
        out: list[Event] = [] if self._started else [MessageStart(self._message)]
        self._started = True
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
        may_cut = self._finish.reason in _STOP_REASONS
        may_be_cut = self._finish.reason in _LENGTHS or (may_cut and self._tracks and not self._tracks[-1].ended)
        for track in self._tracks:
            self._end(track)
        if may_be_cut and self._tracks and self._tracks[-1].without_input:
            self._tracks[-1].broken = True
        self._advance(out, closing=True)
        while self._tracks:
            broken = self._tracks.popleft()
            is_last = not any(later.kind == "tool" for later in self._tracks)
            if not (may_cut and is_last and (broken.without_input or is_cut_input("".join(broken.arguments)))):
                name = broken.block["name"]
                raise ApiError(502, f"the model called the tool {name} with input that is not a JSON object")
            if broken.index is not None:
                out.append(BlockStop(broken.index))
            self._advance(out, closing=True)
        out.append(self._message_delta(self._finish))
        out.append(MessageStop())
        return out

    def _take(self, delta: Delta) -> None:
        match delta:
            case TextDelta(text):
                if text:
                    self._current("text").add(text)
            case ThinkingDelta(text):
                self._current("thinking").add(text)
            case ToolCallDelta(key, text):
                self._take_arguments(key, text)
            case ToolCallStart(key, name):
                block = {"type": "tool_use", "id": ids.tool_use_id(), "name": whole_characters(name), "input": {}}
                self._calls[key] = self._add(_Track("tool", block))
            case ToolCallEnd(key):
                if (call := self._calls.get(key)) is not None:
                    self._end(call)
            case ThinkingEnd(signature):
                track = self._current("thinking")
                track.signature = whole_characters(signature)
                track.ended = True
            case RedactedThinking(data):
                self._add(_Track("whole", {"type": "redacted_thinking", "data": whole_characters(data)}, ended=True))
            case ServerBlock({"type": "server_tool_use"} as block):
                pieces: list[str | dict[str, Any]] = [json.dumps(block["input"], ensure_ascii=False)]
                self._add(_Track("server", {**block, "input": {}}, pieces=pieces, ended=True))
            case ServerBlock(block):
                self._add(_Track("whole", whole_characters(block), ended=True))
            case Citation(citation):
                self._current("text").pieces.append(whole_characters(citation))
            case Usage():
                self._usage = merged(self._usage, delta)
            case Finish():
                self._finish = delta

    def _take_arguments(self, key: int, text: str) -> None:
        call = self._calls.get(key)
        if call is not None and not call.ended:
            call.add(text)
            call.arguments.append(text)
        elif text.strip():
            where = "after its end" if call is not None else "before its beginning"
            raise ApiError(502, f"the upstream sent a piece of a tool call {where}")

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

    def _end(self, track: _Track) -> None:
        if track.kind == "tool" and not track.ended:
            arguments = "".join(track.arguments).strip()
            track.without_input = arguments in _NO_INPUT
            track.broken = not track.without_input and parsed_input(arguments) is None
        track.ended = True

    def _advance(self, out: list[Event], *, closing: bool = False) -> None:
        """Emits what the first track holds, and goes on to the next as long as tracks are complete."""
        while self._tracks:
            head = self._tracks[0]
            if head.broken and head.index is None:
                return
            if head.index is None and head.may_open:
                self._open(head, out)
            if head.index is not None and head.pieces and head.may_flow:
                self._flush(head, head.index, out)
            is_last_so_far = len(self._tracks) == 1 and not closing
            if not head.ended or head.broken or (head.without_input and is_last_so_far):
                return
            if head.index is not None:
                if head.without_input:
                    out.append(BlockDelta(head.index, "input_json_delta", "{}"))
                if head.kind == "thinking":
                    out.append(BlockDelta(head.index, "signature_delta", head.signature or NO_STATE))
                out.append(BlockStop(head.index))
            self._tracks.popleft()

    def _open(self, track: _Track, out: list[Event]) -> None:
        track.index = self._next_index
        self._next_index += 1
        self._used_tool = self._used_tool or track.kind == "tool"
        out.append(BlockStart(track.index, track.block))

    def _flush(self, track: _Track, index: int, out: list[Event]) -> None:
        text = "".join([piece for piece in track.pieces if isinstance(piece, str)])
        citations = [piece for piece in track.pieces if isinstance(piece, dict)]
        track.pieces.clear()
        if has_halves(text):
            text, half = joined_halves(text, is_last=track.ended)
            if half:
                track.pieces.append(half)
        if track.kind == "tool" and "\\" in text:
            text, rest = joined_escapes(text, is_last=track.ended)
            if rest:
                track.pieces.insert(0, rest)
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
            details = {"type": "refusal", "category": None, "explanation": whole_characters(finish.explanation)}
        return MessageDelta(reason, sequence, details, self._final_usage())

    def _final_usage(self) -> dict[str, Any]:
        """Cumulative, and true where the upstream reported it; the estimate stands for an input that it did not."""
        reported = self._usage
        cached = (reported.cache_read or 0) + (reported.cache_write or 0)
        count = reported.input
        if count is None or (count == 0 and cached == 0):
            count = self._input_estimate - cached
        # Clients ignore a 0 and would add the estimate of the start to what the cache took or gave.
        usage: dict[str, Any] = {"output_tokens": max(reported.output or 0, 1), "input_tokens": max(count, 1)}
        if reported.cache_read is not None:
            usage["cache_read_input_tokens"] = reported.cache_read
        if reported.cache_write is not None:
            usage["cache_creation_input_tokens"] = reported.cache_write
        if reported.thinking:
            usage["output_tokens_details"] = {"thinking_tokens": min(reported.thinking, usage["output_tokens"])}
        if reported.web_searches:
            usage["server_tool_use"] = {"web_search_requests": reported.web_searches}
        return usage
