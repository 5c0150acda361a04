"""Everything that the official Chat Completions endpoint refuses, with its own status and words. Pure."""

from __future__ import annotations

import json
import math
from typing import Any

from tests.fakes.openai.checks import (
    MOST_TOOLS,
    VERBOSITIES,
    check_choice,
    check_count,
    check_fields,
    check_least,
    check_name,
    check_stream_options,
    check_types,
    check_values,
    check_verbosity,
    listed,
    missing,
    unsupported,
    wrong_type,
)
from tests.fakes.openai.messages import check_messages
from tests.fakes.openai.models import ModelRules
from tests.fakes.openai.schema import schema_problem
from tests.fakes.refusal import Refusal, Refused, refuse

# Field -> the type its value must have, and whether null is as good as leaving it out.
_FIELDS: dict[str, tuple[str, bool]] = {
    "audio": ("object", True),
    "frequency_penalty": ("decimal", True),
    "function_call": ("any", False),
    "functions": ("array", False),
    "logit_bias": ("object", True),
    "logprobs": ("boolean", True),
    "max_completion_tokens": ("integer", True),
    "max_tokens": ("integer", True),
    "messages": ("array", False),
    "metadata": ("object", True),
    "modalities": ("array", True),
    "model": ("string", False),
    "moderation": ("object", True),
    "n": ("integer", True),
    "parallel_tool_calls": ("boolean", False),
    "prediction": ("object", True),
    "presence_penalty": ("decimal", True),
    "prompt_cache_key": ("string", True),
    "prompt_cache_options": ("object", False),
    "prompt_cache_retention": ("string", True),
    "reasoning_effort": ("string", True),
    "response_format": ("object", False),
    "safety_identifier": ("string", True),
    "seed": ("integer", True),
    "service_tier": ("string", True),
    "stop": ("any", True),
    "store": ("boolean", True),
    "stream": ("boolean", True),
    "stream_options": ("object", True),
    "temperature": ("decimal", True),
    "tool_choice": ("any", False),
    "tools": ("array", False),
    "top_logprobs": ("integer", True),
    "top_p": ("decimal", True),
    "user": ("string", False),
    "verbosity": ("string", True),
    "web_search_options": ("object", False),
}
_CHOICES = {
    "service_tier": ("auto", "default", "flex", "scale", "priority", "fast"),
    "verbosity": VERBOSITIES,
    "prompt_cache_retention": ("in_memory", "24h"),
}
_UNSUPPORTED_WHILE_REASONING = (
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "top_logprobs",
    "logit_bias",
)


def refusal(body: dict[str, Any], model: ModelRules | None) -> Refusal | None:
    """What the endpoint would answer instead of a completion; None when it would take the request.

    `model` is what the endpoint knows of `body["model"]`, None when it does not know the name.
    """
    try:
        _check(body, model)
    except Refused as refused:
        return refused.refusal
    return None


def _check(body: dict[str, Any], model: ModelRules | None) -> None:
    if not body.get("model"):
        refuse("you must provide a model parameter")
    if model is None:
        text = f"The model `{body['model']}` does not exist or you do not have access to it."
        refuse(text, None, "model_not_found", status=404)
    if model.endpoint == "responses":
        text = "This model is only supported in v1/responses and not in v1/chat/completions."
        refuse(text, "model", status=404)
    if model.endpoint == "not_chat":
        text = "This is not a chat model and thus not supported in the v1/chat/completions endpoint."
        refuse(f"{text} Did you mean to use v1/completions?", "model", status=404)
    _check_fields(body, model)
    _check_values(body)
    check_messages(body.get("messages"), model)
    _check_tools(body, model)
    _check_limits(body, model)
    effort = _check_effort(body, model)
    _check_sampling(body, model, effort)
    _check_response_format(body)
    tokens = estimate_tokens(body)
    if tokens > model.max_input:
        refuse(
            f"This model's maximum context length is {model.max_input} tokens. However, your messages resulted in "
            f"{tokens} tokens. Please reduce the length of the messages.",
            "messages",
            "context_length_exceeded",
        )


def _check_fields(body: dict[str, Any], model: ModelRules) -> None:
    unknown = sorted(body.keys() - _FIELDS.keys())
    if not model.reasons and body.get("reasoning_effort") is not None:
        unknown.append("reasoning_effort")
    if unknown and model.reasons:
        refuse(f"Unknown parameter: '{unknown[0]}'.", unknown[0], "unknown_parameter")
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        refuse(f"Unrecognized request argument{plural} supplied: {', '.join(unknown)}")
    check_types(body, _FIELDS)


def _check_values(body: dict[str, Any]) -> None:
    check_values(body, _CHOICES)
    check_stream_options(body, {"include_usage", "include_obfuscation"})
    if body.get("metadata") and not body.get("store"):
        refuse("The 'metadata' parameter is only allowed when 'store' is enabled.", "metadata")
    stop = body.get("stop")
    if stop is not None and not isinstance(stop, str):
        check_count("stop", stop, 4)
        for number, text in enumerate(stop):
            if not isinstance(text, str):
                wrong_type(f"stop[{number}]", "a string", text)


def _check_tools(body: dict[str, Any], model: ModelRules) -> None:
    if "tools" not in body:
        for field in ("tool_choice", "parallel_tool_calls"):
            if field in body:
                text = f"'{field}' is only allowed when 'tools' are specified."
                refuse(f"Invalid value for '{field}': {text}", field)
        return
    check_count("tools", body["tools"], MOST_TOOLS)
    names = [_check_tool(f"tools[{number}]", tool) for number, tool in enumerate(body["tools"])]
    _check_tool_choice(body.get("tool_choice", "auto"), names)
    if "parallel_tool_calls" in body and not model.parallel_tool_calls:
        unsupported("parallel_tool_calls")


