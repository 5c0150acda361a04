"""The rules of one Message, streamed or not (M1-M12, S14)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.conformance.safeguards import KEY, check_safeguards, without_ids
from tests.conformance.schema import schema_error
from tests.conformance.violation import Json, Violation, is_count, need, need_whole_characters, strict_json

_MESSAGE_KEYS = ("id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage")
_STOP_REASONS = (
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
)
STOPS_THAT_WIN_OVER_TOOL_USE = ("max_tokens", "refusal", "model_context_window_exceeded")
_BLOCK_KEYS: dict[str, tuple[set[str], set[str]]] = {  # type: (required, optional) besides "type"
    "text": ({"text"}, {"citations"}),
    "thinking": ({"thinking", "signature"}, set()),
    "redacted_thinking": ({"data"}, set()),
    "tool_use": ({"id", "name", "input"}, {"caller", "toolset_name"}),
    "server_tool_use": ({"id", "name", "input"}, {"caller"}),
}
_RESULT_KEYS: tuple[set[str], set[str]] = ({"tool_use_id", "content"}, {"caller", "is_error"})
_RULE_OF_BLOCK = {"text": "M7", "thinking": "M8", "redacted_thinking": "M8", "tool_use": "M6", "server_tool_use": "M6"}
_CALLS = ("tool_use", "server_tool_use")
_THINKING = ("thinking", "redacted_thinking")
_SERVER_TOOLS = ("web_search_", "web_fetch_", "code_execution_", "tool_search_tool_", "mcp_toolset", "advisor_")
"""Prefixes of the `type` of tools that the API runs itself, so that no client can be asked to."""


def check_message(message: Json, request: Json | None = None, *, seen_ids: set[str] | None = None) -> Json:
    """Checks the body of a non-streaming answer or an accumulated stream, and returns it.

    With `request` (the body that was sent) what it offered and asked for is checked too. `seen_ids` holds the message
    ids of the whole run; the message's own is added to it.
    """
    check_envelope(message)
    if seen_ids is not None:
        need(message["id"] not in seen_ids, "M1", f"message id {message['id']} was used before")
        seen_ids.add(message["id"])
    for block in message["content"]:
        check_block_keys(block, _RULE_OF_BLOCK.get(block.get("type", ""), "M1"))
    need_whole_characters(message)
    _check_stop(message, request or {})
    check_calls(message["content"], request)
    _check_inputs(message["content"], request)
    _check_texts(message["content"])
    _check_thinking(message["content"], request or {})
    check_usage(message["usage"])
    _check_totals(message, request or {})
    check_model_name(message, request)
    _check_output_format(message, request or {})
    check_safeguards(message, request)
    return message


def check_envelope(message: Any) -> Json:
    """M1, for `message_start.message` and whole messages alike; returns the message."""
    if not isinstance(message, dict):
        raise Violation("M1", f"the message is not an object: {message!r}")
    missing = [key for key in _MESSAGE_KEYS if key not in message]
    need(not missing, "M1", f"the message has no {', '.join(missing)}")
    kind = message["type"], message["role"]
    need(kind == ("message", "assistant"), "M1", f"type and role are {kind}")
    need(_matches(r"msg_[A-Za-z0-9]{8,}", message["id"]), "M1", f"message id {message['id']!r}")
    need(isinstance(message["model"], str) and message["model"], "M1", f"model is {message['model']!r}")
    content = message["content"]
    need(isinstance(content, list) and all(isinstance(block, dict) for block in content), "M1", f"content {content!r}")
    return message


def check_block_keys(block: Json, rule: str) -> None:
    """That the block's type is known and its keys are those of its type."""
    kind = block.get("type")
    known = isinstance(kind, str) and (kind in _BLOCK_KEYS or kind.endswith("_tool_result"))
    need(known, rule, f"no such content block: {block!r}")
    required, optional = _BLOCK_KEYS.get(str(kind), _RESULT_KEYS)
    keys = block.keys() - {"type"}
    need(required <= keys <= required | optional, rule, f"a {kind} block with the keys {sorted(keys)}")


