"""JSON Schema as Gemini takes it in `parametersJsonSchema` and `responseJsonSchema`.

By allow-list, so that keywords of next year do no harm, and by position, so that a property called `default` or `$ref`
stays a property. What Gemini has no keyword for is stated in the description, where the model can read it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from proxy.protocol.notes import Notes
from proxy.providers.common.references import Schema, inlined
from proxy.providers.common.schemas import either, is_number, well_formed

KEYWORDS = (
    *("type", "description", "properties", "required", "additionalProperties", "items", "prefixItems"),
    *("minItems", "maxItems", "enum", "format", "minimum", "maximum", "anyOf", "default"),
)
"""All that a clean schema holds."""
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
_FORMATS = ("date-time", "date", "time")
"""The formats of strings that Gemini keeps to (ai.google.dev/gemini-api/docs/structured-output, 2026-11)."""
_LARGEST = 2**53 - 1
"""JavaScript's greatest exact integer, which zod writes as the bound of any integer: it bounds nothing."""
_ENUM_TEXT_LIMIT = 2000
"""Characters, in all schemas of a request together; beyond it Gemini may answer "The specified schema produces a
constraint that has too many states for serving" (2026-11). Google names no number: 2000 is what LiteLLM keeps to."""
_HINT_LIMIT = 200
"""Characters of one rule in words; a description is read with every request, and a longer rule helps no model."""
_IN_WORDS = (
    "pattern",
    "minLength",
    "maxLength",
    "multipleOf",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "examples",
)
_LOST = ("not", "if", "propertyNames", "dependentRequired", "contains")
_SAYS_NOTHING: tuple[Any, ...] = ({}, {"type": "string"})
"""The latter of `propertyNames`: Claude Code's own tools have it."""
_STRUCTURE = ("properties", "required", "items", "prefixItems", "enum", "const", "patternProperties")


