"""JSON Schemas made well-formed: every keyword holds what it may hold, and all of it can be written as JSON.

Clients send schemas of every draft, of OpenAPI and of generators with faults; servers refuse the whole request for one
keyword that is malformed, and with it the whole session. What is well-formed stays as it is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from proxy.protocol.notes import Notes
from proxy.providers.common.references import DEPTH_LIMIT, SCHEMA_LISTS, SCHEMA_MAPS, SCHEMAS, Schema

TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")
_COUNTS = (
    *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
    *("minContains", "maxContains"),
)
_EXCLUSIVE = (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum"))
_KINDS: dict[str, str] = {
    **dict.fromkeys(SCHEMA_MAPS, "map"),
    **dict.fromkeys(SCHEMA_LISTS, "list"),
    **dict.fromkeys(SCHEMAS, "schema"),
    **dict.fromkeys(("title", "description", "format", "pattern", "$comment", "$schema", "$id", "$anchor"), "text"),
    **dict.fromkeys(("minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum"), "number"),
    **dict.fromkeys(_COUNTS, "count"),
    **dict.fromkeys(("uniqueItems", "deprecated", "readOnly", "writeOnly"), "flag"),
    **dict.fromkeys(("enum", "examples"), "values"),
    "type": "type",
    "required": "names",
    "dependentRequired": "names by name",
}
_ABSENT = object()


def well_formed(schema: Mapping[str, Any], what: str, notes: Notes) -> Schema:
    """The schema without what no validator takes; forms of older drafts in their newer form. Never raises.

    `what` names the schema in notes, one of which is added for each keyword that had to go. Nested deeper than
    `DEPTH_LIMIT` it is cut.
    """
    mended: Schema = _Mender(what, notes).schema(dict(schema), 0)
    return mended


def either(schemas: Iterable[Any]) -> Any:
    """One schema for what fits any of several well-formed ones, each of which counts once."""
    unique: dict[str, Any] = {}
    for schema in schemas:
        for branch in schema["anyOf"] if isinstance(schema, dict) and schema.keys() == {"anyOf"} else [schema]:
            unique.setdefault(json.dumps(branch, sort_keys=True), branch)
    branches = [*unique.values()]
    return branches[0] if len(branches) == 1 else {"anyOf": branches}


class _Mender:
    def __init__(self, what: str, notes: Notes) -> None:
        self._what = what
        self._notes = notes

    def schema(self, given: Any, depth: int) -> Any:
        """A schema or a boolean, which is one, too; the open schema in the place of anything else."""
        if isinstance(given, bool):
            return given
        if not isinstance(given, dict):
            if given is not None:
                self._notes.add(f"tools: a part of {self._what} that is no schema was left out")
            return {}
        if depth > DEPTH_LIMIT:
            self._notes.add(f"tools: {self._what} was cut where it is nested too deeply")
            return {}
        mended: Schema = {}
        for key, value in _without_old_forms(given).items():
            kept = self._kept(key, value, depth)
            if kept is not _ABSENT:
                mended[_text(key)] = kept
            elif value is not None:
                self._notes.add(f"tools: {key} in {self._what} is malformed and was left out")
        if wanted := _required_by_themselves(given):
            mended["required"] = list(dict.fromkeys([*mended.get("required", ()), *map(_text, wanted)]))
        return mended

    def _kept(self, key: str, value: Any, depth: int) -> Any:
        """What a keyword is to hold, `_ABSENT` where it cannot stay."""
        match _KINDS.get(key):
            case "map":
                return self._map(value, depth)
            case "list":
                return self._list(value, depth)
            case "schema" if isinstance(value, list):
                return self._list(value, depth) if key == "items" else _ABSENT
            case "schema":
                return self.schema(value, depth + 1) if isinstance(value, dict | bool) else _ABSENT
            case "type":
                return _type(value)
            case "text":
                return _text(value) if isinstance(value, str) else _ABSENT
            case "flag":
                return value if isinstance(value, bool) else _ABSENT
            case "number":
                return value if is_number(value) else _ABSENT
            case "count":
                return int(value) if is_number(value) and value >= 0 and value == value // 1 else _ABSENT
            case "names":
                return _names(value)
            case "names by name":
                names = {_text(name): _names(each) for name, each in value.items()} if isinstance(value, dict) else {}
                return {name: each for name, each in names.items() if each is not _ABSENT} or _ABSENT
            case "values":
                return self._values(key, value)
            case _:
                return _plain(value)

    def _list(self, value: Any, depth: int) -> Any:
        if not isinstance(value, list) or not value:
            return _ABSENT
        return [self.schema(each, depth + 1) for each in value]

    def _values(self, key: str, value: Any) -> Any:
        kept = _plain(value) if isinstance(value, list) else []
        if kept and len(kept) < len(value):
            self._notes.add(f"tools: a value of {key} in {self._what} that JSON cannot hold was left out")
        return kept or _ABSENT

    def _map(self, value: Any, depth: int) -> Any:
        if not isinstance(value, dict):
            return {} if value == [] else _ABSENT  # PHP writes an empty map as a list
        return {_text(name): self.schema(inner, depth + 1) for name, inner in value.items()}


def _without_old_forms(schema: Schema) -> Schema:
    """Draft 4's `exclusiveMinimum: true` is a limit of its own today, and draft 7's `dependencies` are two keywords.

    Draft 3's `required: true` says nothing about the schema in which it stands.
    """
    renewed = schema
    dependencies = renewed.get("dependencies") or {}
    if "dependencies" in renewed and isinstance(dependencies, dict):
        names = {name: each for name, each in dependencies.items() if isinstance(each, list)}
        schemas = {name: each for name, each in dependencies.items() if name not in names}
        renewed = {key: value for key, value in renewed.items() if key != "dependencies"}
        renewed |= {"dependentRequired": names} if names else {}
        renewed |= {"dependentSchemas": schemas} if schemas else {}
    for exclusive, limit in _EXCLUSIVE:
        if isinstance(renewed.get(exclusive), bool):
            strict = renewed[exclusive] and limit in renewed
            kept = {key: value for key, value in renewed.items() if key != exclusive and (not strict or key != limit)}
            renewed = kept | ({exclusive: schema[limit]} if strict else {})
    if isinstance(renewed.get("required"), bool):
        renewed = {key: value for key, value in renewed.items() if key != "required"}
    return renewed


def _required_by_themselves(schema: Schema) -> list[str]:
    """Draft 3: a required property says so in its own schema."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return []
    return [name for name, inner in properties.items() if isinstance(inner, dict) and inner.get("required") is True]


