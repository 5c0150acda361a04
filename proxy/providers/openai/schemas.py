"""The schemas of tools and of answers as OpenAI and compatible servers take them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from typing import Any

from proxy.protocol.notes import Notes
from proxy.protocol.request import Tool
from proxy.providers.common.references import (
    SCHEMA_LISTS,
    SCHEMA_MAPS,
    SCHEMAS,
    Definitions,
    Schema,
    inlined,
    references_in,
)
from proxy.providers.common.schemas import either, well_formed

_COMBINATORS = ("oneOf", "anyOf", "allOf", "enum", "const", "not")
"""What OpenAI refuses at the root of a schema (2026-11)."""
_OF_OBJECTS = ("properties", "required", "additionalProperties", "patternProperties", "propertyNames")
_TYPE_OF: dict[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array"}
_IN_STRICT = {
    *("type", "title", "description", "properties", "required", "additionalProperties", "items", "enum", "const"),
    *("anyOf", "$ref", "$defs", "definitions", "pattern", "format", "multipleOf", "minimum", "maximum"),
    *("exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems"),
}
"""Keywords of OpenAI's Structured Outputs guide (2026-11); its validator says "is not permitted" of others."""
_FORMATS_IN_STRICT = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")
"""The formats of strings in OpenAI's Structured Outputs guide (2026-11)."""

# `re` warns on the console of patterns that it may once read in another way; they are the client's.
warnings.filterwarnings("ignore", category=FutureWarning, module=re.escape(__name__))


def input_schema(tool: Tool, notes: Notes, *, official: bool) -> Schema:
    """The tool's input schema as a server takes it.

    Everywhere: the root is an object with `properties`, every keyword is well-formed, and `$schema` is gone. For
    OpenAI (`official`: its own endpoint, or one that has its validator) also that one's rules: no `pattern` that
    Python's `re` refuses, no `$ref` or combinators at the root, arrays have one schema as `items`. For others every
    `$ref` is resolved: GLM and Qwen templates show the model only what stands in place.
    """
    schema = _sound(tool.input_schema or {}, f"the schema of {tool.name}", notes, official)
    return _with_object_root(schema, tool.name, notes, official)


def answer_schema(schema: Mapping[str, Any], notes: Notes, *, official: bool) -> Schema | None:
    """The schema that an answer must follow, held to the same rules as that of a tool, but its root is what it is.

    None where the server cannot be sent it: OpenAI takes only objects ("schema must be a JSON Schema of 'type:
    "object"'", 2026-11), and what else is wanted can only be said to the model in words.
    """
    sound = _sound(schema, "the schema of the answer", notes, official)
    if not official:
        return sound
    if not _is_of_objects(sound):
        notes.add("output_config.format was not sent as a schema: OpenAI takes only objects at its root")
        return None
    return _with_object_root(sound, "the answer", notes, official)


def fits_strict(schema: Mapping[str, Any]) -> bool:
    """Whether OpenAI takes the schema, as it is to be sent, with `strict: true`.

    Its rules: an object at the root; every object lists all its properties in `required` and has
    `additionalProperties: false`; everything has a type; of the keywords only some.
    """
    if schema.get("type") != "object" or "anyOf" in schema:
        return False
    waiting: list[Any] = [schema]
    while waiting:
        part = waiting.pop()
        if not isinstance(part, dict) or not _fits_strict_itself(part):
            return False
        for key in ("properties", "$defs", "definitions"):
            waiting.extend(part.get(key, {}).values())
        waiting.extend([*part.get("anyOf", ()), *([part["items"]] if "items" in part else ())])
    return True


def _fits_strict_itself(part: Schema) -> bool:
    maps = (part.get(key, {}) for key in ("properties", "$defs", "definitions"))
    if not part.keys() <= _IN_STRICT or not all(isinstance(each, dict) for each in maps):
        return False
    if not part.keys() & {"type", "enum", "const", "anyOf", "$ref"} or not isinstance(part.get("anyOf", []), list):
        return False
    if part.get("format", "date") not in _FORMATS_IN_STRICT:
        return False
    kinds = part.get("type")
    if "object" in (kinds if isinstance(kinds, list) else [kinds]) or "properties" in part:
        required = part.get("required", [])
        complete = isinstance(required, list) and all(name in required for name in part.get("properties", {}))
        return complete and part.get("additionalProperties") is False
    return True


def with_types(schema: Schema) -> Schema:
    """The schema with a `type` for every property that has none (Moonshot refuses it otherwise)."""
    typed = dict(schema)
    for key in ("properties", "patternProperties"):
        if isinstance(inner := typed.get(key), dict) and inner:
            typed[key] = {name: _typed(each) for name, each in inner.items()}
    for key in SCHEMA_LISTS:
        if isinstance(branches := typed.get(key), list):
            typed[key] = [_typed(each) for each in branches]
    for key in ("items", "additionalProperties"):
        if key in typed:
            typed[key] = _typed(typed[key])
    if not typed.keys() & {"type", "anyOf", "oneOf", "allOf", "$ref"}:
        typed["type"] = _guessed_type(typed)
    return typed