def _check_tool(where: str, tool: Any) -> str:
    if not isinstance(tool, dict):
        wrong_type(where, "an object", tool)
    if tool.get("type") != "function":
        text = f"Invalid value: '{tool.get('type')}'. Supported values are: 'function' and 'custom'."
        refuse(text, f"{where}.type", "invalid_value")
    check_fields(where, tool, {"type", "function"})
    function = tool.get("function")
    if not isinstance(function, dict):
        missing(f"{where}.function")
    where = f"{where}.function"
    check_fields(where, function, {"name", "description", "parameters", "strict"})
    check_name(f"{where}.name", function.get("name"))
    if not isinstance(function.get("description", ""), str):
        wrong_type(f"{where}.description", "a string", function["description"])
    if "parameters" in function:
        problem = schema_problem(function["parameters"], strict=bool(function.get("strict")))
        if problem:
            text = f"Invalid schema for function '{function['name']}': {problem}"
            refuse(text, f"{where.removesuffix('.function')}.parameters", "invalid_function_parameters")
    return str(function["name"])


def _check_tool_choice(choice: Any, names: list[str]) -> None:
    if isinstance(choice, str):
        check_choice("tool_choice", choice, ("none", "auto", "required"))
        return
    if not isinstance(choice, dict):
        wrong_type("tool_choice", "one of a string or object", choice)
    if choice.get("type") != "function":
        text = (
            f"Invalid value: '{choice.get('type')}'. Supported values are: 'function', 'allowed_tools', and 'custom'."
        )
        refuse(text, "tool_choice.type", "invalid_value")
    check_fields("tool_choice", choice, {"type", "function"})
    if not isinstance(choice.get("function"), dict):
        missing("tool_choice.function")
    name = choice["function"].get("name")
    if name not in names:
        refuse(f"Tool choice '{name}' not found in 'tools' parameter.", "tool_choice")


def _check_limits(body: dict[str, Any], model: ModelRules) -> None:
    given = {field: body[field] for field in ("max_tokens", "max_completion_tokens") if body.get(field) is not None}
    if len(given) == 2:
        refuse("Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.", "max_tokens")
    if "max_tokens" in given and model.reasons:
        text = "Unsupported parameter: 'max_tokens' is not supported with this model."
        refuse(f"{text} Use 'max_completion_tokens' instead.", "max_tokens", "unsupported_parameter")
    for field, value in given.items():
        check_least(field, value, 1)
        if value > model.max_output:
            refuse(
                f"max_tokens is too large: {value}. This model supports at most {model.max_output} completion tokens, "
                f"whereas you provided {value}.",
                "max_tokens",
            )


def _check_effort(body: dict[str, Any], model: ModelRules) -> str:
    """The effort that the request would run with."""
    effort = body.get("reasoning_effort")
    if effort is not None and effort not in model.efforts:
        refuse(
            f"Unsupported value: 'reasoning_effort' does not support '{effort}' with this model. "
            f"Supported values are: {listed(model.efforts)}.",
            "reasoning_effort",
            "unsupported_value",
        )
    effort = effort or model.default_effort
    if body.get("tools") and effort != "none" and not model.tools_while_reasoning:
        way_out = "To use function tools, use /v1/responses or set reasoning_effort to 'none'."
        if model.name.startswith("gpt-5.4"):
            way_out = "Please use /v1/responses instead."
        refuse(
            f"Function tools with reasoning_effort are not supported for {model.name} in /v1/chat/completions. "
            f"{way_out}",
            "reasoning_effort",
        )
    return effort


def _check_sampling(body: dict[str, Any], model: ModelRules, effort: str) -> None:
    if body.get("stop") is not None and not model.stop:
        unsupported("stop")
    check_verbosity("verbosity", body.get("verbosity"), model.name, model.verbosity)
    if model.sampling == "always" or (model.sampling == "at_effort_none" and effort == "none"):
        return
    if body.get("temperature") not in (None, 1):
        text = f"'temperature' does not support {body['temperature']} with this model."
        refuse(
            f"Unsupported value: {text} Only the default (1) value is supported.", "temperature", "unsupported_value"
        )
    for field in _UNSUPPORTED_WHILE_REASONING:
        if body.get(field) is not None:
            unsupported(field)


def _check_response_format(body: dict[str, Any]) -> None:
    wanted = body.get("response_format")
    if wanted is None:
        return
    check_choice("response_format.type", wanted.get("type"), ("json_object", "json_schema", "text"))
    if wanted["type"] == "json_object" and "json" not in json.dumps(body["messages"]).lower():
        text = "must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
        refuse(f"'messages' {text}", "messages")
    if wanted["type"] == "json_schema":
        where = "response_format.json_schema"
        schema = wanted.get("json_schema")
        if not isinstance(schema, dict):
            missing(where)
        check_fields(where, schema, {"name", "description", "schema", "strict"})
        check_name(f"{where}.name", schema.get("name"))
        problem = schema_problem(schema.get("schema"), strict=bool(schema.get("strict")))
        if problem:
            refuse(f"Invalid schema for response_format '{schema['name']}': {problem}", "response_format")


def estimate_tokens(body: dict[str, Any]) -> int:
    """Four characters a token over the texts and tools, a flat 765 for an image or file."""
    characters = len(json.dumps(body["tools"], ensure_ascii=False)) if body.get("tools") else 0
    media = 0
    for message in body.get("messages", ()):
        content = message.get("content") or ""
        for part in content if isinstance(content, list) else [{"text": content}]:
            characters += len(part.get("text", ""))
            media += "text" not in part
        characters += sum(len(json.dumps(call)) for call in message.get("tool_calls") or ())
    return math.ceil(characters / 4) + 765 * media + 3
