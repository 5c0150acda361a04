"""What the tests of the checker build their good and broken answers from."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.conformance.violation import Json, Violation

BASH = {
    "name": "Bash",
    "strict": True,
    "input_schema": {
        "type": "object",
        "properties": {"command": {"$ref": "#/$defs/line"}, "timeout": {"type": ["integer", "null"]}},
        "required": ["command"],
        "additionalProperties": False,
        "$defs": {"line": {"type": "string"}},
    },
}
READ = {"name": "Read", "input_schema": {"type": "object"}}
REQUEST: Json = {
    "model": "claude-opus-5-5",
    "max_tokens": 1000,
    "messages": [
        {"role": "user", "content": "Where are we?"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_old", "name": "Read", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_old", "content": "here"}]},
    ],
    "tools": [
        BASH,
        READ,
        {"name": "Later", "defer_loading": True},
        {"name": "search", "type": "web_search_20250305"},
        {"type": "browser_toolset_20260801"},
    ],
    "stop_sequences": ["END"],
}
SAFEGUARDS = [
    {
        "type": "dangerous_tool_use",
        "classifier_context": {"auto_mode": {"allow": ["tests"], "soft_deny": ["$defaults", "pushes"]}},
    }
]
COUNTRY = {
    "type": "json_schema",
    "schema": {"type": "object", "properties": {"country": {"enum": ["FR", "IT"]}}, "required": ["country"]},
}
STREAM_HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "Request-Id": "req_123456"}
JSON_HEADERS = {"Content-Type": "application/json", "Request-Id": "req_123456"}
PING = {"type": "ping"}


def asking(**changes: Any) -> Json:
    return {**REQUEST, **changes}


def start(**changes: Any) -> Json:
    message = {
        "id": "msg_0123456789",
        "type": "message",
        "role": "assistant",
        "model": REQUEST["model"],
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 7, "cache_read_input_tokens": None, "output_tokens": 1},
    }
    return {"type": "message_start", "message": {**message, **changes}}


def begin(index: int, block: Json) -> Json:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **value: Any) -> Json:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **value}}


def stop(index: int) -> Json:
    return {"type": "content_block_stop", "index": index}


def text(index: int, *pieces: str) -> list[Json]:
    deltas = [delta(index, "text_delta", text=piece) for piece in pieces]
    return [begin(index, {"type": "text", "text": ""}), *deltas, stop(index)]


def thinking(index: int, *pieces: str, signature: str = "c2ln") -> list[Json]:
    deltas = [delta(index, "thinking_delta", thinking=piece) for piece in pieces]
    signed = [delta(index, "signature_delta", signature=signature)] if signature else []
    return [begin(index, {"type": "thinking", "thinking": "", "signature": ""}), *deltas, *signed, stop(index)]


def tool(index: int, *pieces: str, name: str = "Bash", kind: str = "tool_use", call: str = "") -> list[Json]:
    deltas = [delta(index, "input_json_delta", partial_json=piece) for piece in pieces]
    block = {"type": kind, "id": call or f"toolu_{index}", "name": name, "input": {}}
    return [begin(index, block), *deltas, stop(index)]


def whole(index: int, **block: Any) -> list[Json]:
    return [begin(index, block), stop(index)]


def search(index: int) -> list[Json]:
    found = [{"type": "web_search_result", "url": "https://a.test", "title": "A", "encrypted_content": "eA=="}]
    call = tool(index, '{"query":"a"}', name="web_search", kind="server_tool_use", call="srvtoolu_1")
    return [*call, *whole(index + 1, type="web_search_tool_result", tool_use_id="srvtoolu_1", content=found)]


def end(reason: str | None, tokens: int = 9, usage: Json | None = None, **changes: Any) -> list[Json]:
    changed = {"stop_reason": reason, "stop_sequence": None, **changes}
    return [
        {"type": "message_delta", "delta": changed, "usage": {"output_tokens": tokens, **(usage or {})}},
        {"type": "message_stop"},
    ]


def verdicts(status: Any = None, **tool_uses: Any) -> list[Json]:
    """The results with this status, else with these verdicts."""
    return [{"type": "dangerous_tool_use", "status": status or {"type": "available", "tool_uses": tool_uses}}]


def evaluated(outcome: Any = "not_flagged", **more: Any) -> Json:
    return {"type": "evaluated", "outcome": outcome, **more}


def cited(path: Any, kind: str = "classifier_context") -> Json:
    return {"type": kind, "path": path}


def error(kind: str = "overloaded_error", message: Any = "Overloaded") -> Json:
    return {"type": "error", "error": {"type": kind, "message": message}}


def sse(*events: Json) -> bytes:
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


RUN = ['{"comm', 'and":"ls"}']
REFUSED = {"type": "refusal", "category": "cyber", "explanation": None}
CITATION = {"type": "char_location", "cited_text": "a", "document_index": 0, "document_title": None}
LATE = {"input_tokens": 12, "cache_read_input_tokens": 3, "output_tokens_details": {"thinking_tokens": 2}}


def expect_violation(rule: str, check: Callable[..., object], *args: Any, **options: Any) -> None:
    with pytest.raises(Violation) as caught:
        check(*args, **options)
    assert caught.value.rule == rule, caught.value


def ids(cases: Sequence[Any]) -> list[str]:
    return [f"{case[0]}-{number}" for number, case in enumerate(cases)]