def check_calls(content: list[Json], request: Json | None) -> None:
    """M6 without the inputs, so that calls whose JSON is not whole can be checked as well."""
    used = {block["id"] for block in _history(request or {}) if block.get("type") in _CALLS}
    for block in content:
        if block["type"] in _CALLS:
            need(_matches(r"[A-Za-z0-9_-]{1,64}", block["id"]), "M6", f"tool use id {block['id']!r}")
            need(block["id"] not in used, "M6", f"tool use id {block['id']} was used before")
            used.add(block["id"])
    if request is None:
        return
    names = [block["name"] for block in content if block["type"] == "tool_use"]
    offered = offered_tools(request)
    need(set(names) <= offered.keys(), "M6", f"{names} called, {sorted(offered)} offered")
    choice = request.get("tool_choice") or {}
    need(not names or choice.get("type") != "none", "M6", f"{names} called with tool_choice none")
    if choice.get("type") == "tool":
        need(set(names) <= {choice["name"]}, "M6", f"{names} called, {choice['name']} was to be called")
    if choice.get("disable_parallel_tool_use"):
        need(len(names) <= 1, "M6", f"{names} called at once, parallel use is disabled")


def check_model_name(message: Json, request: Json | None) -> None:
    if request is not None:
        need(message["model"] == request["model"], "M10", f"model {message['model']!r} for {request['model']!r}")


def check_usage(usage: Any) -> None:
    """M9 as far as the object itself shows."""
    need(isinstance(usage, dict), "M9", f"usage is {usage!r}")
    for key in ("input_tokens", "output_tokens"):
        need(is_count(usage.get(key)), "M9", f"{key} is {usage.get(key)!r}")
    for key in ("cache_creation_input_tokens", "cache_read_input_tokens"):
        need(usage.get(key) is None or is_count(usage[key]), "M9", f"{key} is {usage.get(key)!r}")
    thinking = (usage.get("output_tokens_details") or {}).get("thinking_tokens", 0)
    need(is_count(thinking) and thinking <= usage["output_tokens"], "M9", f"{thinking!r} thinking tokens in {usage}")


def offered_tools(request: Json) -> dict[str, Json]:
    """The tools the model may ask the client to run, by name: deferred ones only once the history has loaded them."""
    tools = {
        tool["name"]: tool
        for tool in request.get("tools") or []
        if "name" in tool and not str(tool.get("type", "")).startswith(_SERVER_TOOLS)
    }
    offered = {name for name, tool in tools.items() if not tool.get("defer_loading")}
    for block in _history(request):
        if block["type"] == "tool_reference":
            offered.add(block["tool_name"])
        elif block["type"] == "tool_addition":
            name = block["tool"]["name"]
            offered.add(name)
            tools.setdefault(name, block["tool"])
        elif block["type"] == "tool_removal":
            offered.discard(block["tool"]["name"])
    return {name: tool for name, tool in tools.items() if name in offered}


def same_message(streamed: Json, folded: Json) -> None:
    """S14: both answers to one request say the same; message and tool use ids may differ, null equals absent."""
    left, right = _without_ids(streamed), _without_ids(folded)
    differing = sorted(key for key in left.keys() | right.keys() if left.get(key) != right.get(key))
    pairs = "; ".join(f"{key}: {left.get(key)!r} streamed, {right.get(key)!r} not" for key in differing)
    need(not differing, "S14", pairs)


def _without_ids(message: Json) -> Json:
    blocks = [_without_null(block) for block in message["content"]]
    order = {block["id"]: index for index, block in enumerate(blocks) if block["type"] in _CALLS}
    for block in blocks:
        for key in ("id", "tool_use_id"):
            if key in block:
                block[key] = order.get(block[key], block[key])
    usage = _without_null(message["usage"])
    results = {KEY: without_ids(message[KEY], order)} if KEY in message else {}
    return _without_null({**message, "id": None, "content": blocks, "usage": usage, **results})


def _without_null(values: Json) -> Json:
    return {key: value for key, value in values.items() if value is not None}


def _history(request: Json) -> Iterator[Json]:
    """Every content block of the request's messages, those inside tool results too."""
    stack = [message["content"] for message in reversed(request.get("messages") or [])]
    while stack:
        content = stack.pop()
        for block in content if isinstance(content, list) else []:
            yield block
            if block["type"] == "tool_result":
                stack.append(block.get("content"))


