"""The rules of a stream (S1-S13, S16, S19): frames, their order, and the message they add up to."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from jiter import from_json

from tests.conformance.http import check_error_object, check_headers
from tests.conformance.message import (
    STOPS_THAT_WIN_OVER_TOOL_USE,
    check_block_keys,
    check_calls,
    check_envelope,
    check_message,
    check_model_name,
    check_usage,
)
from tests.conformance.safeguards import KEY
from tests.conformance.violation import Json, Violation, is_count, need, need_whole_characters, strict_json

_EVENTS = (
    "ping",
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "error",
)
_START_VALUES: dict[str, Json] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
    "server_tool_use": {"input": {}},
}
_DELTAS_OF = {
    "text": ("text_delta", "citations_delta"),
    "thinking": ("thinking_delta", "signature_delta"),
    "tool_use": ("input_json_delta",),
    "server_tool_use": ("input_json_delta",),
}
_DELTA_VALUE: dict[str, tuple[str, type]] = {
    "text_delta": ("text", str),
    "citations_delta": ("citation", dict),
    "thinking_delta": ("thinking", str),
    "signature_delta": ("signature", str),
    "input_json_delta": ("partial_json", str),
}
_LATE_USAGE = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "server_tool_use",
    "output_tokens_details",
)
"""What the SDK takes over from the usage of a message_delta when it is not null, besides `output_tokens`."""


class Frame(NamedTuple):
    event: str
    data: Json


def parse_sse(raw: bytes) -> list[Frame]:
    """Reads whole frames of one event line and one data line, and nothing else (S2, and what is in them: S13, S16)."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Violation("S2", f"not UTF-8: {error}") from error
    need("\r" not in text, "S2", "a carriage return")
    need(not text or text.endswith("\n\n"), "S2", f"the last frame does not end: {text[-200:]!r}")
    return [_frame(part) for part in text.removesuffix("\n\n").split("\n\n")] if text else []


def check_stream(
    raw: bytes,
    request: Json | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    seen_ids: set[str] | None = None,
) -> Json:
    """Checks the body of a 200 that streams a whole answer, and returns the Message it adds up to.

    A last tool_use whose JSON is cut, or has not begun, when a limit or a filter strikes is not part of that Message.
    `request` and `seen_ids` as for `check_message`.
    """
    if headers is not None:
        _check_stream_headers(headers)
    stream = _Accumulator()
    for frame in parse_sse(raw):
        need(frame.event != "error", "S12", f"the stream has an error: {frame.data!r}")
        stream.feed(frame)
    return check_message(stream.finish(request), request, seen_ids=seen_ids)


def check_error_stream(raw: bytes, request: Json | None = None, headers: Mapping[str, str] | None = None) -> Json:
    """Checks the body of a 200 that breaks off with an error event, and returns its `error` object."""
    if headers is not None:
        _check_stream_headers(headers)
    frames = parse_sse(raw)
    need(frames and frames[-1].event == "error", "S12", f"the end is not an error: {raw[-200:]!r}")
    stream = _Accumulator()
    for frame in frames[:-1]:
        need(frame.event not in ("error", "message_stop"), "S12", f"more follows {frame.event}")
        stream.feed(frame)
    if stream.message:
        check_calls(stream.message["content"], request)
        check_model_name(stream.message, request)
    return check_error_object(frames[-1].data, "S12", headers)


def _check_stream_headers(headers: Mapping[str, str]) -> None:
    named = check_headers(headers)
    content_type = named.get("content-type", "")
    need(content_type.startswith("text/event-stream"), "S1", f"content-type {content_type!r}")
    need("content-length" not in named, "S1", "a stream with a content-length")


def _frame(part: str) -> Frame:
    match = re.fullmatch(r"event: ([^\n]+)\ndata: ([^\n]+)", part)
    if match is None:
        raise Violation("S2", f"not one event line and one data line: {part[:200]!r}")
    name, data = match[1], strict_json(match[2], "S2")
    need(name in _EVENTS, "S2", f"no such event: {name}")
    need(isinstance(data, dict) and data.get("type") == name, "S2", f"event {name} with the data {match[2][:200]}")
    need(name != "ping" or data == {"type": "ping"}, "S13", f"ping with the data {match[2][:200]}")
    need_whole_characters(data)
    return Frame(name, data)


