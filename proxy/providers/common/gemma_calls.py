"""The notation of Gemma's tool calls, without JSON's quotes: `{path:<|"|>a<|"|>,lines:[1,2]}`. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

_QUOTES = ('<|"|>', "<escape>")
"""Around strings: of Gemma 4, of FunctionGemma."""
_SPACE = re.compile(r"[\s,]*")
_KEY = re.compile(r"[\"']?([\w.$-]{1,200})[\"']?\s*:\s*")
_COLON = re.compile(r"\s*:\s*")
_BARE = re.compile(r"[^,{}\[\]<]*")
_DEPTH_MAX = 60
_JSON = json.JSONDecoder(strict=False)


def gemma_object(text: str, at: int) -> tuple[dict[str, Any] | None, int]:
    """The object that begins at a place and where it ends; None where none can be read."""
    try:
        value, end = _value(text, at, 0)
    except (ValueError, RecursionError):
        return None, at
    return (value, end) if isinstance(value, dict) else (None, at)


def _value(text: str, at: int, depth: int) -> tuple[Any, int]:
    if depth > _DEPTH_MAX:
        raise ValueError("nested too deeply")
    for quote in _QUOTES:
        if text.startswith(quote, at):
            end = text.index(quote, at + len(quote))
            return text[at + len(quote) : end], end + len(quote)
    match text[at : at + 1]:
        case "{":
            return _members(text, at, depth)
        case "[":
            return _items(text, at, depth)
        case '"':
            return _JSON.raw_decode(text, at)
    end = _skip(_BARE, text, at)
    word = text[at:end].strip()
    try:
        return json.loads(word), end
    except ValueError:
        if not word:
            raise
        return word, end


def _members(text: str, at: int, depth: int) -> tuple[dict[str, Any], int]:
    members: dict[str, Any] = {}
    at = _skip(_SPACE, text, at + 1)
    while text[at : at + 1] != "}":
        if text.startswith(_QUOTES[0], at):
            key, at = _value(text, at, depth)
            at = _skip(_COLON, text, at)
        elif found := _KEY.match(text, at):
            key, at = found[1], found.end()
        else:
            raise ValueError("no key")
        members[key], at = _value(text, at, depth + 1)
        at = _skip(_SPACE, text, at)
    return members, at + 1


def _items(text: str, at: int, depth: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    at = _skip(_SPACE, text, at + 1)
    while text[at : at + 1] != "]":
        item, at = _value(text, at, depth + 1)
        items.append(item)
        at = _skip(_SPACE, text, at)
    return items, at + 1


def _skip(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
