"""The official endpoint's rules for parameters, models and tools: what is refused and how, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.captures import CAPTURES, load, needs_captures
from tests.fakes.openai.bodies import IMAGE, RESULT, USER, asked, json_format, messages, strict_tool, tool, tools
from tests.fakes.openai.models import MODELS, find
from tests.fakes.openai.rules import refusal

NOT_SERVED: list[tuple[str, str, str | None, str | None]] = [
    ("gpt-9", "The model `gpt-9` does not exist", None, "model_not_found"),
    ("gpt-5.1-codex", "only supported in v1/responses", "model", None),
    ("o3-deep-research", "only supported in v1/responses", "model", None),
    ("gpt-5.3-codex", "This is not a chat model", "model", None),
    ("gpt-5.4-pro", "This is not a chat model", "model", None),
    ("o1-pro-2025-03-19", "This is not a chat model", "model", None),
]


@pytest.mark.parametrize(("model", "text", "param", "code"), NOT_SERVED)
def test_models_not_served(model: str, text: str, param: str | None, code: str | None) -> None:
    refused = refusal({"model": model, "messages": [USER]}, find(model))
    assert refused is not None
    assert text in refused.message
    assert (refused.status, refused.body["error"]["param"], refused.body["error"]["code"]) == (404, param, code)


# model, what is in the body, a piece of the message, param, code
REFUSED: list[tuple[str, dict[str, Any], str, str | None, str | None]] = [
    ("", {}, "you must provide a model parameter", None, None),
    ("gpt-4o", {"foo": 1}, "Unrecognized request argument supplied: foo", None, None),
    ("gpt-4o", {"foo": 1, "bar": 1}, "arguments supplied: bar, foo", None, None),
    ("gpt-5", {"foo": 1}, "Unknown parameter: 'foo'.", "foo", "unknown_parameter"),
    ("gpt-4.1", {"top_k": 5}, "Unrecognized request argument supplied: top_k", None, None),
    ("gpt-4o", {"reasoning_effort": "low"}, "supplied: reasoning_effort", None, None),
    ("gpt-4o", {"temperature": "1"}, "expected a decimal, but got a string", "temperature", "invalid_type"),
    ("gpt-4o", {"max_tokens": True}, "expected an integer, but got a boolean", "max_tokens", "invalid_type"),
    ("gpt-4o", {"tools": None}, "expected an array of objects, but got null", "tools", "invalid_type"),
    ("gpt-4o", {"temperature": 3}, "Expected a value <= 2, but got 3", "temperature", "decimal_above_max_value"),
    ("gpt-4o", {"top_p": -1}, "Expected a value >= 0, but got -1", "top_p", "decimal_below_min_value"),
    ("gpt-4o", {"user": "x" * 65}, "with length 65", "user", "string_above_max_length"),
    (
        "gpt-5",
        {"prompt_cache_key": "x" * 67},
        "'prompt_cache_key': string too long",
        "prompt_cache_key",
        "string_above_max_length",
    ),
    ("gpt-4o", {"service_tier": "best"}, "Invalid value: 'best'", "service_tier", "invalid_value"),
    (
        "gpt-4o",
        {"stream_options": {"include_usage": True}},
        "only allowed when 'stream' is enabled",
        "stream_options",
        None,
    ),
    ("gpt-4o", {"metadata": {"a": "b"}}, "only allowed when 'store' is enabled", "metadata", None),
    (
        "gpt-4o",
        {"stop": list("abcde")},
        "'stop': array too long. Expected an array with maximum length 4",
        "stop",
        "array_above_max_length",
    ),
    ("o3", {"stop": ["x"]}, "Unsupported parameter: 'stop'", "stop", "unsupported_parameter"),
    ("gpt-5", {"stop": ["x"]}, "Unsupported parameter: 'stop'", "stop", "unsupported_parameter"),
    ("o1", {"max_tokens": 9}, "Use 'max_completion_tokens' instead.", "max_tokens", "unsupported_parameter"),
    ("gpt-5.6-sol", {"max_tokens": 9}, "Use 'max_completion_tokens' instead.", "max_tokens", "unsupported_parameter"),
    ("gpt-4o", {"max_tokens": 9, "max_completion_tokens": 9}, "at the same time", "max_tokens", None),
    ("gpt-4o", {"max_tokens": 0}, "Expected a value >= 1", "max_tokens", "integer_below_min_value"),
    (
        "gpt-4o",
        {"max_tokens": 32000},
        "max_tokens is too large: 32000. This model supports at most 16384",
        "max_tokens",
        None,
    ),
    ("gpt-4.1", {"max_completion_tokens": 64000}, "at most 32768 completion tokens", "max_tokens", None),
    (
        "o1",
        {"temperature": 0.1},
        "'temperature' does not support 0.1 with this model. Only the default (1)",
        "temperature",
        "unsupported_value",
    ),
    ("gpt-5", {"temperature": 0}, "does not support 0", "temperature", "unsupported_value"),
    (
        "gpt-6-sol",
        {"temperature": 0, "reasoning_effort": "none"},
        "does not support 0",
        "temperature",
        "unsupported_value",
    ),
    (
        "gpt-5.1",
        {"temperature": 0, "reasoning_effort": "low"},
        "does not support 0",
        "temperature",
        "unsupported_value",
    ),
    ("o3", {"top_p": 0.5}, "Unsupported parameter: 'top_p'", "top_p", "unsupported_parameter"),
    ("gpt-4o", {"verbosity": "low"}, "Supported values are: 'medium'.", "verbosity", "unsupported_value"),
    (
        "gpt-5.1",
        {"reasoning_effort": "minimal"},
        "does not support 'minimal' with this model. Supported values are: 'none', 'low', 'medium', and 'high'.",
        "reasoning_effort",
        "unsupported_value",
    ),
    ("gpt-5", {"reasoning_effort": "none"}, "does not support 'none'", "reasoning_effort", "unsupported_value"),
    ("gpt-6-sol", {"reasoning_effort": "max"}, "does not support 'max'", "reasoning_effort", "unsupported_value"),
    (
        "gpt-5.6-terra",
        tools(tool()),
        "are not supported for gpt-5.6-terra in /v1/chat/completions. To use function tools, use /v1/responses",
        "reasoning_effort",
        None,
    ),
    ("gpt-6-astra", tools(tool()), "Function tools with reasoning_effort", "reasoning_effort", None),
    ("gpt-5.4", tools(tool(), reasoning_effort="low"), "Please use /v1/responses instead.", "reasoning_effort", None),
    ("gpt-4o", {"tools": []}, "'tools': empty array", "tools", "empty_array"),
    (
        "gpt-4o",
        tools(*[tool(f"t{n}") for n in range(129)]),
        "maximum length 128, but got an array with length 129",
        "tools",
        "array_above_max_length",
    ),
    (
        "gpt-4o",
        tools(tool("a.b")),
        "'tools[0].function.name': string does not match pattern",
        "tools[0].function.name",
        "invalid_value",
    ),
    (
        "gpt-4o",
        tools(tool("x" * 70)),
        "maximum length 64, but got a string with length 70",
        "tools[0].function.name",
        "string_above_max_length",
    ),
    (
        "gpt-4o",
        tools({"type": "function", "name": "Read", "function": {}}),
        "Unknown parameter: 'tools[0].name'",
        "tools[0].name",
        "unknown_parameter",
    ),
    (
        "gpt-4o",
        tools({"type": "function"}),
        "Missing required parameter: 'tools[0].function'",
        "tools[0].function",
        "missing_required_parameter",
    ),
    (
        "gpt-4o",
        tools({**tool(), "cache_control": {}}),
        "Unknown parameter: 'tools[0].cache_control'",
        "tools[0].cache_control",
        "unknown_parameter",
    ),
    (
        "gpt-4o",
        tools({"type": "web_search_20250305"}),
        "Invalid value: 'web_search_20250305'",
        "tools[0].type",
        "invalid_value",
    ),
    (
        "gpt-4o",
        {"tool_choice": "auto"},
        "'tool_choice' is only allowed when 'tools' are specified",
        "tool_choice",
        None,
    ),
    (
        "gpt-4o",
        {"parallel_tool_calls": True},
        "'parallel_tool_calls' is only allowed when 'tools'",
        "parallel_tool_calls",
        None,
    ),
    (
        "o3-mini",
        tools(tool(), parallel_tool_calls=False),
        "Unsupported parameter: 'parallel_tool_calls'",
        "parallel_tool_calls",
        "unsupported_parameter",
    ),
    ("gpt-4o", tools(tool(), tool_choice="any"), "Invalid value: 'any'", "tool_choice", "invalid_value"),
    (
        "gpt-4o",
        tools(tool(), tool_choice={"type": "tool", "name": "Read"}),
        "Invalid value: 'tool'",
        "tool_choice.type",
        "invalid_value",
    ),
    (
        "gpt-4o",
        tools(tool(), tool_choice={"type": "function"}),
        "Missing required parameter: 'tool_choice.function'",
        "tool_choice.function",
        "missing_required_parameter",
    ),
    (
        "gpt-4o",
        tools(tool(), tool_choice={"type": "function", "function": {"name": "Write"}}),
        "Tool choice 'Write' not found in 'tools'",
        "tool_choice",
        None,
    ),
    ("gpt-4o", {"response_format": {"type": "json_object"}}, "must contain the word 'json'", "messages", None),
    (
        "gpt-4o",
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a b", "schema": {}}}},
        "does not match pattern",
        "response_format.json_schema.name",
        "invalid_value",
    ),
    ("gpt-4o", json_format(type="array"), "Invalid schema for response_format 'answer'", "response_format", None),
    (
        "gpt-4o",
        messages({"role": "user", "content": "x" * 4 * 128_100}),
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 128103 tokens.",
        "messages",
        "context_length_exceeded",
    ),
]


@pytest.mark.parametrize(
    ("model", "change", "text", "param", "code"), REFUSED, ids=[f"{row[2]}, {row[0]}" for row in REFUSED]
)
def test_refusals(model: str, change: dict[str, Any], text: str, param: str | None, code: str | None) -> None:
    refused = refusal({"model": model, "messages": [USER], **change}, find(model))
    assert refused is not None
    assert text in refused.message
    assert (refused.status, refused.body["error"]["param"], refused.body["error"]["code"]) == (400, param, code)


SCHEMAS: list[tuple[dict[str, Any], str]] = [
    (
        tool(oneOf=[{}]),
        "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level.",
    ),
    (tool(type="array"), "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"array\"'."),
    (
        {"type": "function", "function": {"name": "Read", "parameters": {"type": "object"}}},
        "In context=(), object schema missing properties",
    ),
    (tool(properties={"paths": {"type": "array"}}), "In context=('properties', 'paths'), array schema missing items"),
    (tool(properties={"paths": {"type": ["array", "null"]}}), "array schema missing items"),
    (tool(properties={"path": {"type": "string", "pattern": r"^[^\p{Cc}]$"}}), "is not a 'regex'."),
    (tool(properties={"m": {"type": "object", "patternProperties": {"(": {}}}}), "'(' is not a 'regex'."),
    (tool(properties={"path": {"type": "text"}}), "'text' is not valid under any of the given schemas"),
    (tool(required="path"), "'path' is not of type 'array'"),
    (tool(properties={"path": {"$ref": "#/$defs/Path"}}), "reference to component '#/$defs/Path' which was not found"),
    (strict_tool(), "'additionalProperties' is required to be supplied and to be false."),
    (strict_tool(additionalProperties=False), "including every key in properties. Missing 'path'."),
]


@pytest.mark.parametrize(("broken", "text"), SCHEMAS)
def test_official_refuses_schemas(broken: dict[str, Any], text: str) -> None:
    refused = refusal({"model": "gpt-4o", "messages": [USER], "tools": [broken]}, find("gpt-4o"))
    assert refused is not None
    assert text in refused.message
    assert refused.message.startswith("Invalid schema for function 'Read': ")
    assert refused.body["error"]["code"] == "invalid_function_parameters"


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"default": {"type": "string", "default": {"pattern": r"\p"}}, "pattern": {"type": "string"}}},
        {"properties": {"a": {"anyOf": [{"type": "string", "pattern": "(?=x)"}, {"type": "null"}]}}},
        {"properties": {"a": {"$ref": "#/$defs/A/anyOf/0"}}, "$defs": {"A": {"anyOf": [{"type": "string"}]}}},
        {
            "properties": {"a": {"type": "object"}},
            "additionalProperties": False,
            "$schema": "http://json-schema.org/draft-07/schema#",
        },
    ],
)
def test_official_takes_schemas(schema: dict[str, Any]) -> None:
    assert refusal({"model": "gpt-4o", "messages": [USER], "tools": [tool(**schema)]}, find("gpt-4o")) is None


WHOLE_TURN = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "look"}, IMAGE]},
    asked("call_1", "call_2", content="reading"),
    {**RESULT, "content": ""},
    {**RESULT, "tool_call_id": "call_2", "content": [{"type": "text", "text": "b"}]},
    {"role": "system", "content": "A reminder."},
    {"role": "assistant", "content": "Done."},
    {"role": "developer", "content": "More."},
    {
        "role": "user",
        "content": [
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}}
        ],
    },
]


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("gpt-4o", {"max_tokens": 16384, "temperature": 0.2, "stop": ["a"], "stream": True, "user": "u"}),
        ("gpt-4o-2024-08-06", tools(tool(), tool_choice="required", parallel_tool_calls=False)),
        ("gpt-4.1", tools(tool(), tool_choice={"type": "function", "function": {"name": "Read"}})),
        ("o1", {"max_completion_tokens": 100_000, "temperature": 1, "reasoning_effort": "high", "stop": "a"}),
        ("gpt-5", tools(tool(), reasoning_effort="minimal", verbosity="low")),
        ("gpt-5.1", tools(tool(), temperature=0.5, top_p=0.9)),
        ("gpt-5.4", tools(tool())),
        ("gpt-5.6-terra", tools(tool(), reasoning_effort="none", temperature=0)),
        ("gpt-6-sol", {"reasoning_effort": "xhigh", "max_completion_tokens": 128_000}),
        ("gpt-6-sol", tools(tool(), reasoning_effort="none")),
        ("gpt-4o", {"temperature": None, "stop": None, "max_tokens": None, "reasoning_effort": None}),
        ("gpt-4o", json_format(type="object", properties={"a": {"type": "string"}})),
    ],
)
def test_official_takes(model: str, more: dict[str, Any]) -> None:
    assert refusal({"model": model, "messages": WHOLE_TURN, **more}, find(model)) is None


def test_official_takes_the_simplest_request_on_every_chat_model() -> None:
    refused = {name for name in MODELS if refusal({"model": name, "messages": [USER]}, find(name))}
    assert refused == {name for name, rules in MODELS.items() if rules.endpoint not in ("both", "chat")}


@needs_captures
def test_official_takes_recorded_tools() -> None:
    seen = set()
    for name in CAPTURES:
        recorded = load(name).get("body")
        for given in recorded.get("tools", ()) if isinstance(recorded, dict) else ():
            if "input_schema" not in given:
                continue
            function = {"name": given["name"], "parameters": given["input_schema"]}
            body = {"model": "gpt-4o", "messages": [USER], "tools": [{"type": "function", "function": function}]}
            refused = refusal(body, find("gpt-4o"))
            assert refused is None, (name, refused.message)
            seen.add(given["name"])
    assert len(seen) > 20
