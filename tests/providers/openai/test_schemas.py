"""Schemas of tools and answers by themselves: none makes the translation fail, and OpenAI's validator takes all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from proxy.protocol.notes import Notes
from proxy.protocol.request import Tool
from proxy.providers.openai.schemas import answer_schema, fits_strict, input_schema, with_types
from tests.fakes.openai.schema import schema_problem
from tests.fuzz import examples
from tests.providers.schemas import MUTATED, OBJECTS, REAL, STRING, nested

Json = dict[str, Any]
INTEGER = {"type": "integer"}


def sent(schema: Any, *, official: bool) -> tuple[Json, list[str]]:
    notes = Notes()
    return input_schema(Tool(name="T", input_schema=schema), notes, official=official), list(notes)


def one(schema: Any, **root: Any) -> Json:
    return {"type": "object", "properties": {"x": schema}, **root}


@pytest.mark.parametrize("official", [True, False])
@pytest.mark.parametrize(
    ("given_schema", "clean"),
    [
        pytest.param({"$ref": "#/$defs/List%3CItem%3E"}, {"type": "array", "items": STRING}, id="percent-encoded"),
        pytest.param({"$ref": "#anchor"}, STRING, id="an anchor"),
        pytest.param({"enum": []}, {}, id="an enum of nothing"),
        pytest.param({"type": "object", "properties": [], "required": None}, {"type": "object", "properties": {}},
                     id="PHP's empty map"),
        pytest.param({"type": "string", "default": float("inf")}, STRING, id="1e400"),
        pytest.param({"type": "INTEGER", "minimum": 1, "exclusiveMinimum": True},
                     {"type": "integer", "exclusiveMinimum": 1}, id="older drafts"),
        pytest.param(True, True, id="a boolean"),
        pytest.param({"type": "object", "properties": {}, "dependentSchemas": {"a": {"required": ["b"]}}},
                     {"type": "object", "properties": {}, "dependentSchemas": {"a": {"required": ["b"]}}},
                     id="dependentSchemas"),
    ],
)  # fmt: skip
def test_properties(given_schema: Any, clean: Any, official: bool) -> None:
    defs = {"List<Item>": {"type": "array", "items": STRING}, "a": {"$anchor": "anchor", **STRING}}
    found, _ = sent(one(given_schema, **{"$defs": defs}), official=official)
    x = found["properties"]["x"]
    assert ({key: value for key, value in x.items() if key != "$anchor"} if isinstance(x, dict) else x) == clean
    assert schema_problem(found, strict=False) is None or not official


def test_tuples_of_older_drafts_become_those_of_today_for_openai() -> None:
    pair = {"type": "array", "items": [STRING, INTEGER], "additionalItems": False}
    assert sent(one(pair), official=True)[0]["properties"]["x"] == {
        "type": "array",
        "prefixItems": [STRING, INTEGER],
        "items": False,
    }
    assert sent(one(pair), official=False)[0]["properties"]["x"] == pair


def test_a_reference_that_openai_can_follow_stays() -> None:
    tree = one({"$ref": "#/$defs/node"}, **{"$defs": {"node": one({"$ref": "#/$defs/node"}, next={"$ref": "#"})}})
    assert sent(tree, official=True) == (tree, [])


@pytest.mark.parametrize("reference", ["http://x.test/s", "#/$defs/gone", "#/%24defs/a", "#anchor", "#/"])
def test_a_reference_that_openai_cannot_follow_does_not_reach_it(reference: str) -> None:
    found, _ = sent(one({"$ref": reference}, **{"$defs": {"a": {"$anchor": "anchor", **STRING}}}), official=True)
    assert "$ref" not in json.dumps(found)
    assert schema_problem(found, strict=False) is None


def test_alternatives_at_the_root_keep_each_of_their_values() -> None:
    """A discriminated union: each alternative has another constant in the same property."""
    union = {"oneOf": [one({"const": kind}, required=["x"]) for kind in ("a", "b", "a")]}
    found, notes = sent(union, official=True)
    assert found == one({"anyOf": [{"const": "a"}, {"const": "b"}]}, required=["x"])
    assert notes == ["tools: the alternatives at the root of T's schema were merged"]


def test_many_alternatives_at_the_root() -> None:
    found, _ = sent({"anyOf": [one({"const": number}) for number in range(3000)]}, official=True)
    assert len(found["properties"]["x"]["anyOf"]) == 3000


def test_alternatives_within_alternatives_at_the_root() -> None:
    inner = {"anyOf": [{"properties": {"a": STRING}, "required": ["a"]}, {"properties": {"b": STRING}}]}
    found, _ = sent({"allOf": [inner, {"properties": {"c": INTEGER}, "required": ["c"]}]}, official=True)
    assert found == {
        "type": "object",
        "properties": {"a": STRING, "b": STRING, "c": INTEGER},
        "required": ["c"],
    }


@pytest.mark.parametrize("official", [True, False])
@pytest.mark.parametrize("by", ["properties", "items", "anyOf", "allOf", "dependentSchemas"])
@pytest.mark.parametrize("depth", [300, 700])
def test_depth(by: str, depth: int, official: bool) -> None:
    for schema in (nested(depth, by=by), one(nested(depth, by=by), **{"$defs": {"a": {"$ref": "#/$defs/a"}}})):
        found, notes = sent(schema, official=official)
        json.dumps(with_types(found))
        assert any("nested too deeply" in note for note in notes)


@pytest.mark.parametrize(
    "root",
    [
        pytest.param({"type": "array", "items": STRING}, id="an array"),
        pytest.param({"enum": ["a", "b"]}, id="an enum"),
        pytest.param({"const": 1}, id="a constant"),
        pytest.param({"type": "integer", "minimum": 1}, id="a number"),
        pytest.param({"type": ["string", "null"]}, id="several types"),
        pytest.param({"anyOf": [STRING, INTEGER]}, id="alternatives"),
        pytest.param({"anyOf": [one(STRING), STRING]}, id="an object or a string"),
        pytest.param({}, id="anything"),
    ],
)
def test_answers_that_are_no_objects(root: Json) -> None:
    notes = Notes()
    assert answer_schema({**root, "$schema": "s"}, notes, official=False) == root
    assert list(notes) == []
    assert answer_schema(root, notes, official=True) is None
    assert list(notes) == ["output_config.format was not sent as a schema: OpenAI takes only objects at its root"]


@pytest.mark.parametrize(
    ("root", "clean"),
    [
        pytest.param(one(STRING), one(STRING), id="an object"),
        pytest.param({"properties": {"x": STRING}}, one(STRING), id="without a type"),
        pytest.param({"type": ["object", "null"], "properties": {"x": STRING}}, one(STRING), id="or null"),
        pytest.param({"$ref": "#/$defs/a", "$defs": {"a": one(STRING)}}, one(STRING), id="a reference"),
        pytest.param({"anyOf": [one(STRING), one(INTEGER)]}, one({"anyOf": [STRING, INTEGER]}), id="alternatives"),
        pytest.param({"allOf": [one(STRING), {"required": ["x"]}]}, one(STRING, required=["x"]), id="allOf"),
    ],
)
def test_answers_that_are_objects_for_openai(root: Json, clean: Json) -> None:
    assert answer_schema(root, Notes(), official=True) == clean
    assert schema_problem(clean, strict=False) is None


STRICT = one(STRING, required=["x"], additionalProperties=False)


@pytest.mark.parametrize(
    ("schema", "fits"),
    [
        pytest.param(STRICT, True, id="all is required"),
        pytest.param({"type": "object", "properties": {}, "additionalProperties": False}, True, id="nothing in it"),
        pytest.param({**STRICT, "required": []}, False, id="an optional property"),
        pytest.param({**STRICT, "additionalProperties": True}, False, id="open"),
        pytest.param(one(STRING, required=["x"]), False, id="open by default"),
        pytest.param({**STRICT, "additionalProperties": {}}, False, id="open for what fits a schema"),
        pytest.param({**STRICT, "properties": {"x": STRICT}}, True, id="an object within"),
        pytest.param({**STRICT, "properties": {"x": {**STRICT, "required": []}}}, False, id="optional within"),
        pytest.param({**STRICT, "properties": {"x": {"type": "array", "items": one(STRING)}}}, False, id="in items"),
        pytest.param({**STRICT, "properties": {"x": {"anyOf": [STRING, one(STRING)]}}}, False, id="in anyOf"),
        pytest.param({**STRICT, "properties": {"x": {"type": ["string", "null"]}}}, True, id="nullable"),
        pytest.param({**STRICT, "properties": {"x": {"$ref": "#/$defs/a"}}, "$defs": {"a": one(STRING)}}, False,
                     id="in a definition"),
        pytest.param({**STRICT, "properties": {"x": {"$ref": "#/$defs/a"}}, "$defs": {"a": STRICT}}, True,
                     id="a sound definition"),
        pytest.param({**STRICT, "properties": {"x": {"$ref": "#"}}}, True, id="a tree"),
        pytest.param({**STRICT, "properties": {"x": {}}}, False, id="anything"),
        pytest.param({**STRICT, "properties": {"x": True}}, False, id="true"),
        pytest.param({**STRICT, "properties": {"x": {"type": "object"}}}, False, id="any object"),
        pytest.param({**STRICT, "properties": {"x": {**STRING, "default": "a"}}}, False, id="a default"),
        pytest.param({**STRICT, "properties": {"x": {"oneOf": [STRING]}}}, False, id="oneOf"),
        pytest.param({**STRICT, "properties": {"x": {**STRING, "format": "uri"}}}, False, id="a format"),
        pytest.param({**STRICT, "properties": {"x": {**STRING, "format": "date"}}}, True, id="a format that is taken"),
        pytest.param({**STRICT, "properties": {"x": {"type": "array", "items": [STRING]}}}, False, id="a tuple"),
        pytest.param({"type": "array", "items": STRING}, False, id="no object"),
        pytest.param({**STRICT, "anyOf": [STRICT]}, False, id="alternatives at the root"),
        pytest.param({}, False, id="nothing"),
    ],
)  # fmt: skip
def test_strict(schema: Json, fits: bool) -> None:
    assert fits_strict(schema) == fits
    assert not fits or schema_problem(schema, strict=True) is None


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        pytest.param({"enum": []}, "object", id="an enum of nothing"),
        pytest.param({"enum": ["a"]}, "string", id="strings"),
        pytest.param({"enum": [1, 2]}, "integer", id="integers"),
        pytest.param({"enum": [1, 2.5]}, "number", id="numbers"),
        pytest.param({"enum": [True]}, "boolean", id="booleans"),
        pytest.param({"enum": ["a", 1]}, "object", id="of several types"),
        pytest.param({"const": "a"}, "string", id="a constant"),
        pytest.param({"const": None}, "object", id="null"),
        pytest.param({"items": {}}, "array", id="items"),
        pytest.param({"properties": {}}, "object", id="properties"),
        pytest.param({}, "object", id="anything"),
    ],
)
def test_types_for_servers_that_demand_them(schema: Json, kind: str) -> None:
    assert with_types(one(schema))["properties"]["x"]["type"] == kind


def test_types_stand_with_the_alternatives_where_there_are_some() -> None:
    """Moonshot: "type should be defined in anyOf items instead of the parent schema"."""
    assert with_types({"anyOf": [{"enum": ["a"]}, {"type": "null"}]}) == {
        "anyOf": [{"enum": ["a"], "type": "string"}, {"type": "null"}]
    }


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("official", [True, False])
def test_real_schemas(name: str, official: bool) -> None:
    found, _ = sent(REAL[name], official=official)
    assert found["properties"].keys() == REAL[name]["properties"].keys()
    assert not official or schema_problem(found, strict=False) is None


@settings(max_examples=examples(12), deadline=None)
@given(OBJECTS | MUTATED)
def test_any_schema_as_a_tools(schema: Json) -> None:
    for official in (True, False):
        found, _ = sent(schema, official=official)
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
        assert found["type"] == "object"
        assert isinstance(found["properties"], dict)
        json.dumps(with_types(found))
        if official:
            assert schema_problem(found, strict=False) is None
            assert not fits_strict(found) or schema_problem(found, strict=True) is None


@settings(max_examples=examples(15), deadline=None)
@given(OBJECTS | MUTATED)
def test_any_schema_as_an_answers(schema: Json) -> None:
    assert isinstance(answer_schema(schema, Notes(), official=False), dict)
    found = answer_schema(schema, Notes(), official=True)
    assert found is None or schema_problem(found, strict=False) is None


@settings(max_examples=examples(15), deadline=None)
@given(OBJECTS | MUTATED)
def test_types_and_strictness_of_any_schema_as_it_came(schema: Json) -> None:
    assert isinstance(with_types(schema), dict)
    assert fits_strict(schema) in (True, False)