class SchemaCleaner:
    """Cleans the schemas of one request.

    `constrains`: Gemini will force its output into them, and then refuses enums with much text; they become words.
    """

    def __init__(self, notes: Notes, *, constrains: bool) -> None:
        self._notes = notes
        self._enum_room = _ENUM_TEXT_LIMIT if constrains else math.inf
        self._what = ""

    def parameters(self, schema: Mapping[str, Any], tool: str) -> Schema:
        """The input schema of a tool, its root an object."""
        self._what = f"the schema of {tool}"
        root = self._typed(self._folded(self._unfolded(schema)), "object")
        root.setdefault("properties", {})
        return root

    def answer(self, schema: Mapping[str, Any]) -> Schema:
        """The schema of a structured answer, which may have any root."""
        self._what = "the schema of the answer"
        return self._cleaned(self._unfolded(schema))

    def _unfolded(self, schema: Mapping[str, Any]) -> Schema:
        resolved, _ = inlined(schema, self._what, self._notes)
        return well_formed(resolved, self._what, self._notes)

    def _cleaned(self, schema: Schema) -> Schema:
        base, groups = _gathered(schema)
        if len(groups) > 1 or (groups and any(key in base for key in _STRUCTURE)):
            base, groups = self._folded(schema), []
        kinds = _kinds(base)
        shared = {key: value for key, value in base.items() if key not in ("description", "nullable")}
        if groups:
            branches = [self._cleaned({**shared, **branch}) for branch in groups[0]]
            branches += [{"type": "null"}] if base.get("nullable") is True else []
            return _union(branches, base.get("description"))
        if len(kinds) > 1:
            return _union([self._typed(shared, kind) for kind in kinds], base.get("description"))
        return self._typed(base, kinds[0] if kinds else None)

    def _folded(self, schema: Schema) -> Schema:
        """One object in place of alternatives: the properties of all; required is what all of them require."""
        base, groups = _gathered(schema)
        if not groups:
            return base
        self._notes.add(f"tools: alternatives in {self._what} were merged")
        properties = {name: [_schema(inner)] for name, inner in _mapping(base, "properties").items()}
        required = _names(base)
        for group in groups:
            branches = [self._folded(branch) for branch in group]
            for name, inner in (each for branch in branches for each in _mapping(branch, "properties").items()):
                properties.setdefault(name, []).append(_schema(inner))
            wanted = [_names(branch) for branch in branches]
            required += [name for name in wanted[0] if all(name in names for names in wanted)]
            if any(names != wanted[0] for names in wanted):
                sets = " or ".join(" and ".join(names) for names in wanted if names)
                base["description"] = _described(base.get("description"), [f"required together: {sets}"])
        if properties:
            base["properties"] = {name: either(inner) for name, inner in properties.items()}
        return base | ({"required": required} if required else {})

    def _typed(self, base: Schema, kind: str | None) -> Schema:
        """The keywords that make sense for one type, and words for the others."""
        for key in _LOST:
            if key in base and base[key] not in _SAYS_NOTHING:
                self._notes.add(f"tools: {key} in {self._what} was left out")
        hints = list(_in_words(base, kind))
        body: Schema = {}
        if kind == "object":
            body = self._object(base)
        elif kind == "array":
            body = self._array(base)
        elif kind in ("integer", "number"):
            body = _bounds(base, kind, hints)
        elif kind == "string" and base.get("format") in _FORMATS:
            body = {"format": base["format"]}
        if enum := self._enum(base, kind, hints):
            body["enum"] = enum
        default = base.get("default")
        if isinstance(default, str | int | float) and _fits(default, kind) and (not enum or default in enum):
            body["default"] = default
        description = _described(base.get("description"), hints)
        return ({"type": kind} if kind else {}) | ({"description": description} if description else {}) | body

    def _object(self, base: Schema) -> Schema:
        required = list(dict.fromkeys(_names(base)))
        inner: Schema = {name: self._cleaned(_schema(value)) for name, value in _mapping(base, "properties").items()}
        for name in required:
            inner.setdefault(name, {})
        others = base.get("additionalProperties")
        patterns = [_schema(value) for value in _mapping(base, "patternProperties").values()]
        if isinstance(others, dict) or (patterns and others is not True):
            schemas = [*([others] if isinstance(others, dict) else []), *patterns]
            others = _union([self._cleaned(each) for each in schemas], None) or True
        return (
            ({"properties": inner} if inner else {})
            | ({"required": required} if required else {})
            | ({"additionalProperties": others} if others is not None else {})
        )

    def _array(self, base: Schema) -> Schema:
        body: Schema = {}
        items, first = base.get("items"), base.get("prefixItems")
        if isinstance(items, list):
            items, first = base.get("additionalItems", False), items
        if isinstance(first, list) and first:
            body["prefixItems"] = [self._cleaned(_schema(each)) for each in first]
        if isinstance(items, dict) or not body:
            body["items"] = self._cleaned(_schema(items))
        for key in ("minItems", "maxItems"):
            if is_number(base.get(key)) and base[key] >= 0:
                body[key] = int(base[key])
        return body

    def _enum(self, base: Schema, kind: str | None, hints: list[str]) -> list[Any] | None:
        given = base.get("enum")
        values = [value for value in given if _fits(value, kind)] if isinstance(given, list) else []
        if not values or kind == "null":
            return None
        if kind not in ("string", "integer", "number"):
            if len(values) == 1 or kind != "boolean":
                hints.append(f"always {_short(values[0])}" if len(values) == 1 else f"one of {_short(values)}")
            return None
        if "" in values:
            hints.append("may be empty")
        values = list(dict.fromkeys(value for value in values if value != ""))
        size = sum(len(str(value)) for value in values)
        if size > self._enum_room:
            hints.append(f"one of: {', '.join(map(str, values))}")
            return None
        self._enum_room -= size
        return values


def _gathered(schema: Schema) -> tuple[Schema, list[list[Schema]]]:
    """The schema with its `allOf` and `const` worked in, and each set of alternatives that it has besides."""
    base = {key: value for key, value in schema.items() if key not in ("allOf", "anyOf", "oneOf", "const")}
    if "const" in schema:
        base["enum"] = [schema["const"]]
    together = _schemas(schema.get("allOf"))
    groups: list[list[Schema]] = []
    for branches in (_schemas(schema.get("anyOf")), _schemas(schema.get("oneOf"))):
        if len(branches) == 1:
            together += branches
        elif branches:
            groups.append(branches)
    # What holds on a condition is one alternative, its absence the other.
    conditional = [[_schema(base.pop(key, None)) for key in ("then", "else")]]
    conditional += [[_schema(each), {}] for each in _mapping(base, "dependentSchemas").values()]
    base.pop("dependentSchemas", None)
    groups += [group for group in conditional if any(group)]
    for branch in together:
        other, more = _gathered(branch)
        base = _conjoined(base, other)
        groups += more
    return base, groups


