from __future__ import annotations

from typing import Any

import pytest

from tests.drift.shapes import CATEGORIES, Request, fields, kind, shape

_HINTS = {"x-claude-code-request-class": "auxiliary", "x-claude-1p-request-class": "main"}
_PATH = "/v1/messages?beta=true"
_TITLE = {"format": {"type": "json_schema", "schema": {"type": "object", "properties": {"title": {}, "icon": {}}}}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param({"a": None}, {"a: null"}, id="null"),
        pytest.param({"a": True}, {"a: boolean"}, id="a boolean is no number"),
        pytest.param({"a": 1.5, "b": 2}, {"a: number", "b: number"}, id="numbers"),
        pytest.param({"a": ["x", 1]}, {"a: array", "a[]: string", "a[]: number"}, id="union in a list"),
        pytest.param(
            {"a": [{"b": 1}, {"b": "x"}]}, {"a: array", "a[].b: number", "a[].b: string"}, id="union of types"
        ),
        pytest.param({"a": [[1]]}, {"a: array", "a[]: array", "a[][]: number"}, id="list in a list"),
        pytest.param({"a": []}, {"a: array"}, id="empty list"),
        pytest.param({"a": {}}, {"a: object"}, id="empty object"),
        pytest.param(
            {"thinking": {"type": "adaptive", "display": "updates"}},
            {"thinking[adaptive]: object", "thinking[adaptive].display: updates"},
            id="known by its type",
        ),
        pytest.param(
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}, {"role": "system", "n": 1}]},
            {
                "messages: array",
                "messages[user].content: array",
                "messages[user].content[text].text: string",
                "messages[system].n: number",
            },
            id="known by its role",
        ),
        pytest.param({"a": [{"role": "r", "type": "t", "x": 1}]}, {"a: array", "a[r t].x: number"}, id="role and type"),
        pytest.param({"type": {"x": 1}}, {"type: object", "type.x: number"}, id="a type that is no name"),
        pytest.param(
            {"tools": [{"name": "T", "input_schema": {"type": "object", "properties": {"secret": {}}}}]},
            {"tools: array", "tools[].name: string", "tools[].input_schema: object"},
            id="schema is opaque",
        ),
        pytest.param(
            {"content": [{"type": "tool_use", "input": {"path": "x"}}]},
            {"content: array", "content[tool_use].input: object"},
            id="input is opaque",
        ),
        pytest.param({"effort": 3}, {"effort: number"}, id="a name that became a number"),
        pytest.param({"effort": None}, {"effort: null"}, id="a name that became null"),
    ],
)
def test_fields(value: Any, expected: set[str]) -> None:
    assert set(fields(value)) == expected


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        pytest.param(Request("HEAD", "/api/hello", {}), "HEAD /api/hello", id="probe"),
        pytest.param(Request("GET", "/v1/models?limit=1000", {}), "GET /v1/models?limit", id="query without values"),
        pytest.param(Request("GET", "/x?b=&a=1&b=2", {}), "GET /x?a,b", id="sorted, once, also when empty"),
        pytest.param(Request("POST", "/x", {}, {}), "POST /x -/-", id="without hint headers"),
        pytest.param(Request("POST", "/x", {}, ["odd"]), "POST /x", id="body that is no object"),
        pytest.param(
            Request("POST", _PATH, {**_HINTS, "x-claude-code-agent-type": "Plan"}, {"stream": True, "tools": [{}, {}]}),
            "POST /v1/messages?beta auxiliary/main Plan streamed tools",
            id="agent",
        ),
        pytest.param(
            Request("POST", _PATH, _HINTS, {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
            "POST /v1/messages?beta auxiliary/main web_search_20250305",
            id="server tool",
        ),
        pytest.param(
            Request("POST", _PATH, _HINTS, {"output_config": _TITLE, "max_tokens": 9}),
            "POST /v1/messages?beta auxiliary/main format(title,icon)",
            id="structured output",
        ),
        pytest.param(
            Request("POST", _PATH, _HINTS, {"max_tokens": 1, "stop_sequences": ["x"], "output_config": None}),
            "POST /v1/messages?beta auxiliary/main stop_sequences one-token",
            id="probes of the model",
        ),
    ],
)
def test_kind(request_: Request, expected: str) -> None:
    assert kind(request_) == expected


def test_shape_is_the_union_of_all() -> None:
    first = Request("POST", "/x", {"anthropic-beta": "a-1, b-2,", "anthropic-version": "2023-06-01"}, {"model": "m"})
    second = Request("POST", "/x", {"anthropic-beta": "c-3", "x-new": "secret"}, {"model": None})
    seen = shape([first, second])
    assert seen["betas"] == {"a-1", "b-2", "c-3"}
    assert seen["headers"] == {"anthropic-beta", "anthropic-version: 2023-06-01", "x-new"}
    assert seen["fields"] == {"model: string", "model: null"}
    assert seen["kinds"] == {"POST /x -/-"}


def test_shape_of_nothing() -> None:
    assert shape([]) == {category: frozenset() for category in CATEGORIES}


def test_blocks_at_every_depth() -> None:
    image = {"type": "image", "source": {"type": "base64", "data": "x"}}
    result = {"type": "tool_result", "content": [image], "cache_control": {"type": "ephemeral"}}
    used = {"type": "tool_use", "input": {"type": "of the tool's"}}
    body = {"messages": [{"role": "user", "content": [result, used]}], "tools": [{"type": "no block"}]}
    assert shape([Request("POST", "/x", {}, body)])["blocks"] == {
        *("tool_result", "image", "base64", "ephemeral", "tool_use"),
    }


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        pytest.param([{"type": "text", "text": "x-anthropic-billing-header: a=1; b=;c"}], {"a", "b"}, id="keys"),
        pytest.param([{"type": "text", "text": "You are. a=1;"}], set(), id="other text"),
        pytest.param("x-anthropic-billing-header: a=1;", set(), id="string"),
        pytest.param(["odd", {"type": "text", "text": None}], set(), id="odd blocks"),
        pytest.param(None, set(), id="absent"),
    ],
)
def test_billing(system: Any, expected: set[str]) -> None:
    assert shape([Request("POST", "/x", {}, {"system": system})])["billing"] == expected


def test_nothing_that_was_written_is_kept() -> None:
    """Prose, paths, keys, ids and names of properties of a tool."""
    text = {"type": "text", "text": "SECRET"}
    call = {"type": "tool_use", "id": "SECRET", "name": "SECRET", "input": {"SECRET": ["SECRET"]}}
    body = {
        "model": "SECRET",
        "system": "SECRET",
        "messages": [{"role": "user", "content": "SECRET"}, {"role": "assistant", "content": [text, call]}],
        "tools": [{"name": "SECRET", "input_schema": {"properties": {"SECRET": {"type": "SECRET"}}}}],
        "metadata": {"user_id": "SECRET"},
    }
    seen = shape([Request("POST", "/v1/messages?beta=SECRET", {"authorization": "SECRET", "x-app": "SECRET"}, body)])
    assert "SECRET" not in str(seen)