def _matches(pattern: str, value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


def _check_stop(message: Json, request: Json) -> None:
    reason, sequence, details = message["stop_reason"], message["stop_sequence"], message.get("stop_details")
    content = message["content"]
    need(reason in _STOP_REASONS, "M2", f"stop_reason is {reason!r}")

    need((sequence is not None) == (reason == "stop_sequence"), "M3", f"{reason} with stop_sequence {sequence!r}")
    asked = request.get("stop_sequences") or []
    need(sequence is None or not request or sequence in asked, "M3", f"stopped at {sequence!r}, asked were {asked}")
    texts = [block["text"] for block in content if block["type"] == "text"]
    kept = [stop for stop in {*asked, sequence} - {None} for text in texts if isinstance(text, str) and stop in text]
    need(not kept, "M3", f"the text still has the stop sequence {kept}")

    calls = any(block["type"] == "tool_use" for block in content)
    if reason not in STOPS_THAT_WIN_OVER_TOOL_USE:
        need(calls == (reason == "tool_use"), "M4", f"{reason} {'with' if calls else 'without'} a tool_use block")

    if reason == "refusal":
        fields = details if isinstance(details, dict) else {}
        said = [fields.get("category"), fields.get("explanation")]
        well_formed = fields.get("type") == "refusal" and all(isinstance(value, str | None) for value in said)
        need(well_formed, "M5", f"refusal with stop_details {details!r}")
    else:
        need(details is None, "M5", f"{reason} with stop_details {details!r}")


def _check_inputs(content: list[Json], request: Json | None) -> None:
    tools = offered_tools(request) if request is not None else {}
    for block in content:
        if block["type"] in _CALLS:
            need(isinstance(block["input"], dict), "M6", f"input of {block['name']} is {block['input']!r}")
        if block["type"] == "tool_use" and tools.get(block["name"], {}).get("strict"):
            error = schema_error(block["input"], tools[block["name"]]["input_schema"])
            need(error is None, "M6", f"input of the strict tool {block['name']}: {error}")


def _check_texts(content: list[Json]) -> None:
    previous: Json = {"type": ""}
    for block in content:
        if block["type"] == "text":
            text = block["text"]
            need(isinstance(text, str), "M7", f"text is {text!r}")
            need(text.strip(), "M7", f"a text block with nothing but {text!r}; the API refuses it when it comes back")
            need("<think>" not in text and "</think>" not in text, "M7", f"a provider's marker in {text[:200]!r}")
            cited = block.get("citations") or previous.get("citations")
            need(previous["type"] != "text" or cited, "M7", "two text blocks in a row")
        previous = block


def _check_thinking(content: list[Json], request: Json) -> None:
    asked = request.get("thinking") or {}
    answered = aimless = False
    for block in content:
        if block["type"] in _THINKING:
            strings = [block[key] for key in block.keys() - {"type"}]
            need(all(isinstance(value, str) for value in strings), "M8", f"not all strings: {block!r}")
            need(block.get("data") != "", "M8", "redacted_thinking without data")
            need(block.get("signature") != "", "M8", "thinking without a signature")
            need(asked.get("type") != "disabled", "M8", "thinking, though it is disabled")
            need(asked.get("display") != "omitted" or not block.get("thinking"), "M8", "thinking is not to be shown")
            aimless = answered
        elif block["type"] in ("text", "tool_use"):
            answered, aimless = True, False
        elif block["type"].endswith("_tool_result"):
            answered = False
    # Interleaved thinking: what comes after some text leads to more text or to a call.
    need(not aimless, "M8", "thinking after the answer that it led to")


def _check_totals(message: Json, request: Json) -> None:
    usage = message["usage"]
    read = [usage.get(f"{key}input_tokens") or 0 for key in ("", "cache_creation_", "cache_read_")]
    need(not request.get("messages") or sum(read) > 0, "M9", f"no input tokens for a request with messages: {usage}")
    need(not message["content"] or usage["output_tokens"] > 0, "M9", f"no output tokens for content: {usage}")


def _check_output_format(message: Json, request: Json) -> None:
    wanted = (request.get("output_config") or {}).get("format") or request.get("output_format")
    if wanted is None or wanted["type"] != "json_schema" or message["stop_reason"] != "end_turn":
        return
    text = "".join(block["text"] for block in message["content"] if block["type"] == "text")
    error = schema_error(strict_json(text, "M11"), wanted["schema"])
    need(error is None, "M11", f"the answer does not fit the schema: {error}")
