"""Tools in OpenAI's terms: names and ids within its limits, schemas that its validator takes."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable
from typing import Any

from proxy.protocol.notes import Notes
from proxy.protocol.request import Tool

_NAME_LIMIT = 64
_CALL_ID_LIMIT = 40
_MOST_NODES = 5000
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
_COMBINATORS = ("oneOf", "anyOf", "allOf", "enum", "const", "not")


class ToolNames:
    """The names of one request's tools, there (`^[a-zA-Z0-9_-]{1,64}$`) and back.

    A name that does not fit is shortened to 55 characters, `_` and 8 of its hash, so that the same tool has the same
    name in every request of a conversation.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._back = {_fitting(name): name for name in names}
        self._folded = {name.lower(): name for name in self._back.values()}

    def upstream(self, name: str) -> str:
        """The name to send; works for tools of the history that are no longer offered, too."""
        return _fitting(name)

    def client(self, name: str) -> str:
        """The client's own name for what the model called, forgiving the case of letters; unknown names as they are."""
        return self._back.get(name) or self._folded.get(name.lower()) or name

    def offers(self, name: str) -> bool:
        """Whether `name` is, upstream, one of the tools of this request."""
        return name in self._back

    def begins_one(self, text: str) -> bool:
        """Whether `text` is the beginning of a tool's name; some servers send names in pieces."""
        return any(name.startswith(text) for name in self._back)


def _fitting(name: str) -> str:
    clean = _NOT_IN_NAMES.sub("_", name)
    if clean == name and 0 < len(name) <= _NAME_LIMIT:
        return name
    return f"{clean[:55]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def call_id(tool_use_id: str, *, alphanumeric: bool = False) -> str:
    """The id of a call upstream: ours as it is; a foreign one that is too long or odd as its hash.

    `alphanumeric`: exactly nine letters and digits, which is all that Mistral takes.
    """
    if alphanumeric:
        return hashlib.sha256(tool_use_id.encode()).hexdigest()[:9]
    if 0 < len(tool_use_id) <= _CALL_ID_LIMIT and not _NOT_IN_NAMES.search(tool_use_id):
        return tool_use_id
    return "call_" + hashlib.sha256(tool_use_id.encode()).hexdigest()[:24]


def input_schema(tool: Tool, notes: Notes, *, official: bool) -> dict[str, Any]:
    """The tool's input schema as a server takes it.

    Everywhere: the root is an object with `properties`, and `$schema` is gone. For OpenAI itself also its validator's
    rules: no `pattern` that Python's `re` refuses, no `$ref` or combinators at the root, arrays have `items`. For
    compatible servers every `$ref` is resolved: GLM and Qwen templates show the model only what stands in place.
    """
    schema = dict(tool.input_schema or {})
    if not official or any(key in schema for key in ("$ref", *_COMBINATORS)):
        schema = _with_references_resolved(schema)
    schema.pop("$schema", None)
    if any(key in schema for key in _COMBINATORS) and official:
        schema = _without_root_combinators(schema, tool, notes)
    schema["type"] = "object"
    if not isinstance(schema.get("properties"), dict):
        schema["properties"] = {}
    return _for_official(schema, tool, notes) if official else schema


def _without_root_combinators(schema: dict[str, Any], tool: Tool, notes: Notes) -> dict[str, Any]:
    """The alternatives' properties side by side; required stays only what all of them require."""
    notes.add(f"tools: the alternatives at the root of {tool.name}'s schema were merged")
    merged = {key: value for key, value in schema.items() if key not in _COMBINATORS}
    properties: dict[str, Any] = dict(merged.get("properties") or {})
    required = set(merged.get("required") or ())
    for key in ("allOf", "anyOf", "oneOf"):
        branches = [branch for branch in schema.get(key) or () if isinstance(branch, dict)]
        for branch in branches:
            properties.update(branch.get("properties") or {})
        if branches:
            sets = [set(branch.get("required") or ()) for branch in branches]
            required |= set.union(*sets) if key == "allOf" else set.intersection(*sets)
    merged["properties"] = properties
    if required:
        merged["required"] = sorted(required)
    return merged


