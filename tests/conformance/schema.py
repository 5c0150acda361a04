"""The part of JSON Schema that tools and structured outputs use; enough to say that an answer is wrong."""

from __future__ import annotations

from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def schema_error(value: Any, schema: Any, root: Any = None, path: str = "$") -> str | None:
    """Where and how `value` breaks `schema`, or None. Unknown keywords, formats and bounds are not looked at.

    Raises KeyError for a `$ref` that leads nowhere.
    """
    if isinstance(schema, bool):
        return None if schema else f"{path}: nothing is allowed here"
    root = schema if root is None else root
    if "$ref" in schema:
        return schema_error(value, _resolve(schema["$ref"], root), root, path)
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if types and not any(_is(value, name) for name in types):
        return f"{path}: {value!r} is not {' or '.join(types)}"
    if "const" in schema and value != schema["const"]:
        return f"{path}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{path}: {value!r} is not one of {schema['enum']}"
    for keyword in ("anyOf", "oneOf"):
        errors = [schema_error(value, option, root, path) for option in schema.get(keyword, [])]
        if errors and None not in errors:
            return errors[0]
    parts = [(value, option, path) for option in schema.get("allOf", [])]
    if isinstance(value, dict):
        missing = [name for name in schema.get("required", []) if name not in value]
        if missing:
            return f"{path}: {missing[0]} is missing"
        properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        parts += [(item, properties.get(name, others), f"{path}.{name}") for name, item in value.items()]
    if isinstance(value, list):
        parts += [(item, schema.get("items", True), f"{path}[{index}]") for index, item in enumerate(value)]
    return next((error for item, part, at in parts if (error := schema_error(item, part, root, at))), None)


def fitting(schema: Any, root: Any = None) -> Any:
    """A small value that fits `schema`: all properties, one item a list, the first of alternatives.

    Bounds, formats, `allOf` and endless recursion are not looked at.
    """
    root = schema if root is None else root
    if isinstance(schema, bool) or "const" in schema:
        return None if isinstance(schema, bool) else schema["const"]
    if "$ref" in schema:
        return fitting(_resolve(schema["$ref"], root), root)
    for keyword in ("enum", "anyOf", "oneOf"):
        if schema.get(keyword):
            first = schema[keyword][0]
            return first if keyword == "enum" else fitting(first, root)
    types = schema.get("type", "object" if "properties" in schema else "string")
    match types if isinstance(types, str) else types[0]:
        case "object":
            return {name: fitting(part, root) for name, part in schema.get("properties", {}).items()}
        case "array":
            return [fitting(schema.get("items", True), root)]
        case kind:
            return {"string": "A text", "integer": 7, "number": 1.5, "boolean": True, "null": None}[kind]


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, _TYPES[name]) or (name == "integer" and isinstance(value, float) and value.is_integer())


def _resolve(reference: str, root: Any) -> Any:
    found = root
    for key in reference.removeprefix("#").strip("/").split("/"):
        found = found[key.replace("~1", "/").replace("~0", "~")] if key else found
    return found
