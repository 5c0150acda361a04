"""The rules for `input` that OpenAI's Responses endpoint enforces, in its own words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.fakes.openai.checks import (
    cache_fields,
    check_breakpoint,
    check_breakpoints,
    check_choice,
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
from tests.fakes.responses.state import Item

LONGEST_CALL_ID = 64
LONGEST_ID = 64
ROLES = ("assistant", "system", "developer", "user")

_STATUSES = ("in_progress", "completed", "incomplete")
_FIELDS = {
    "message": {"role", "content", "phase"},
    "function_call": {"call_id", "name", "arguments", "namespace", "caller", "async"},
    "function_call_output": {"call_id", "output", "caller"},
    "reasoning": {"summary", "content", "encrypted_content"},
    "item_reference": set[str](),
    "web_search_call": {"action"},
}
_PREFIXES = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fc",
    "reasoning": "rs",
    "web_search_call": "ws",
}
_READ = ("input_text", "input_image", "input_file")
_PARTS = {"assistant": ("output_text", "refusal"), "user": _READ}
_PART_FIELDS = {
    "input_text": {"text"},
    "input_image": {"image_url", "file_id", "detail"},
    "input_file": {"filename", "file_data", "file_url", "file_id", "detail"},
    "output_text": {"text", "annotations", "logprobs"},
    "refusal": {"refusal"},
}


def items_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The `input` of a request as items that all have a type; those that are no objects are left out."""
    given = body.get("input")
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": given}]
    return [{"type": "message", **item} for item in given or () if isinstance(item, dict)]


def check_input(given: Any, model: ModelRules) -> None:
    if isinstance(given, str):
        return
    if not isinstance(given, list):
        wrong_type("input", "one of a string or array of input items", given)
    check_count("input", given)
    for number, item in enumerate(given):
        _check_item(f"input[{number}]", item, model)
    check_breakpoints(given)


def check_order(items: Sequence[Item]) -> None:
    """That ids differ, and that calls and outputs come in pairs; anything may stand between the two."""
    seen: set[str] = set()
    for item in items:
        if item.get("id") in seen:
            text = "Remove duplicate items from your input and try again."
            refuse(f"Duplicate item found with id {item['id']}. {text}", "input")
        if "id" in item:
            seen.add(item["id"])
    waiting: dict[str, bool] = {}
    for item in items:
        call_id = item.get("call_id", "")
        if item["type"] == "function_call":
            if call_id in waiting:
                refuse(f"Duplicate function_call for call_id {call_id}.", "input")
            waiting[call_id] = True
        elif item["type"] == "function_call_output":
            if call_id not in waiting:
                refuse(f"No tool call found for function call output with call_id {call_id}.", "input")
            if not waiting[call_id]:
                refuse(f"Duplicate function_call_output for call_id {call_id}.", "input")
            waiting[call_id] = False
    for call_id, unanswered in waiting.items():
        if unanswered:
            refuse(f"No tool output found for function call {call_id}.", "input")


def _check_item(where: str, item: Any, model: ModelRules) -> None:
    if not isinstance(item, dict):
        wrong_type(where, "an input item", item)
    kind = str(item.get("type", "message" if "role" in item else None))
    check_choice(where, kind, tuple(_FIELDS))
    check_fields(where, item, {"type", "id", "status", *_FIELDS[kind]})
    _check_id(where, item, kind)
    if item.get("status") is not None:
        check_choice(f"{where}.status", item["status"], _STATUSES)
    if kind == "message":
        _check_message(where, item, model)
    elif kind == "function_call":
        _check_call_id(where, item)
        check_name(f"{where}.name", _required(where, item, "name"))
        _check_string(f"{where}.arguments", _required(where, item, "arguments"))
    elif kind == "function_call_output":
        _check_call_id(where, item)
        _check_content(f"{where}.output", _required(where, item, "output"), _READ, model)
    elif kind == "reasoning":
        _check_reasoning(where, item, model)


def _check_id(where: str, item: dict[str, Any], kind: str) -> None:
    if kind == "item_reference":
        _required(where, item, "id")
    if "id" not in item:
        return
    _check_string(f"{where}.id", item["id"])
    prefix = _PREFIXES.get(kind, "")
    if not item["id"].startswith(prefix):
        text = f"Expected an ID that begins with '{prefix}'."
        refuse(f"Invalid '{where}.id': '{item['id']}'. {text}", f"{where}.id", "invalid_value")
    check_length(f"{where}.id", item["id"], LONGEST_ID)


