"""What OpenAI-compatible servers refuse on chat: the rules that all of them share, and each one's own. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NoReturn

from tests.fakes.openai.limits import (
    flat,
    llamacpp_overflow,
    max_completion_tokens_unknown,
    max_tokens_unknown,
    output_limit,
    vllm_overflow,
)
from tests.fakes.openai.messages import Mismatch, mismatches
from tests.fakes.openai.schema import schema_problem
from tests.fakes.refusal import Refusal, Refused, openai_error

_ROLES = ("system", "user", "assistant", "tool")
Quirk = Callable[[dict[str, Any], int], Refusal | None]


def compatible_refusal(body: dict[str, Any]) -> Refusal | None:
    """What no server lets pass: the structure of the messages and tools. Any model name and unknown fields are fine."""
    try:
        _check(body)
    except Refused as refused:
        return refused.refusal
    return None


def quirk_refusal(
    names: Collection[str], body: dict[str, Any], window: int, quirks: Mapping[str, Quirk] | None = None
) -> Refusal | None:
    """`window` is the server's context in tokens, prompt and answer together; `quirks` are those of the endpoint."""
    table = QUIRKS if quirks is None else quirks
    for name in sorted(table.keys() & set(names)):
        refusal = table[name](body, window)
        if refusal:
            return refusal
    return None


def _check(body: dict[str, Any]) -> None:
    if not isinstance(body.get("model"), str) or not body["model"]:
        _malformed("missing field `model`")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        _refuse("[] is too short - 'messages'")
    for number, message in enumerate(messages):
        if not isinstance(message, dict):
            _malformed(f"messages[{number}]: invalid type: expected struct")
        role = message.get("role")
        if role not in _ROLES:
            expected = ", ".join(f"`{name}`" for name in _ROLES)
            _malformed(f"messages[{number}].role: unknown variant `{role}`, expected one of {expected}")
        _check_content(number, message)
        for call in message.get("tool_calls") or ():
            _check_call(number, call)
        if message.get("tool_calls") == []:
            _refuse(f"messages[{number}].tool_calls: [] is too short")
    for wrong in mismatches(messages):
        _refuse(_mismatch_text(wrong))
    _check_tools(body)


def _check_content(number: int, message: dict[str, Any]) -> None:
    content, role = message.get("content"), message["role"]
    if not content and not (role == "assistant" and message.get("tool_calls")):
        _refuse(f"Invalid request: the message at position {number} with role '{role}' must not be empty")
    if isinstance(content, str) or content is None:
        return
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        text = "data did not match any variant of untagged enum ChatCompletionRequestContent"
        _malformed(f"messages[{number}]: {text}")
    for part in content:
        kind = part.get("type")
        if kind == "text" and isinstance(part.get("text"), str):
            if not part["text"]:
                _refuse(f"Invalid request: text content is empty in the message at position {number}")
            continue
        url = part["image_url"].get("url") if isinstance(part.get("image_url"), dict) else None
        if kind != "image_url" or role != "user" or not isinstance(url, str):
            _malformed(f"messages[{number}]: unknown variant `{kind}`, expected `text`")
        if not re.match(r"https?://|data:image/\w+;base64,[A-Za-z0-9+/]", url):
            _refuse(f"messages[{number}]: invalid image url")


def _check_call(number: int, call: Any) -> None:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not all(isinstance(function.get(key), str) for key in ("name", "arguments")):
        _malformed(f"messages[{number}]: tool_calls: invalid type: expected a string")
    if not call.get("id") or not function["name"]:
        _refuse(f"messages[{number}]: a tool call needs an id and a name")
    try:
        arguments = json.loads(function["arguments"])
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        refusal = openai_error("Failed to parse tool call arguments as JSON", status=500, type="server_error")
        raise Refused(refusal)


