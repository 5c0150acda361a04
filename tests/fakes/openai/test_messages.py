"""The rules for messages: the official endpoint's, and those that all compatible servers share."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.openai.bodies import IMAGE, RESULT, USER, asked, call_with, image, messages, tool, tools, user
from tests.fakes.openai.models import find
from tests.fakes.openai.quirks import compatible_refusal
from tests.fakes.openai.rules import refusal

MARK: dict[str, Any] = {"prompt_cache_breakpoint": {"mode": "explicit"}}

# model, what is in the body, a piece of the message, param, code
REFUSED: list[tuple[str, dict[str, Any], str, str | None, str | None]] = [
    ("gpt-4o", messages(), "'messages': empty array", "messages", "empty_array"),
    (
        "gpt-4o",
        messages({"role": "model", "content": "x"}),
        "Invalid value: 'model'. Supported values are: 'system'",
        "messages[0].role",
        "invalid_value",
    ),
    (
        "gpt-4o",
        messages({**USER, "cache_control": {}}),
        "Unknown parameter: 'messages[0].cache_control'",
        "messages[0].cache_control",
        "unknown_parameter",
    ),
    (
        "gpt-4o",
        messages(USER, {"role": "assistant", "content": "x", "reasoning_content": "y"}),
        "Unknown parameter: 'messages[1].reasoning_content'",
        "messages[1].reasoning_content",
        "unknown_parameter",
    ),
    (
        "gpt-4o",
        messages({"role": "user", "content": None}),
        "Invalid value for 'content': expected a string, got null.",
        "messages.[0].content",
        None,
    ),
    (
        "gpt-4o",
        messages(USER, asked("call_1"), {**RESULT, "content": None}),
        "expected a string, got null",
        "messages.[2].content",
        None,
    ),
    (
        "gpt-4o",
        messages({"role": "user", "content": {}}),
        "expected one of a string or array of objects, but got an object",
        "messages[0].content",
        "invalid_type",
    ),
    (
        "gpt-4o",
        messages({"role": "user", "content": []}),
        "'messages[0].content': empty array",
        "messages[0].content",
        "empty_array",
    ),
    (
        "gpt-4o",
        messages({"role": "user", "content": ["x"]}),
        "expected an object, but got a string",
        "messages[0].content[0]",
        "invalid_type",
    ),
    (
        "gpt-4o",
        user({"type": "image", "source": {}}),
        "Invalid value: 'image'. Supported values are: 'text'",
        "messages[0].content[0].type",
        "invalid_value",
    ),
    (
        "gpt-4o",
        user({"type": "text", "text": "x", **MARK}),
        "Unknown parameter: 'messages[0].content[0].prompt_cache_breakpoint'",
        "messages[0].content[0].prompt_cache_breakpoint",
        "unknown_parameter",
    ),
    (
        "gpt-5.6-sol",
        user({"type": "text", "text": "x", "prompt_cache_breakpoint": {"mode": "implicit"}}),
        "'implicit'",
        "messages[0].content[0].prompt_cache_breakpoint.mode",
        "invalid_value",
    ),
    ("gpt-5.6-sol", user(*[{"type": "text", "text": "x", **MARK}] * 5), "at most 4", None, "invalid_parameter"),
    (
        "gpt-4o",
        user({"type": "text", "text": "x", "cache_control": {}}),
        "Unknown parameter: 'messages[0].content[0].cache_control'",
        "messages[0].content[0].cache_control",
        "unknown_parameter",
    ),
    (
        "gpt-4o",
        messages(USER, asked("call_1"), {**RESULT, "content": [IMAGE]}),
        "Image URLs are only allowed for messages with role 'user', but this message with role 'tool'",
        "messages[2]",
        "invalid_value",
    ),
    (
        "gpt-4o",
        messages(USER, {"role": "assistant", "content": [IMAGE]}),
        "with role 'assistant' contains an image URL",
        "messages[1]",
        "invalid_value",
    ),
    ("o3-mini", user(IMAGE), "image_url is only supported by certain models", "messages.[0].content.[0].type", None),
    ("gpt-4o", image("data:image/tiff;base64,AAAA"), "You uploaded an unsupported image", None, "invalid_image_format"),
    ("gpt-4o", image("data:image/png;base64,%%"), "Invalid base64 image_url", None, "invalid_base64"),
    ("gpt-4o", image("x.png"), "Expected a valid URL", "messages[0].content[0].image_url.url", "invalid_value"),
    (
        "gpt-4o",
        user({"type": "file", "file": {"filename": "a.pdf", "file_data": "JVBERi0="}}),
        "Expected a base64-encoded data URL",
        "messages[0].content[0].file.file_data",
        "invalid_value",
    ),
    *(
        (
            "gpt-4o",
            user({"type": "file", "file": {"filename": name, "file_data": "data:application/pdf;base64,JVBERi0="}}),
            f"Expected context stuffing file type to be a supported format: .pdf but got {ending}.",
            None,
            None,
        )
        for name, ending in (("Report", "none"), ("a.txt", ".txt"))
    ),
    (
        "gpt-4o",
        messages(USER, {**asked(), "content": "x"}),
        "'messages[1].tool_calls': empty array",
        "messages[1].tool_calls",
        "empty_array",
    ),
    (
        "gpt-4o",
        messages(USER, asked("c" * 43)),
        "string too long. Expected a string with maximum length 40, but got a string with length 43",
        "messages[1].tool_calls[0].id",
        "string_above_max_length",
    ),
    (
        "gpt-4o",
        messages(USER, call_with(name="a b"), RESULT),
        "'messages[1].tool_calls[0].function.name'",
        "messages[1].tool_calls[0].function.name",
        "invalid_value",
    ),
    (
        "gpt-4o",
        messages(USER, call_with(arguments={}), RESULT),
        "expected a string, but got an object",
        "messages[1].tool_calls[0].function.arguments",
        "invalid_type",
    ),
    (
        "gpt-4o",
        messages(USER, asked("call_1", "call_2"), RESULT, USER),
        "The following tool_call_ids did not have response messages: call_2",
        "messages.[3].role",
        None,
    ),
    ("gpt-4o", messages(USER, asked("call_1")), "did not have response messages: call_1", "messages.[1].role", None),
    (
        "gpt-4o",
        messages(USER, asked("call_1"), {"role": "system", "content": "x"}, RESULT),
        "must be followed by tool messages",
        "messages.[2].role",
        None,
    ),
    (
        "gpt-4o",
        messages(USER, RESULT),
        "messages with role 'tool' must be a response to a preceeding message",
        "messages.[1].role",
        None,
    ),
    (
        "gpt-4o",
        messages(USER, asked("call_1"), RESULT, RESULT),
        "Duplicate value for 'tool_call_id' of 'call_1', in messages[2] and messages[3].",
        "messages.[3].tool_call_id",
        None,
    ),
    (
        "gpt-4o",
        messages(USER, asked("call_1", "call_1"), RESULT),
        "Duplicate value for 'tool_call_id' of 'call_1'",
        "messages.[1].tool_call_id",
        None,
    ),
    (
        "gpt-4o",
        messages(USER, asked("call_1"), {"role": "tool", "content": "x"}),
        "must have a 'tool_call_id'",
        "messages.[2].tool_call_id",
        None,
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


COMPATIBLE: list[tuple[dict[str, Any], str]] = [
    ({"model": ""}, "missing field `model`"),
    (messages(), "[] is too short - 'messages'"),
    (messages({"role": "developer", "content": "x"}), "unknown variant `developer`, expected one of `system`"),
    (messages({"role": "user", "content": ""}), "position 0 with role 'user' must not be empty"),
    (messages({"role": "user", "content": []}), "must not be empty"),
    (messages(USER, {"role": "assistant", "content": None}), "role 'assistant' must not be empty"),
    (messages(USER, asked("call_1"), {**RESULT, "content": ""}), "role 'tool' must not be empty"),
    (user({"type": "text", "text": ""}), "text content is empty"),
    (messages({"role": "user", "content": ["x", {"type": "text", "text": "y"}]}), "data did not match any variant"),
    (messages({"role": "user", "content": 5}), "data did not match any variant"),
    (messages(USER, {"role": "assistant", "content": [IMAGE]}), "unknown variant `image_url`, expected `text`"),
    (messages(USER, asked("call_1"), {**RESULT, "content": [IMAGE]}), "unknown variant `image_url`, expected `text`"),
    (user({"type": "file", "file": {}}), "unknown variant `file`"),
    (image("x.png"), "invalid image url"),
    (messages(USER, asked("call_1"), USER), "(insufficient tool messages following tool_calls message)"),
    (messages(USER, RESULT), "Messages with role 'tool' must be a response to a preceding message"),
    (messages(USER, asked("call_1", "call_1"), RESULT), "duplicate tool_call id: call_1"),
    (messages(USER, asked("call_1"), RESULT, RESULT), "duplicate tool_call id: call_1"),
    (messages(USER, call_with(arguments={}), RESULT), "invalid type: expected a string"),
    (messages(USER, call_with(arguments='{"a'), RESULT), "Failed to parse tool call arguments as JSON"),
    (messages(USER, call_with(name=""), RESULT), "needs an id and a name"),
    (messages(USER, {**asked(), "content": "x"}), "tool_calls: [] is too short"),
    ({"tools": []}, "[] is too short - 'tools'"),
    (tools({"name": "Read", "input_schema": {}}), "missing field `function`"),
    ({"tool_choice": "auto"}, "`tools` must be set"),
    (tools(tool(), tool_choice="any"), "Invalid value for `tool_choice`"),
    (tools(tool(), tool_choice={"type": "tool", "name": "Read"}), "does not match any of the specified `tools`"),
]


@pytest.mark.parametrize(("change", "text"), COMPATIBLE, ids=[row[1] for row in COMPATIBLE])
def test_compatible_refusals(change: dict[str, Any], text: str) -> None:
    refused = compatible_refusal({"model": "qwen3", "messages": [USER], **change})
    assert refused is not None
    assert text in refused.message


@pytest.mark.parametrize(
    "more",
    [
        {"top_k": 5, "chat_template_kwargs": {"enable_thinking": False}, "max_tokens": 64000, "temperature": 0},
        messages(
            {"role": "system", "content": "s"}, {"role": "user", "content": [{"type": "text", "text": "a"}, IMAGE]}
        ),
        messages(USER, asked("call_1", reasoning_content="hm"), RESULT, USER, {"role": "system", "content": "s"}),
        tools(tool("a.b c" * 30, oneOf=[{}]), tool_choice="required", parallel_tool_calls=False),
    ],
)
def test_compatible_takes(more: dict[str, Any]) -> None:
    assert compatible_refusal({"model": "qwen3", "messages": [USER], **more}) is None
