"""What the Gemini API finds wrong with the two forms of a schema: its own `Schema` message and a JSON Schema."""

from __future__ import annotations

from typing import Any, NoReturn

from tests.fakes.gemini.errors import refuse, refuse_field
from tests.fakes.openai.schema import Path, resolves, walk

_ONLY_FOR = {
    "properties": "OBJECT",
    "required": "OBJECT",
    "items": "ARRAY",
    "enum": "STRING",
}
_STRING_FORMATS = ("enum", "date-time")
_TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")
_SINGLE = ("items", "additionalProperties", "not", "if", "then", "else", "propertyNames", "contains")
_BESIDE_REFERENCE = ("description", "default")
_LONG = 10_000


def check_schema(where: str, schema: dict[str, Any], *, root: bool = False) -> None:
    """A parsed `Schema`. The root of a function's parameters alone may be an object without properties."""
    kind = schema.get("type", "TYPE_UNSPECIFIED")
    if kind == "TYPE_UNSPECIFIED" and "anyOf" not in schema:
        refuse(f"{where} schema didn't specify the schema type field.")
    if root and kind != "OBJECT":
        refuse_field(f"{where}.type", "should be OBJECT for the parameters of a function")
    for word, only in _ONLY_FOR.items():
        if schema.get(word) and kind != only:
            refuse_field(f"{where}.{word}", f"only allowed for {only} type")
    if kind == "OBJECT" and not schema.get("properties") and not root:
        refuse_field(f"{where}.properties", "should be non-empty for OBJECT type")
    if kind == "ARRAY" and "items" not in schema:
        refuse_field(f"{where}.items", "missing field")
    if kind == "STRING" and schema.get("format", "enum") not in _STRING_FORMATS:
        refuse_field(f"{where}.format", "only 'enum' and 'date-time' are supported for STRING type")
    for number, value in enumerate(schema.get("enum", ())):
        if not value:
            refuse_field(f"{where}.enum[{number}]", "cannot be empty")
    for number, name in enumerate(schema.get("required", ())):
        if name not in schema.get("properties", {}):
            refuse_field(f"{where}.required[{number}]", "property is not defined")
    for name, inner in schema.get("properties", {}).items():
        check_schema(f"{where}.properties[{name}]", inner)
    for number, inner in enumerate(schema.get("anyOf", ())):
        check_schema(f"{where}.any_of[{number}]", inner)
    if "items" in schema:
        check_schema(f"{where}.items", schema["items"])


def check_json_schema(where: str, schema: Any, *, root: bool = False) -> None:
    """A JSON Schema as it came: unknown keywords are nobody's business, references and types are."""
    if not isinstance(schema, dict):
        refuse_field(where, "must be an object")
    if root and schema.get("type", "object") != "object":
        refuse_field(f"{where}.type", "should be object for the parameters of a function")
    for path, part in walk(schema, ()):
        _check_keywords(where, path, part)
        if "$ref" in part:
            _check_reference(path, part, schema)


def _check_keywords(where: str, path: Path, part: dict[str, Any]) -> None:
    def malformed(word: str) -> NoReturn:
        # What stands in a known keyword has to be of its type; the words are ours.
        refuse_field(".".join((where, *path, word)), "malformed JSON schema")

    kinds = part.get("type", [])
    if not all(kind in _TYPES for kind in (kinds if isinstance(kinds, list) else [kinds])):
        malformed("type")
    for word, kind in (("properties", dict), ("required", list), ("enum", list), ("anyOf", list), ("oneOf", list)):
        if word in part and not isinstance(part[word], kind):
            malformed(word)
    for word in _SINGLE:
        if word in part and not isinstance(part[word], dict | bool):
            malformed(word)


def _check_reference(path: Path, part: dict[str, Any], root: dict[str, Any]) -> None:
    reference = part["$ref"]
    if not isinstance(reference, str) or not resolves(reference, root):
        refuse(f"reference to undefined schema at {'.'.join(path)}")
    beside = {key for key in part if not key.startswith("$")} - {*_BESIDE_REFERENCE}
    if beside - ({"title"} if not path else set()):
        refuse(
            f"$ref '{reference.rpartition('/')[2]}' was set alongside unsupported fields. If a schema node has $ref "
            "set, then only description and default can be set alongside it"
        )


def states(schema: Any) -> int:
    """How much constrained decoding has to hold in mind: the text of all enums, and long limits as a whole lot."""
    total = 0
    for _, part in walk(schema, ()):
        enum = part.get("enum")
        total += sum(len(str(value)) for value in enum) if isinstance(enum, list) else 0
        for word in ("maxItems", "maxLength"):
            limit = part.get(word, 0)
            total += int(limit) if isinstance(limit, int | float) and limit > _LONG else 0
    return total
