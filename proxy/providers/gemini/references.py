"""JSON Schema without `$ref`: each replaced by what it names."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from proxy.protocol.notes import Notes

_MOST_NODES = 5000
_DEEPEST = 60
_SCHEMA_MAPS = ("properties", "patternProperties", "dependentSchemas")
_SCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SCHEMAS = ("items", "additionalProperties", "then", "else")


class References:
    """Resolves the local references of one schema. Types that refer to each other would unfold without end."""

    def __init__(self, root: dict[str, Any], what: str, notes: Notes) -> None:
        """`what` names the schema in notes."""
        self._root = root
        self._what = what
        self._notes = notes
        self._nodes = 0

    def unfolded(self) -> dict[str, Any]:
        return self._schema(self._root, ("#",), 0)

    def _schema(self, schema: Any, seen: tuple[str, ...], depth: int) -> dict[str, Any]:
        """Walks schema positions only; a schema that is not an object (`true`, `false`) becomes the open one."""
        self._nodes += 1
        if not isinstance(schema, dict):
            return {}
        if depth > _DEEPEST:
            self._notes.add(f"tools: {self._what} was cut where it is nested too deeply")
            return {}
        reference = schema.get("$ref")
        if isinstance(reference, str):
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            return self._named(reference, beside, seen, depth)
        unfolded: dict[str, Any] = {}
        for key, value in schema.items():
            if key in _SCHEMA_MAPS and isinstance(value, dict):
                unfolded[key] = {name: self._schema(inner, seen, depth + 1) for name, inner in value.items()}
            elif (key in _SCHEMA_LISTS or key == "items") and isinstance(value, list):
                unfolded[key] = [self._schema(inner, seen, depth + 1) for inner in value]
            elif key in _SCHEMAS and isinstance(value, dict):
                unfolded[key] = self._schema(value, seen, depth + 1)
            else:
                unfolded[key] = value
        return unfolded

    def _named(self, reference: str, beside: dict[str, Any], seen: tuple[str, ...], depth: int) -> dict[str, Any]:
        found = _at(self._root, reference)
        if found is None:
            self._notes.add(f"tools: a reference in {self._what} leads nowhere and became the open schema")
            return self._schema(beside, seen, depth + 1)
        if reference in seen or self._nodes > _MOST_NODES:
            self._notes.add(f"tools: a recursive reference in {self._what} became an open object")
            kind = {"type": "object"} if found.get("type", "object") == "object" else {}
            return kind | {key: each[key] for each in (found, beside) for key in ("description",) if key in each}
        return self._schema({**found, **beside}, (*seen, reference), depth + 1)


def _at(root: dict[str, Any], reference: str) -> dict[str, Any] | None:
    value: Any = root
    if reference != "#":
        if not reference.startswith("#/"):
            return None
        for part in reference[2:].split("/"):
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(value, list):
                value = value[int(name)] if name.isascii() and name.isdigit() and int(name) < len(value) else None
            else:
                value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else None
