"""What is tried with each target: a table of requests, what counts as success, and what helps where it does not.

All of them go through the app, so what is proven is what Claude Code will meet. They are a few hundred tokens each.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from proxy.checking.asking import Answer, Json
from proxy.models.habits import Habits

Status = Literal["ok", "warn", "fail", "skip"]

_TOKENS = 4096
"""Of output: thinking counts, too."""
_RULES = "You are being tried out. Do exactly what is asked, with as few words as possible. "
_LONG_ENOUGH = 60
"""How often the rules are repeated: from short prompts nothing is learned of how tokens are counted."""
_CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
_WEATHER = {"name": "get_weather", "description": "The weather in a city", "input_schema": _CITY}
_TIME = {"name": "get_time", "description": "The time in a city", "input_schema": _CITY}
_LOOK = {"name": "look", "description": "Shows the picture", "input_schema": {"type": "object", "properties": {}}}
_COLOUR = "Which colour fills this picture? Answer with the one word for it."
_SIDE = 64
"""Pixels of the pictures' sides."""
_COLOURS = {"red": (255, 0, 0), "blue": (0, 0, 255)}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a probe is judged by: its answer, those before it by name, and what has been learned of the server."""

    answer: Answer
    before: Mapping[str, Answer]
    habits: Habits
    reports_usage: bool
    streams: bool
    """Whether the server is asked to stream."""


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    status: Status
    words: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """`request` gives the body without its model, or None where the answers before it leave nothing to ask.

    `problem`: what is wrong with an answer that is no failure; empty is success. `success`: words for that.
    """

    name: str
    request: Callable[[Mapping[str, Answer]], Json | None]
    problem: Callable[[Seen], str]
    remedy: str
    matters: bool = False
    """Whether Claude Code can do nothing without it."""
    success: Callable[[Seen], str] = lambda _: ""
    needs_eyes: bool = False

    def judged(self, seen: Seen) -> Finding:
        answer = seen.answer
        words = answer.error if answer.status != 200 else self.problem(seen)
        if not words:
            return Finding(self.name, "ok", self.success(seen))
        if answer.status in (429, 503, 529):
            return Finding(self.name, "fail", words, "the server is busy or limits you: wait, and check again")
        return Finding(self.name, "fail" if self.matters else "warn", words, self.remedy)


def _body(*messages: Json, **fields: Any) -> Json:
    return {"max_tokens": _TOKENS, "system": _RULES, "messages": list(messages), **fields}


def _user(*content: str | Json) -> Json:
    blocks = [{"type": "text", "text": each} if isinstance(each, str) else each for each in content]
    return {"role": "user", "content": blocks}


def _first(_: Mapping[str, Answer]) -> Json:
    question = _user("Count from one to forty in English words, with spaces between.")
    return _body(question, system=_RULES * _LONG_ENOUGH, stream=True)


_QUESTION = _user("What is the weather in Paris? Call the tool.")


def _call(_: Mapping[str, Answer]) -> Json:
    return _body(_QUESTION, tools=[_WEATHER], thinking={"type": "adaptive"})


def _two_calls(_: Mapping[str, Answer]) -> Json:
    question = "What is the weather in Paris and in Oslo? Call the tool for both cities now, both calls in one answer."
    return _body(_user(question), tools=[_WEATHER])


def _forced(_: Mapping[str, Answer]) -> Json:
    return _body(_user("Hello."), tools=[_WEATHER, _TIME], tool_choice={"type": "tool", "name": "get_time"})


def _second_turn(before: Mapping[str, Answer]) -> Json | None:
    first = before.get("tool call")
    if first is None or not first.calls:
        return None
    results = [
        {"type": "tool_result", "tool_use_id": each["id"], "content": "18 degrees, sunny"} for each in first.calls
    ]
    turns = (_QUESTION, {"role": "assistant", "content": first.content}, _user(*results))
    return _body(*turns, tools=[_WEATHER], thinking={"type": "adaptive"})


def _image(_: Mapping[str, Answer]) -> Json:
    return _body(_user(_picture("red"), _COLOUR))


def _image_in_result(_: Mapping[str, Answer]) -> Json:
    use = {"type": "tool_use", "id": "toolu_check_1", "name": "look", "input": {}}
    result = {"type": "tool_result", "tool_use_id": use["id"], "content": [_picture("blue")]}
    turns = (_user(f"Look. {_COLOUR}"), {"role": "assistant", "content": [use]}, _user(result))
    return _body(*turns, tools=[_LOOK])


def _no_words(seen: Seen) -> str:
    return "" if seen.answer.text else "the answer has no text"


def _in_one_piece(seen: Seen) -> str:
    if not seen.streams:
        return "answers come as a whole"
    return "" if seen.answer.pieces > 1 else "the answer came in one piece"


def _no_call(seen: Seen) -> str:
    calls = seen.answer.calls
    if not calls:
        return f"no tool was called, it said: {_clipped(seen.answer.text)}"
    return "" if calls[0]["input"].get("city") else "the call lacks a required parameter"


def _one_call(seen: Seen) -> str:
    return "" if len(seen.answer.calls) > 1 else "two calls were asked for in one answer, two did not come"


def _not_forced(seen: Seen) -> str:
    if [each["name"] for each in seen.answer.calls[:1]] == ["get_time"]:
        return ""
    refused = seen.habits.auto_tool_choice or "tool_choice" in seen.habits.refused
    return "the server takes no tool_choice" if refused else "the tool that was chosen was not called"


def _no_replay(seen: Seen) -> str:
    if seen.habits.no_reasoning_replay:
        return "the server refuses earlier thinking; it is left out"
    return "" if seen.answer.content else "the answer is empty"


def _replayed(seen: Seen) -> str:
    if seen.before["tool call"].thinking:
        return "with the thinking of the first"
    return "the model showed no thinking to send back"


def _misses(colour: str) -> Callable[[Seen], str]:
    def problem(seen: Seen) -> str:
        said = seen.answer.text
        if colour in said.lower():
            return ""
        if seen.habits.no_images:
            return "the model sees no pictures; they are left out"
        return f"the picture is {colour}, it said: {_clipped(said)}"

    return problem


def _described(seen: Seen) -> str:
    return "the model sees none, VISION_MODEL describes them" if seen.habits.no_images else ""


def _clipped(text: str) -> str:
    words = " ".join(text.split())
    return (words if len(words) <= 60 else f"{words[:57]}...") or "nothing"


FIRST = "answer"
_EYES = "if it has no eyes: `vision: false` in a custom model's entry says so, VISION_MODEL names one that has"
PROBES = (
    Probe(FIRST, _first, _no_words, "look up what the server logs; does it serve chat?", matters=True),
    Probe(
        "tool call",
        _call,
        _no_call,
        "Claude Code lives on tools: choose a model with tool calling, and switch it on in the server "
        "(vLLM: --enable-auto-tool-choice --tool-call-parser; llama.cpp: --jinja)",
        matters=True,
    ),
    Probe("second turn", _second_turn, _no_replay, "see what the server logs", matters=True, success=_replayed),
    Probe("parallel calls", _two_calls, _one_call, "it works, only slower: one call after the other"),
    Probe("tool_choice", _forced, _not_forced, "it works; forced calls (structured answers) are less reliable"),
    Probe("image", _image, _misses("red"), _EYES, success=_described, needs_eyes=True),
    Probe("image in a tool result", _image_in_result, _misses("blue"), _EYES, success=_described, needs_eyes=True),
)
"""In this order; the first one proves that anything works at all."""
OF_FIRST = (
    Probe("streaming", _first, _in_one_piece, "it works, but nothing is shown before the end"),
    Probe(
        "usage",
        _first,
        lambda seen: "" if seen.reports_usage else "the server reports no tokens",
        "it works; tokens are estimated, so compaction may come early or late",
    ),
)
"""What else the answer to the first one tells."""


def _picture(colour: str) -> Json:
    """An image block, filled with one of `_COLOURS`."""
    rows = (b"\0" + bytes(_COLOURS[colour]) * _SIDE) * _SIDE
    head = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(png).decode()}
    return {"type": "image", "source": source}


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
