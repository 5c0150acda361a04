"""Schemas: only known keywords remain, and no property or required name is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.protocol.notes import Notes
from proxy.providers.gemini.schema import KEYWORDS, SchemaCleaner
from tests.captures import CAPTURES, load, needs_captures
from tests.fakes.gemini.models import MODELS
from tests.fakes.gemini.rules import check
from tests.fuzz import examples
from tests.providers.gemini.pieces import NEW
from tests.providers.schemas import MUTATED, OBJECTS, TYPES, nested

Json = dict[str, Any]


def _clean(schema: Any, *, constrains: bool = False) -> Json:
    return SchemaCleaner(Notes(), constrains=constrains).parameters(schema, "T")


def _nodes(schema: Json) -> Iterator[Json]:
    """The schema and all schemas in it."""
    yield schema
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ()), *schema.get("prefixItems", ())]
    inner += [schema[key] for key in ("items", "additionalProperties") if isinstance(schema.get(key), dict)]
    for each in inner:
        yield from _nodes(each)


def _accepted(*schemas: Json) -> None:
    """By the strict fake; only known keywords are left, and what is required exists."""
    declared = [{"name": f"f{number}", "parametersJsonSchema": schema} for number, schema in enumerate(schemas)]
    body = {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "tools": [{"functionDeclarations": declared}],
        "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
    }
    check(json.loads(json.dumps(body)), MODELS[NEW])
    for schema in schemas:
        for node in _nodes(schema):
            assert node.keys() <= set(KEYWORDS), node
            assert set(node.get("required", ())) <= node.get("properties", {}).keys()


@needs_captures
@pytest.mark.parametrize("constrains", [False, True])
def test_case_21_tools_of_the_captures(constrains: bool) -> None:
    tools: dict[str, Json] = {}
    for name in CAPTURES:
        for tool in (load(name).get("body") or {}).get("tools") or ():
            if "input_schema" in tool:
                tools[json.dumps(tool["input_schema"])] = tool["input_schema"]
    assert len(tools) > 20
    for schema in tools.values():
        clean = _clean(schema, constrains=constrains)
        assert clean["properties"].keys() == schema.get("properties", {}).keys()
        assert clean.get("required", []) == schema.get("required", [])
        _accepted(clean)


_S = {"type": "string"}
_N = {"type": "integer"}


def _one(schema: Json, **root: Any) -> Json:
    return {"type": "object", "properties": {"x": schema}, **root}


# The schema of a property, and what is left of it.
PROPERTIES: dict[str, tuple[Json, Json]] = {
    "case_21_const": ({"const": "a"}, {"type": "string", "enum": ["a"]}),
    "const_number": ({"const": 1}, {"type": "integer", "enum": [1]}),
    "const_true": ({"const": True}, {"type": "boolean", "description": "(always true)"}),
    "case_21_exclusive_minimum": ({"type": "integer", "exclusiveMinimum": 0}, {"type": "integer", "minimum": 1}),
    "exclusive_of_a_number": (
        {"type": "number", "exclusiveMinimum": 0},
        {"type": "number", "description": "(more than 0)"},
    ),
    "safe_integers": ({"type": "integer", "minimum": -(2**53) + 1, "maximum": 2**53 - 1}, _N),
    "bounds": ({"type": "integer", "minimum": 1, "maximum": 9}, {"type": "integer", "minimum": 1, "maximum": 9}),
    "case_21_format": ({"type": "string", "format": "uri"}, {"type": "string", "description": "(format: uri)"}),
    "format_date": ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
    "pattern": ({**_S, "pattern": "^a", "description": "A"}, {"type": "string", "description": "A (pattern: ^a)"}),
    "case_21_property_names": (
        {"type": "object", "propertyNames": {"type": "string"}, "additionalProperties": _S},
        {"type": "object", "additionalProperties": _S},
    ),
    "case_22_types": ({"type": ["string", "null"]}, {"anyOf": [_S, {"type": "null"}]}),
    "case_22_three_types": (
        {"type": ["string", "integer", "null"], "description": "A"},
        {"description": "A", "anyOf": [_S, _N, {"type": "null"}]},
    ),
    "one_type_in_a_list": ({"type": ["string"]}, _S),
    "nullable": ({"type": "string", "nullable": True}, {"anyOf": [_S, {"type": "null"}]}),
    "one_of": ({"oneOf": [_S, _N]}, {"anyOf": [_S, _N]}),
    "constants_as_alternatives": ({"anyOf": [{"const": "a"}, {"const": "b"}]}, {"type": "string", "enum": ["a", "b"]}),
    "all_of": (
        {"allOf": [{"type": "object", "properties": {"a": _S}, "required": ["a"]}, {"properties": {"b": _N}}]},
        {"type": "object", "properties": {"a": _S, "b": _N}, "required": ["a"]},
    ),
    "enum_of_numbers": ({"type": "integer", "enum": [1, 2]}, {"type": "integer", "enum": [1, 2]}),
    "enum_with_an_empty_text": (
        {"type": "string", "enum": ["", "a"]},
        {"type": "string", "description": "(may be empty)", "enum": ["a"]},
    ),
    "enum_without_type": ({"enum": ["a", "b"]}, {"type": "string", "enum": ["a", "b"]}),
    "anything": ({}, {}),
    "true": (True, {}),  # type: ignore[dict-item]
    "empty_object": ({"type": "object"}, {"type": "object"}),
    "array_without_items": ({"type": "array"}, {"type": "array", "items": {}}),
    "tuple": (
        {"type": "array", "prefixItems": [_S, _N], "minItems": 2},
        {"type": "array", "prefixItems": [_S, _N], "minItems": 2},
    ),
    "default": ({"type": "integer", "default": 5}, {"type": "integer", "default": 5}),
    "default_of_another_type": ({"type": "integer", "default": "five"}, _N),
    "keyword_of_next_year": ({"type": "string", "x-future": {"a": 1}, "$comment": "c"}, _S),
    "reference": ({"$ref": "#/$defs/s", "description": "B"}, {"type": "string", "description": "B"}),
    "reference_to_nowhere": ({"$ref": "#/$defs/none"}, {}),
    "description_that_is_no_text": ({"type": "string", "description": 5}, _S),
}


@pytest.mark.parametrize("name", PROPERTIES)
def test_property(name: str) -> None:
    given_schema, expected = PROPERTIES[name]
    clean = _clean(_one(given_schema, **{"$defs": {"s": {"type": "string", "description": "A"}}}))
    assert clean["properties"]["x"] == expected
    _accepted(clean)


_NAMES = ("type", "default", "$ref", "enum", "properties", "required", "format", "title", "items", "const", "anyOf")


def test_case_24_properties_named_like_keywords() -> None:
    schema = {"type": "object", "properties": dict.fromkeys(_NAMES, _S), "required": list(_NAMES)}
    nested = _one(schema)
    assert _clean(schema) == schema
    assert _clean(nested) == nested
    _accepted(schema, nested)


ROOTS: dict[str, tuple[Any, Json]] = {
    "empty": ({}, {"type": "object", "properties": {}}),
    "no_properties": (
        {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "additionalProperties": False},
        {"type": "object", "properties": {}, "additionalProperties": False},
    ),
    "required_without_property": (
        {"type": "object", "required": ["a"]},
        {"type": "object", "properties": {"a": {}}, "required": ["a"]},
    ),
    "root_reference": (
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "object", "properties": {"x": _S}, "required": ["x"]}}},
        {"type": "object", "properties": {"x": _S}, "required": ["x"]},
    ),
    "alternatives": (
        {"anyOf": [_one(_S, required=["x"]), {"type": "object", "properties": {"y": _N}, "required": ["y"]}]},
        {
            "type": "object",
            "description": "(required together: x or y)",
            "properties": {"x": _S, "y": _N},
        },
    ),
}


@pytest.mark.parametrize("name", ROOTS)
def test_root(name: str) -> None:
    given_schema, expected = ROOTS[name]
    clean = _clean(given_schema)
    assert clean == expected
    _accepted(clean)


def test_recursive_references_end() -> None:
    tree = {
        "type": "object",
        "properties": {"child": {"$ref": "#"}, "all": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
        "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
    }
    notes = Notes()
    clean = SchemaCleaner(notes, constrains=False).parameters(tree, "T")
    assert clean["properties"]["all"]["items"]["properties"]["next"] == {"type": "object"}
    assert any("recursive" in note for note in notes)
    _accepted(clean)


def test_types_that_refer_to_each_other_do_not_grow_without_end() -> None:
    names = [f"t{number}" for number in range(12)]
    everything = {name: {"$ref": f"#/$defs/{name}"} for name in names}
    defs = {name: {"type": "object", "properties": everything} for name in names}
    clean = _clean({"type": "object", "properties": everything, "$defs": defs})
    assert clean["properties"].keys() == set(names)
    assert len(json.dumps(clean)) < 2_000_000


ODD: dict[str, tuple[Any, Any]] = {
    "dependent_schemas": (
        {"type": "object", "dependentSchemas": {"a": {"required": ["b"]}}},
        {"anyOf": [{"type": "object", "properties": {"b": {}}, "required": ["b"]}, {"type": "object"}]},
    ),
    "dependencies_of_draft_7": (
        {"type": "object", "dependencies": {"a": ["b"], "c": {"properties": {"d": _S}}}},
        {"anyOf": [{"type": "object", "properties": {"d": _S}}, {"type": "object"}]},
    ),
    "required_of_draft_3": (
        {"type": "object", "properties": {"a": {"type": "string", "required": True}}},
        {"type": "object", "properties": {"a": _S}, "required": ["a"]},
    ),
    "exclusive_minimum_of_draft_4": (
        {"type": "integer", "minimum": 0, "exclusiveMinimum": True},
        {"type": "integer", "minimum": 1},
    ),
    "tuple_of_older_drafts": (
        {"type": "array", "items": [_S, _N]},
        {"type": "array", "prefixItems": [_S, _N]},
    ),
    "types_of_gemini": ({"type": "STRING"}, _S),
    "php_map": ({"type": "object", "properties": [], "required": None}, {"type": "object"}),
    "enum_of_nothing": ({"type": "string", "enum": []}, _S),
    "infinite": ({"type": "number", "maximum": float("inf"), "default": float("nan")}, {"type": "number"}),
    "huge": ({"type": "integer", "maximum": 10**400, "minItems": 5}, _N),
    "false": (False, {}),
    "percent_encoded": ({"$ref": "#/$defs/List%3CItem%3E"}, {"type": "array", "items": _S}),
    "anchor": ({"$ref": "#here"}, _S),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_property(name: str) -> None:
    given_schema, expected = ODD[name]
    defs = {"List<Item>": {"type": "array", "items": _S}, "s": {"$anchor": "here", "type": "string"}}
    clean = _clean(_one(given_schema, **{"$defs": defs}))
    assert clean["properties"]["x"] == expected
    _accepted(clean)


@pytest.mark.parametrize(
    ("schema", "clean"),
    [
        pytest.param({"type": "array", "items": _S}, {"type": "array", "items": _S}, id="an array"),
        pytest.param({"enum": ["a", "b"]}, {"type": "string", "enum": ["a", "b"]}, id="an enum"),
        pytest.param({"type": "integer"}, _N, id="a number"),
        pytest.param({"anyOf": [_S, _N]}, {"anyOf": [_S, _N]}, id="alternatives"),
        pytest.param(
            {"type": "object", "dependentSchemas": {"a": {"required": ["b"]}}},
            {"anyOf": [{"type": "object", "properties": {"b": {}}, "required": ["b"]}, {"type": "object"}]},
            id="dependentSchemas",
        ),
    ],
)
def test_an_answer_keeps_its_root(schema: Json, clean: Json) -> None:
    assert SchemaCleaner(Notes(), constrains=True).answer(schema) == clean


@pytest.mark.parametrize("by", ["properties", "items", "anyOf", "allOf", "dependentSchemas"])
@pytest.mark.parametrize("depth", [300, 700])
def test_depth(by: str, depth: int) -> None:
    notes = Notes()
    cleaner = SchemaCleaner(notes, constrains=False)
    for schema in (nested(depth, by=by), {**nested(depth, by=by), "$defs": {"a": {"$ref": "#/$defs/a"}}}):
        _accepted(cleaner.parameters(schema, "T"), cleaner.parameters(_one(schema), "T"))
        json.dumps(cleaner.answer(schema))
    assert any("nested too deeply" in note for note in notes)


def test_many_alternatives_take_no_time() -> None:
    branches = [{"type": "object", "properties": {f"p{n}": {"const": n}}} for n in range(3000)]
    assert len(_clean(_one({"anyOf": branches}))["properties"]["x"]["anyOf"]) == len(branches)
    same = [_one({"type": "integer", "minimum": n}) for n in range(3000)]
    assert len(_clean({"anyOf": same})["properties"]["x"]["anyOf"]) == len(same)


def test_long_enums_become_words_where_they_constrain() -> None:
    values = [f"value number {number}" for number in range(300)]
    schema = _one({"type": "string", "enum": values})
    assert _clean(schema)["properties"]["x"]["enum"] == values
    told = _clean(schema, constrains=True)["properties"]["x"]
    assert "enum" not in told
    assert values[-1] in told["description"]


_KEYS = ("a", "b", "type", "default", "$ref", "required", "properties")
_SCALARS = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text("ab ", max_size=3) | st.floats(-9, 9)


def _extended(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(inner, max_size=3)
    named = st.dictionaries(st.sampled_from(_KEYS), inner, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(TYPES),
            "dependentSchemas": named,
            "properties": named,
            "required": st.lists(st.sampled_from(_KEYS), max_size=3),
            "items": inner | several,
            "prefixItems": several,
            "anyOf": several,
            "oneOf": several,
            "allOf": several,
            "not": inner,
            "if": inner,
            "then": inner,
            "additionalProperties": inner | st.booleans(),
            "patternProperties": named,
            "enum": st.lists(_SCALARS, max_size=3),
            "const": _SCALARS,
            "default": _SCALARS,
            "minimum": _SCALARS,
            "exclusiveMaximum": _SCALARS,
            "minItems": _SCALARS,
            "format": st.sampled_from(["uri", "date", 5]),
            "description": st.text("ab", max_size=3) | st.integers(),
            "nullable": st.booleans(),
            "$ref": st.sampled_from(["#", "#/properties/a", "#/nowhere", "http://x", 5]),
            "x-unknown": _SCALARS,
        },
    )


_SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | st.just({}) | _extended(st.just({})), _extended, max_leaves=8
)


def _named(schema: Any) -> tuple[set[str], set[str]]:
    """The names of the properties and those required at the top."""
    return set(schema.get("properties", {})), set(schema.get("required", []))


@settings(max_examples=examples(25), deadline=None)
@given(
    st.dictionaries(st.sampled_from(_KEYS), _SCHEMAS, max_size=4),
    st.lists(st.sampled_from(_KEYS), max_size=3),
    st.booleans(),
)
def test_any_schema(properties: Json, required: list[str], constrains: bool) -> None:
    clean = _clean({"type": "object", "properties": properties, "required": required}, constrains=constrains)
    _accepted(clean)
    assert clean["type"] == "object"
    names, needed = _named(clean)
    assert names == {*properties, *required}
    assert needed == set(required)
    for name, inner in properties.items():
        plain = isinstance(inner, dict) and inner.get("type") == "object" and isinstance(inner.get("properties"), dict)
        if plain and not {"$ref", "nullable", "const", "enum"} & inner.keys():
            kept = str(clean["properties"][name])
            assert all(repr(key) in kept for key in {*inner["properties"], *inner.get("required", ())})


@given(_SCHEMAS)
def test_any_answer(schema: Any) -> None:
    if isinstance(schema, dict):
        clean = SchemaCleaner(Notes(), constrains=True).answer(schema)
        for node in _nodes(clean):
            assert node.keys() <= set(KEYWORDS)


@settings(max_examples=examples(25), deadline=None)
@given(OBJECTS | MUTATED, st.booleans())
def test_any_schema_malformed_or_not(schema: Json, constrains: bool) -> None:
    """Whatever comes: only keywords that Gemini takes, and JSON."""
    cleaner = SchemaCleaner(Notes(), constrains=constrains)
    clean = cleaner.parameters(schema, "T")
    _accepted(clean)
    assert (clean["type"], type(clean["properties"])) == ("object", dict)
    answer = cleaner.answer(schema)
    json.dumps([clean, answer], allow_nan=False, ensure_ascii=False).encode()
    assert all(node.keys() <= set(KEYWORDS) for node in _nodes(answer))
