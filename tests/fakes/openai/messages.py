"""The rules for `messages` that OpenAI's Chat Completions endpoint enforces, in its own words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from tests.fakes.openai.checks import (
    MOST_TOOLS,
    cache_fields,
    check_breakpoint,
    check_breakpoints,
    check_count,
    check_fields,
    check_image_url,
    check_length,
    check_name,
    check_pdf,
    missing,
    wrong_type,
)
from tests.fakes.openai.models import ModelRules
from tests.fakes.refusal import refuse

LONGEST_CALL_ID = 40

_FIELDS = {
    "system": {"content", "name"},
    "developer": {"content", "name"},
    "user": {"content", "name"},
    "assistant": {"content", "name", "tool_calls", "refusal", "audio", "function_call"},
    "tool": {"content", "name", "tool_call_id"},
    "function": {"content", "name"},
}
_PARTS = {
    "user": ("text", "image_url", "input_audio", "file"),
    "assistant": ("text", "refusal"),
}
_PART_FIELDS = {
    "text": "text",
    "refusal": "refusal",
    "image_url": "image_url",
    "input_audio": "input_audio",
    "file": "file",
}


def check_messages(messages: Any, model: ModelRules) -> None:
    check_count("messages", messages)
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        if not isinstance(message, dict):
            wrong_type(where, "an object", message)
        role = message.get("role")
        if role not in _FIELDS:
            supported = "'system', 'assistant', 'user', 'function', 'tool', and 'developer'"
            refuse(f"Invalid value: '{role}'. Supported values are: {supported}.", f"{where}.role", "invalid_value")
        check_fields(where, message, {"role", *_FIELDS[role]})
        if role == "tool" and not isinstance(message.get("tool_call_id"), str):
            text = "Missing parameter 'tool_call_id': messages with role 'tool' must have a 'tool_call_id'."
            refuse(text, f"messages.[{number}].tool_call_id")
        _check_content(number, message, model)
        if "tool_calls" in message:
            _check_tool_calls(f"{where}.tool_calls", message["tool_calls"])
    _check_pairing(messages)
    check_breakpoints(messages)


def _check_content(number: int, message: dict[str, Any], model: ModelRules) -> None:
    where = f"messages[{number}].content"
    content = message.get("content")
    if content is None:
        if not (message["role"] == "assistant" and (message.get("tool_calls") or message.get("refusal"))):
            refuse("Invalid value for 'content': expected a string, got null.", f"messages.[{number}].content")
    elif isinstance(content, list):
        check_count(where, content)
        for index, part in enumerate(content):
            _check_part(number, index, part, message["role"], model)
    elif not isinstance(content, str):
        wrong_type(where, "one of a string or array of objects", content)


def _check_part(number: int, index: int, part: Any, role: str, model: ModelRules) -> None:
    where = f"messages[{number}].content[{index}]"
    if not isinstance(part, dict):
        wrong_type(where, "an object", part)
    type_ = part.get("type")
    if type_ == "image_url" and role != "user":
        text = f"but this message with role '{role}' contains an image URL."
        refuse(
            f"Invalid 'messages[{number}]'. Image URLs are only allowed for messages with role 'user', {text}",
            f"messages[{number}]",
            "invalid_value",
        )
    allowed = _PARTS.get(role, ("text",))
    if type_ not in allowed:
        names = " and ".join(repr(name) for name in allowed)
        refuse(f"Invalid value: '{type_}'. Supported values are: {names}.", f"{where}.type", "invalid_value")
    field = _PART_FIELDS[type_]
    check_fields(where, part, {"type", field, *cache_fields(model)})
    check_breakpoint(where, part)
    if field not in part:
        missing(f"{where}.{field}")
    value = part[field]
    if field in ("text", "refusal"):
        if not isinstance(value, str):
            wrong_type(f"{where}.{field}", "a string", value)
    elif not isinstance(value, dict):
        wrong_type(f"{where}.{field}", "an object", value)
    elif field == "image_url":
        if not model.vision:
            text = "Invalid content type. image_url is only supported by certain models."
            refuse(text, f"messages.[{number}].content.[{index}].type")
        check_fields(f"{where}.image_url", value, {"url", "detail"})
        check_image_url(f"{where}.image_url.url", value.get("url"))
    elif field == "file":
        check_fields(f"{where}.file", value, {"filename", "file_data", "file_id"})
        if "file_id" not in value:
            check_pdf(f"{where}.file.file_data", value.get("file_data"), value.get("filename"))


def _check_tool_calls(where: str, calls: Any) -> None:
    check_count(where, calls, MOST_TOOLS)
    for number, call in enumerate(calls):
        here = f"{where}[{number}]"
        if not isinstance(call, dict):
            wrong_type(here, "an object", call)
        check_fields(here, call, {"id", "type", "function", "custom"})
        for field, expected in (("id", str), ("type", str), ("function", dict)):
            if field not in call:
                missing(f"{here}.{field}")
            if not isinstance(call[field], expected):
                wrong_type(f"{here}.{field}", "a string" if expected is str else "an object", call[field])
        check_length(f"{here}.id", call["id"], LONGEST_CALL_ID)
        check_fields(f"{here}.function", call["function"], {"name", "arguments"})
        check_name(f"{here}.function.name", call["function"].get("name"))
        if not isinstance(call["function"].get("arguments"), str):
            wrong_type(f"{here}.function.arguments", "a string", call["function"].get("arguments"))


@dataclass(frozen=True, slots=True)
class Mismatch:
    """What is wrong between tool calls and tool messages, at `messages[number]` (`other` is the earlier twin)."""

    what: Literal["unanswered", "orphan", "duplicate"]
    number: int
    ids: tuple[str, ...]
    other: int = 0


def mismatches(messages: list[dict[str, Any]]) -> Iterator[Mismatch]:
    waiting: list[str] = []
    answered: dict[str, int] = {}
    for number, message in enumerate(messages):
        if message["role"] == "tool":
            call_id = message.get("tool_call_id")
            if call_id in answered:
                yield Mismatch("duplicate", number, (str(call_id),), answered[call_id])
            elif call_id not in waiting:
                yield Mismatch("orphan", number, (str(call_id),))
            else:
                waiting.remove(call_id)
                answered[call_id] = number
            continue
        if waiting:
            yield Mismatch("unanswered", number, tuple(waiting))
        waiting = [call["id"] for call in message.get("tool_calls") or ()]
        answered = {}
        if len(set(waiting)) < len(waiting):
            yield Mismatch("duplicate", number, (max(waiting, key=waiting.count),), number)
    if waiting:
        yield Mismatch("unanswered", len(messages) - 1, tuple(waiting))


def _check_pairing(messages: list[dict[str, Any]]) -> None:
    for wrong in mismatches(messages):
        ids = ", ".join(wrong.ids)
        if wrong.what == "unanswered":
            refuse(
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
                f"'tool_call_id'. The following tool_call_ids did not have response messages: {ids}",
                f"messages.[{wrong.number}].role",
            )
        if wrong.what == "orphan":
            refuse(
                "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
                "'tool_calls'.",
                f"messages.[{wrong.number}].role",
            )
        refuse(
            f"Invalid parameter: Duplicate value for 'tool_call_id' of '{ids}', in messages[{wrong.other}] and "
            f"messages[{wrong.number}].",
            f"messages.[{wrong.number}].tool_call_id",
        )