def _conjoined(one: Schema, other: Schema) -> Schema:
    """What satisfies both; of two rules that cannot be joined, the first one's."""
    both = {**other, **one}
    if "properties" in one and "properties" in other:
        mine, theirs = _mapping(one, "properties"), _mapping(other, "properties")
        same = {name: {"allOf": [mine[name], theirs[name]]} for name in mine if name in theirs}
        both["properties"] = {
            **theirs,
            **mine,
            **{name: each for name, each in same.items() if mine[name] != theirs[name]},
        }
    if "required" in one and "required" in other:
        both["required"] = [*_names(one), *_names(other)]
    if isinstance(one.get("enum"), list) and isinstance(other.get("enum"), list):
        both["enum"] = [value for value in one["enum"] if value in other["enum"]] or one["enum"]
    return both


def _union(branches: Iterable[Schema], description: Any) -> Schema:
    """The clean alternatives as one schema; constants of the same type become one enum."""
    unique: list[Schema] = []
    known: set[str] = set()
    enums: dict[str, Schema] = {}
    for branch in branches:
        written = json.dumps(branch, sort_keys=True)
        if not branch or written in known:
            continue
        known.add(written)
        if "enum" in branch and branch.keys() <= {"type", "enum", "description"}:
            same = enums.get(branch["type"])
            meaning = branch.get("description")
            branch = {**branch, "description": f"{_short(branch['enum'])}: {meaning}"} if meaning else branch
            if same is not None:
                same["enum"] = list(dict.fromkeys([*same["enum"], *branch["enum"]]))
                if meaning:
                    same["description"] = "; ".join(filter(None, [same.get("description"), branch["description"]]))
                continue
            branch = enums[branch["type"]] = dict(branch)
        unique.append(branch)
    if len(unique) > 1:
        return ({"description": description} if isinstance(description, str) else {}) | {"anyOf": unique}
    only = unique[0] if unique else {}
    text = "\n".join(part for part in (description, only.get("description")) if isinstance(part, str) and part)
    return {**only, **({"description": text} if text else {})}


def _kinds(base: Schema) -> list[str]:
    """The types that the schema allows, empty where it does not say."""
    given = base.get("type")
    names = given if isinstance(given, list) else [given]
    kinds = [name.lower() for name in names if isinstance(name, str) and name.lower() in _PYTHON_TYPES]
    enum = base["enum"] if isinstance(base.get("enum"), list) else []
    if not kinds and any(key in base for key in ("properties", "required", "patternProperties")):
        kinds = ["object"]
    elif not kinds and ("items" in base or "prefixItems" in base):
        kinds = ["array"]
    elif not kinds:
        kinds = [next(kind for kind in _PYTHON_TYPES if _fits(value, kind)) for value in enum]
    if kinds and (base.get("nullable") is True or None in enum):
        kinds.append("null")
    if "number" in kinds:
        kinds = [kind for kind in kinds if kind != "integer"]
    return list(dict.fromkeys(kinds))


def _bounds(base: Schema, kind: str, hints: list[str]) -> Schema:
    body: Schema = {}
    for key, exclusive, inward, outward in (
        ("minimum", "exclusiveMinimum", max, math.floor),
        ("maximum", "exclusiveMaximum", min, math.ceil),
    ):
        values = [base[key]] if is_number(base.get(key)) else []
        limit: Any = base.get(exclusive)
        if is_number(limit) and kind == "integer":
            values.append(outward(limit) + (1 if key == "minimum" else -1))
        elif is_number(limit):
            hints.append(f"{'more' if key == 'minimum' else 'less'} than {limit}")
        if values and abs(inward(values)) < _LARGEST:
            body[key] = inward(values)
    return body


def _in_words(base: Schema, kind: str | None) -> Iterator[str]:
    if kind == "string" and isinstance(base.get("format"), str) and base["format"] not in _FORMATS:
        yield f"format: {base['format']}"
    for key in _IN_WORDS:
        if base.get(key):
            yield f"{key}: {_short(base[key])}"


def _described(description: Any, hints: Iterable[str]) -> str:
    stated = "; ".join(hints)
    parts = [description if isinstance(description, str) else "", f"({stated})" if stated else ""]
    return " ".join(part for part in parts if part)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _HINT_LIMIT else text[: _HINT_LIMIT - 3] + "..."


def _schema(value: Any) -> Schema:
    """`true` and `false` are schemas, too; what they say cannot be stated here."""
    return value if isinstance(value, dict) else {}


def _schemas(value: Any) -> list[Schema]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _mapping(schema: Schema, key: str) -> Schema:
    value = schema.get(key)
    return value if isinstance(value, dict) else {}


def _names(schema: Schema) -> list[str]:
    value = schema.get("required")
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _fits(value: Any, kind: str | None) -> bool:
    if kind is None:
        return False
    return isinstance(value, _PYTHON_TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
