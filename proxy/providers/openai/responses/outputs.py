"""Output items and parts of the Responses API that are neither text nor a function call, as text. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proxy.providers.common.fields import json_text, object_of, objects_of, text_of
from proxy.providers.common.outputs import fenced, file_made

Item = dict[str, Any]
_BOOKKEEPING = (
    *("compaction", "mcp_list_tools", "additional_tools", "tool_search_output"),
    *("web_search_call", "file_search_call"),
)
"""Items that tell the next request something, and a reader nothing; and steps on the way to a text that cites them."""
_MEDIA_OF_PART = {"output_audio": "audio", "output_image": "image", "image": "image"}


def described(item: Item, kind: str) -> str:
    """What an output item of this type is, be it of a type that is not known yet; "" for mere bookkeeping.

    The types: https://platform.openai.com/docs/api-reference/responses/object (2026-11).
    """
    if kind in _BOOKKEEPING:
        return ""
    describe = _DESCRIPTIONS.get(kind)
    return describe(item) if describe else f"[The server sent a {kind or 'nameless item'}, which cannot be shown here]"


def parts_of(content: Any) -> list[Item]:
    """The parts of a message or of reasoning; some servers send a string, or a list of strings."""
    listed = content if isinstance(content, list) else [content]
    return objects_of([{"type": "output_text", "text": each} if isinstance(each, str) else each for each in listed])


def part_text(part: Item) -> str:
    """The text of a part of a message: what it says, or what was said aloud in it."""
    return text_of(part.get("text")) or text_of(part.get("refusal")) or text_of(part.get("transcript"))


def part_described(part: Item) -> str:
    """What a part without text is; "" for an empty text."""
    kind = text_of(part.get("type"))
    if kind in ("", "refusal") or kind.endswith("text"):
        return ""
    return file_made(_MEDIA_OF_PART.get(kind, "file"))


def _image(item: Item) -> str:
    form = text_of(item.get("output_format"))
    return file_made(f"image/{form}" if form else "image")


def _code(item: Item) -> str:
    logs = [text_of(output.get("logs")) for output in objects_of(item.get("outputs"))]
    blocks = [fenced(text_of(item.get("code")), "python"), *(fenced(log) for log in logs if log)]
    return "\n\n".join(blocks)


def _mcp_call(item: Item) -> str:
    error = item.get("error")
    output = text_of(item.get("output")) or (f"Error: {_plain(error)}" if error else "")
    called = f"[The server called {_name(item)} of {text_of(item.get('server_label')) or 'an MCP server'}]"
    return f"{called}\n\n{fenced(output)}" if output else called


def _custom_call(item: Item) -> str:
    called = f"[The model called {_name(item)}, which is no function, with this input]"
    return f"{called}\n\n{fenced(_plain(item.get('input', '')))}"


def _shell(item: Item) -> str:
    action = object_of(item.get("action"))
    command, commands = action.get("command"), action.get("commands")
    words = [command if isinstance(command, str) else " ".join(_strings(command)), *_strings(commands)]
    return f"[The model wanted to run this in a shell]\n\n{fenced(chr(10).join(filter(None, words)), 'sh')}"


def _name(item: Item) -> str:
    return text_of(item.get("name")) or "a tool"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json_text(value)


def _strings(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


_DESCRIPTIONS: dict[str, Callable[[Item], str]] = {
    "image_generation_call": _image,
    "code_interpreter_call": _code,
    "mcp_call": _mcp_call,
    "custom_tool_call": _custom_call,
    "local_shell_call": _shell,
    "shell_call": _shell,
}
