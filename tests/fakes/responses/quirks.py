"""What OpenAI-compatible servers refuse on Responses: the rules that all of them share, and each one's own. Pure."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.openai.checks import MOST_TOOLS, check_choice, check_count
from tests.fakes.openai.quirks import QUIRKS, Quirk
from tests.fakes.refusal import Refusal, Refused, openai_error, refuse
from tests.fakes.responses.input import ROLES, check_order, items_of

_PARTS = {"assistant": ("output_text", "refusal"), None: ("input_text", "input_image", "input_file")}
_TYPES = ("message", "function_call", "function_call_output", "reasoning")


def compatible_refusal(body: dict[str, Any]) -> Refusal | None:
    """What no server lets pass: the structure of the items and tools. Any model name and unknown fields are fine."""
    try:
        _check(body)
    except Refused as refused:
        return refused.refusal
    return None


def _check(body: dict[str, Any]) -> None:
    if not isinstance(body.get("model"), str) or not body["model"]:
        refuse("Field required", "model")
    if not isinstance(body.get("input"), str):
        check_count("input", body.get("input"))
        if len(items_of(body)) < len(body["input"]):
            refuse("Input should be a valid dictionary", "input")
    items = items_of(body)
    for number, item in enumerate(items):
        _check_item(f"input[{number}]", item)
    check_order(items)
    names = []
    for number, tool in enumerate(body.get("tools") or ()):
        if tool.get("type") == "function" and not isinstance(tool.get("name"), str):
            refuse("Field required", f"tools[{number}].name")
        if not isinstance(tool.get("parameters") or {}, dict):
            refuse("Input should be a valid dictionary", f"tools[{number}].parameters")
        names.append(tool.get("name"))
    choice = body.get("tool_choice", "auto")
    if isinstance(choice, dict) and choice.get("name") not in names:
        refuse(f"Tool choice '{choice.get('name')}' not found in 'tools' parameter.", "tool_choice")


def _check_item(where: str, item: dict[str, Any]) -> None:
    check_choice(f"{where}.type", item["type"], _TYPES)
    if item["type"] == "message":
        check_choice(f"{where}.role", item.get("role"), ROLES)
        _check_content(f"{where}.content", item.get("content"), item["role"])
    elif item["type"] == "function_call":
        try:
            arguments = json.loads(item.get("arguments", ""))
        except (ValueError, TypeError):
            arguments = None
        if not isinstance(arguments, dict) or not item.get("call_id") or not item.get("name"):
            refuse("a function_call needs a call_id, a name and arguments that are a JSON object", where)
    elif item["type"] == "function_call_output":
        _check_content(f"{where}.output", item.get("output"), None)


def _check_content(where: str, content: Any, role: str | None) -> None:
    if isinstance(content, str):
        return
    check_count(where, content)
    for number, part in enumerate(content):
        allowed = _PARTS["assistant" if role == "assistant" else None]
        check_choice(f"{where}[{number}].type", part.get("type"), allowed)


def _adjacent_outputs(body: dict[str, Any], window: int) -> Refusal | None:
    items = items_of(body)
    for number, item in enumerate(items):
        after = items[number + 1] if number + 1 < len(items) else {}
        answered = after.get("type") == "function_call_output" and after["call_id"] == item.get("call_id")
        if item["type"] == "function_call" and not answered:
            text = f"No tool output found for tool call {item['call_id']}."
            return openai_error(text, None, "invalid_request_error")
    return None


def _summary_unverified(body: dict[str, Any], window: int) -> Refusal | None:
    if not (body.get("reasoning") or {}).get("summary"):
        return None
    text = (
        "Your organization must be verified to generate reasoning summaries. Please go to: "
        "https://platform.openai.com/settings/organization/general and click on Verify Organization. If you just "
        "verified, it can take up to 15 minutes for access to propagate."
    )
    return openai_error(text, "reasoning.summary", "unsupported_value")


def _tool_cap(body: dict[str, Any], window: int) -> Refusal | None:
    try:
        check_count("tools", body.get("tools") or [{}], MOST_TOOLS)
    except Refused as refused:
        return refused.refusal
    return None


RESPONSES_QUIRKS: dict[str, Quirk] = {
    "adjacent_outputs": _adjacent_outputs,  # DeepSeek
    "stream_unverified": QUIRKS["stream_unverified"],  # official, organization not verified
    "summary_unverified": _summary_unverified,  # official, organization not verified
    "tool_cap": _tool_cap,  # official, should the limit of chat hold there too
}
SERVING_QUIRKS = frozenset(
    {
        "no_item_added",  # LM Studio: items are not announced
        "no_responses",  # servers that do not have the API
        "no_terminal_event",  # Ollama: the stream just ends
        "overflow_in_stream",  # official: a prompt too long is an event of a stream
    }
)
"""Those that change what is served, not what is refused."""
