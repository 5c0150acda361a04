"""Requests of the sizes and shapes that Claude Code sends: many tools, a long history of calls and results."""

from __future__ import annotations

import json
import random
from typing import Any

_SEED = 7
_TOOLS = 24
_PROSE = """the file path of a line in which tests read and write what server client request answer stream error returns
value name should when where not is with from each before after limit default option array string number"""
_WORDS = _PROSE.split()
_CODE = "    def {}_{}(self, {}: str, {}: int = {}) -> dict[str, Any]:  # {} {}\n        return self._{}.{}({})\n"


def _text(rng: random.Random, size: int) -> str:
    words = rng.choices(_WORDS, k=size // 4)
    return " ".join(words)[:size]


def _code(rng: random.Random, size: int) -> str:
    names = iter(rng.choices(_WORDS, k=size // 6 + 20))
    lines: list[str] = []
    length = 0
    while length < size:
        lines.append(_CODE.format(*(next(names) for _ in range(_CODE.count("{}")))))
        length += len(lines[-1])
    return "".join(lines)[:size]


def body(words: str, *, stream: bool = True, **fields: Any) -> bytes:
    """A request that says these words last."""
    request: dict[str, Any] = {
        "model": "claude-opus-5-5",
        "max_tokens": 1000,
        "stream": stream,
        "messages": [{"role": "user", "content": words}],
    }
    return json.dumps({**request, **fields}).encode()


def claude_code(words: str, kilobytes: int = 76) -> bytes:
    """A system prompt of 20 kB, 24 tools, and as much of a history as makes up the size."""
    rng = random.Random(_SEED)
    system = [{"type": "text", "text": _text(rng, 20_000)}]
    return _filled(rng, words, kilobytes, system=system, tools=[_tool(rng, number) for number in range(_TOOLS)])


def conversation(words: str, kilobytes: int) -> bytes:
    """Nothing but history, and one tool."""
    rng = random.Random(_SEED)
    return _filled(rng, words, kilobytes, tools=[_tool(rng, 0)])


def _filled(rng: random.Random, words: str, kilobytes: int, **fields: Any) -> bytes:
    return body(words, **fields, messages=_history(rng, words, kilobytes * 1000 - len(body(words, **fields))))


def _tool(rng: random.Random, number: int) -> dict[str, Any]:
    properties = {name: {"type": "string", "description": _text(rng, 150)} for name in ("file_path", "old", "new")}
    more = {"limit": {"type": "number", "description": _text(rng, 150)}, "all": {"type": "boolean", "default": False}}
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": properties | more,
        "required": ["file_path"],
        "additionalProperties": False,
    }
    return {"name": f"Tool{number}", "description": _text(rng, 1300), "input_schema": schema}


def _history(rng: random.Random, words: str, size: int) -> list[dict[str, Any]]:
    """Turns of a question, a call or two with their results, and an answer, of so many bytes of JSON together."""
    messages: list[dict[str, Any]] = []
    turn = 0
    while size > 0:
        messages += _turn(rng, turn, min(size, 6000))
        size -= len(json.dumps(messages[-4:]))
        turn += 1
    return [*messages, {"role": "user", "content": words}]


def _turn(rng: random.Random, number: int, size: int) -> list[dict[str, Any]]:
    ids = [f"toolu_{number:04d}{call}" for call in range(1 + number % 2)]
    calls = [
        {"type": "tool_use", "id": id, "name": "Tool0", "input": {"file_path": f"src/{id}.py", "old": _code(rng, 300)}}
        for id in ids
    ]
    results = [
        {"type": "tool_result", "tool_use_id": id, "content": _code(rng, size * 2 // 3 // len(ids))} for id in ids
    ]
    said = {"type": "text", "text": _text(rng, 200)}
    return [
        {"role": "user", "content": _text(rng, 300)},
        {"role": "assistant", "content": [said, *calls]},
        {"role": "user", "content": results},
        {"role": "assistant", "content": [{"type": "text", "text": _text(rng, 400)}]},
    ]
