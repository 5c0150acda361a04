"""JSON Schemas of every kind for property tests: made up, and real ones with something changed."""

from __future__ import annotations

import copy
import random
from typing import Any

from hypothesis import strategies as st

Json = dict[str, Any]

STRING = {"type": "string"}
NAMES = ("a", "b", "type", "default", "$ref", "required", "properties", "x y", "\u00fc")
TYPES: list[Any] = [
    *("object", "array", "string", "integer", "number", "boolean", "null", "OBJECT", "any", "odd"),
    *(["string", "null"], ["object", "array"], [], [5], 5, None, {"type": "string"}),
]
ODD_NUMBERS = [float("inf"), float("-inf"), float("nan"), 10**400, -(2**63), 0.5, True, "5", None]
REFERENCES: list[Any] = [
    *("#", "#/", "#/properties/a", "#/$defs/a", "#/$defs/List%3CItem%3E", "#/definitions/w~1x", "#/nowhere", "#anchor"),
    *("#/anyOf/0", "#/anyOf/999999999999", "http://x.test/s", "http://[", "item.json", "%", "#%", "", 5, None, ["#"]),
]
SCALARS = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text("ab \ud800\u00fc", max_size=3)
VALUES = st.recursive(
    SCALARS | st.sampled_from(ODD_NUMBERS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab$", max_size=3), inner, max_size=3),
    max_leaves=5,
)


def _extended(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, max_size=3)
    named = st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
    names = st.lists(st.sampled_from(NAMES), max_size=3)
    anything = VALUES
    return st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(("properties", "patternProperties", "dependentSchemas", "dependencies"), named | anything),
            **dict.fromkeys(("$defs", "definitions"), named | anything),
            **dict.fromkeys(("prefixItems", "anyOf", "oneOf", "allOf"), several | anything),
            **dict.fromkeys(("items", "additionalProperties", "additionalItems"), inner | several | anything),
            **dict.fromkeys(("not", "if", "then", "else", "contains", "propertyNames"), inner | anything),
            **dict.fromkeys(("minimum", "exclusiveMaximum", "exclusiveMinimum", "minItems"), anything),
            **dict.fromkeys(("description", "format", "title", "nullable", "const", "default", "x-own"), anything),
            "type": st.sampled_from(TYPES),
            "required": names | st.booleans() | anything,
            "enum": st.lists(SCALARS | st.sampled_from(ODD_NUMBERS), max_size=3) | anything,
            "pattern": st.sampled_from(["^a", r"\p{L}", "(", 5]),
            "$ref": st.sampled_from(REFERENCES),
            "$id": st.sampled_from(["item.json", "http://x.test/", 5]),
            "$anchor": st.sampled_from(["anchor", 5]),
        },
    )


SCHEMAS = st.recursive(st.booleans() | st.just({}) | VALUES | _extended(st.just({})), _extended, max_leaves=6)
"""Anything that may stand where a schema is expected, malformed or not."""
OBJECTS = _extended(SCHEMAS)
"""The same, but always an object."""

REAL: dict[str, Json] = {
    "an editor's edits": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "Where"},
            "edits": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": {"old": STRING, "new": STRING, "all": {"type": "boolean", "default": False}},
                    "required": ["old", "new"],
                    "additionalProperties": False,
                },
            },
        },
        "required": ["path", "edits"],
        "additionalProperties": False,
    },
    "pydantic's, with optional fields and definitions": {
        "type": "object",
        "properties": {
            "limit": {"anyOf": [{"type": "integer", "exclusiveMinimum": 0}, {"type": "null"}], "default": None},
            "filter": {"$ref": "#/$defs/Filter"},
            "tags": {"type": ["array", "null"], "items": STRING},
            "env": {"type": "object", "propertyNames": STRING, "additionalProperties": STRING},
        },
        "required": ["filter"],
        "$defs": {
            "Filter": {
                "oneOf": [
                    {"type": "object", "properties": {"kind": {"const": "all"}, "of": {"$ref": "#/$defs/List"}}},
                    {"type": "object", "properties": {"kind": {"const": "one"}, "value": {"type": "number"}}},
                ]
            },
            "List": {"type": "array", "items": {"$ref": "#/$defs/Filter"}},
        },
    },
    "draft 7's, with tuples and conditions": {
        "type": "object",
        "properties": {
            "range": {"type": "array", "items": [{"type": "integer"}, {"type": "integer"}], "additionalItems": False},
            "mode": {"type": "string", "enum": ["fast", "slow"]},
        },
        "dependencies": {"mode": ["range"], "range": {"required": ["mode"]}},
        "if": {"properties": {"mode": {"const": "slow"}}},
        "then": {"required": ["range"]},
        "allOf": [{"anyOf": [{"required": ["mode"]}, {"required": ["range"]}]}],
    },
}


def _nodes(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(node for each in inner for node in _nodes(each))]


def _mutated(schema: Json, seed: int, odd: list[Any]) -> Json:
    """The schema with one place after the other changed: a value replaced, left out, or copied elsewhere."""
    chance = random.Random(seed)
    changed = copy.deepcopy(schema)
    for value in odd:
        place: Any = chance.choice(
            [node for node in _nodes(changed) if isinstance(node, dict | list) and node] or [changed]
        )
        key = chance.choice(list(place) if isinstance(place, dict) else range(len(place))) if place else "type"
        match chance.randrange(3):
            case 0:
                place[key] = copy.deepcopy(value)
            case 1:
                del place[key]
            case _:
                place[key] = copy.deepcopy(chance.choice(_nodes(changed)))
    return changed


MUTATED = st.builds(
    _mutated,
    st.sampled_from(list(REAL.values())),
    st.integers(0, 2**32),
    st.lists(VALUES | st.sampled_from(TYPES) | st.sampled_from(REFERENCES), min_size=1, max_size=4),
)
"""Real schemas with a few places changed."""


def nested(depth: int, *, by: str = "properties") -> Json:
    """A schema in a schema in a schema, made without recursion."""
    schema: Json = {"type": "string"}
    for _ in range(depth):
        schema = {
            by: {"a": schema} if by in ("properties", "dependentSchemas") else [schema] if by != "items" else schema
        }
    return schema
