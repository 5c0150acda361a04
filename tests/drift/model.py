"""The model of the scripted day: what it answers follows from the request alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Body = Mapping[str, Any]
Block = dict[str, Any]

_CLOSING_TOOLS = ("StructuredOutput", "SubagentHandback")
"""An agent that has one of these ends with a call of it."""
_SAFEGUARD = "dangerous_tool_use"
_SUMMARY = "Things were done."
_PAGE = {"type": "web_search_result", "title": "Almanac", "url": "https://almanac.test/", "encrypted_content": "aaaa"}


@dataclass(frozen=True, slots=True)
class Step:
    """One answer. `fault` is what happens in its place: an error in the stream, or a refusal of the prompt's length."""

    blocks: tuple[Block, ...] = ()
    fault: Literal["breaks off", "too long"] | None = None


Scripts = Mapping[str, Sequence[Step]]
"""By a word of the user's message, the answers to it and to the tool results that follow."""


def text(words: str) -> Block:
    return {"type": "text", "text": words}


def thinking(words: str) -> Block:
    return {"type": "thinking", "thinking": words, "signature": "c2lnbmF0dXJl"}


def call(name: str, **arguments: Any) -> Block:
    return {"type": "tool_use", "name": name, "input": arguments}


def respond(body: Body, scripts: Scripts) -> Step:
    """Side requests are told by what they ask for; everything else goes by its script, and ends when that is over."""
    side = _searches(body) or _format(body) or _classifies(body) or _summary(body)
    if side:
        return Step(tuple(side))
    step = _scripted(body["messages"], scripts)
    if step is None or (step.fault == "too long" and _SUMMARY in "\n".join(_texts(body["messages"]))):
        return Step(tuple(_closing(body)))
    return step


def verdicts(body: Body, blocks: Iterable[Block], unjudged: str) -> list[Block]:
    """The `safeguard_results` of an answer; a conversation that holds the word `unjudged` gets no judge."""
    if not any(entry.get("type") == _SAFEGUARD for entry in body.get("safeguards") or ()):
        return []
    status: Block = {"type": "unsupported"}
    if unjudged not in "\n".join(_texts(body["messages"])):
        evaluated = {"type": "evaluated", "outcome": "not_flagged"}
        ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
        status = {"type": "available", "tool_uses": dict.fromkeys(ids, evaluated)}
    return [{"type": _SAFEGUARD, "status": status}]


def fill(schema: Mapping[str, Any]) -> Any:
    """The smallest value that a JSON schema of the usual kind allows."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            return {name: fill(properties.get(name, {})) for name in schema.get("required", ())}
        case "array":
            return [fill(schema.get("items", {}))] * schema.get("minItems", 0)
        case "boolean":
            return True
        case "integer" | "number":
            return schema.get("minimum", 1)
    return "done"


def _searches(body: Body) -> list[Block]:
    names = [tool["name"] for tool in body.get("tools", ()) if tool.get("type", "").startswith("web_search")]
    if not names or len(body["tools"]) > 1:
        return []
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [_PAGE]}
    search = {"type": "server_tool_use", "id": "srvtoolu_1", "name": names[0], "input": {"query": "the moon"}}
    return [search, found, text("The moon is full.")]


def _format(body: Body) -> list[Block]:
    requested = (body.get("output_config") or {}).get("format")
    return [text(json.dumps(fill(requested["schema"])))] if requested else []


def _classifies(body: Body) -> list[Block]:
    """The client's own check of a tool call: its short stage is left undecided, its long one allows the call."""
    words = "\n".join(_texts(body["messages"]))
    if body.get("tools") or body.get("stream") or "<transcript>" not in words:
        return []
    short = body["max_tokens"] < 4096
    if "<severity>" in words or "<severity>" in str(body.get("system")):
        return [text("<severity>60</severity>" if short else "<thinking>Fine.</thinking><severity>5</severity>")]
    return [text("<block>yes</block>" if short else "<thinking>Fine.</thinking><block>no</block>")]


def _summary(body: Body) -> list[Block]:
    last = "\n".join(_texts([message for message in body["messages"] if message["role"] == "user"][-1:]))
    asked = "<analysis>" in last and "<summary>" in last
    return [text(f"<analysis>Short.</analysis>\n<summary>{_SUMMARY}</summary>")] if asked else []


def _scripted(messages: Sequence[Mapping[str, Any]], scripts: Scripts) -> Step | None:
    """None where the script is over, or where the conversation has gone on to something else."""
    turns = [message for message in messages if message["role"] != "system"]
    begun = [(at, _word(message, scripts)) for at, message in enumerate(turns) if message["role"] == "user"]
    at, word = next(((at, word) for at, word in reversed(begun) if word), (0, None))
    if word is None or not (at == len(turns) - 1 or _results(turns[-1])):
        return None
    number = sum(message["role"] == "assistant" for message in turns[at:])
    return scripts[word][number] if number < len(scripts[word]) else None


def _closing(body: Body) -> list[Block]:
    schemas = {tool["name"]: tool.get("input_schema", {}) for tool in body.get("tools", ())}
    used = {block.get("name") for block in _blocks(body["messages"]) if block["type"] == "tool_use"}
    name = next((name for name in _CLOSING_TOOLS if name in schemas and name not in used), None)
    return [call(name, **fill(schemas[name]))] if name else [text("Done.")]


def _word(message: Mapping[str, Any], scripts: Scripts) -> str | None:
    words = "\n".join(_texts([message]))
    return next((word for word in scripts if word in words), None)


def _results(message: Mapping[str, Any]) -> bool:
    return any(block["type"] == "tool_result" for block in _blocks([message]))


def _texts(messages: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What was written, without results of tools."""
    for message in messages:
        if isinstance(message["content"], str):
            yield message["content"]
    yield from (block["text"] for block in _blocks(messages) if block["type"] == "text")


def _blocks(messages: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for message in messages:
        if not isinstance(message["content"], str):
            yield from message["content"]