def _check_tools(body: dict[str, Any]) -> None:
    for number, tool in enumerate(body.get("tools", ())):
        function = tool.get("function") if isinstance(tool, dict) and tool.get("type") == "function" else None
        if not isinstance(function, dict) or not function.get("name"):
            _malformed(f"tools[{number}]: missing field `function`")
        if not isinstance(function.get("parameters", {}), dict):
            _malformed(f"tools[{number}].function.parameters: invalid type: expected a map")
    if body.get("tools") == []:
        _refuse("[] is too short - 'tools'")
    choice = body.get("tool_choice", "auto")
    if "tool_choice" in body and "tools" not in body:
        _refuse("When using `tool_choice`, `tools` must be set.")
    if isinstance(choice, dict):
        name = choice["function"].get("name") if isinstance(choice.get("function"), dict) else None
        if name not in [tool["function"]["name"] for tool in body["tools"]]:
            _refuse("The tool specified in `tool_choice` does not match any of the specified `tools`")
    elif choice not in ("none", "auto", "required"):
        _refuse(f'Invalid value for `tool_choice`: {choice}! Only named tools, "none", "auto" or "required".')


def _mismatch_text(wrong: Mismatch) -> str:
    if wrong.what == "unanswered":
        return (
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            "'tool_call_id'. (insufficient tool messages following tool_calls message)"
        )
    if wrong.what == "orphan":
        return "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'"
    return f"invalid params, duplicate tool_call id: {wrong.ids[0]}"


def _refuse(message: str) -> NoReturn:
    raise Refused(openai_error(message, None, "invalid_request_error"))


def _malformed(problem: str) -> NoReturn:
    _refuse(f"Failed to deserialize the JSON body into the target type: {problem}")


def _extra_forbidden(*where: str | int, value: Any) -> Refusal:
    """Mistral's body for a field that it does not know."""
    detail = {"type": "extra_forbidden", "loc": ["body", *where], "msg": "Extra inputs are not permitted"}
    message = {"detail": [{**detail, "input": value}]}
    return Refusal(
        422, {"object": "error", "message": message, "type": "invalid_request_error", "param": None, "code": None}
    )


