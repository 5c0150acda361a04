"""What OpenAI finds wrong with a JSON Schema given as a tool's parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")
_NOT_AT_TOP = ("oneOf", "anyOf", "allOf", "enum", "not")
_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "additionalProperties", "not", "if", "then", "else", "propertyNames", "contains")
Path = tuple[str, ...]


def schema_problem(schema: Any, *, strict: bool) -> str | None:
    """OpenAI's words after "Invalid schema for function 'x': ", or None. `schema` is the root, of a tool."""
    if not isinstance(schema, dict):
        return f"{schema!r} is not of type 'object', 'boolean'."
    if any(word in schema for word in _NOT_AT_TOP):
        return "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level."
    if schema.get("type") != "object":
        given = schema.get("type", "None")
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{given}\"'."
    if "properties" not in schema:
        return "In context=(), object schema missing properties."
    for path, part in walk(schema, ()):
        problem = _malformed(part) or _incomplete(path, part, schema) or (_not_strict(path, part) if strict else None)
        if problem:
            return problem
    return None


def lookaround(schema: Any) -> str | None:
    """Where the schema of an output format has a pattern that looks ahead or behind, as "$.properties.a"; or None."""
    for path, part in walk(schema, ()):
        if re.search(r"\(\?<?[=!]", str(part.get("pattern", ""))):
            return ".".join(("$", *path))
    return None


def walk(schema: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every schema in schema position, so never a property's name, a default or an enum's member."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for word in _MAPS:
        inner = schema.get(word)
        for name, part in inner.items() if isinstance(inner, dict) else ():
            yield from walk(part, (*path, word, name))
    for word in _LISTS:
        inner = schema.get(word)
        for number, part in enumerate(inner if isinstance(inner, list) else ()):
            yield from walk(part, (*path, word, str(number)))
    for word in _SINGLE:
        yield from walk(schema.get(word), (*path, word))


def _malformed(part: Mapping[str, Any]) -> str | None:
    for pattern in (part.get("pattern"), *_keys(part.get("patternProperties"))):
        if pattern is None:
            continue
        try:
            re.compile(pattern)
        except (re.error, TypeError):
            return f"{pattern!r} is not a 'regex'."
    kinds = part.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if kind not in _TYPES:
            return f"{kind!r} is not valid under any of the given schemas."
    for word, kind, name in (("properties", dict, "object"), ("required", list, "array"), ("enum", list, "array")):
        if word in part and not isinstance(part[word], kind):
            return f"{part[word]!r} is not of type '{name}'."
    return None


def _incomplete(path: Path, part: Mapping[str, Any], root: Mapping[str, Any]) -> str | None:
    kinds = part.get("type", [])
    if "array" in (kinds if isinstance(kinds, list) else [kinds]) and "items" not in part and "prefixItems" not in part:
        return f"In context={path!r}, array schema missing items."
    reference = part.get("$ref")
    if isinstance(reference, str) and not resolves(reference, root):
        return f"In context={path!r}, reference to component '{reference}' which was not found in the schema."
    return None


def _not_strict(path: Path, part: Mapping[str, Any]) -> str | None:
    if part.get("type") != "object":
        return None
    if part.get("additionalProperties") is not False:
        return f"In context={path!r}, 'additionalProperties' is required to be supplied and to be false."
    missing = [name for name in _keys(part.get("properties")) if name not in part.get("required", ())]
    if missing:
        return (
            f"In context={path!r}, 'required' is required to be supplied and to be an array including every key in "
            f"properties. Missing '{missing[0]}'."
        )
    return None


def _keys(value: Any) -> list[str]:
    return list(value) if isinstance(value, dict) else []


def resolves(reference: str, root: Mapping[str, Any]) -> bool:
    here: Any = root
    for step in reference.removeprefix("#").strip("/").split("/") if reference.strip("#/") else ():
        if isinstance(here, list) and step.isdecimal() and int(step) < len(here):
            here = here[int(step)]
        else:
            here = here.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(here, dict) else None
    return reference.startswith("#") and here is not None
