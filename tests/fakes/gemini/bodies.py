"""Small pieces of Gemini requests, for the tables of the tests."""

from __future__ import annotations

from typing import Any

PNG = "iVBORw0KGgo="


def text(words: str = "hi", **more: Any) -> dict[str, Any]:
    return {"text": words, **more}


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts or (text(),))}


def model(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts or (text("ok"),))}


def call(
    name: str = "Read", args: dict[str, Any] | None = None, *, id: str = "", signature: str = ""
) -> dict[str, Any]:
    made: dict[str, Any] = {"functionCall": {"name": name, "args": args or {}} | ({"id": id} if id else {})}
    return made | ({"thoughtSignature": signature} if signature else {})


def answer(name: str = "Read", *, id: str = "", **more: Any) -> dict[str, Any]:
    body = {"name": name, "response": {"output": "done"}, **more}
    return {"functionResponse": body | ({"id": id} if id else {})}


def media(mime_type: str = "image/png", data: str = PNG) -> dict[str, Any]:
    return {"inlineData": {"mimeType": mime_type, "data": data}}


def contents(*given: dict[str, Any]) -> dict[str, Any]:
    return {"contents": list(given)}


def config(**fields: Any) -> dict[str, Any]:
    return {"generationConfig": fields}


def thinking(**fields: Any) -> dict[str, Any]:
    return config(thinkingConfig=fields)


def function(name: str = "Read", **fields: Any) -> dict[str, Any]:
    """With `parametersJsonSchema` unless `parameters` are given."""
    made = {"name": name, "description": "Reads.", **fields}
    if "parameters" not in made:
        made.setdefault("parametersJsonSchema", {"type": "object", "properties": {"path": {"type": "string"}}})
    return made


def tools(*functions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"tools": [{"functionDeclarations": list(functions or (function(),))}], **more}


def calling(mode: str, *allowed: str) -> dict[str, Any]:
    """A `toolConfig`."""
    made: dict[str, Any] = {"mode": mode} | ({"allowedFunctionNames": list(allowed)} if allowed else {})
    return {"functionCallingConfig": made}


def schema(**properties: Any) -> dict[str, Any]:
    """`parameters` in the service's own form."""
    return {"type": "OBJECT", "properties": properties}
