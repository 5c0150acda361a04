"""Malformed schemas: what is mended, what has to go, and that what is sound stays as it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from proxy.protocol.notes import Notes
from proxy.providers.common.schemas import either, well_formed
from tests.fuzz import examples
from tests.providers.schemas import MUTATED, OBJECTS, REAL, STRING, nested

Json = dict[str, Any]
INFINITE = float("inf")


def mended(schema: Json) -> tuple[Json, list[str]]:
    notes = Notes()
    return well_formed(schema, "S", notes), list(notes)


@pytest.mark.parametrize("name", [name for name in REAL if "dependencies" not in REAL[name]])
def test_what_is_sound_stays(name: str) -> None:
    assert json.dumps(mended(REAL[name])) == json.dumps([REAL[name], []])


@pytest.mark.parametrize(
    ("given_schema", "sound"),
    [
        pytest.param({"properties": None, "required": None}, {}, id="null means absent"),
        pytest.param({"properties": [], "required": []}, {"properties": {}, "required": []}, id="empty maps of PHP"),
        pytest.param({"properties": {"a": True, "b": False}}, {"properties": {"a": True, "b": False}}, id="booleans"),
        pytest.param({"properties": {"a": None}}, {"properties": {"a": {}}}, id="null as a schema"),
        pytest.param(
            {"properties": {"a": {"type": "string", "required": True}, "b": {"required": False}}},
            {"properties": {"a": STRING, "b": {}}, "required": ["a"]},
            id="draft 3's required",
        ),
        pytest.param(
            {"properties": {"required": {"type": "boolean"}, "a": {"required": True}}, "required": ["required"]},
            {"properties": {"required": {"type": "boolean"}, "a": {}}, "required": ["required", "a"]},
            id="a property called required",
        ),
        pytest.param({"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}, id="draft 4's exclusive limit"),
        pytest.param({"maximum": 1, "exclusiveMaximum": False}, {"maximum": 1}, id="draft 4's inclusive limit"),
        pytest.param({"exclusiveMaximum": True}, {}, id="an exclusive limit of nothing"),
        pytest.param({"type": "STRING"}, STRING, id="Gemini's names of types"),
        pytest.param({"type": ["String", "null", "null"]}, {"type": ["string", "null"]}, id="a list of types"),
        pytest.param({"required": ["a", "a", 5, "b"]}, {"required": ["a", "b"]}, id="names twice, and what is no name"),
        pytest.param({"minItems": 2.0}, {"minItems": 2}, id="a count with a fraction of nothing"),
        pytest.param({"const": None, "default": None}, {"const": None, "default": None}, id="null as a value"),
        pytest.param({"x-own": {"a": [None]}}, {"x-own": {"a": [None]}}, id="keywords that nobody knows"),
        pytest.param({"items": [STRING, True]}, {"items": [STRING, True]}, id="a tuple of older drafts"),
        pytest.param({"dependencies": {"a": ["b"], "c": {"required": ["d"]}}},
                     {"dependentRequired": {"a": ["b"]}, "dependentSchemas": {"c": {"required": ["d"]}}},
                     id="draft 7's dependencies"),
        pytest.param({"dependentRequired": {"a": ["b", "b", 5], "c": 5}}, {"dependentRequired": {"a": ["b"]}},
                     id="dependentRequired"),
        pytest.param({"title": "\ud83d\ude00 \ud83d"}, {"title": "\U0001f600 \ufffd"}, id="half characters"),
        pytest.param({"properties": {"\ud83d": {}}, "required": ["\ud83d"]},
                     {"properties": {"\ufffd": {}}, "required": ["\ufffd"]}, id="half characters in names"),
    ],
)  # fmt: skip
def test_what_is_mended_without_a_loss(given_schema: Json, sound: Json) -> None:
    assert mended(given_schema) == (sound, [])


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        *(("properties", "a"), ("properties", ["a"]), ("required", "a"), ("required", {"a": True})),
        *(("type", "odd"), ("type", 5), ("type", []), ("type", ["odd", {}]), ("type", {"type": "string"})),
        *(("enum", []), ("enum", "a"), ("enum", [INFINITE]), ("examples", {}), ("anyOf", []), ("oneOf", {"a": {}})),
        *(("items", 5), ("items", []), ("items", "string"), ("additionalProperties", []), ("not", [{}])),
        *(("minimum", INFINITE), ("maximum", -INFINITE), ("multipleOf", float("nan")), ("minimum", "5")),
        *(("exclusiveMinimum", "0"), ("minItems", -1), ("minLength", 1.5), ("maxLength", True)),
        *(("description", 5), ("title", ["a"]), ("pattern", {}), ("format", True), ("uniqueItems", "yes")),
        ("default", INFINITE),
    ],
)
def test_what_no_validator_takes_goes_with_a_note(keyword: str, value: Any) -> None:
    sound, notes = mended({"properties": {"x": {"type": "string", keyword: value}}})
    assert sound["properties"]["x"] == {key: kept for key, kept in STRING.items() if key != keyword}
    assert notes == [f"tools: {keyword} in S is malformed and was left out"]


@pytest.mark.parametrize("part", [5, "string", ["a"]])
def test_a_property_that_is_no_schema_is_open(part: Any) -> None:
    assert mended({"properties": {"x": part}}) == (
        {"properties": {"x": {}}},
        ["tools: a part of S that is no schema was left out"],
    )


def test_one_value_of_an_enum_that_cannot_be_written() -> None:
    assert mended({"enum": [1, INFINITE, "a"]}) == (
        {"enum": [1, "a"]},
        ["tools: a value of enum in S that JSON cannot hold was left out"],
    )


@pytest.mark.parametrize(
    ("alternatives", "one"),
    [
        pytest.param([STRING], STRING, id="one"),
        pytest.param([STRING, STRING], STRING, id="the same twice"),
        pytest.param([STRING, {}, True], {"anyOf": [STRING, {}, True]}, id="different ones"),
        pytest.param([{"anyOf": [STRING, {}]}, STRING], {"anyOf": [STRING, {}]}, id="one that is alternatives"),
        pytest.param([{"const": 1}, {"const": True}], {"anyOf": [{"const": 1}, {"const": True}]}, id="1 and true"),
    ],
)
def test_alternatives_as_one_schema(alternatives: list[Any], one: Any) -> None:
    assert either(alternatives) == one


@pytest.mark.parametrize("by", ["properties", "items", "anyOf", "dependentSchemas"])
@pytest.mark.parametrize("depth", [100, 700, 20_000])
def test_schemas_that_are_nested_too_deeply_are_cut(by: str, depth: int) -> None:
    sound, notes = mended(nested(depth, by=by))
    json.dumps(sound)
    assert notes == ["tools: S was cut where it is nested too deeply"]


def test_values_that_are_nested_too_deeply_are_cut() -> None:
    deep: Any = []
    for _ in range(20_000):
        deep = [deep]
    sound, _ = mended({"default": deep, "enum": [deep], "x-own": {"a": deep}})
    assert len(json.dumps(sound)) < 1000, "the rest is left out"
    assert sound.keys() >= {"default", "enum"}


@settings(max_examples=examples(25), deadline=None)
@given(OBJECTS | MUTATED)
def test_any_schema_can_be_written_and_is_sound_from_then_on(schema: Json) -> None:
    sound = well_formed(schema, "S", Notes())
    json.dumps(sound, allow_nan=False, ensure_ascii=False).encode()
    assert mended(sound) == (sound, [])
