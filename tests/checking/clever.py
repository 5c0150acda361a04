"""A model that passes every probe, for all fakes: it looks at what is asked, wherever that stands in the request."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Mapping
from typing import Any

from tests.fakes.anthropic import bodies
from tests.fakes.gemini import replies as google
from tests.fakes.openai import replies as openai
from tests.fakes.server import Raw, json_answer

Json = dict[str, Any]
_COLOURS = {(255, 0, 0): "Red", (0, 0, 255): "Blue"}
_NUMBERS = ("one two three ", "four five six ", "seven eight nine ")
_PAUSE = 0.1
"""Seconds between the pieces of a text, so that they are not taken together."""


def decide(body: Json) -> tuple[str, list[Json]]:
    """The text, and the input of each call of a tool; `tool` in it is the name."""
    asked = json.dumps(body)
    if pictures := re.findall(r"iVBORw0KGgo[A-Za-z0-9+/]+=*", asked):
        return _colour(pictures[-1]), []
    if "18 degrees" in asked:
        return "It is sunny.", []
    if "Paris and in Oslo" in asked:
        return "", [{"tool": "get_weather", "city": "Paris"}, {"tool": "get_weather", "city": "Oslo"}]
    if "get_time" in asked:
        return "", [{"tool": "get_time", "city": "Paris"}]
    if "weather in Paris" in asked:
        return "", [{"tool": "get_weather", "city": "Paris"}]
    return "".join(_NUMBERS), []


def _colour(picture: str) -> str:
    data = base64.b64decode(picture)
    begin = data.index(b"IDAT") + 4
    rows = zlib.decompressobj().decompress(data[begin:])
    return _COLOURS[(rows[1], rows[2], rows[3])]


def _paused(text: str) -> tuple[str | float, ...]:
    return (_NUMBERS[0], _PAUSE, *_NUMBERS[1:]) if text == "".join(_NUMBERS) else (text,)


def of_openai(body: Json, _: Mapping[str, str]) -> openai.Reply:
    text, calls = decide(body)
    if not calls:
        return openai.Reply(*(each if isinstance(each, float) else openai.Text(each) for each in _paused(text)))
    return openai.Reply(*(openai.ToolCall(*_call(each)) for each in calls))


def of_openai_thinking(body: Json, headers: Mapping[str, str]) -> openai.Reply:
    """The same, and it thinks before each call."""
    reply = of_openai(body, headers)
    thinks = any(isinstance(part, openai.ToolCall) for part in reply.script)
    return openai.Reply(*([openai.Thinking("I call the tool.")] if thinks else []), *reply.script)


def of_gemini(body: Json, _: Mapping[str, str]) -> google.Reply:
    text, calls = decide(body)
    if not calls:
        return google.Reply(*(each if isinstance(each, float) else google.Text(each) for each in _paused(text)))
    return google.Reply(google.Thought("I call the tool."), *(google.FunctionCall(*_call(each)) for each in calls))


def of_anthropic(body: Json, _: Mapping[str, str]) -> Raw:
    text, calls = decide(body)
    uses = [
        {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": given}
        for number, (name, given) in enumerate(map(_call, calls))
    ]
    thoughts = [bodies.thinking()] if uses and body.get("thinking") else []
    said = [{"type": "text", "text": text}] if text else []
    whole = bodies.message(body["model"], *thoughts, *said, *uses)
    if not body.get("stream"):
        return json_answer(whole)
    return Raw([bodies.sse(each) for each in bodies.events(whole)])


def _call(given: Json) -> tuple[str, Json]:
    return given["tool"], {name: value for name, value in given.items() if name != "tool"}