def with_types(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with a `type` for every property that has none (Moonshot refuses it otherwise)."""
    properties = {
        name: with_types(inner) if isinstance(inner, dict) else inner
        for name, inner in (schema.get("properties") or {}).items()
    }
    typed = {**schema, **({"properties": properties} if properties else {})}
    if isinstance(typed.get("items"), dict):
        typed["items"] = with_types(typed["items"])
    if not typed.keys() & {"type", "anyOf", "oneOf", "allOf", "$ref"}:
        values = typed.get("enum") or [typed["const"]] if "const" in typed or "enum" in typed else []
        typed["type"] = "string" if values and all(isinstance(value, str) for value in values) else "object"
    return typed


_SCHEMA_MAPS = ("properties", "$defs", "definitions", "dependentSchemas")
_SCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SCHEMAS = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")


def _for_official(schema: dict[str, Any], tool: Tool, notes: Notes) -> dict[str, Any]:
    """Walks schema positions only: a property, default or enum value that looks like a keyword is left alone."""
    clean: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "pattern" and not _compiles(value):
            notes.add(f"tools: a pattern of {tool.name} that OpenAI cannot compile was dropped")
        elif key == "patternProperties" and isinstance(value, dict):
            kept = {name: inner for name, inner in value.items() if _compiles(name)}
            if len(kept) < len(value):
                notes.add(f"tools: a pattern of {tool.name} that OpenAI cannot compile was dropped")
            clean[key] = {name: _cleaned(inner, tool, notes) for name, inner in kept.items()}
        elif key in _SCHEMA_MAPS and isinstance(value, dict):
            clean[key] = {name: _cleaned(inner, tool, notes) for name, inner in value.items()}
        elif key in _SCHEMA_LISTS and isinstance(value, list):
            clean[key] = [_cleaned(inner, tool, notes) for inner in value]
        elif key in _SCHEMAS:
            clean[key] = _cleaned(value, tool, notes)
        else:
            clean[key] = value
    kinds = clean.get("type")
    if "array" in (kinds if isinstance(kinds, list) else [kinds]) and "items" not in clean:
        clean["items"] = {}
    return clean


def _cleaned(value: Any, tool: Tool, notes: Notes) -> Any:
    return _for_official(value, tool, notes) if isinstance(value, dict) else value


def _compiles(pattern: Any) -> bool:
    try:
        re.compile(pattern)
    except (re.error, TypeError, RecursionError, OverflowError):
        return False
    return True


class _TooLargeError(Exception):
    pass


def _with_references_resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Local `$ref`s replaced by what they name. One that leads back to itself becomes the open schema.

    Types that refer to each other can unfold without end: beyond `_MOST_NODES` the references stay.
    """
    root = {key: value for key, value in schema.items() if key not in ("$defs", "definitions")}
    if not _refers(root):
        return root
    nodes = itertools.count()

    def unfold(value: Any, seen: tuple[str, ...]) -> Any:
        if next(nodes) > _MOST_NODES:
            raise _TooLargeError
        if isinstance(value, list):
            return [unfold(item, seen) for item in value]
        if not isinstance(value, dict):
            return value
        target = value.get("$ref")
        if isinstance(target, str) and target.startswith("#/"):
            found = _at(schema, target)
            if target in seen or not isinstance(found, dict):
                return {}
            beside = {key: inner for key, inner in value.items() if key != "$ref"}
            return unfold({**found, **beside}, (*seen, target))
        return {key: unfold(inner, seen) for key, inner in value.items()}

    try:
        resolved: dict[str, Any] = unfold(root, ())
    except _TooLargeError:
        return schema
    return resolved


def _refers(value: Any) -> bool:
    """Whether a reference stands anywhere in it; few schemas have one, and copying all the others costs time."""
    if isinstance(value, dict):
        return "$ref" in value or any(map(_refers, value.values()))
    return isinstance(value, list) and any(map(_refers, value))


def _at(root: dict[str, Any], reference: str) -> Any:
    value: Any = root
    for part in reference[2:].split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            value = value.get(name) if isinstance(value, dict) else None
    return value
