"""Everything that the official Responses endpoint refuses, with its own status and words. Pure but for its memory."""

from __future__ import annotations

import json
import math
from typing import Any

from tests.fakes.openai.checks import (
    VERBOSITIES,
    check_choice,
    check_fields,
    check_least,
    check_length,
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
from tests.fakes.openai.models import ModelRules
from tests.fakes.openai.schema import lookaround, schema_problem
from tests.fakes.refusal import Refusal, Refused, refuse
from tests.fakes.responses.input import check_input, check_order, items_of
from tests.fakes.responses.state import Ledger
from tests.fakes.responses.tools import check_tool_choice, check_tools

LEAST_OUTPUT = 16

# As in openai_rules, but for `input`, in the order in which the endpoint looks at them.
_FIELDS: dict[str, tuple[str, bool]] = {
    "conversation": ("any", True),
    "prompt": ("object", True),
    "moderation": ("object", True),
    "include": ("array", True),
    "tools": ("array", False),
    "tool_choice": ("any", False),
    "metadata": ("object", True),
    "text": ("object", False),
    "temperature": ("decimal", True),
    "top_p": ("decimal", True),
    "presence_penalty": ("decimal", True),
    "frequency_penalty": ("decimal", True),
    "parallel_tool_calls": ("boolean", True),
    "stream": ("boolean", True),
    "stream_options": ("object", True),
    "background": ("boolean", True),
    "max_output_tokens": ("integer", True),
    "max_tool_calls": ("integer", True),
    "reasoning": ("object", True),
    "user": ("string", False),
    "safety_identifier": ("string", True),
    "prompt_cache_options": ("object", False),
    "prompt_cache_key": ("string", True),
    "prompt_cache_retention": ("string", True),
    "truncation": ("string", True),
    "instructions": ("string", True),
    "store": ("boolean", True),
    "service_tier": ("string", True),
    "top_logprobs": ("integer", True),
    "context_management": ("array", True),
    "previous_response_id": ("string", True),
}
_NAMED = {"tools": "an array of tools", "metadata": "a metadata object", "include": "an array of strings"}
_CHOICES = {
    "prompt_cache_retention": ("in_memory", "24h"),
    "truncation": ("auto", "disabled"),
    "service_tier": ("auto", "default", "fast", "flex", "priority", "ultrafast"),
}
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_SEALED = "reasoning.encrypted_content"
_INCLUDES = (
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    _SEALED,
    "message.output_text.logprobs",
)
_MOVED = {
    "messages": "input",
    "max_completion_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning.effort",
    "response_format": "text.format",
}
_RESEMBLES = {"stop": "store"}
_SAMPLING = ("temperature", "top_p", "presence_penalty", "frequency_penalty")


def refusal(body: dict[str, Any], model: ModelRules | None, ledger: Ledger | None = None) -> Refusal | None:
    """What the endpoint would answer instead of a response; None when it would take the request.

    `model` is what the endpoint knows of `body["model"]`, None when it does not know the name; `ledger` is what it
    issued so far.
    """
    try:
        _check(body, model, ledger or Ledger())
    except Refused as refused:
        return refused.refusal
    return None


def effort_of(body: dict[str, Any], model: ModelRules) -> str:
    """The effort that a request runs with; "none" on a model that does not reason."""
    return (body.get("reasoning") or {}).get("effort") or model.default_effort


def wants_sealed(body: dict[str, Any]) -> bool:
    return _SEALED in (body.get("include") or ())


def _check(body: dict[str, Any], model: ModelRules | None, ledger: Ledger) -> None:
    model = _check_model(body, model)
    _check_fields(body)
    if "input" not in body:
        missing("input")
    check_input(body["input"], model)
    check_types(body, _FIELDS, _NAMED)
    _check_values(body)
    check_tools(body)
    check_tool_choice(body)
    _check_reasoning(body)
    _check_text(body, model)
    items = items_of(body)
    _check_state(body)
    ledger.check(items, body["model"])
    check_order(items)
    _check_capabilities(body, model)
    if estimate_tokens(body) > model.max_input and body.get("truncation") != "auto":
        text = "Your input exceeds the context window of this model. Please adjust your input and try again."
        refuse(text, "input", "context_length_exceeded")


def _check_model(body: dict[str, Any], model: ModelRules | None) -> ModelRules:
    if "model" not in body:
        missing("model")
    name = body["model"]
    if not isinstance(name, str):
        wrong_type("model", "a string", name)
    if model is None:
        refuse(f"The requested model '{name}' does not exist.", "model", "model_not_found")
    if model.endpoint == "chat":
        text = f"The requested model '{name}' is not supported with the Responses API."
        refuse(text, "model", "model_not_found")
    return model


def _check_fields(body: dict[str, Any]) -> None:
    for field in body:
        if field in _MOVED:
            text = f"Unsupported parameter: '{field}'. In the Responses API, this parameter has moved to"
            way_out = (
                "Try again with the new parameter. See the API documentation for more information: "
                "https://platform.openai.com/docs/api-reference/responses/create."
            )
            refuse(f"{text} '{_MOVED[field]}'. {way_out}", None, "unsupported_parameter")
    for field in sorted(body.keys() - _FIELDS.keys() - {"model", "input"}):
        like = _RESEMBLES.get(field)
        hint = f" Did you mean '{like}'?" if like and like not in body else ""
        refuse(f"Unknown parameter: '{field}'.{hint}", field, "unknown_parameter")


def _check_values(body: dict[str, Any]) -> None:
    for number, value in enumerate(body.get("include") or ()):
        check_choice(f"include[{number}]", value, _INCLUDES)
    metadata = body.get("metadata") or {}
    if len(metadata) > 16:
        text = "Expected an object with at most 16 properties, but got an object with"
        text = f"Invalid 'metadata': too many properties. {text} {len(metadata)} properties instead."
        refuse(text, "metadata", "object_above_max_properties")
    for key, value in metadata.items():
        check_length("metadata", key, 64)
        if not isinstance(value, str):
            wrong_type(f"metadata.{key}", "a string", value)
        check_length(f"metadata.{key}", value, 512)
    check_values(body, _CHOICES)
    check_stream_options(body, {"include_obfuscation"})
    check_fields("prompt_cache_options", body.get("prompt_cache_options") or {}, {"mode", "ttl"})
    for field, least in (("max_output_tokens", LEAST_OUTPUT), ("max_tool_calls", 1)):
        if body.get(field) is not None:
            check_least(field, body[field], least)


def _check_reasoning(body: dict[str, Any]) -> None:
    reasoning = body.get("reasoning") or {}
    check_fields("reasoning", reasoning, {"effort", "summary", "context", "mode"})
    choices = {
        "effort": _EFFORTS,
        "summary": ("concise", "detailed", "auto"),
        "context": ("auto", "current_turn", "all_turns"),
    }
    for field, values in choices.items():
        if reasoning.get(field) is not None:
            check_choice(f"reasoning.{field}", reasoning[field], values)


def _check_text(body: dict[str, Any], model: ModelRules) -> None:
    text = body.get("text") or {}
    check_fields("text", text, {"format", "verbosity"})
    if text.get("verbosity") is not None:
        check_choice("text.verbosity", text["verbosity"], VERBOSITIES)
        check_verbosity("text.verbosity", text["verbosity"], model.name, model.verbosity)
    wanted = text.get("format")
    if wanted is None:
        return
    if not isinstance(wanted, dict):
        wrong_type("text.format", "an object", wanted)
    check_choice("text.format.type", wanted.get("type"), ("text", "json_schema", "json_object"))
    if wanted["type"] == "json_object" and "json" not in json.dumps(body["input"]).lower():
        words = "must contain the word 'json' in some form to use 'text.format' of type 'json_object'."
        refuse(f"Response input messages {words}", "input")
    if wanted["type"] != "json_schema":
        check_fields("text.format", wanted, {"type"})
        return
    check_fields("text.format", wanted, {"type", "name", "description", "schema", "strict"})
    for field in ("name", "schema"):
        if field not in wanted:
            missing(f"text.format.{field}")
    check_name("text.format.name", wanted["name"])
    problem = schema_problem(wanted["schema"], strict=bool(wanted.get("strict")))
    if problem:
        text_ = f"Invalid schema for response_format '{wanted['name']}': {problem}"
        refuse(text_, "text.format.schema", "invalid_json_schema")
    found = lookaround(wanted["schema"])
    if found:
        text_ = f"Invalid JSON schema: regex lookaround is not supported. Found at {found}"
        refuse(text_, "text.format.schema", "invalid_json_schema")


def _check_state(body: dict[str, Any]) -> None:
    """The fake keeps no conversations, prompts or responses."""
    for field, what in (("conversation", "Conversation"), ("prompt", "Prompt")):
        value = body.get(field)
        if value is not None:
            id_ = value.get("id") if isinstance(value, dict) else value
            refuse(f"{what} with id '{id_}' not found.", status=404)
    previous = body.get("previous_response_id")
    if previous is not None:
        text = f"Previous response with id '{previous}' not found."
        refuse(text, "previous_response_id", "previous_response_not_found")


def _check_capabilities(body: dict[str, Any], model: ModelRules) -> None:
    if body.get("stream") and not model.streams:
        text = "Unsupported value: 'stream' does not support true with this model. Supported values are: false."
        refuse(text, "stream", "unsupported_value")
    if "prompt_cache_options" in body and not model.cache_breakpoints:
        refuse("'prompt_cache_options' is not supported on this model.", "prompt_cache_options", "invalid_parameter")
    most = body.get("max_output_tokens") or 0
    if most > model.max_output:
        text = f"integer above maximum value. Expected a value <= {model.max_output}, but got {most} instead."
        refuse(f"Invalid 'max_output_tokens': {text}", "max_output_tokens", "integer_above_max_value")
    _check_effort(body, model)
    _check_search(body, model)
    if wants_sealed(body) and not model.reasons:
        refuse("Encrypted content is not supported with this model.", "include")
    if model.sampling == "never" or (model.sampling == "at_effort_none" and effort_of(body, model) != "none"):
        for field in _SAMPLING:
            if body.get(field) is not None:
                unsupported(field, None)
        logprobs = "include" if _INCLUDES[-1] in (body.get("include") or ()) else "top_logprobs"
        if logprobs == "include" or body.get("top_logprobs"):
            refuse("logprobs are not supported with reasoning models.", logprobs, "unsupported_parameter")
    if body.get("parallel_tool_calls") is not None and not model.parallel_tool_calls:
        unsupported("parallel_tool_calls")


def _check_effort(body: dict[str, Any], model: ModelRules) -> None:
    reasoning = body.get("reasoning") or {}
    if not model.reasons:
        for field in reasoning:
            if reasoning[field] is not None:
                unsupported(f"reasoning.{field}")
        return
    efforts = (*model.efforts, *model.more_efforts)
    if reasoning.get("effort") is not None and reasoning["effort"] not in efforts:
        refuse(
            f"Unsupported value: '{reasoning['effort']}' is not supported with the '{model.name}' model. "
            f"Supported values are: {listed(efforts)}.",
            "reasoning.effort",
            "unsupported_value",
        )


def _check_search(body: dict[str, Any], model: ModelRules) -> None:
    for tool in body.get("tools") or ():
        kind = tool["type"]
        if kind.startswith("web_search") and not model.searches:
            refuse(f"Hosted tool '{kind}' is not supported with {model.name}.", "tools")
        if kind.startswith("web_search") and effort_of(body, model) == "minimal":
            refuse(f"The following tools cannot be used with reasoning.effort 'minimal': {kind}.", "tools")


def estimate_tokens(body: dict[str, Any]) -> int:
    """Four characters a token over the texts and tools, a flat 765 for an image or file."""
    characters = len(json.dumps(body["tools"], ensure_ascii=False)) if body.get("tools") else 0
    characters += len(body.get("instructions") or "")
    media = 0
    for item in items_of(body):
        content = item.get("content") or item.get("output") or ""
        for part in content if isinstance(content, list) else [{"text": content}]:
            characters += len(part.get("text", ""))
            media += part.get("type") in ("input_image", "input_file")
        characters += len(item.get("name", "")) + len(item.get("arguments", ""))
    return math.ceil(characters / 4) + 765 * media + 3
