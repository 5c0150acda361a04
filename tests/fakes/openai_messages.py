"""The rules for `messages` that OpenAI's Chat Completions endpoint enforces, in its own words."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from tests.fakes.openai_models import ModelRules
from tests.fakes.openai_refusal import refuse

NAME = r"^[a-zA-Z0-9_-]+$"
LONGEST_NAME = 64
LONGEST_CALL_ID = 40
MOST_TOOLS = 128

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
_IMAGE_FORMATS = ("image/png", "image/jpeg", "image/gif", "image/webp")


def kind(value: Any) -> str:
    """A JSON value's type as OpenAI's errors name it, with its article."""
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "an integer", float: "a decimal", str: "a string", list: "an array"}
    return names.get(type(value), "an object")


def wrong_type(where: str, expected: str, value: Any) -> NoReturn:
    refuse(f"Invalid type for '{where}': expected {expected}, but got {kind(value)} instead.", where, "invalid_type")


def check_name(where: str, name: Any) -> None:
    if not isinstance(name, str):
        wrong_type(where, "a string", name)
    check_length(where, name, LONGEST_NAME)
    if not re.match(NAME, name):
        text = f"string does not match pattern. Expected a string that matches the pattern '{NAME}'."
        refuse(f"Invalid '{where}': {text}", where, "invalid_value")


def check_length(where: str, value: str, most: int) -> None:
    if len(value) > most:
        text = f"Expected a string with maximum length {most}, but got a string with length {len(value)} instead."
        refuse(f"Invalid '{where}': string too long. {text}", where, "string_above_max_length")


def check_count(where: str, items: Any, most: int | None = None) -> None:
    if not isinstance(items, list):
        wrong_type(where, "an array of objects", items)
    if not items:
        text = "Expected an array with minimum length 1, but got an empty array instead."
        refuse(f"Invalid '{where}': empty array. {text}", where, "empty_array")
    if most is not None and len(items) > most:
        text = f"Expected an array with maximum length {most}, but got an array with length {len(items)} instead."
        refuse(f"Invalid '{where}': array too long. {text}", where, "array_above_max_length")


def check_fields(where: str, value: dict[str, Any], known: set[str]) -> None:
    for field in sorted(value.keys() - known):
        refuse(f"Unknown parameter: '{where}.{field}'.", f"{where}.{field}", "unknown_parameter")


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
    check_fields(where, part, {"type", field, "prompt_cache_breakpoint"})
    if field not in part:
        refuse(f"Missing required parameter: '{where}.{field}'.", f"{where}.{field}", "missing_required_parameter")
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
        _check_image(where, value)
    elif field == "file":
        check_fields(f"{where}.file", value, {"filename", "file_data", "file_id"})
        _check_file(where, value)


def _check_image(where: str, image: dict[str, Any]) -> None:
    check_fields(f"{where}.image_url", image, {"url", "detail"})
    url = image.get("url")
    where = f"{where}.image_url.url"
    if not isinstance(url, str) or not re.match(r"(?:https?://|data:)", url):
        text = "Expected a valid URL, but got a value with an invalid format."
        refuse(f"Invalid '{where}'. {text}", where, "invalid_value")
    if url.startswith("data:"):
        media_type, data = _data_url(url)
        if media_type not in _IMAGE_FORMATS:
            text = "Please make sure your image has of one the following formats: ['png', 'jpeg', 'gif', 'webp']."
            refuse(f"You uploaded an unsupported image. {text}", None, "invalid_image_format")
        if not data:
            refuse("Invalid base64 image_url.", None, "invalid_base64")


def _check_file(where: str, file: dict[str, Any]) -> None:
    if "file_id" in file:
        return
    media_type, data = _data_url(str(file.get("file_data")))
    if media_type != "application/pdf" or not data or not file.get("filename"):
        text = (
            "Expected a base64-encoded data URL with an application/pdf MIME type "
            "(e.g. 'data:application/pdf;base64,aW1nIGJ5dGVzIGhlcmU=')"
        )
        refuse(f"Invalid file data: '{where}.file.file_data'. {text}.", f"{where}.file.file_data", "invalid_value")


def _data_url(url: str) -> tuple[str, bytes]:
    """Media type and data; both empty when it is no base64 data URL."""
    found = re.fullmatch(r"data:([\w.+-]+/[\w.+-]+);base64,(.*)", url, re.DOTALL)
    if not found:
        return "", b""
    try:
        return found[1], base64.b64decode(found[2], validate=True)
    except binascii.Error:
        return found[1], b""


def _check_tool_calls(where: str, calls: Any) -> None:
    check_count(where, calls, MOST_TOOLS)
    for number, call in enumerate(calls):
        here = f"{where}[{number}]"
        if not isinstance(call, dict):
            wrong_type(here, "an object", call)
        check_fields(here, call, {"id", "type", "function", "custom"})
        for field, expected in (("id", str), ("type", str), ("function", dict)):
            if field not in call:
                refuse(
                    f"Missing required parameter: '{here}.{field}'.", f"{here}.{field}", "missing_required_parameter"
                )
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