def _check_call_id(where: str, item: dict[str, Any]) -> None:
    call_id = _required(where, item, "call_id")
    _check_string(f"{where}.call_id", call_id)
    if not call_id:
        text = "empty string. Expected a string with minimum length 1, but got an empty string instead."
        refuse(f"Invalid '{where}.call_id': {text}", f"{where}.call_id", "empty_string")
    check_length(f"{where}.call_id", call_id, LONGEST_CALL_ID)


def _check_message(where: str, item: dict[str, Any], model: ModelRules) -> None:
    role = _required(where, item, "role")
    check_choice(f"{where}.role", role, ROLES)
    if item.get("phase") is not None:
        if role != "assistant":
            check_fields(where, {"phase": item["phase"]}, set())
        check_choice(f"{where}.phase", item["phase"], ("commentary", "final_answer"))
    parts = _PARTS.get(role, ("input_text",))
    _check_content(f"{where}.content", _required(where, item, "content"), parts, model)


def _check_content(where: str, content: Any, parts: tuple[str, ...], model: ModelRules) -> None:
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        wrong_type(where, "one of an array of objects or string", content)
    check_count(where, content)
    for number, part in enumerate(content):
        _check_part(f"{where}[{number}]", part, parts, model)


def _check_part(where: str, part: Any, parts: tuple[str, ...], model: ModelRules) -> None:
    if not isinstance(part, dict):
        wrong_type(where, "an object", part)
    kind = str(part.get("type"))
    # The endpoint names the part where it knows the type, and its type where it does not.
    check_choice(where if kind in _PART_FIELDS else f"{where}.type", kind, parts)
    fields = {"type", *_PART_FIELDS[kind]}
    check_fields(where, part, fields | cache_fields(model) if kind in _READ else fields)
    check_breakpoint(where, part)
    if kind == "input_image":
        _check_image(where, part, model)
    elif kind == "input_file":
        _check_file(where, part)
    else:
        field = "refusal" if kind == "refusal" else "text"
        _check_string(f"{where}.{field}", _required(where, part, field))


def _check_image(where: str, part: dict[str, Any], model: ModelRules) -> None:
    if not model.vision:
        text = "Invalid content type. image_url is only supported by certain models."
        refuse(text, where)
    if part.get("detail") is not None:
        check_choice(f"{where}.detail", part["detail"], ("low", "high", "auto", "original"))
    if part.get("file_id") is None:
        check_image_url(f"{where}.image_url", part.get("image_url"))


def _check_file(where: str, part: dict[str, Any]) -> None:
    given = [field for field in ("file_data", "file_url", "file_id") if part.get(field) is not None]
    if len(given) != 1:
        text = "Ensure you are only providing one of: 'file_data', 'file_url' or 'file_id'."
        refuse(f"Mutually exclusive parameters: '{where}'. {text}", where, "mutually_exclusive_parameters")
    if given == ["file_data"]:
        check_pdf(f"{where}.file_data", part["file_data"], part.get("filename"))
    elif given == ["file_url"] and not str(part["file_url"]).startswith(("https://", "http://")):
        text = "Expected a valid URL, but got a value with an invalid format."
        refuse(f"Invalid '{where}.file_url'. {text}", f"{where}.file_url", "invalid_value")


def _check_reasoning(where: str, item: dict[str, Any], model: ModelRules) -> None:
    if not model.reasons:
        text = "Reasoning input items can only be provided to a reasoning or computer use model."
        refuse(f"{text} Remove reasoning items from your input and try again.", "input")
    summary = _required(where, item, "summary")
    if not isinstance(summary, list):
        wrong_type(f"{where}.summary", "an array of objects", summary)
    for number, part in enumerate(summary):
        here = f"{where}.summary[{number}]"
        if not isinstance(part, dict):
            wrong_type(here, "an object", part)
        check_choice(f"{here}.type", part.get("type"), ("summary_text",))
        check_fields(here, part, {"type", "text"})
        _check_string(f"{here}.text", _required(here, part, "text"))
    if item.get("content"):
        count = len(item["content"])
        text = f"Expected an array with maximum length 0, but got an array with length {count} instead."
        refuse(f"Invalid '{where}.content': array too long. {text}", f"{where}.content", "array_above_max_length")
    if item.get("encrypted_content") is not None:
        _check_string(f"{where}.encrypted_content", item["encrypted_content"])


def _check_string(where: str, value: Any) -> None:
    if not isinstance(value, str):
        wrong_type(where, "a string", value)


def _required(where: str, value: dict[str, Any], field: str) -> Any:
    if field not in value:
        missing(f"{where}.{field}")
    return value[field]
