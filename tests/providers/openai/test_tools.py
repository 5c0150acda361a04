"""Names, ids and schemas of tools, in the form that OpenAI and compatible servers take."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.providers.common.tool_names import ToolNames
from proxy.providers.openai.tools import NAME_RULES, call_id
from tests.conformance.schema import schema_error
from tests.fuzz import examples
from tests.translation import Json, Translation, asking, assistant, call, case, result, tool, translate, user

UPSTREAM_NAME = r"[a-zA-Z0-9_-]{1,64}"
LONG = "mcp__5b72495d-1f6e-4c5b-9d1b-0d3c4c1f2a3b__slack_search_public_and_private"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("Read", id="as it is"),
        pytest.param("a" * 64, id="CASES-26 just short enough"),
        pytest.param("a" * 65, id="CASES-26 just too long"),
        pytest.param(LONG, id="CASES-26 an MCP name of 74"),
        pytest.param("slack.search", id="CASES-25 a dot"),
        pytest.param("get weather", id="CASES-25 a space"),
        pytest.param("21st_magic", id="CASES-25 a digit first"),
        pytest.param("\u00fcber/\u5de5\u5177", id="CASES-25 letters of other scripts"),
    ],
)
def test_names_there_and_back(name: str) -> None:
    names = ToolNames([name, "Other"], NAME_RULES)
    upstream = names.upstream(name)
    assert re.fullmatch(UPSTREAM_NAME, upstream)
    assert names.client(upstream) == name
    assert names.offers(upstream)
    assert ToolNames([], NAME_RULES).upstream(name) == upstream  # the same in every request, offered or not
    assert (upstream == name) == bool(re.fullmatch(UPSTREAM_NAME, name))


def test_a_name_of_nothing_in_the_history_fits_too() -> None:
    assert re.fullmatch(UPSTREAM_NAME, ToolNames([], NAME_RULES).upstream(""))


def test_names_that_look_alike_stay_apart() -> None:
    """CASES-26"""
    given_names = ["a.b", "a b", "a_b", LONG, LONG + "2", LONG[:-1]]
    names = ToolNames(given_names, NAME_RULES)
    upstream = [names.upstream(name) for name in given_names]
    assert len(set(upstream)) == len(upstream)
    assert [names.client(name) for name in upstream] == given_names


@pytest.mark.parametrize(
    ("called", "name"),
    [
        pytest.param("bash", "Bash", id="CASES-27 small letters"),
        pytest.param("BASH", "Bash", id="CASES-27 great letters"),
        pytest.param("read", "read", id="CASES-27 an exact name wins"),
        pytest.param("Read", "Read", id="CASES-27 an exact name wins again"),
        pytest.param("Nobody", "Nobody", id="unknown"),
    ],
)
def test_forgiving_case(called: str, name: str) -> None:
    assert ToolNames(["Bash", "Read", "read"], NAME_RULES).client(called) == name


@given(st.lists(st.text(min_size=1, max_size=80), max_size=6, unique=True))
@settings(max_examples=examples(40), deadline=None)
def test_any_names(given_names: list[str]) -> None:
    names = ToolNames(given_names, NAME_RULES)
    for name in given_names:
        assert re.fullmatch(UPSTREAM_NAME, names.upstream(name))
        assert names.client(names.upstream(name)) == name


def test_pieces_of_names() -> None:
    names = ToolNames(["Read", LONG], NAME_RULES)
    assert names.begins_one("")
    assert names.begins_one("Re")
    assert not names.begins_one("Rea1")
    assert names.begins_one(names.upstream(LONG)[:60])


@pytest.mark.parametrize(
    ("given_id", "kept"),
    [
        ("toolu_0123456789abcdef01234567", True),
        ("call_1", True),
        ("a" * 40, True),
        ("a" * 41, False),
        ("functions.Read:0", False),
        ("toolu_\u00fc", False),
        ("", False),
    ],
)
def test_call_ids(given_id: str, kept: bool) -> None:
    upstream = call_id(given_id)
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", upstream)
    assert (upstream == given_id) == kept
    assert upstream == call_id(given_id) != call_id(given_id + "x")
    assert re.fullmatch(r"[a-zA-Z0-9]{9}", call_id(given_id, alphanumeric=True))


def schema_of(schema: Any, to: str) -> tuple[Json, Translation]:
    translation = translate(asking(tools=[tool("Set", schema)]), to)
    found: Json = translation.tool("Set")["parameters"]
    return found, translation


STRING = {"type": "string"}
KEYWORDS = ["default", "format", "title", "type", "pattern", "properties", "$ref", "items", "enum", "anyOf", "required"]
NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "name": STRING}}


@pytest.mark.parametrize("to", ["gpt-4o", "local"])
@pytest.mark.parametrize(
    ("schema", "sent"),
    [
        pytest.param({"type": "object"}, {"type": "object", "properties": {}}, id="CASES-33 no properties"),
        pytest.param({}, {"type": "object", "properties": {}}, id="CASES-33 an empty schema"),
        pytest.param({"type": "object", "properties": None}, {"type": "object", "properties": {}}, id="CASES-33 null"),
        pytest.param({"properties": {"a": STRING}}, {"type": "object", "properties": {"a": STRING}}, id="no type"),
        pytest.param(
            {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {"a": STRING}},
            {"type": "object", "properties": {"a": STRING}},
            id="$schema",
        ),
        pytest.param(
            {"type": "object", "properties": dict.fromkeys(KEYWORDS, STRING), "required": KEYWORDS},
            {"type": "object", "properties": dict.fromkeys(KEYWORDS, STRING), "required": KEYWORDS},
            id="CASES-24 properties named like keywords",
        ),
        pytest.param(
            {
                "type": "object",
                "properties": {
                    "a": {"type": ["string", "null"], "default": {"pattern": r"\p{Cc}"}, "const": "x"},
                    "b": {"type": "integer", "exclusiveMinimum": 0},
                    "c": {"type": "object", "propertyNames": STRING, "additionalProperties": False},
                },
                "additionalProperties": False,
            },
            {
                "type": "object",
                "properties": {
                    "a": {"type": ["string", "null"], "default": {"pattern": r"\p{Cc}"}, "const": "x"},
                    "b": {"type": "integer", "exclusiveMinimum": 0},
                    "c": {"type": "object", "propertyNames": STRING, "additionalProperties": False},
                },
                "additionalProperties": False,
            },
            id="CASES-24 all other keywords stay",
        ),
    ],
)
def test_schemas_everywhere(schema: Json, sent: Json, to: str) -> None:
    found, translation = schema_of(schema, to)
    assert found == sent
    assert translation.notes == []


@pytest.mark.parametrize(
    ("schema", "sent", "noted"),
    [
        pytest.param(
            {"properties": {"a": {"type": "string", "pattern": r"^(?!__.*__$)[^\p{Cc}]{1,200}$"}}},
            {"properties": {"a": STRING}},
            "tools: a pattern of Set that OpenAI cannot compile was dropped",
            id="a pattern of ECMAScript (Claude Code's Artifact tool)",
        ),
        pytest.param(
            {"properties": {"a": {"type": "string", "pattern": r"^(?!x)\d+$"}}},
            {"properties": {"a": {"type": "string", "pattern": r"^(?!x)\d+$"}}},
            "",
            id="a pattern that compiles",
        ),
        pytest.param(
            {"properties": {}, "patternProperties": {r"\p{L}": STRING, "^x": {"type": "array"}}},
            {"properties": {}, "patternProperties": {"^x": {"type": "array", "items": {}}}},
            "tools: a pattern of Set that OpenAI cannot compile was dropped",
            id="patternProperties",
        ),
        pytest.param(
            {"properties": {"a": {"type": "array"}, "b": {"anyOf": [{"type": "array"}, STRING]}}},
            {
                "properties": {
                    "a": {"type": "array", "items": {}},
                    "b": {"anyOf": [{"type": "array", "items": {}}, STRING]},
                }
            },
            "",
            id="arrays without items",
        ),
        pytest.param(
            {"properties": {"a": {"type": ["array", "null"]}}},
            {"properties": {"a": {"type": ["array", "null"], "items": {}}}},
            "",
            id="arrays without items that may be null",
        ),
        pytest.param(
            {
                "anyOf": [
                    {"properties": {"a": STRING, "b": STRING}, "required": ["a", "b"]},
                    {"properties": {"a": STRING, "c": STRING}, "required": ["a"]},
                ]
            },
            {"properties": {"a": STRING, "b": STRING, "c": STRING}, "required": ["a"]},
            "tools: the alternatives at the root of Set's schema were merged",
            id="anyOf at the root",
        ),
        pytest.param(
            {
                "properties": {"z": STRING},
                "required": ["z"],
                "allOf": [{"required": ["a"]}, {"properties": {"a": STRING}}],
            },
            {"properties": {"z": STRING, "a": STRING}, "required": ["a", "z"]},
            "tools: the alternatives at the root of Set's schema were merged",
            id="allOf at the root",
        ),
        pytest.param(
            {
                "oneOf": [{"$ref": "#/$defs/a"}, {"properties": {"b": STRING}}],
                "$defs": {"a": {"properties": {"a": STRING}}},
            },
            {"properties": {"a": STRING, "b": STRING}},
            "tools: the alternatives at the root of Set's schema were merged",
            id="alternatives that are defined elsewhere",
        ),
        pytest.param(
            {"not": {"required": ["x"]}, "properties": {"x": STRING}},
            {"properties": {"x": STRING}},
            "tools: the alternatives at the root of Set's schema were merged",
            id="not at the root",
        ),
        pytest.param(
            {"$ref": "#/definitions/Input", "definitions": {"Input": {"type": "object", "properties": {"a": STRING}}}},
            {"properties": {"a": STRING}},
            "",
            id="$ref at the root (zod-to-json-schema with a name)",
        ),
    ],
)
def test_schemas_for_openai(schema: Json, sent: Json, noted: str) -> None:
    found, translation = schema_of(schema, "gpt-4o")
    assert found == {"type": "object", **sent}
    assert translation.notes == ([noted] if noted else [])


@pytest.mark.parametrize(
    ("schema", "sent", "noted"),
    [
        pytest.param(
            {"properties": {"a": {"$ref": "#/$defs/word"}}, "$defs": {"word": STRING}},
            {"properties": {"a": STRING}},
            "",
            id="$defs",
        ),
        pytest.param(
            {
                "properties": {"a": {"$ref": "#/definitions/w~1x", "description": "what"}},
                "definitions": {"w/x": {"$ref": "#/definitions/word"}, "word": STRING},
            },
            {"properties": {"a": {"type": "string", "description": "what"}}},
            "",
            id="through another one, with a description beside it",
        ),
        pytest.param(
            {"properties": {"a": {"anyOf": [{"type": "null"}, STRING]}, "b": {"$ref": "#/properties/a/anyOf/1"}}},
            {"properties": {"a": {"anyOf": [{"type": "null"}, STRING]}, "b": STRING}},
            "",
            id="into a list (zod-to-json-schema names the place where a schema came first)",
        ),
        pytest.param(
            {"$ref": "#/definitions/Input", "definitions": {"Input": {"type": "object", "properties": {"a": STRING}}}},
            {"properties": {"a": STRING}},
            "",
            id="at the root",
        ),
        pytest.param(
            {"properties": {"a": {"$ref": "#/$defs/node"}}, "$defs": {"node": NODE}},
            {"properties": {"a": {"type": "object", "properties": {"next": {"type": "object"}, "name": STRING}}}},
            "tools: a recursive reference in the schema of Set became an open object",
            id="back to itself",
        ),
        pytest.param(
            {"properties": {"a": {"$ref": "#/$defs/gone"}}},
            {"properties": {"a": {}}},
            "tools: a reference in the schema of Set leads nowhere and became the open schema",
            id="to nowhere",
        ),
        pytest.param(
            {"properties": {"a": {"$ref": "https://a.test/schema"}}},
            {"properties": {"a": {"$ref": "https://a.test/schema"}}},
            "",
            id="elsewhere",
        ),
        pytest.param(
            {"properties": {"a": {"type": "string", "pattern": r"\p{L}"}}, "anyOf": [{"required": ["a"]}]},
            {"properties": {"a": {"type": "string", "pattern": r"\p{L}"}}, "anyOf": [{"required": ["a"]}]},
            "",
            id="what only OpenAI refuses stays",
        ),
    ],
)
def test_schemas_for_compatible_servers(schema: Json, sent: Json, noted: str) -> None:
    found, translation = schema_of(schema, "local")
    assert found == {"type": "object", **sent}
    assert translation.notes == ([noted] if noted else [])


def test_references_that_unfold_without_end_stay() -> None:
    kinds = {f"k{n}": {"anyOf": [{"$ref": f"#/$defs/k{other}"} for other in range(12)]} for n in range(12)}
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/k0"}}, "$defs": kinds}
    found, _ = schema_of(schema, "local")
    assert found == schema


@given(
    st.recursive(
        st.sampled_from([STRING, {"type": "array"}, {}, True, {"$ref": "#/$defs/a"}, {"pattern": r"\p{L}"}]),
        lambda inner: st.one_of(
            st.builds(
                lambda some: {"type": "object", "properties": some}, st.dictionaries(st.sampled_from(KEYWORDS), inner)
            ),
            st.builds(lambda some: {"anyOf": some}, st.lists(inner, min_size=1, max_size=3)),
            st.builds(lambda one: {"type": ["array", "null"], "items": one}, inner),
            st.builds(lambda one: {"type": "object", "additionalProperties": one}, inner),
        ),
        max_leaves=8,
    )
)
@settings(max_examples=examples(40), deadline=None)
def test_any_schema_is_taken(schema: Any) -> None:
    """`translate` asks the strict fakes; the tool's own inputs must go on fitting what is left of its schema."""
    root = {"type": "object", "properties": {"x": schema}, "$defs": {"a": STRING}}
    for to in ("gpt-4o", "gpt-5", "local"):
        found, _ = schema_of(root, to)
        assert found["properties"].keys() == {"x"}
        assert schema_error({}, found) is None


