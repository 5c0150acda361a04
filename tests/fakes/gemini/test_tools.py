"""What the fake Gemini refuses of tools, of both forms of their schemas and of `toolConfig`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.gemini.bodies import calling, contents, function, schema, tools, user
from tests.fakes.gemini.models import MODELS, find
from tests.fakes.gemini.rules import refusal

FLASH25, FLASH38 = "gemini-2.5-flash", "gemini-3.8-flash"
WHERE = "GenerateContentRequest.tools[0].function_declarations[0]"
STRING = {"type": "STRING"}


def refused(name: str, more: dict[str, Any]) -> str | None:
    rules = find(MODELS, name)
    assert rules is not None
    found = refusal({**contents(user()), **more}, rules)
    return found.message if found else None


def own(**properties: Any) -> dict[str, Any]:
    return tools(function(parameters=schema(**properties)))


def json_schema(**words: Any) -> dict[str, Any]:
    return tools(function(parametersJsonSchema={"type": "object", **words}))


def unknown(word: str, where: str = "parameters") -> str:
    path = f"tools[0].function_declarations[0].{where}"
    return f"Invalid JSON payload received. Unknown name \"{word}\" at '{path}': Cannot find field."


# what is in the body, a piece of the message; refused by every model
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"tools": [{}]}, "tools[0].tool_type: required one_of 'tool_type' must have one initialized field"),
    ({"tools": [{"functionDeclarations": []}]}, "tools[0].tool_type: required one_of"),
    (tools(function("1st")), f"* {WHERE}.name: Invalid function name. Must start with a letter or an underscore."),
    (tools(function("a b")), "Invalid function name."),
    (tools(function("")), "Invalid function name."),
    (tools(function("x" * 65)), "with a maximum length of 64."),
    (tools(function(), function("B"), function()), "Duplicate function declaration found: Read"),
    (tools(*(function(f"f{number}") for number in range(513))), "at most 512 function declarations"),
    (
        tools(function(parameters=schema(a=STRING), parametersJsonSchema={})),
        f"* {WHERE}: only one of parameters and parameters_json_schema",
    ),
    # the service's own schema
    (tools(function(parameters={**schema(a=STRING), "$schema": "x"})), unknown("$schema")),
    (tools(function(parameters={**schema(a=STRING), "additionalProperties": False})), unknown("additionalProperties")),
    *(
        (own(a={"type": "STRING", word: 1}), unknown(word, "parameters.properties[0].value"))
        for word in ("const", "exclusiveMinimum", "multipleOf", "oneOf", "allOf", "$ref", "propertyNames", "$defs")
    ),
    (
        own(a=STRING, b={"type": "ARRAY", "items": {"anyOf": [{"const": 1}]}}),
        unknown("const", "parameters.properties[1].value.items.any_of[0]"),
    ),
    (own(a={"type": ["STRING", "NULL"]}), "Proto field is not repeating, cannot start list."),
    (own(a={"type": "text"}), 'google.ai.generativelanguage.v1beta.Type), "text"'),
    (
        own(a={"type": "STRING", "enum": [7]}),
        "Invalid value at 'tools[0].function_declarations[0].parameters.properties[0].value.enum[0]' (TYPE_STRING), 7",
    ),
    (
        tools(function(parameters={"type": "OBJECT", "properties": "a"})),
        "parameters.properties' (type.googleapis.com/google.ai.generativelanguage.v1beta.Schema.PropertiesEntry)",
    ),
    (own(a="string"), "properties[0].value' (type.googleapis.com/google.ai.generativelanguage.v1beta.Schema)"),
    (own(a={"type": "STRING", "enum": ["x", ""]}), f"* {WHERE}.parameters.properties[a].enum[1]: cannot be empty"),
    (own(a={"type": "INTEGER", "enum": ["1"]}), "properties[a].enum: only allowed for STRING type"),
    (
        own(url={"type": "STRING", "format": "uri"}),
        f"* {WHERE}.parameters.properties[url].format: only 'enum' and 'date-time' are supported for STRING type",
    ),
    (own(a={"type": "OBJECT"}), "properties[a].properties: should be non-empty for OBJECT type"),
    (own(a={"type": "ARRAY"}), "properties[a].items: missing field"),
    (own(a={"type": "ARRAY", "items": {"type": "ARRAY"}}), "properties[a].items.items: missing field"),
    (own(a={"description": "?"}), "properties[a] schema didn't specify the schema type field."),
    (own(a={"type": "STRING", "properties": {"b": STRING}}), "properties[a].properties: only allowed for OBJECT type"),
    (own(a={"type": "STRING", "items": STRING}), "properties[a].items: only allowed for ARRAY type"),
    (
        tools(function(parameters={**schema(a=STRING), "required": ["a", "b"]})),
        f"* {WHERE}.parameters.required[1]: property is not defined",
    ),
    (tools(function(parameters=STRING)), "parameters.type: should be OBJECT"),
    # JSON Schema
    (tools(function(parametersJsonSchema=[])), "parameters_json_schema: must be an object"),
    (tools(function(parametersJsonSchema={"type": "string"})), "parameters_json_schema.type: should be object"),
    (
        json_schema(properties={"target_object": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/T"}]}}),
        "reference to undefined schema at properties.target_object.anyOf.1",
    ),
    (json_schema(properties={"a": {"$ref": "https://x/y"}}), "reference to undefined schema at properties.a"),
    (
        json_schema(properties={"a": {"$ref": "#/$defs/Question", "type": "object"}}, **{"$defs": {"Question": {}}}),
        "$ref 'Question' was set alongside unsupported fields. If a schema node has $ref set, then only",
    ),
    (
        json_schema(properties={"a": {"$ref": "#/$defs/Question", "title": "A"}}, **{"$defs": {"Question": {}}}),
        "$ref 'Question' was set alongside unsupported fields.",
    ),
    (json_schema(properties={"a": {"type": "text"}}), "properties.a.type: malformed JSON schema"),
    (json_schema(properties=[]), "parameters_json_schema.properties: malformed JSON schema"),
    (json_schema(properties={"a": {"items": [{"type": "string"}]}}), "properties.a.items: malformed JSON schema"),
    (json_schema(required="a"), "parameters_json_schema.required: malformed JSON schema"),
    # toolConfig
    ({"toolConfig": calling("AUTO")}, "Function calling config is set without function_declarations."),
    (tools(toolConfig=calling("AUTO", "Read")), "allowed_function_names: only allowed when mode is ANY or VALIDATED"),
    (tools(toolConfig=calling("NONE", "Read")), "allowed_function_names: only allowed when mode is ANY or VALIDATED"),
    (tools(toolConfig=calling("ANY", "Write")), "Write is not among the function declarations"),
]


@pytest.mark.parametrize(("more", "message"), REFUSED)
def test_refused_by_every_model(more: dict[str, Any], message: str) -> None:
    for name in (FLASH25, FLASH38, "gemini-9"):
        assert message in (refused(name, more) or "taken")


TAKEN: list[dict[str, Any]] = [
    tools(),
    tools(function("_a.b:c-d"), function("x" * 64), {"name": "bare"}),
    tools(function(parameters=schema())),
    tools(*(function(f"f{number}") for number in range(512))),
    own(a={"type": "string", "nullable": True, "enum": ["x"]}, b={"anyOf": [STRING, {"type": "NUMBER"}]}),
    own(a={"type": "ARRAY", "items": STRING, "minItems": "1"}, b={"type": "OBJECT", "properties": {"c": STRING}}),
    own(a={"type": "STRING", "format": "date-time", "pattern": "^x", "maxLength": 524_288}, type=STRING, enum=STRING),
    json_schema(properties={}, additionalProperties=False),
    json_schema(
        properties={
            "$ref": {"type": "string"},
            "type": {"type": ["string", "null"]},
            "enum": {"enum": [1, "a", None], "default": {"$ref": "?"}},
            "self": {"$ref": "#"},
            "deep": {"$ref": "#/$defs/Node", "description": "a node", "default": None},
            "list": {"type": "array", "items": True, "prefixItems": [{"type": "string", "maxLength": 524_288}]},
        },
        required=["type"],
        **{"$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}}},
    ),
    tools(function(parametersJsonSchema={"$ref": "#/$defs/A", "title": "A", "$defs": {"A": {"type": "object"}}})),
    json_schema(properties={"a": {"const": 1, "propertyNames": {}, "exclusiveMinimum": 0}}),
    json_schema(properties={"a": {"enum": ["x" * 3_000]}}),
    tools(toolConfig=calling("ANY", "Read")),
    tools(toolConfig=calling("VALIDATED")),
    tools(toolConfig=calling("NONE")),
    {"tools": [{"googleSearch": {}}]},
    {"tools": [{"google_search": {}}, {"urlContext": {}}, {"codeExecution": {}}]},
]


@pytest.mark.parametrize("more", TAKEN)
def test_taken(more: dict[str, Any]) -> None:
    names = (FLASH25, "gemini-3-flash-preview", FLASH38, "gemini-4-neon", "gemini-9")
    assert {refused(name, more) for name in names} == {None}


@pytest.mark.parametrize("mode", ["ANY", "VALIDATED"])
@pytest.mark.parametrize("words", [{"enum": ["x" * 500] * 5}, {"maxLength": 524_288}, {"maxItems": 100_000}])
def test_constrained_modes_cannot_hold_large_schemas(mode: str, words: dict[str, Any]) -> None:
    body = json_schema(properties={"a": {"type": "string", **words}})
    assert refused(FLASH38, {**body, "toolConfig": calling("AUTO")}) is None
    assert "has too many states for serving" in (refused(FLASH38, {**body, "toolConfig": calling(mode)}) or "")


SEARCH: dict[str, Any] = {"googleSearch": {}}
BOTH = {"tools": [SEARCH, *tools()["tools"]]}
IN_ONE = {"tools": [{**SEARCH, **tools()["tools"][0]}]}
INVOCATIONS = {"includeServerSideToolInvocations": True}


@pytest.mark.parametrize("mixed", [BOTH, IN_ONE])
def test_built_in_tools_beside_functions(mixed: dict[str, Any]) -> None:
    old = "Built-in tools ({google_search}) and Function Calling cannot be combined in the same request."
    assert refused(FLASH25, mixed) == old
    assert "Please enable tool_config.include_server_side_tool_invocations" in (refused(FLASH38, mixed) or "")
    assert refused(FLASH38, {**mixed, "toolConfig": INVOCATIONS}) is None
    circulation = "Tool call context circulation is not enabled for models/gemini-2.5-flash"
    assert refused(FLASH25, {**mixed, "toolConfig": INVOCATIONS}) == circulation


def test_calling_config_with_built_in_tools_only() -> None:
    body = {"tools": [SEARCH], "toolConfig": calling("AUTO")}
    assert refused(FLASH25, body) == "Function calling config is set without function_declarations."
    assert refused(FLASH38, body) is None