def _replayed_calls(body: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, message in enumerate(body["messages"]):
        if message["role"] == "assistant" and message.get("tool_calls"):
            yield number, message


def _system_first(body: dict[str, Any], window: int) -> Refusal | None:
    if any(message["role"] == "system" for message in body["messages"][1:]):
        return openai_error("System message must be at the beginning.", code="500", status=500, type="server_error")
    return None


def _vllm_system_first(body: dict[str, Any], window: int) -> Refusal | None:
    if _system_first(body, window):
        return flat("System message must be at the beginning.", "BadRequestError", 400)
    return None


def _user_query(body: dict[str, Any], window: int) -> Refusal | None:
    if not any(message["role"] == "user" for message in body["messages"]):
        return openai_error("No user query found in messages.", status=500, type="server_error")
    return None


def _no_system_role(body: dict[str, Any], window: int) -> Refusal | None:
    if any(message["role"] == "system" for message in body["messages"]):
        return flat("System role not supported", "BadRequestError", 400)
    return None


def _tool_choice_string(body: dict[str, Any], window: int) -> Refusal | None:
    if isinstance(body.get("tool_choice"), dict):
        text = "Invalid tool_choice type: 'object'. Supported string values: none, auto, required"
        return Refusal(400, {"error": text})
    return None


def _unknown_field(field: str) -> Quirk:
    def quirk(body: dict[str, Any], window: int) -> Refusal | None:
        return openai_error(f"Unrecognized request argument supplied: {field}") if field in body else None

    return quirk


def _reasoning_content_required(body: dict[str, Any], window: int) -> Refusal | None:
    if body.get("thinking", {}).get("type") == "disabled":
        return None
    for _, message in _replayed_calls(body):
        if not isinstance(message.get("reasoning_content"), str):
            text = "The `reasoning_content` in the thinking mode must be passed back to the API."
            return openai_error(text, None, "invalid_request_error")
    return None


def _kimi(body: dict[str, Any], window: int) -> Refusal | None:
    if "thinking" in body and "reasoning_effort" in body:
        return openai_error("cannot specify both 'thinking' and 'reasoning_effort'")
    if body.get("temperature") not in (None, 1):
        return openai_error("invalid temperature: only 1 is allowed for this model")
    thinking = body.get("thinking", {}).get("type") != "disabled"
    for number, message in _replayed_calls(body):
        if thinking and not isinstance(message.get("reasoning_content"), str):
            text = "thinking is enabled but reasoning_content is missing in assistant tool call message at index"
            return openai_error(f"{text} {number}")
    return None


def _moonshot_schema(body: dict[str, Any], window: int) -> Refusal | None:
    for tool in body.get("tools", ()):
        for name, schema in tool["function"].get("parameters", {}).get("properties", {}).items():
            if not schema.keys() & {"type", "anyOf", "$ref"}:
                text = "tools.function.parameters is not a valid moonshot flavored json schema"
                return openai_error(
                    f"Invalid request: {text}, details: <At path 'properties.{name}': type is not defined>"
                )
    return None


def _openai_schemas(body: dict[str, Any], window: int) -> Refusal | None:
    for number, tool in enumerate(body.get("tools", ())):
        function = tool["function"]
        problem = schema_problem(function.get("parameters", {"type": "object", "properties": {}}), strict=False)
        if problem:
            text = f"Invalid schema for function '{function['name']}': {problem}"
            return openai_error(text, f"tools[{number}].function.parameters", "invalid_function_parameters")
    return None


def _copilot(body: dict[str, Any], window: int) -> Refusal | None:
    if "codex" not in body["model"]:
        return None
    text = f"model {body['model']} is not accessible via the /chat/completions endpoint"
    return openai_error(text, None, "unsupported_api_for_model")


def _mistral(body: dict[str, Any], window: int) -> Refusal | None:
    for field in ("stream_options", "max_completion_tokens", "reasoning_content"):
        if field in body:
            return _extra_forbidden(field, value=body[field])
    messages = body["messages"]
    for number, message in enumerate(messages):
        if "reasoning_content" in message:
            return _extra_forbidden("messages", number, message["role"], "reasoning_content", value="")
        if message["role"] == "user" and number and messages[number - 1]["role"] == "tool":
            return flat("Unexpected role 'user' after role 'tool'", "invalid_request_message_order", "3230")
        for call in message.get("tool_calls") or ():
            if not re.fullmatch(r"[a-zA-Z0-9]{9}", call["id"]):
                text = f"Tool call id was {call['id']} but must be a-z, A-Z, 0-9, with a length of 9."
                return flat(text, "invalid_function_call", "3280")
    if messages[-1]["role"] not in ("user", "tool") and not messages[-1].get("prefix"):
        text = "Expected last role User or Tool (or Assistant with prefix True) for serving but got"
        return flat(f"{text} {messages[-1]['role']}", "invalid_request_message_order", "3230")
    return None


def _text_only(body: dict[str, Any], window: int) -> Refusal | None:
    for number, message in enumerate(body["messages"]):
        if isinstance(message.get("content"), list) and any(part["type"] != "text" for part in message["content"]):
            text = f"messages[{number}]: unknown variant `image_url`, expected `text` at line 1 column 1024"
            return openai_error(
                f"Failed to deserialize the JSON body into the target type: {text}", None, "invalid_request_error"
            )
    return None


def _string_content(body: dict[str, Any], window: int) -> Refusal | None:
    for number, message in enumerate(body["messages"]):
        if isinstance(message.get("content"), list):
            text = f"messages[{number}]: invalid type: sequence, expected a string at line 1 column 1024"
            return openai_error(
                f"Failed to deserialize the JSON body into the target type: {text}",
                None,
                "invalid_request_error",
                status=422,
            )
    return None


def _groq(body: dict[str, Any], window: int) -> Refusal | None:
    if body.get("reasoning_effort") not in (None, "low", "medium", "high"):
        return openai_error("`reasoning_effort` must be one of `low`, `medium`, or `high`")
    for number, message in enumerate(body["messages"]):
        for field in sorted(message.keys() & {"reasoning_content", "reasoning_details"}):
            text = f"for 'role:{message['role']}' the following must be satisfied"
            return openai_error(
                f"'messages.{number}' : {text}[('messages.{number}' : property '{field}' is unsupported)]"
            )
    return None


def details_signature(text: str) -> str:
    """What `_openrouter` takes for Anthropic's signature of a thinking text."""
    return f"sig-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _openrouter(body: dict[str, Any], window: int) -> Refusal | None:
    """In front of Anthropic: reasoning comes back whole and signed."""
    for number, message in enumerate(body["messages"]):
        for entry in message.get("reasoning_details", ()):
            text = entry.get("text", "")
            signed = entry["type"] != "reasoning.text" or entry.get("format") != "anthropic-claude-v1"
            if not signed and entry.get("signature") != details_signature(text):
                inner = {"type": "invalid_request_error"}
                inner["message"] = f"messages.{number}.content.0: Invalid `signature` in `thinking` block"
                metadata = {"raw": json.dumps({"type": "error", "error": inner}), "provider_name": "Anthropic"}
                error = {"message": "Provider returned error", "code": 400, "metadata": metadata}
                return Refusal(400, {"error": error})
    return None


def _glm(body: dict[str, Any], window: int) -> Refusal | None:
    disabled = body.get("thinking", {}).get("type") == "disabled"
    if disabled or body.get("reasoning_effort") not in (None, "low", "high", "max"):
        return Refusal(
            400, {"error": {"code": "1210", "message": "Invalid API parameter, please check the documentation."}}
        )
    return None


def _dashscope(body: dict[str, Any], window: int) -> Refusal | None:
    if output_limit(body) > 8192:
        text = "<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 8192]"
        return openai_error(text, None, "invalid_parameter_error")
    return None


def _short_descriptions(body: dict[str, Any], window: int) -> Refusal | None:
    for number, tool in enumerate(body.get("tools", ())):
        length = len(tool["function"].get("description", ""))
        if length > 1024:
            where = f"tools[{number}].function.description"
            text = f"Expected a string with maximum length 1024, but got a string with length {length} instead."
            return openai_error(f"Invalid '{where}': string too long. {text}", where, "string_above_max_length")
    return None


def _stream_unverified(body: dict[str, Any], window: int) -> Refusal | None:
    if not body.get("stream"):
        return None
    text = (
        "Your organization must be verified to stream this model. Please go to: "
        "https://platform.openai.com/settings/organization/general and click on Verify Organization. If you just "
        "verified, it can take up to 15 minutes for access to propagate."
    )
    return openai_error(text, "stream", "unsupported_value")


QUIRKS: dict[str, Quirk] = {
    "copilot": _copilot,  # GitHub Copilot and gateways like it
    "dashscope": _dashscope,  # Qwen on Alibaba Cloud
    "glm": _glm,  # GLM-5.3 on Z.ai: always thinks, three efforts
    "groq": _groq,
    "kimi": _kimi,  # Moonshot, Kimi K2.5 and later
    "llamacpp_overflow": llamacpp_overflow,
    "max_completion_tokens_unknown": max_completion_tokens_unknown,  # servers older than that name
    "max_tokens_unknown": max_tokens_unknown,  # gateways in front of o-series and GPT-5 models
    "mistral": _mistral,
    "moonshot_schema": _moonshot_schema,
    "no_parallel_tool_calls": _unknown_field("parallel_tool_calls"),
    "no_stream_options": _unknown_field("stream_options"),  # old Azure API versions
    "no_system_role": _no_system_role,  # vLLM with a template of Gemma's
    "openai_schemas": _openai_schemas,  # Azure, and gateways to OpenAI
    "openrouter": _openrouter,  # OpenRouter in front of Anthropic
    "reasoning_content_required": _reasoning_content_required,  # DeepSeek V4
    "short_descriptions": _short_descriptions,  # Azure and old gateways
    "stream_unverified": _stream_unverified,  # official, organization not verified
    "string_content": _string_content,  # DeepSeek V3 and other text servers
    "system_first": _system_first,  # llama.cpp with a Qwen3.5-3.8 template
    "text_only": _text_only,  # DeepSeek V4, no vision
    "tool_choice_string": _tool_choice_string,  # LM Studio
    "user_query": _user_query,  # Qwen templates
    "vllm_overflow": vllm_overflow,
    "vllm_system_first": _vllm_system_first,
}
