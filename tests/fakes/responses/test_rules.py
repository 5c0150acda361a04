"""The Responses endpoint's rules for parameters, models and tools: what is refused and how, and what is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.captures import CAPTURES, load, needs_captures
from tests.fakes.openai.models import MODELS, find, with_extra
from tests.fakes.responses.bodies import (
    ASKED,
    CALL,
    FILE,
    IMAGE,
    OUTPUT,
    SAID,
    SEALED,
    TEXT,
    items,
    json_format,
    tool,
    user,
    without,
)
from tests.fakes.responses.rules import effort_of, estimate_tokens, refusal

UNKNOWN, TYPE, VALUE = "unknown_parameter", "invalid_type", "invalid_value"
MISSING, UNSUPPORTED = "missing_required_parameter", "unsupported_parameter"

NOT_SERVED = [
    ("gpt-9", "The requested model 'gpt-9' does not exist."),
    ("gpt-4o-search-preview", "The requested model 'gpt-4o-search-preview' is not supported with the Responses API."),
    ("gpt-audio", "is not supported with the Responses API."),
    ("gpt-5-search-api", "is not supported with the Responses API."),
]


@pytest.mark.parametrize(("model", "text"), NOT_SERVED)
def test_models_not_served(model: str, text: str) -> None:
    refused = refusal({"model": model, "input": "hi"}, find(model))
    assert refused is not None
    assert text in refused.message
    assert (refused.status, refused.body["error"]["param"], refused.code) == (400, "model", "model_not_found")


def test_a_model_is_asked_for() -> None:
    for body, text, code in (({}, "Missing required parameter: 'model'.", MISSING), ({"model": 7}, "an integer", TYPE)):
        refused = refusal({"input": "hi", **body}, None)
        assert refused is not None
        assert (text in refused.message, refused.code) == (True, code)


# model, what is in the body, a piece of the message, param, code
PARAMETERS: list[tuple[str, dict[str, Any], str, str | None, str | None]] = [
    ("gpt-5", {"foo": 1}, "Unknown parameter: 'foo'.", "foo", UNKNOWN),
    ("gpt-4o", {"stop": ["x"]}, "Unknown parameter: 'stop'. Did you mean 'store'?", "stop", UNKNOWN),
    ("gpt-4o", {"stop": "x", "store": False}, "Unknown parameter: 'stop'.", "stop", UNKNOWN),
    ("gpt-4o", {"max_tokens": 9}, "Unknown parameter: 'max_tokens'.", "max_tokens", UNKNOWN),
    ("gpt-4o", {"seed": 1}, "Unknown parameter: 'seed'.", "seed", UNKNOWN),
    ("gpt-4o", {"top_k": 1}, "Unknown parameter: 'top_k'.", "top_k", UNKNOWN),
    ("gpt-4o", {"messages": [ASKED]}, "'messages'. In the Responses API, this parameter has moved to 'input'.", None,
     UNSUPPORTED),
    ("gpt-4o", {"max_completion_tokens": 9}, "has moved to 'max_output_tokens'", None, UNSUPPORTED),
    ("gpt-5", {"reasoning_effort": "low"}, "has moved to 'reasoning.effort'", None, UNSUPPORTED),
    ("gpt-5", {"response_format": {}}, "has moved to 'text.format'", None, UNSUPPORTED),
    ("gpt-4o", {"stream": "yes"}, "expected a boolean, but got a string", "stream", TYPE),
    ("gpt-4o", {"temperature": "hot"}, "expected a decimal, but got a string", "temperature", TYPE),
    ("gpt-4o", {"max_output_tokens": True}, "expected an integer, but got a boolean", "max_output_tokens", TYPE),
    ("gpt-4o", {"tools": "x"}, "expected an array of tools, but got a string", "tools", TYPE),
    ("gpt-4o", {"tools": None}, "expected an array of tools, but got null", "tools", TYPE),
    ("gpt-4o", {"metadata": "x"}, "expected a metadata object", "metadata", TYPE),
    ("gpt-4o", {"text": "x"}, "expected an object, but got a string", "text", TYPE),
    ("gpt-4o", {"temperature": 3}, "Expected a value <= 2", "temperature", "decimal_above_max_value"),
    ("gpt-4o", {"max_output_tokens": 1}, "Invalid 'max_output_tokens': integer below minimum value. Expected a value "
     ">= 16, but got 1 instead.", "max_output_tokens", "integer_below_min_value"),
    ("gpt-4o", {"max_output_tokens": 15}, "but got 15 instead", "max_output_tokens", "integer_below_min_value"),
    ("gpt-4o", {"max_output_tokens": 16385}, "Expected a value <= 16384, but got 16385", "max_output_tokens",
     "integer_above_max_value"),
    ("gpt-4.1", {"max_output_tokens": 64000}, "<= 32768", "max_output_tokens", "integer_above_max_value"),
    ("o3", {"max_output_tokens": 100_001}, "<= 100000", "max_output_tokens", "integer_above_max_value"),
    ("gpt-6-sol", {"max_output_tokens": 128_001}, "<= 128000", "max_output_tokens", "integer_above_max_value"),
    ("gpt-4o", {"user": "x" * 65}, "with length 65", "user", "string_above_max_length"),
    ("gpt-5", {"prompt_cache_key": "x" * 67}, "maximum length 64, but got a string with length 67", "prompt_cache_key",
     "string_above_max_length"),
    ("gpt-5", {"safety_identifier": "x" * 65}, "string too long", "safety_identifier", "string_above_max_length"),
    ("gpt-5", {"metadata": dict.fromkeys("abcdefghijklmnopq", "x")}, "with 17 properties", "metadata",
     "object_above_max_properties"),
    ("gpt-5", {"metadata": {"a": "x" * 513}}, "with length 513", "metadata.a", "string_above_max_length"),
    ("gpt-5", {"service_tier": "best"}, "Invalid value: 'best'", "service_tier", VALUE),
    ("gpt-5", {"truncation": "x"}, "Supported values are: 'auto' and 'disabled'.", "truncation", VALUE),
    ("gpt-5", {"include": ["x"]}, "Invalid value: 'x'", "include[0]", VALUE),
    ("gpt-4o", {"include": [SEALED]}, "Encrypted content is not supported with this model.", "include", None),
    ("gpt-5", {"include": ["message.output_text.logprobs"]}, "logprobs are not supported", "include", UNSUPPORTED),
    ("gpt-5", {"stream_options": {"include_obfuscation": False}}, "only allowed when 'stream'", "stream_options", None),
    ("gpt-5", {"stream": True, "stream_options": {"include_usage": True}}, "'stream_options.include_usage'",
     "stream_options.include_usage", UNKNOWN),
    ("gpt-5", {"previous_response_id": "resp_1"}, "Previous response with id 'resp_1' not found.",
     "previous_response_id", "previous_response_not_found"),
    ("o1-pro", {"stream": True}, "'stream' does not support true with this model. Supported values are: false.",
     "stream", "unsupported_value"),
    ("gpt-5.5", {"prompt_cache_options": {"mode": "explicit"}}, "is not supported on this model",
     "prompt_cache_options", "invalid_parameter"),
]  # fmt: skip

REASONINGS: list[tuple[str, dict[str, Any], str, str | None, str | None]] = [
    ("gpt-5", {"reasoning": "low"}, "expected an object, but got a string", "reasoning", TYPE),
    ("gpt-5", {"reasoning": {"foo": 1}}, "Unknown parameter: 'reasoning.foo'.", "reasoning.foo", UNKNOWN),
    ("gpt-5", {"reasoning": {"generate_summary": "auto"}}, "'reasoning.generate_summary'", "reasoning.generate_summary",
     UNKNOWN),
    ("gpt-5", {"reasoning": {"effort": "best"}}, "Supported values are: 'none', 'minimal', 'low', 'medium', 'high', "
     "'xhigh', and 'max'.", "reasoning.effort", VALUE),
    ("gpt-5", {"reasoning": {"summary": "x"}}, "Supported values are: 'concise', 'detailed', and 'auto'.",
     "reasoning.summary", VALUE),
    ("gpt-5.1", {"reasoning": {"effort": "minimal"}}, "Unsupported value: 'minimal' is not supported with the "
     "'gpt-5.1' model. Supported values are: 'none', 'low', 'medium', and 'high'.", "reasoning.effort",
     "unsupported_value"),
    ("gpt-5", {"reasoning": {"effort": "none"}}, "'none' is not supported with the 'gpt-5'", "reasoning.effort",
     "unsupported_value"),
    ("o3-mini", {"reasoning": {"effort": "minimal"}}, "are: 'low', 'medium', and 'high'.", "reasoning.effort",
     "unsupported_value"),
    ("gpt-5-pro", {"reasoning": {"effort": "low"}}, "Supported values are: 'high'.", "reasoning.effort",
     "unsupported_value"),
    ("gpt-5.2-pro", {"reasoning": {"effort": "low"}}, "are: 'medium', 'high', and 'xhigh'.", "reasoning.effort",
     "unsupported_value"),
    ("gpt-5.6-sol", {"reasoning": {"effort": "max"}}, "'high', and 'xhigh'.", "reasoning.effort", "unsupported_value"),
    ("gpt-6.1-sol", {"reasoning": {"effort": "none"}}, "'xhigh', and 'max'.", "reasoning.effort", "unsupported_value"),
    ("gpt-4o", {"reasoning": {"effort": "low"}}, "Unsupported parameter: 'reasoning.effort'", "reasoning.effort",
     UNSUPPORTED),
    ("gpt-4o", {"reasoning": {"summary": "auto"}}, "Unsupported parameter: 'reasoning.summary'", "reasoning.summary",
     UNSUPPORTED),
    ("o3", {"temperature": 1}, "Unsupported parameter: 'temperature' is not supported with this model.", "temperature",
     None),
    ("gpt-5", {"top_p": 0.5}, "Unsupported parameter: 'top_p'", "top_p", None),
    ("gpt-5.1", {"temperature": 0, "reasoning": {"effort": "low"}}, "'temperature'", "temperature", None),
    ("gpt-6-sol", {"temperature": 0, "reasoning": {"effort": "none"}}, "'temperature'", "temperature", None),
    ("gpt-5", {"top_logprobs": 2}, "logprobs are not supported with reasoning models.", "top_logprobs", UNSUPPORTED),
]  # fmt: skip

TOOLS: list[tuple[str, dict[str, Any], str, str | None, str | None]] = [
    ("gpt-4o", {"tools": [tool("a.b")]}, "'tools[0].name': string does not match pattern", "tools[0].name", VALUE),
    ("gpt-4o", {"tools": [tool("x" * 70)]}, "maximum length 64, but got a string with length 70", "tools[0].name",
     "string_above_max_length"),
    ("gpt-4o", {"tools": [{"type": "function", "function": {"name": "Read"}}]},
     "Missing required parameter: 'tools[0].name'.", "tools[0].name", MISSING),
    ("gpt-4o", {"tools": [{**tool(), "cache_control": {}}]}, "'tools[0].cache_control'", "tools[0].cache_control",
     UNKNOWN),
    ("gpt-4o", {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "'web_search_20250305'",
     "tools[0].type", VALUE),
    ("gpt-4o", {"tools": [{"type": "web_search", "max_uses": 8}]}, "'tools[0].max_uses'", "tools[0].max_uses", UNKNOWN),
    ("gpt-4o", {"tools": [{"type": "web_search", "filters": {"blocked_domains": []}}]}, "blocked_domains",
     "tools[0].filters.blocked_domains", UNKNOWN),
    ("gpt-4o", {"tools": [{"type": "web_search", "filters": {"allowed_domains": "a.b"}}]}, "an array of strings",
     "tools[0].filters.allowed_domains", TYPE),
    ("gpt-4o", {"tools": [{"type": "web_search", "filters": {"allowed_domains": ["a.b/c"]}}]}, "'a.b/c'",
     "tools[0].filters.allowed_domains[0]", VALUE),
    ("gpt-4o", {"tools": [{"type": "web_search", "user_location": {"type": "exact"}}]}, "'exact'",
     "tools[0].user_location.type", VALUE),
    ("o3-mini", {"tools": [{"type": "web_search"}]}, "Hosted tool 'web_search' is not supported with o3-mini.", "tools",
     None),
    ("gpt-5", {"tools": [{"type": "web_search"}], "reasoning": {"effort": "minimal"}},
     "The following tools cannot be used with reasoning.effort 'minimal': web_search.", "tools", None),
    ("gpt-4o", {"tools": [without("strict", tool())]},
     "In context=(), 'additionalProperties' is required to be supplied and to be false.", "tools[0].parameters",
     "invalid_function_parameters"),
    ("gpt-4o", {"tools": [tool(strict=None)]}, "'additionalProperties' is required", "tools[0].parameters",
     "invalid_function_parameters"),
    ("gpt-4o", {"tools": [tool(), tool(strict=True, additionalProperties=False)]}, "Missing 'path'.",
     "tools[1].parameters", "invalid_function_parameters"),
    ("gpt-4o", {"tools": [tool(anyOf=[{}])]}, "Invalid schema for function 'Read': schema must have type 'object' and "
     "not have 'oneOf'/'anyOf'", "tools[0].parameters", "invalid_function_parameters"),
    ("gpt-5", {"tools": [tool(properties={"a": {"type": "string", "pattern": r"^[^\p{Cc}]$"}})]}, "is not a 'regex'.",
     "tools[0].parameters", "invalid_function_parameters"),
    ("gpt-5", {"tools": [tool(type="array")]}, "got 'type: \"array\"'", "tools[0].parameters",
     "invalid_function_parameters"),
    ("gpt-5", {"parallel_tool_calls": False}, "'parallel_tool_calls' is only allowed when 'tools' are specified.",
     "parallel_tool_calls", None),
    ("o3-mini", {"tools": [tool()], "parallel_tool_calls": False}, "Unsupported parameter: 'parallel_tool_calls'",
     "parallel_tool_calls", UNSUPPORTED),
    ("gpt-5", {"tools": [tool()], "tool_choice": "any"}, "Supported values are: 'none', 'auto', and 'required'.",
     "tool_choice", VALUE),
    ("gpt-5", {"tool_choice": 7}, "expected one of an object or 'none', 'auto', or 'required'", "tool_choice", TYPE),
    ("gpt-5", {"tool_choice": "required"}, "Tool choice 'required' must be specified with 'tools'", "tool_choice",
     None),
    ("gpt-5", {"tools": [tool()], "tool_choice": {"type": "tool", "name": "Read"}}, "Invalid value: 'tool'",
     "tool_choice.type", VALUE),
    ("gpt-5", {"tools": [tool()], "tool_choice": {"type": "function", "function": {"name": "Read"}}},
     "Missing required parameter: 'tool_choice.name'.", "tool_choice.name", MISSING),
    ("gpt-5", {"tools": [tool()], "tool_choice": {"type": "function", "name": "Write"}},
     "Tool choice 'Write' not found in 'tools' parameter.", "tool_choice", None),
    ("gpt-5", {"tools": [tool()], "tool_choice": {"type": "web_search"}}, "Tool choice 'web_search' not found",
     "tool_choice", None),
]  # fmt: skip

TEXTS: list[tuple[str, dict[str, Any], str, str | None, str | None]] = [
    ("gpt-4o", {"text": {"verbosity": "low"}}, "Supported values are: 'medium'.", "text.verbosity",
     "unsupported_value"),
    ("gpt-5", {"text": {"verbosity": "max"}}, "'low', 'medium', and 'high'", "text.verbosity", VALUE),
    ("gpt-5", {"text": {"foo": 1}}, "'text.foo'", "text.foo", UNKNOWN),
    ("gpt-5", {"text": {"format": {"type": "json_object"}}}, "must contain the word 'json'", "input", None),
    ("gpt-5", {"text": {"format": {"type": "json_schema", "json_schema": {}}}}, "'text.format.json_schema'",
     "text.format.json_schema", UNKNOWN),
    ("gpt-5", {"text": {"format": {"type": "json_schema", "schema": {}}}}, "'text.format.name'", "text.format.name",
     MISSING),
    ("gpt-5", json_format(type="array"), "Invalid schema for response_format 'answer'", "text.format.schema",
     "invalid_json_schema"),
    ("gpt-5", json_format(strict=True, type="object", properties={}), "'additionalProperties' is required",
     "text.format.schema", "invalid_json_schema"),
    ("gpt-5", json_format(type="object", properties={"a": {"type": "string", "pattern": "(?!x)"}}),
     "regex lookaround is not supported. Found at $.properties.a", "text.format.schema", "invalid_json_schema"),
    ("gpt-4o", {"input": "x" * 4 * 128_100},
     "Your input exceeds the context window of this model. Please adjust your input and try again.", "input",
     "context_length_exceeded"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "change", "text", "param", "code"), [*PARAMETERS, *REASONINGS, *TOOLS, *TEXTS])
def test_refusals(model: str, change: dict[str, Any], text: str, param: str | None, code: str | None) -> None:
    refused = refusal({"model": model, "input": "hi", **change}, find(model))
    assert refused is not None
    assert text in refused.message
    assert (refused.status, refused.body["error"]["param"], refused.code) == (400, param, code)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"conversation": "conv_1"}, "Conversation with id 'conv_1' not found."),
        ({"prompt": {"id": "pmpt_1"}}, "Prompt with id 'pmpt_1' not found."),
    ],
)
def test_what_is_not_kept(change: dict[str, Any], text: str) -> None:
    refused = refusal({"model": "gpt-5", "input": "hi", **change}, find("gpt-5"))
    assert refused is not None
    assert (refused.status, refused.message) == (404, text)


# Where a request breaks two rules: what is named
ORDER = [
    ({"zzz": 1, "input": [{"role": "user", "content": "x", "bogus": 1}]}, "zzz"),
    ({"input": 7, "truncation": "x"}, "input"),
    ({"temperature": 0.5, "previous_response_id": "resp_1"}, "previous_response_id"),
    ({"stream": "x", "background": "x"}, "stream"),
    ({"top_logprobs": 1, "temperature": 0.5}, "temperature"),
]


@pytest.mark.parametrize(("change", "param"), ORDER)
def test_order_of_rules(change: dict[str, Any], param: str) -> None:
    refused = refusal({"model": "gpt-5.6-terra", "input": "hi", **change}, find("gpt-5.6-terra"))
    assert refused is not None
    assert refused.body["error"]["param"] == param


TURN = items(
    {"type": "message", "role": "developer", "content": [TEXT]},
    {"role": "user", "content": [TEXT, IMAGE, FILE]},
    SAID,
    CALL,
    {**CALL, "call_id": "call_2"},
    {"role": "system", "content": "A reminder."},
    {**OUTPUT, "call_id": "call_2", "output": [TEXT, IMAGE, FILE]},
    {**OUTPUT, "output": ""},
    ASKED,
)


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("gpt-4o", {"max_output_tokens": 16384, "temperature": 0.2, "top_p": 0.9, "instructions": "Be brief."}),
        ("gpt-4o", {"tools": [tool()], "tool_choice": {"type": "function", "name": "Read"}, "store": False}),
        ("gpt-4.1", {"tools": [tool()], "parallel_tool_calls": False, "metadata": {"user": "x"}}),
        ("gpt-5", {"reasoning": {"effort": "minimal", "summary": "auto"}, "include": [SEALED], "store": False}),
        ("gpt-5.1", {"temperature": 0.5, "tools": [tool()]}),
        ("gpt-5.4", {"tools": [tool()], "reasoning": {"effort": "high"}, "text": {"verbosity": "low"}}),
        ("gpt-5.6-sol", {"tools": [tool()], "temperature": 0, "reasoning": {"effort": "none"}}),
        ("gpt-5.6-sol", {"prompt_cache_options": {"mode": "explicit", "ttl": "12h"}, "prompt_cache_key": "x" * 64}),
        ("gpt-6-sol", {"tools": [tool() for _ in range(129)], "reasoning": {"effort": "max"}}),
        ("gpt-6.1-sol", {"stream": True, "stream_options": {"include_obfuscation": False}, "service_tier": "fast"}),
        ("o3", {"tools": [tool()], "tool_choice": "required", "reasoning": {"effort": "low", "summary": "detailed"}}),
        ("o1-pro", {"max_output_tokens": 100_000, "stream": False, "tools": []}),
        ("gpt-5.3-codex", {"tools": [tool(strict=True, additionalProperties=False, required=["path"])]}),
        ("gpt-5.2-pro", {"reasoning": {"effort": "xhigh"}, "temperature": None}),
        ("gpt-4o", {"tools": [{"type": "web_search", "filters": {"allowed_domains": ["a.b"]}}]}),
        ("gpt-5", json_format(type="object", properties={"a": {"type": "string"}})),
    ],
)
def test_taken(model: str, more: dict[str, Any]) -> None:
    assert refusal({"model": model, **TURN, **more}, find(model)) is None


def test_every_model_but_those_of_chat_takes_the_simplest_request() -> None:
    refused = {name for name in MODELS if refusal({"model": name, "input": "hi"}, find(name))}
    assert refused == {name for name, rules in MODELS.items() if rules.endpoint == "chat"}


def test_unknown_models_follow_the_newest_rule() -> None:
    models = with_extra(["gpt-9"])
    body = {"model": "gpt-9", "input": "hi", "reasoning": {"effort": "max"}}
    assert refusal(body, find("gpt-9", models)) is None
    refused = refusal({**body, "temperature": 1}, find("gpt-9-2027-01-01", models))
    assert refused is not None
    assert refused.body["error"]["param"] == "temperature"


def test_a_long_prompt_may_be_truncated() -> None:
    body = {"model": "gpt-4o", "input": "x" * 4 * 128_100}
    assert refusal({**body, "truncation": "auto"}, find("gpt-4o")) is None


def test_tokens_and_effort() -> None:
    body = {"instructions": "x" * 8, **user(TEXT, IMAGE), "tools": [tool()]}
    assert estimate_tokens(body) == 3 + 765 + -(-(8 + 4 + len(json.dumps(body["tools"]))) // 4)
    assert [effort_of({}, MODELS[name]) for name in ("gpt-4o", "gpt-5.4", "o3")] == ["none", "none", "medium"]
    assert effort_of({"reasoning": {"effort": "high"}}, MODELS["gpt-5.4"]) == "high"


@needs_captures
def test_recorded_tools_are_taken_when_not_strict() -> None:
    seen = set()
    for name in CAPTURES:
        recorded = load(name).get("body")
        for given in recorded.get("tools", ()) if isinstance(recorded, dict) else ():
            if "input_schema" in given:
                made = {"type": "function", "name": given["name"], "parameters": given["input_schema"]}
                body = {"model": "gpt-5", "input": "hi", "tools": [{**made, "strict": False}]}
                refused = refusal(body, find("gpt-5"))
                assert refused is None, (name, refused.message)
                seen.add(given["name"])
    assert len(seen) > 20
