"""Small pieces of Responses requests, for the tables of the tests."""

from __future__ import annotations

from typing import Any

from tests.fakes.openai.bodies import PNG

PDF = "data:application/pdf;base64,JVBERi0="
ASKED: Any = {"role": "user", "content": "hi"}
IMAGE = {"type": "input_image", "image_url": PNG, "detail": "auto"}
FILE = {"type": "input_file", "filename": "a.pdf", "file_data": PDF}
TEXT = {"type": "input_text", "text": "look"}
SAID = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Done."}]}
CALL = {"type": "function_call", "call_id": "call_1", "name": "Read", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "done"}
REASONING: dict[str, Any] = {"type": "reasoning", "summary": []}
SEALED = "reasoning.encrypted_content"


def items(*given: Any) -> dict[str, Any]:
    return {"input": list(given)}


def user(*parts: Any) -> dict[str, Any]:
    return items({"role": "user", "content": list(parts)})


def tool(name: str = "Read", strict: bool | None = False, **schema: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {"path": {"type": "string"}}, **schema}
    return {"type": "function", "name": name, "description": "Reads.", "parameters": parameters, "strict": strict}


def without(fields: str, given: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key not in fields.split()}


def json_format(strict: bool = False, **schema: Any) -> dict[str, Any]:
    return {"text": {"format": {"type": "json_schema", "name": "answer", "schema": schema, "strict": strict}}}