def _typed(value: Any) -> Any:
    return with_types(value) if isinstance(value, dict) else value


def _guessed_type(schema: Schema) -> str:
    if schema.keys() & {"items", "prefixItems"}:
        return "array"
    values = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    kinds = {_TYPE_OF.get(type(value), "object") for value in values} if isinstance(values, list) else set()
    if kinds == {"integer", "number"}:
        return "number"
    return kinds.pop() if len(kinds) == 1 else "object"


def _sound(given: Mapping[str, Any], what: str, notes: Notes, official: bool) -> Schema:
    schema = dict(given)
    references = {*references_in(schema)}
    if official:
        plain = all(map(Definitions(schema).is_plain, references))
        if not plain or (references and any(key in schema for key in ("$ref", *_COMBINATORS))):
            schema, _ = inlined(schema, what, notes)
    elif references:
        own = Notes()
        resolved, complete = inlined(schema, what, own, remote=True)
        if complete:
            schema = resolved
            for note in own:
                notes.add(note)
    else:
        schema = {key: value for key, value in schema.items() if key not in ("$defs", "definitions")}
    schema.pop("$schema", None)
    return well_formed(schema, what, notes)


def _with_object_root(schema: Schema, name: str, notes: Notes, official: bool) -> Schema:
    if official and any(key in schema for key in _COMBINATORS):
        notes.add(f"tools: the alternatives at the root of {name}'s schema were merged")
        schema = _merged(schema)
    schema["type"] = "object"
    schema.setdefault("properties", {})
    return _for_official(schema, name, notes) if official else schema


def _is_of_objects(schema: Schema) -> bool:
    """Whether the root says, itself or in all its alternatives, that it is an object."""
    if "type" in schema:
        kinds = schema["type"]
        return "object" in (kinds if isinstance(kinds, list) else [kinds])
    if any(key in schema for key in _OF_OBJECTS):
        return True
    alternatives = [schema[key] for key in ("anyOf", "oneOf") if key in schema]
    return any(all(isinstance(each, dict) and _is_of_objects(each) for each in group) for group in alternatives) or any(
        isinstance(each, dict) and _is_of_objects(each) for each in schema.get("allOf", ())
    )


def _merged(schema: Schema) -> Schema:
    """The alternatives' properties side by side; required stays only what all of them require."""
    merged = {key: value for key, value in schema.items() if key not in _COMBINATORS}
    properties = {name: [inner] for name, inner in merged.get("properties", {}).items()}
    required = set(merged.get("required", ()))
    for key in ("allOf", "anyOf", "oneOf"):
        branches = [_merged(branch) for branch in schema.get(key, ()) if isinstance(branch, dict)]
        for name, inner in (each for branch in branches for each in branch.get("properties", {}).items()):
            properties.setdefault(name, []).append(inner)
        if branches:
            sets = [set(branch.get("required", ())) for branch in branches]
            required |= set.union(*sets) if key == "allOf" else set.intersection(*sets)
    if properties or "properties" in schema:
        merged["properties"] = {name: either(inner) for name, inner in properties.items()}
    if required:
        merged["required"] = sorted(required)
    return merged


def _for_official(schema: Schema, name: str, notes: Notes) -> Schema:
    """Walks schema positions only: a property, default or enum value that looks like a keyword is left alone."""
    clean: Schema = {}
    for key, value in schema.items():
        if key == "pattern" and not _compiles(value):
            notes.add(f"tools: a pattern of {name} that OpenAI cannot compile was dropped")
        elif key == "patternProperties":
            kept = {pattern: inner for pattern, inner in value.items() if _compiles(pattern)}
            if len(kept) < len(value):
                notes.add(f"tools: a pattern of {name} that OpenAI cannot compile was dropped")
            clean[key] = {pattern: _cleaned(inner, name, notes) for pattern, inner in kept.items()}
        elif key in SCHEMA_MAPS:
            clean[key] = {part: _cleaned(inner, name, notes) for part, inner in value.items()}
        elif key in SCHEMA_LISTS or (key == "items" and isinstance(value, list)):
            clean["prefixItems" if key == "items" else key] = [_cleaned(inner, name, notes) for inner in value]
        elif key in SCHEMAS and key != "additionalItems":
            clean[key] = _cleaned(value, name, notes)
        elif key != "additionalItems":
            clean[key] = value
    kinds = clean.get("type")
    if "array" in (kinds if isinstance(kinds, list) else [kinds]) and "items" not in clean:
        # A list of schemas was called items until draft 2020-12, and what goes for the others additionalItems.
        clean["items"] = _cleaned(schema.get("additionalItems", {}), name, notes)
    return clean


def _cleaned(value: Any, name: str, notes: Notes) -> Any:
    return _for_official(value, name, notes) if isinstance(value, dict) else value


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return True
