"""References within a JSON Schema: what each names, and that resolving them comes to an end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from proxy.protocol.notes import Notes
from proxy.providers.common.references import Definitions, inlined, references_in
from tests.fuzz import examples
from tests.providers.schemas import MUTATED, OBJECTS, STRING, nested

Json = dict[str, Any]
OPEN_OBJECT = {"type": "object"}


def resolved(schema: Json, **how: Any) -> tuple[Json, list[str]]:
    notes = Notes()
    unfolded, _ = inlined(schema, "S", notes, **how)
    return unfolded, list(notes)


@pytest.mark.parametrize(
    ("reference", "beside"),
    [
        pytest.param("#/$defs/a", {"$defs": {"a": STRING}}, id="$defs"),
        pytest.param("#/definitions/a", {"definitions": {"a": STRING}}, id="definitions"),
        pytest.param("#/components/schemas/a", {"components": {"schemas": {"a": STRING}}}, id="OpenAPI's place"),
        pytest.param("#/$defs/List%3CItem%3E", {"$defs": {"List<Item>": STRING}}, id="percent-encoded"),
        pytest.param("#/$defs/a%2Fb", {"$defs": {"a/b": STRING}}, id="an encoded slash"),
        pytest.param("#/$defs/a%b", {"$defs": {"a%b": STRING}}, id="a percent sign that should have been encoded"),
        pytest.param("#/$defs/%C3%BC", {"$defs": {"\u00fc": STRING}}, id="an encoded umlaut"),
        pytest.param("#/$defs/a~1b~0c", {"$defs": {"a/b~c": STRING}}, id="a pointer's own escapes"),
        pytest.param("#/$defs/~01", {"$defs": {"~1": STRING}}, id="an escape that looks like two"),
        pytest.param("#/$defs/a/anyOf/1", {"$defs": {"a": {"anyOf": [True, STRING]}}}, id="into a list"),
        pytest.param("#here", {"$defs": {"a": {"$anchor": "here", **STRING}}}, id="an anchor"),
        pytest.param("#old", {"definitions": {"a": {"$id": "#old", **STRING}}}, id="draft 7's anchor"),
        pytest.param("a.json", {"$defs": {"a": {"$id": "a.json", **STRING}}}, id="an id"),
        pytest.param("http://x.test/a.json", {"$id": "http://x.test/s", "$defs": {"a": {"$id": "a.json", **STRING}}},
                     id="an id in full"),
        pytest.param("a.json", {"$id": "http://x.test/s", "$defs": {"a": {"$id": "http://x.test/a.json", **STRING}}},
                     id="an id in short"),
        pytest.param("http://x.test/s#/$defs/a", {"$id": "http://x.test/s", "$defs": {"a": STRING}},
                     id="this very document"),
        pytest.param("#/$defs/a", {"properties": {"y": {"type": "object", "$defs": {"a": STRING}}}},
                     id="definitions of an inner schema"),
    ],
)  # fmt: skip
def test_what_a_reference_names(reference: str, beside: Json) -> None:
    properties = {**beside.get("properties", {}), "x": {"$ref": reference}}
    unfolded, notes = resolved({"type": "object", **beside, "properties": properties})
    found = {key: value for key, value in unfolded["properties"]["x"].items() if key in STRING}
    assert (found, notes) == (STRING, [])


@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef", "$recursiveRef"])
def test_all_keywords_that_refer(keyword: str) -> None:
    unfolded, _ = resolved({"properties": {"x": {keyword: "#/$defs/a"}}, "$defs": {"a": STRING}})
    assert unfolded == {"properties": {"x": STRING}}


@pytest.mark.parametrize(
    "reference",
    ["#/nowhere", "#/", "#nowhere", "#/$defs/a/type", "#/anyOf/999999999999999999999999", "#/anyOf/-1", "http://["],
)
def test_a_reference_to_nowhere_is_open_and_noted(reference: str) -> None:
    schema = {"properties": {"x": {"$ref": reference, "description": "d"}}, "$defs": {"a": STRING}, "anyOf": [{}]}
    unfolded, notes = resolved(schema)
    assert unfolded["properties"]["x"] == {"description": "d"}
    assert notes == ["tools: a reference in S leads nowhere and became the open schema"]


def test_another_document_stays_where_the_server_may_know_it() -> None:
    schema = {"properties": {"x": {"$ref": "http://x.test/s", "description": "d"}}}
    assert resolved(schema, remote=True) == (schema, [])


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"properties": {"x": {"$ref": "#"}}}, id="the root"),
        pytest.param({"$ref": "#"}, id="itself"),
        pytest.param({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
                     id="each other"),
        pytest.param({"$defs": {"a": {"items": {"$ref": "#/%24defs/a"}}}, "items": {"$ref": "#/$defs/a"}},
                     id="itself in another spelling"),
    ],
)  # fmt: skip
def test_circles_end(schema: Json) -> None:
    unfolded, notes = resolved(schema)
    assert "$ref" not in json.dumps(unfolded)
    assert notes == ["tools: a recursive reference in S became an open object"]


def test_a_circle_keeps_its_description_and_that_it_is_an_object() -> None:
    node = {"type": "object", "description": "a node", "properties": {"next": {"$ref": "#/$defs/node"}}}
    unfolded, _ = resolved({"properties": {"x": {"$ref": "#/$defs/node"}}, "$defs": {"node": node}})
    assert unfolded["properties"]["x"]["properties"]["next"] == {**OPEN_OBJECT, "description": "a node"}


def test_what_stands_beside_a_reference_is_joined_to_it() -> None:
    base = {"type": "object", "properties": {"a": STRING}, "description": "base"}
    reference = {"$ref": "#/$defs/base", "description": "mine", "properties": {"b": STRING}}
    unfolded, _ = resolved({"properties": {"x": reference}, "$defs": {"base": base}})
    assert unfolded["properties"]["x"] == {"allOf": [base, {"description": "mine", "properties": {"b": STRING}}]}


def test_only_schema_positions_are_walked() -> None:
    schema = {
        "properties": {"$ref": STRING, "x": {"default": {"$ref": "#/$defs/a"}, "enum": [{"$ref": "#/$defs/a"}]}},
        "$defs": {"a": STRING},
    }
    assert resolved(schema)[0] == {"properties": schema["properties"]}


def test_booleans_are_schemas() -> None:
    schema = {"properties": {"x": {"$ref": "#/$defs/any"}, "y": True}, "additionalProperties": False}
    assert resolved({**schema, "$defs": {"any": True}}) == ({**schema, "properties": {"x": {}, "y": True}}, [])


@pytest.mark.parametrize("fan", [2, 12])
def test_types_that_unfold_without_end_are_cut(fan: int) -> None:
    kinds = {f"k{n}": {"anyOf": [{"$ref": f"#/$defs/k{(n + 1 + m) % 40}"} for m in range(fan)]} for n in range(40)}
    notes = Notes()
    unfolded, complete = inlined({"$ref": "#/$defs/k0", "$defs": kinds}, "S", notes)
    assert not complete
    assert len(json.dumps(unfolded)) < 1_000_000


def test_large_definitions_do_not_multiply_without_end() -> None:
    schema: dict[str, Any] = {
        "properties": {f"p{n}": {"$ref": "#/$defs/words"} for n in range(2000)},
        "$defs": {"words": {"enum": [f"word {n}" for n in range(1000)]}},
    }
    unfolded, complete = inlined(schema, "S", Notes())
    assert not complete
    assert unfolded["properties"].keys() == schema["properties"].keys()
    assert len(json.dumps(unfolded)) < 2_000_000


@pytest.mark.parametrize("by", ["properties", "items", "anyOf", "allOf"])
@pytest.mark.parametrize("depth", [59, 700, 20_000])
def test_depth(by: str, depth: int) -> None:
    schema = {"properties": {"x": {"$ref": "#/$defs/a"}}, "$defs": {"a": nested(depth, by=by)}}
    unfolded, notes = resolved(schema)
    json.dumps(unfolded)
    assert notes == ["tools: S was cut where it is nested too deeply"]


def test_a_chain_of_references_is_followed_so_far() -> None:
    chain: Json = {f"k{n}": {"$ref": f"#/$defs/k{n + 1}"} for n in range(2000)}
    unfolded, notes = resolved({"$ref": "#/$defs/k0", "$defs": chain})
    assert unfolded == {}
    assert len(notes) == 1


@pytest.mark.parametrize(
    ("reference", "plain"),
    [
        ("#", True),
        ("#/$defs/a", True),
        ("#/definitions/b", True),
        ("#/properties/a", False),
        ("#/$defs/%61", False),
        ("#/$defs/gone", False),
        ("#a", False),
        ("http://x.test/", False),
    ],
)
def test_plain_references(reference: str, plain: bool) -> None:
    root = {"properties": {"a": STRING}, "$defs": {"a": STRING}, "definitions": {"b": True}}
    assert Definitions(root).is_plain(reference) == plain


@settings(max_examples=examples(40), deadline=None)
@given(OBJECTS | MUTATED)
def test_any_schema(schema: Json) -> None:
    unfolded, _ = inlined(schema, "S", Notes())
    assert isinstance(unfolded, dict)
    assert all(isinstance(reference, str) for reference in references_in(schema))
