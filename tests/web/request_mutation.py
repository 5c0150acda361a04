"""Requests of a dozen shapes, and what may go wrong with any of them on its way here."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

from tests.mutation import paths
from tests.translation import (
    asking,
    assistant,
    call,
    image,
    pdf,
    result,
    system,
    text,
    thinking,
    tool,
    user,
)

Json = dict[str, Any]

_WRITTEN = {
    "\x00 1e400": "1e400",
    **{f"\x00 list {depth}": "[" * depth + "]" * depth for depth in (90, 300, 480, 700, 930)},
    **{f"\x00 object {depth}": '{"properties":' * depth + "{}" + "}" * depth for depth in (90, 250, 600, 900)},
}
"""Text in a request -> the JSON in its place, which Python would not write: deep or large beyond measure."""
_SCHEMA = {
    "type": "object",
    "properties": {
        "path": {"type": "string", "description": "where", "pattern": "^/"},
        "edits": {"type": "array", "items": {"$ref": "#/$defs/edit"}, "minItems": 1},
        "mode": {"anyOf": [{"const": "a"}, {"enum": ["b", 1]}, {"type": ["integer", "null"], "default": 3}]},
    },
    "required": ["path"],
    "additionalProperties": False,
    "$defs": {"edit": {"type": "object", "properties": {"old": {"type": "string"}}, "required": ["old"]}},
}
_METADATA = {"user_id": json.dumps({"device_id": "d", "account_uuid": "", "session_id": "5d0c"})}
_WEB = {"type": "web_search_20250305", "name": "web_search", "max_uses": 8, "allowed_domains": ["a.test"]}
_FOUND = {"type": "web_search_result", "url": "https://a.test", "title": "A", "encrypted_content": "x"}
_REFERENCE = {"type": "tool_reference", "tool_name": "X"}
_COMPACTION = {"type": "compaction", "content": "summary", "encrypted_content": "x" * 300}
_SOURCE = {"type": "text", "media_type": "text/plain", "data": "words"}
SHAPES: list[Json] = [
    asking(),
    asking(model="claude-sonnet-5-5[1m]", metadata=_METADATA),
    asking(model="gemini/gemini-3.8-flash", metadata=_METADATA),
    asking(model="openai/gpt-5", metadata=_METADATA),
    asking(
        *(user("a"), system("be brief"), assistant("b"), user("c")),
        system=[text("s"), {**text("t"), "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        metadata=_METADATA,
        stop_sequences=["END"],
    ),
    asking(tools=[tool("Edit", _SCHEMA), tool("Read")], tool_choice={"type": "tool", "name": "Edit"}),
    asking(
        *(user("go"), assistant(thinking("hm"), "I will", call("toolu_1", path="/a"), call("toolu_2", n=1.5))),
        user(result("toolu_1", [text("x"), image()]), result("toolu_2", is_error=True), "and?"),
        tools=[tool("Read", _SCHEMA)],
    ),
    asking(
        user({"type": "document", "source": _SOURCE, "title": "T", "citations": {"enabled": True}}, pdf(), image()),
        user({"type": "search_result", "source": "s", "title": "t", "content": [text("found")]}),
    ),
    asking(
        user("search"),
        assistant(
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [_FOUND]},
            "found",
        ),
        user("more"),
        tools=[_WEB],
    ),
    asking(
        *(user("a"), system([{"type": "tool_addition", "tool": {**tool("New", _SCHEMA), "type": "custom"}}])),
        system([{"type": "tool_removal", "tool": {"type": "tool_reference", "name": "Read"}}]),
        *(assistant(call("toolu_1", "ToolSearch")), user(result("toolu_1", [_REFERENCE]))),
        tools=[tool("Read"), tool("ToolSearch"), {**tool("X"), "defer_loading": True}],
    ),
    asking(thinking={"type": "enabled", "budget_tokens": 2000, "display": "omitted"}, output_config={"effort": "high"}),
    asking(
        thinking={"type": "adaptive"},
        output_config={
            "effort": "low",
            "format": {"type": "json_schema", "schema": _SCHEMA},
            "task_budget": {"total": 1},
        },
        context_management={"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    ),
    asking(
        tools=[
            {"type": "bash_20250124", "name": "bash"},
            {"type": "text_editor_20250728", "name": "edit"},
            tool("Read"),
        ],
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
        temperature=0.5,
        top_p=0.9,
        top_k=5,
        service_tier="auto",
        speed="fast",
    ),
    asking(
        *(user("a"), assistant(_COMPACTION), user("b")),
        mcp_servers=[{"type": "url", "url": "https://s.test", "name": "s"}],
        container={"id": "c"},
        fallbacks=[{"model": "m"}],
        safeguards=[{"type": "dangerous_tool_use", "classifier_context": {"v": 1, "rules": {"allow": []}}}],
    ),
    asking(
        *(user("a"), assistant({"type": "redacted_thinking", "data": "x"}, call("toolu_1")), user("no result")),
        *(assistant(call("toolu_1")), user(result("toolu_1"), result("toolu_1"), result("toolu_9", [text("late")]))),
        tools=[tool("Read", {"type": "object", "oneOf": [_SCHEMA, {"type": "object"}]})],
    ),
]
ODD_VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 0.5, 1e308, float("nan"), float("-inf"), 10**400, 2**63, 10**4000),
    *("", " ", "x", "x" * 5000, "\ud83d", "a\ude00b", "\ud83d\ude00", "\x00", "a\r\nb", "\u2028", "[" * 500, "{}"),
    *("null", "auto", "custom", "object", "array", "user", "system"),
    *([], [[]], [None], ["x"], [1, "a", {}], [["x"]], [{"type": "text"}], [tool()], tool()),
    *({}, {"": 0}, {"\ud83d": "\ud83d"}, {"type": "x"}, {"type": []}, {"type": "text", "text": None}, {"name": 5}),
    *({"$ref": "#"}, {"$ref": "#/$defs/edit"}, {"$ref": 5}, {"type": ["string", "object"]}, {"enum": [{}]}),
    *_WRITTEN,
]
ODD_KEYS = [
    *("required", "properties", "items", "type", "$ref", "$defs", "enum", "anyOf", "allOf", "additionalProperties"),
    *("name", "input", "content", "source", "text", "tool", "id", "role", "thread", "cache_control", "description"),
    *("input_schema", "pattern", "format", "default", "const", "minimum", "not", "if", "dependentRequired"),
    *("\ud83d", ""),
]
ODD_CHARACTERS = [
    *("\x00", "\n", "\r\n", "\t", "\x7f", "\ud83d", "\ude00", "\ud83d\ude00", "\u2028", "\xe9", "\ufeff"),
    *("\\", '"', "\\ud83d", "/", "/../", "%", "%0a", "?", "#", " ", ":", "@", "{", "}", "[1m]", ";base64,", "x" * 300),
]
HEADERS = [
    *("", "x", "5d0c-1", "caf\xe9", "\xed\xa0\xbd", "a" * 3000, "context-1m-2025-08-07", ",,", '{"a": 1}', "\x7f"),
]


def mutated(rng: random.Random) -> bytes:
    """The body of a request with one to three things wrong with it."""
    body: Any = {"request": copy.deepcopy(rng.choice(SHAPES))}
    for _ in range(rng.randint(1, 3)):
        body.setdefault("request", {})
        found = list(paths(body["request"])) if isinstance(body["request"], dict | list) else []
        path = ("request", *rng.choice([(), *found, *found]))
        node = body
        for key in path[:-1]:
            node = node[key]
        rng.choice(_CHANGES)(node, path[-1], rng)
    written = json.dumps(body.get("request"), ensure_ascii=rng.random() < 0.5)
    for text_, json_text in _WRITTEN.items():
        written = written.replace(json.dumps(text_), json_text)
    return written.encode("utf-8", "surrogatepass")


def _replace(node: Any, key: Any, rng: random.Random) -> None:
    node[key] = copy.deepcopy(rng.choice(ODD_VALUES))


def _spoil(node: Any, key: Any, rng: random.Random) -> None:
    if isinstance(node[key], str):
        at = rng.randint(0, len(node[key]))
        node[key] = node[key][:at] + rng.choice(ODD_CHARACTERS) + node[key][at:]


def _remove(node: Any, key: Any, rng: random.Random) -> None:
    if len(node) > 1:
        del node[key]


def _repeat(node: Any, key: Any, rng: random.Random) -> None:
    if isinstance(node, list):
        node.insert(rng.randint(0, len(node)), copy.deepcopy(node[key]))
    else:
        node[f"{key}2"] = copy.deepcopy(node[key])


def _wrap(node: Any, key: Any, rng: random.Random) -> None:
    node[key] = rng.choice([[node[key]], {"x": node[key]}, {"type": "x", "content": node[key]}])


def _add(node: Any, key: Any, rng: random.Random) -> None:
    target = node[key] if isinstance(node[key], dict) else node
    if isinstance(target, dict):
        target[rng.choice(ODD_KEYS)] = copy.deepcopy(rng.choice(ODD_VALUES))


def _swap(node: Any, key: Any, rng: random.Random) -> None:
    other = rng.choice(list(node) if isinstance(node, dict) else range(len(node)))
    node[key], node[other] = node[other], node[key]


_CHANGES: list[Callable[[Any, Any, random.Random], None]] = [
    *(_replace, _replace, _replace, _spoil, _spoil, _add, _add),
    *(_remove, _repeat, _wrap, _swap),
]
