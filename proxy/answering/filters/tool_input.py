"""Small repairs of what models write as the input of a tool, where its schema leaves no doubt of what was meant.

Arguments that were encoded twice, arrays and objects written as strings, white space around the names of properties,
and optional strings that some models fill with "" although the tool takes that for a value. A required string is never
touched, and input that needs nothing passes byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proxy.protocol.deltas import Delta, Finish, ToolCallDelta, ToolCallEnd, ToolCallStart

EMPTY_OPTIONALS = {("Read", "pages")}
"""(tool, property) pairs of Claude Code for which "" is an error and absence is not."""
_TYPES = {"array": list, "object": dict}

Schema = Mapping[str, Any]


@dataclass(slots=True)
class _Held:
    name: str
    pieces: list[str] = field(default_factory=list)


def repair_tool_input(
    batches: Iterable[Sequence[Delta]], schemas: Mapping[str, Schema], holds: Callable[[str], bool]
) -> Iterator[Sequence[Delta]]:
    """Holds the input of the calls to tools for which `holds` is true until it is complete, and repairs it.

    `schemas` are the input schemas by the client's names. Input that the answer breaks off in is passed on as it came.
    """
    calls: dict[int, _Held] = {}
    for batch in batches:
        out: list[Delta] = []
        for delta in batch:
            if isinstance(delta, ToolCallStart) and holds(delta.name):
                calls[delta.key] = _Held(delta.name)
            elif isinstance(delta, ToolCallDelta) and delta.key in calls:
                calls[delta.key].pieces.append(delta.json)
                continue
            elif isinstance(delta, ToolCallEnd) and delta.key in calls:
                call = calls.pop(delta.key)
                out.append(ToolCallDelta(delta.key, repaired("".join(call.pieces), call.name, schemas[call.name])))
            elif isinstance(delta, Finish):
                out.extend(ToolCallDelta(key, "".join(call.pieces)) for key, call in calls.items() if call.pieces)
                calls.clear()
            out.append(delta)
        yield out


def repaired(text: str, tool: str, schema: Schema) -> str:
    """The input as JSON text, mended where `schema` says how; what cannot be read is left to others to judge."""
    try:
        value = json.loads(text)
        if isinstance(value, str):
            value = json.loads(value)
    except (ValueError, RecursionError):
        return text
    if not isinstance(value, dict):
        return text
    properties = schema.get("properties") or {}
    required = schema.get("required") or ()
    mended: dict[str, Any] = {}
    for key, inner in value.items():
        name = key.strip() if key not in properties and key.strip() in properties and key.strip() not in value else key
        if inner == "" and (tool, name) in EMPTY_OPTIONALS and name not in required:
            continue
        mended[name] = _decoded(inner, properties.get(name))
    if mended == value and list(mended) == list(value) and text.lstrip().startswith("{"):
        return text
    return json.dumps(mended, ensure_ascii=False)


def _decoded(value: Any, schema: Any) -> Any:
    """An array or object that was written as a string, where nothing but an array or object is wanted."""
    kind = schema.get("type") if isinstance(schema, dict) else None
    wanted = _TYPES.get(kind) if isinstance(kind, str) else None
    if wanted is None or not isinstance(value, str):
        return value
    try:
        decoded = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return decoded if isinstance(decoded, wanted) else value