class _Accumulator:
    """Adds events up as the SDK does, and refuses what is not their turn."""

    def __init__(self) -> None:
        self.message: Json = {}
        self._open: int | None = None
        self._json: dict[int, str] = {}
        self._content_over = False
        self._stopped = False

    def feed(self, frame: Frame) -> None:
        need(not self._stopped, "S11", f"{frame.event} after message_stop")
        if frame.event == "ping":
            return
        first = not self.message
        need(first == (frame.event == "message_start"), "S3", f"{frame.event} as the {'first' if first else 'next'}")
        need(KEY not in frame.data, "S19", f"{KEY} beside the delta of {frame.event}")
        if frame.event.startswith("content_block"):
            need(not self._content_over, "S5", f"{frame.event} after message_delta")
        getattr(self, f"_{frame.event}")(frame.data)

    def finish(self, request: Json | None) -> Json:
        """The whole Message, once its tool inputs have been read."""
        need(self.message, "S3", "no message_start")
        need(self._stopped, "S11", "cut off: no message_stop")
        need(self.message["stop_reason"] is not None, "S10", "no stop_reason, or the last is null")
        content = self.message["content"]
        check_calls(content, request)
        calls = [index for index, block in enumerate(content) if block["type"] == "tool_use"]
        last = calls[-1] if calls and self.message["stop_reason"] in STOPS_THAT_WIN_OVER_TOOL_USE else None
        cut = last if last is not None and _is_cut(self._json[last]) else None
        for index, text in self._json.items():
            if index != cut:
                content[index]["input"] = strict_json(text or "{}", "S8")
                need(isinstance(content[index]["input"], dict), "S8", f"tool input {text[:200]!r}")
        if cut is not None:
            del content[cut]
        return self.message

    def _message_start(self, data: Json) -> None:
        message = check_envelope(data.get("message"))
        need(message["content"] == [], "S4", f"message_start with the content {message['content']!r}")
        need(message["stop_reason"] is None, "M2", f"message_start with stop_reason {message['stop_reason']!r}")
        need(message["stop_sequence"] is None, "M3", f"message_start with stop_sequence {message['stop_sequence']!r}")
        need(KEY not in message, "S19", f"message_start with {KEY}")
        check_usage(message["usage"])
        self.message = message

    def _content_block_start(self, data: Json) -> None:
        content, index, block = self.message["content"], data.get("index"), data.get("content_block")
        need(self._open is None, "S5", f"block {index} starts while {self._open} is open")
        need(index == len(content), "S5", f"block {index} starts where {len(content)} was to")
        if not isinstance(block, dict):
            raise Violation("S7", f"block {index} starts with {block!r}")
        check_block_keys(block, "S7")
        wrong = {key: block[key] for key, value in _START_VALUES.get(block["type"], {}).items() if block[key] != value}
        need(not wrong and not block.get("citations"), "S7", f"a block that must start empty: {block!r}")
        content.append(block)
        self._open = len(content) - 1
        if "input" in block:
            self._json[self._open] = ""

    def _content_block_delta(self, data: Json) -> None:
        block, delta = self._open_block(data), data.get("delta")
        kind = delta.get("type") if isinstance(delta, dict) else None
        if not isinstance(delta, dict) or kind not in _DELTAS_OF.get(block["type"], ()):
            raise Violation("S6", f"{delta!r} in a {block['type']} block")
        key, of_type = _DELTA_VALUE[kind]
        value = delta.get(key)
        need(isinstance(value, of_type), "S6", f"{kind} with {value!r}")
        getattr(self, f"_{kind}")(block, value)

    def _text_delta(self, block: Json, text: str) -> None:
        need(text, "S16", "an empty text_delta")
        block["text"] += text

    def _citations_delta(self, block: Json, citation: Json) -> None:
        block["citations"] = [*(block.get("citations") or []), citation]

    def _thinking_delta(self, block: Json, thinking: str) -> None:
        need(not block["signature"], "S9", "a thinking_delta after the signature_delta")
        block["thinking"] += thinking

    def _signature_delta(self, block: Json, signature: str) -> None:
        need(not block["signature"], "S9", "a second signature_delta")
        need(signature, "S9", "an empty signature_delta")
        block["signature"] = signature

    def _input_json_delta(self, block: Json, partial: str) -> None:
        index = len(self.message["content"]) - 1
        self._json[index] += partial
        # The SDK parses what it has after each delta and raises on white space alone.
        need(not self._json[index].isspace(), "S8", "tool JSON that begins with a delta of white space")

    def _content_block_stop(self, data: Json) -> None:
        block = self._open_block(data)
        need(block["type"] != "thinking" or block["signature"], "S9", "thinking without a signature")
        self._open = None

    def _message_delta(self, data: Json) -> None:
        need(self._open is None, "S5", f"message_delta while block {self._open} is open")
        delta, usage, so_far = data.get("delta"), data.get("usage"), self.message["usage"]
        if not isinstance(delta, dict) or not delta.keys() >= {"stop_reason", "stop_sequence"}:
            raise Violation("S10", f"message_delta with the delta {delta!r}")
        if not isinstance(usage, dict) or not is_count(usage.get("output_tokens")):
            raise Violation("S10", f"message_delta with the usage {usage!r}")
        grown = usage["output_tokens"] >= so_far["output_tokens"]
        need(grown, "S10", f"output_tokens fall from {so_far['output_tokens']} to {usage['output_tokens']}")
        read = usage.get("input_tokens")
        need(read != 0 or so_far["input_tokens"] == 0, "S10", f"input_tokens 0 overwrite {so_far['input_tokens']}")
        so_far["output_tokens"] = usage["output_tokens"]
        so_far.update({key: usage[key] for key in _LATE_USAGE if usage.get(key) is not None})
        self.message.update({key: delta.get(key) for key in ("stop_reason", "stop_sequence", "stop_details")})
        if delta.get("container") is not None:
            self.message["container"] = delta["container"]
        if KEY in delta:
            need(KEY not in self.message, "S19", f"{KEY} for the second time")
            self.message[KEY] = delta[KEY]
        self._content_over = True

    def _message_stop(self, data: Json) -> None:
        self._stopped = True

    def _open_block(self, data: Json) -> Json:
        if self._open is None or data.get("index") != self._open:
            raise Violation("S5", f"{data['type']} of block {data.get('index')}, open is {self._open}")
        block: Json = self.message["content"][self._open]
        return block


def _is_cut(text: str) -> bool:
    """Whether `text` is the beginning of one JSON object, but not all of it."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            return False
        try:
            partial: Any = from_json(text.encode("utf-8"), partial_mode=True) if text else {}
        except ValueError:
            return False
        return isinstance(partial, dict)
    return False