@pytest.mark.parametrize("to", case(23, ["gpt-4o", "local"]))
def test_only_what_belongs_to_a_function_is_sent(to: str) -> None:
    full = tool(
        "Read",
        type="custom",
        cache_control={"type": "ephemeral"},
        defer_loading=False,
        eager_input_streaming=True,
        input_examples=[{}],
        allowed_callers=["direct"],
    )
    body = translate(asking(tools=[full]), to).body
    assert body["tools"] == [
        {
            "type": "function",
            "function": {"name": "Read", "description": "Read it.", "parameters": full["input_schema"]},
        }
    ]


def test_strict_only_where_asked_and_only_for_openai() -> None:
    schema = {"type": "object", "properties": {"a": STRING}, "required": ["a"], "additionalProperties": False}
    body = asking(tools=[tool("Read", schema, strict=True), tool("Grep", schema)])
    assert translate(body, "gpt-4o").tool("Read")["strict"] is True
    assert "strict" not in translate(body, "gpt-4o").tool("Grep")
    assert "strict" not in translate(body, "local").tool("Read")


@pytest.mark.parametrize("to", ["gpt-4o", "local"])
def test_long_names_are_the_same_everywhere(to: str) -> None:
    """CASES-26: in tools, history, tool_choice, and for tools that a reference has loaded."""
    reference = {"type": "tool_reference", "tool_name": LONG}
    sent = translate(
        asking(
            user("a"),
            assistant(call("t1", LONG)),
            user(result("t1", [reference])),
            tools=[tool(LONG, defer_loading=True), tool("Read")],
            tool_choice={"type": "tool", "name": LONG},
        ),
        to,
    )
    upstream = sent.names.upstream(LONG)
    assert upstream == LONG[:55] + "_" + upstream[-8:]
    assert [each["function"]["name"] for each in sent.body["tools"]] == [upstream, "Read"]
    assert sent.body["tool_choice"] == {"type": "function", "function": {"name": upstream}}
    assert sent.messages[1]["tool_calls"][0]["function"]["name"] == upstream
    assert sent.messages[2]["content"] == f"Tool loaded: {LONG}"
    assert sent.names.client(upstream) == LONG
