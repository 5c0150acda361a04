"""Small pieces of Chat Completions requests, for the tables of the tests."""

from __future__ import annotations

from typing import Any

PNG = "data:image/png;base64,iVBORw0KGgo="
USER = {"role": "user", "content": "hi"}
IMAGE = {"type": "image_url", "image_url": {"url": PNG}}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "done"}


def tool(name: str = "Read", **schema: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {"path": {"type": "string"}}, **schema}
    return {"type": "function", "function": {"name": name, "description": "Reads.", "parameters": parameters}}


def strict_tool(**schema: Any) -> dict[str, Any]:
    made = tool(**schema)
    made["function"]["strict"] = True
    return made


def asked(*ids: str, **more: Any) -> dict[str, Any]:
    calls = [{"id": id_, "type": "function", "function": {"name": "Read", "arguments": "{}"}} for id_ in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls, **more}


def call_with(**function: Any) -> dict[str, Any]:
    message = asked("call_1")
    message["tool_calls"][0]["function"].update(function)
    return message


def messages(*given: dict[str, Any]) -> dict[str, Any]:
    return {"messages": list(given)}


def tools(*given: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"tools": list(given), **more}


def json_format(**schema: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}}


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return messages({"role": "user", "content": list(parts)})


def image(url: str) -> dict[str, Any]:
    return user({"type": "image_url", "image_url": {"url": url}})
