"""What a tool's input schema leaves no doubt of: the types that a value may have, and the schemas of what is in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.providers.common.references import DEPTH_LIMIT, Definitions

Schema = Mapping[str, Any]

_TYPES = frozenset(("string", "number", "integer", "boolean", "object", "array", "null"))
_NULL = frozenset(("null",))
_OF_OBJECTS = ("properties", "required", "additionalProperties", "patternProperties")
_OF_ARRAYS = ("items", "prefixItems")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What may stand in one place.

    `types`: by JSON Schema's names, None where anything may. `properties`, `others`: schemas of an object's values by
    name, and of the rest. `first`, `items`: schemas of an array's values by position, and of the rest.
    """

    types: frozenset[str] | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    others: Any = None
    first: tuple[Any, ...] = ()
    items: Any = None

    def forbids(self, type_name: str) -> bool:
        return self.types is not None and type_name not in self.types


_ANYTHING = Wanted()


class WantedSchemas:
    """Reads the schemas of one tool, each once. Never raises, whatever stands in them."""

    def __init__(self, root: Schema) -> None:
        self._definitions = Definitions(root)
        self._known: dict[int, Wanted] = {}
        self._depth = 0
        self.root = self.of(root)

    def of(self, schema: Any) -> Wanted:
        """What the schema, a part of the root, wants: with its references, `allOf` and alternatives worked in."""
        if not isinstance(schema, Mapping) or not schema:
            return _ANYTHING
        if id(schema) not in self._known:
            self._known[id(schema)] = _ANYTHING  # for references that lead back here
            self._depth += 1
            if self._depth <= DEPTH_LIMIT:
                self._known[id(schema)] = self._read(schema)
            self._depth -= 1
        return self._known[id(schema)]

    def _read(self, schema: Schema) -> Wanted:
        parts = [_itself(schema)]
        reference = schema.get("$ref")
        if isinstance(reference, str):
            parts.append(self.of(self._definitions.find(reference)))
        parts += map(self.of, _schemas(schema.get("allOf")))
        for key in ("anyOf", "oneOf"):
            branches = [*map(self.of, _schemas(schema.get(key)))]
            if branches and len(branches) == len(schema[key]):
                parts.append(_either(branches))
        wanted = _all(parts)
        if schema.get("nullable") is True and wanted.types is not None:
            return _with_types(wanted, wanted.types | {"null"})
        return wanted


def _itself(schema: Schema) -> Wanted:
    properties, required, first = schema.get("properties"), schema.get("required"), schema.get("prefixItems")
    items = schema.get("items")
    if isinstance(items, list):
        first, items = items, schema.get("additionalItems")
    return Wanted(
        _types(schema),
        properties if isinstance(properties, Mapping) else {},
        frozenset(name for name in required if isinstance(name, str)) if isinstance(required, list) else frozenset(),
        None if "patternProperties" in schema else schema.get("additionalProperties"),
        tuple(first) if isinstance(first, list) else (),
        items,
    )


def _types(schema: Schema) -> frozenset[str] | None:
    given = schema.get("type")
    if given is None:
        if values := _enum(schema):
            return frozenset(map(type_of, values))
        if any(key in schema for key in _OF_OBJECTS):
            return frozenset(("object",))
        return frozenset(("array",)) if any(key in schema for key in _OF_ARRAYS) else None
    names = given if isinstance(given, list) else [given]
    if not names or not all(isinstance(name, str) and name.lower() in _TYPES for name in names):
        return None
    kinds = {name.lower() for name in names} | ({"integer"} if "number" in map(str.lower, names) else set())
    return frozenset(kinds | ({"null"} if None in _enum(schema) else set()))


def _enum(schema: Schema) -> list[Any]:
    if "const" in schema:
        return [schema["const"]]
    return schema["enum"] if isinstance(schema.get("enum"), list) else []


def type_of(value: Any) -> str:
    """The type of a JSON value; a number without a fraction is an integer, as in JSON Schema."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _all(parts: list[Wanted]) -> Wanted:
    """What satisfies every part; of two schemas for the same value the first one's."""
    whole = parts[0]
    for part in parts[1:]:
        whole = Wanted(
            _common(whole.types, part.types),
            {**part.properties, **whole.properties} if part.properties else whole.properties,
            whole.required | part.required,
            part.others if whole.others is None else whole.others,
            whole.first or part.first,
            part.items if whole.items is None else whole.items,
        )
    return whole


def _common(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other or None


def _either(branches: list[Wanted]) -> Wanted:
    """The types of all branches. What is in the value is only certain where one branch alone is not null."""
    named = [branch for branch in branches if branch.types != _NULL]
    types: frozenset[str] | None = frozenset()
    for branch in branches:
        types = None if types is None or branch.types is None else types | branch.types
    return _with_types(named[0] if len(named) == 1 else _ANYTHING, types)


def _with_types(wanted: Wanted, types: frozenset[str] | None) -> Wanted:
    return Wanted(types, wanted.properties, wanted.required, wanted.others, wanted.first, wanted.items)


def _schemas(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else ()