def _names(value: Any) -> Any:
    if not isinstance(value, list):
        return _ABSENT
    return list(dict.fromkeys(_text(name) for name in value if isinstance(name, str)))


def _type(value: Any) -> Any:
    """Names in the case of letters that JSON Schema has; Gemini's own schemas have another."""
    if isinstance(value, list):
        kinds = list(dict.fromkeys(kind for each in value if isinstance(kind := _type(each), str)))
        return kinds or _ABSENT
    return value.lower() if isinstance(value, str) and value.lower() in TYPES else _ABSENT


def is_number(value: Any) -> bool:
    """Whether JSON can hold it as a number: 1e400 is read as infinity."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _plain(value: Any, depth: int = 0) -> Any:
    """The value without what JSON cannot hold, `_ABSENT` where nothing is left of it."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else _ABSENT
    if not isinstance(value, dict | list):
        return value
    if depth > DEPTH_LIMIT:
        return _ABSENT
    if isinstance(value, list):
        return [kept for each in value if (kept := _plain(each, depth + 1)) is not _ABSENT]
    inner = {_text(key): _plain(each, depth + 1) for key, each in value.items()}
    return {key: each for key, each in inner.items() if each is not _ABSENT}


def _text(text: str) -> str:
    """Without half characters, which no upstream's UTF-8 can hold."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
