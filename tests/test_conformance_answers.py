"""The checker of whole messages, errors, counts and models: each rule refuses what breaks it under its own name."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

import tests.conformance
from tests.captures import CAPTURES, load
from tests.conformance import (
    assert_absent,
    check_count,
    check_error,
    check_json,
    check_message,
    check_model,
    check_models,
    check_stream,
    same_message,
)
from tests.conformance.broken import BROKEN_ERROR_STREAMS, BROKEN_STREAMS, BROKEN_VERDICTS, GOOD_TEXT
from tests.conformance.message import offered_tools
from tests.conformance.samples import (
    COUNTRY,
    JSON_HEADERS,
    REFUSED,
    REQUEST,
    asking,
    error,
    expect_violation,
    ids,
    start,
)
from tests.conformance.schema import fitting, schema_error
from tests.conformance.violation import Json


def text_block(value: Any = "Hallo", **more: Any) -> Json:
    return {"type": "text", "text": value, **more}


def call(name: str = "Bash", number: str = "toolu_1", **given: Any) -> Json:
    return {"type": "tool_use", "id": number, "name": name, "input": given or {"command": "ls"}}


def thought(words: Any = "hm") -> Json:
    return {"type": "thinking", "thinking": words, "signature": "c2ln"}


def message(*content: Any, reason: Any = "end_turn", **changes: Any) -> Json:
    usage = {"input_tokens": 7, "output_tokens": 9}
    return {**start()["message"], "content": list(content), "stop_reason": reason, "usage": usage, **changes}


def without(key: str) -> Json:
    return {name: value for name, value in message(text_block()).items() if name != key}


def counting(**changes: Any) -> Json:
    return message(text_block(), usage={"input_tokens": 7, "output_tokens": 9, **changes})


GOOD_MESSAGES: list[tuple[Json, Json]] = [
    (message(text_block()), asking(tools=None, tool_choice={"type": "none"})),
    (message(call(command="ls", timeout=None), call("Read", "toolu_2"), reason="tool_use"), asking(thinking=None)),
    (message(call("Read"), reason="tool_use"), asking(tool_choice={"type": "tool", "name": "Read"})),
    (message(text_block("b", citations=[]), text_block("a", citations=[{"type": "page_location"}])), REQUEST),
    (message(text_block("not JSON")), asking(output_config={"format": {"type": "text"}})),
    (message(text_block('{"coun'), reason="max_tokens"), asking(output_config={"format": COUNTRY})),
    (message(usage={"input_tokens": 0, "output_tokens": 0}), asking(messages=[])),
    (message(usage={"input_tokens": 0, "cache_read_input_tokens": 7, "output_tokens": 0}), REQUEST),
]
FORCED = {"type": "tool", "name": "Read"}
FORMATTED = asking(output_config={"format": COUNTRY})
BROKEN_MESSAGES: list[tuple[str, Json, Json]] = [
    *(("M1", without(key), REQUEST) for key in start()["message"]),
    ("M1", message(text_block(), type="error"), REQUEST),
    ("M1", message(text_block(), role="user"), REQUEST),
    ("M1", message(text_block(), id="chatcmpl-0123456789"), REQUEST),
    ("M1", message(text_block(), model=""), REQUEST),
    ("M1", message(text_block(), id=7), REQUEST),
    ("M1", message(text_block(), model=7), REQUEST),
    ("M1", message(text_block(), content=None), REQUEST),
    ("M1", message("Hallo"), REQUEST),
    ("M1", message({"type": 7}), REQUEST),
    ("M1", message({"type": "surprise", "tool_use_id": "toolu_1", "content": []}), REQUEST),
    ("M1", message({"type": "surprise"}), REQUEST),
    ("M2", message(text_block(), reason=None), REQUEST),
    ("M2", message(text_block(), reason="stop"), REQUEST),
    ("M3", message(text_block(), stop_sequence="END"), REQUEST),
    ("M3", message(text_block(), reason="stop_sequence"), REQUEST),
    ("M3", message(text_block(), reason="stop_sequence", stop_sequence="HALT"), REQUEST),
    ("M3", message(text_block("the END"), reason="stop_sequence", stop_sequence="END"), REQUEST),
    ("M3", message(text_block("the END of it")), REQUEST),
    ("M4", message(text_block(), reason="tool_use"), REQUEST),
    ("M4", message(call()), REQUEST),
    ("M4", message(call(), reason="pause_turn"), REQUEST),
    ("M5", message(text_block(), stop_details=REFUSED), REQUEST),
    ("M5", message(reason="refusal"), REQUEST),
    ("M5", message(reason="refusal", stop_details={"type": "surprise"}), REQUEST),
    ("M5", message(reason="refusal", stop_details={"type": "refusal", "category": 7}), REQUEST),
    ("M6", message(call(number="call.1"), reason="tool_use"), REQUEST),
    ("M6", message(call(number="t" * 65), reason="tool_use"), REQUEST),
    ("M6", message(call(number="toolu_old"), reason="tool_use"), REQUEST),
    ("M6", message(call(), call(), reason="tool_use"), REQUEST),
    ("M6", message(call("Write"), reason="tool_use"), REQUEST),
    ("M6", message(call("Later"), reason="tool_use"), REQUEST),
    ("M6", message(call("search"), reason="tool_use"), REQUEST),
    ("M6", message({**call("Read"), "input": "ls"}, reason="tool_use"), REQUEST),
    ("M6", message({"type": "tool_use", "id": "toolu_1", "name": "Bash"}, reason="tool_use"), REQUEST),
    ("M6", message(call(cmd="ls"), reason="tool_use"), REQUEST),
    ("M6", message(call(command=7), reason="tool_use"), REQUEST),
    ("M6", message(call(command="ls", timeout=True), reason="tool_use"), REQUEST),
    ("M6", message(call(command="ls", more=1), reason="tool_use"), REQUEST),
    ("M6", message(call(), reason="tool_use"), asking(tool_choice={"type": "none"})),
    ("M6", message(call(), reason="tool_use"), asking(tool_choice=FORCED)),
    (
        "M6",
        message(call(), call(number="toolu_2"), reason="tool_use"),
        asking(tool_choice={"type": "auto", "disable_parallel_tool_use": True}),
    ),
    ("M7", message(text_block(7)), REQUEST),
    ("M7", message({"type": "text"}), REQUEST),
    ("M7", message(text_block("")), REQUEST),
    ("M7", message(text_block(" \n"), call(), reason="tool_use"), REQUEST),
    ("M7", message(text_block("a"), text_block("b")), REQUEST),
    ("M7", message(text_block("<think>hm</think>Hallo")), REQUEST),
    ("M7", message(text_block("<think>hm")), REQUEST),
    ("M7", message(text_block("hm</think>")), REQUEST),
    ("M8", message(thought(None), text_block()), REQUEST),
    ("M8", message({"type": "thinking", "thinking": "hm"}, text_block()), REQUEST),
    ("M8", message({"type": "thinking", "thinking": "hm", "signature": ""}, text_block()), REQUEST),
    ("M8", message({"type": "redacted_thinking", "data": ""}, text_block()), REQUEST),
    ("M8", message(text_block(), thought()), REQUEST),
    ("M8", message(call(), thought(), reason="tool_use"), REQUEST),
    ("M8", message(thought(), text_block()), asking(thinking={"type": "disabled"})),
    ("M8", message(thought(), text_block()), asking(thinking={"type": "adaptive", "display": "omitted"})),
    ("M9", message(text_block(), usage=None), REQUEST),
    ("M9", counting(output_tokens=1.5), REQUEST),
    ("M9", counting(output_tokens=0), REQUEST),
    ("M9", counting(input_tokens=0), REQUEST),
    ("M9", counting(input_tokens=True), REQUEST),
    ("M9", counting(cache_read_input_tokens=-1), REQUEST),
    ("M9", counting(output_tokens_details={"thinking_tokens": 10}), REQUEST),
    ("M9", counting(output_tokens_details={"thinking_tokens": -1}), REQUEST),
    ("M10", message(text_block(), model="gpt-5.5"), REQUEST),
    ("M11", message(text_block("France")), FORMATTED),
    ("M11", message(text_block('{"country":"DE"}')), FORMATTED),
    ("M11", message(text_block("{}")), FORMATTED),
    ("M11", message(), FORMATTED),
    ("M11", message(text_block("{}")), asking(output_format=COUNTRY)),
    ("S16", message(text_block("\ud83d")), REQUEST),
]


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def error_body(kind: str = "rate_limit_error", words: Any = "Slow down") -> bytes:
    return body({**error(kind, words), "request_id": "req_123456"})


def with_headers(**headers: str) -> Json:
    return {**JSON_HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}


BROKEN_ERRORS: list[tuple[str, int, Json, bytes]] = [
    ("H1", 429, {"content-type": "application/json"}, error_body()),
    ("H1", 429, with_headers(Request_Id="123456"), error_body()),
    ("H1", 429, with_headers(Request_Id="req_654321"), error_body()),
    ("H1", 429, JSON_HEADERS, body(error("rate_limit_error"))),
    ("H2", 429, with_headers(Content_Type="text/html"), error_body()),
    ("H2", 429, JSON_HEADERS, b"Too many requests"),
    ("H2", 429, JSON_HEADERS, b'"\xff"'),
    ("H2", 429, JSON_HEADERS, b"[]"),
    ("H3", 200, JSON_HEADERS, error_body()),
    ("H3", 429, JSON_HEADERS, body({"error": {"message": "Slow down"}})),
    ("H3", 429, JSON_HEADERS, body({"type": "error", "error": "Slow down", "request_id": "req_123456"})),
    ("H3", 429, JSON_HEADERS, error_body(words="")),
    ("H3", 429, JSON_HEADERS, error_body(words={"text": "Slow down"})),
    ("H3", 429, JSON_HEADERS, error_body("insufficient_quota")),
    ("H3", 400, JSON_HEADERS, error_body()),
    ("H3", 405, JSON_HEADERS, error_body("api_error")),
    ("H3", 500, JSON_HEADERS, error_body("api_error", "<!DOCTYPE html><h1>Oops</h1>")),
    ("H3", 500, JSON_HEADERS, error_body("api_error", 'File "app.py", line 3, in f')),
    ("H3", 401, JSON_HEADERS, error_body("authentication_error", "wrong key: sk-abcdefghijklmnop0123")),
    ("H3", 401, JSON_HEADERS, error_body("authentication_error", "got Bearer abcdefgh0123")),
    *(("H4", 429, with_headers(Retry_After=wait), error_body()) for wait in ("0", "61", "1.5", "", "Mon, 1 Jan 2027")),
    ("H4", 400, with_headers(Retry_After="5"), error_body("invalid_request_error")),
    ("H4", 429, with_headers(X_Should_Retry="yes"), error_body()),
    ("H5", 429, with_headers(Anthropic_Ratelimit_Unified_Status="rejected"), error_body()),
]


def model(name: str = "claude-a", **changes: Any) -> Json:
    return {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-31T00:00:00Z", **changes}


def page(*models: Any, **changes: Any) -> Json:
    ids = [entry["id"] for entry in models if "id" in entry] or [None]
    return {"data": list(models), "has_more": False, "first_id": ids[0], "last_id": ids[-1], **changes}


BROKEN_MODELS: list[Json] = [
    page(data=None),
    page(model(), has_more=None),
    page(model(), first_id=None),
    page(model("claude-a"), model("claude-b"), last_id="claude-a"),
    page(model(), model()),
    page(last_id=""),
    {"data": [], "has_more": False},
    page(data=[7]),
    page(model(""), first_id="", last_id=""),
    page(model(display_name=7)),
    page({}),
    page(model(type="list")),
    page(model(display_name=None)),
    page(model(created_at=1767225600)),
    page(model(created_at="2026-01-31")),
    page(model(created_at="2026-02-31T00:00:00Z")),
]


@pytest.mark.parametrize(("answer", "request_body"), GOOD_MESSAGES)
def test_good_message(answer: Json, request_body: Json) -> None:
    assert check_message(answer, request_body) == answer


@pytest.mark.parametrize(("rule", "answer", "request_body"), BROKEN_MESSAGES, ids=ids(BROKEN_MESSAGES))
def test_broken_message(rule: str, answer: Json, request_body: Json) -> None:
    expect_violation(rule, check_message, answer, request_body)


def test_message_id_must_be_new() -> None:
    seen: set[str] = set()
    check_message(message(text_block()), REQUEST, seen_ids=seen)
    expect_violation("M1", check_message, message(text_block()), REQUEST, seen_ids=seen)
    expect_violation("M1", check_stream, GOOD_TEXT, REQUEST, seen_ids=seen)


def test_same_message() -> None:
    streamed = message(text_block(), call(), reason="tool_use", stop_details=None)
    other_ids = message(text_block(), call(number="toolu_2"), reason="tool_use", id="msg_9876543210")
    same_message(streamed, other_ids)
    for different in (
        message(text_block("Hello"), call(), reason="tool_use"),
        message(text_block(), call(command="pwd"), reason="tool_use"),
        message(text_block(), call(command="ls", timeout=None), reason="tool_use"),
        message(text_block(), reason="tool_use"),
        {**streamed, "usage": {"input_tokens": 7, "output_tokens": 8}},
    ):
        expect_violation("S14", same_message, streamed, different)


@pytest.mark.parametrize(
    ("status", "headers", "raw"),
    [
        (429, with_headers(Retry_After="60", X_Should_Retry="true"), error_body()),
        (400, JSON_HEADERS, error_body("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum")),
        (
            401,
            JSON_HEADERS,
            error_body("authentication_error", "send Authorization: Bearer <key>, a Bearer credential"),
        ),
        (405, JSON_HEADERS, error_body("invalid_request_error")),
        (503, with_headers(Content_Type="application/json; charset=utf-8"), error_body("api_error")),
    ],
)
def test_good_error(status: int, headers: Json, raw: bytes) -> None:
    assert check_error(status, headers, raw) == json.loads(raw)["error"]


@pytest.mark.parametrize(("rule", "status", "headers", "raw"), BROKEN_ERRORS, ids=ids(BROKEN_ERRORS))
def test_broken_error(rule: str, status: int, headers: Json, raw: bytes) -> None:
    expect_violation(rule, check_error, status, headers, raw)


def test_count() -> None:
    assert check_count(200, JSON_HEADERS, body({"input_tokens": 12}), REQUEST) == 12
    assert check_count(200, JSON_HEADERS, body({"input_tokens": 0, "context_management": None})) == 0
    for wrong in ({"input_tokens": 0}, {"input_tokens": 1.5}, {"input_tokens": True}, {}, {"input_tokens": 1, "x": 1}):
        expect_violation("H7", check_count, 200, JSON_HEADERS, body(wrong), REQUEST)
    expect_violation("H7", check_count, 202, JSON_HEADERS, body({"input_tokens": 12}), REQUEST)
    expect_violation("H7", check_count, 404, JSON_HEADERS, error_body("not_found_error"), REQUEST)
    expect_violation("H2", check_count, 200, JSON_HEADERS, b"12", REQUEST)


def test_models() -> None:
    entries = [model("claude-a"), model("claude-b", created_at="2026-01-31T00:00:00.5+01:00")]
    assert check_models(200, JSON_HEADERS, body(page(*entries))) == entries
    assert check_models(200, JSON_HEADERS, body(page())) == []
    assert check_model(200, JSON_HEADERS, body(entries[0]), entries[0]) == entries[0]
    expect_violation("H8", check_model, 200, JSON_HEADERS, body(entries[1]), entries[0])
    expect_violation("H8", check_model, 202, JSON_HEADERS, body(entries[0]), entries[0])
    expect_violation("H8", check_models, 202, JSON_HEADERS, body(page(*entries)))
    expect_violation("H8", check_model, 404, JSON_HEADERS, error_body("not_found_error"), entries[0])


@pytest.mark.parametrize("answer", BROKEN_MODELS)
def test_broken_models(answer: Json) -> None:
    expect_violation("H8", check_models, 200, JSON_HEADERS, body(answer))


def test_only_errors_look_like_errors() -> None:
    assert check_json(200, JSON_HEADERS, body(message())) == message()
    expect_violation("H3", check_json, 200, JSON_HEADERS, error_body())
    expect_violation("H3", check_json, 500, JSON_HEADERS, body(message()))


def test_secrets_are_found() -> None:
    assert_absent(b'{"a":"schluessel"}', ["s3cret", "schl\u00fcssel"])
    for raw in (b"a s3cret", "schl\u00fcssel".encode(), body("schl\u00fcssel")):
        expect_violation("H3", assert_absent, raw, ["s3cret", "schl\u00fcssel"])


def test_tools_are_offered_as_the_history_loads_and_removes_them() -> None:
    reference = {"type": "tool_reference", "tool_name": "Later"}
    result = {"type": "tool_result", "tool_use_id": "toolu_old", "content": [reference]}
    added = {"type": "tool_addition", "tool": {"name": "New", "input_schema": {"type": "object"}}}
    removed = {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "Read"}}
    request = asking(messages=[{"role": "user", "content": [result]}, {"role": "system", "content": [added, removed]}])
    assert set(offered_tools(REQUEST)) == {"Bash", "Read"}
    assert set(offered_tools(request)) == {"Bash", "Later", "New"}


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "integer"}, 2.0, 2.5),
        ({"type": "integer"}, 2, "2"),
        ({"type": "number"}, 2.5, True),
        ({"type": "string"}, "2", 2.0),
        ({"type": "boolean"}, True, 1),
        ({"type": ["string", "null"]}, None, 1),
        ({"const": "a"}, "a", "b"),
        ({"enum": ["a", "b"]}, "b", "c"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None, 1),
        ({"oneOf": [{"type": "string"}, {"type": "null"}]}, "a", 1),
        ({"allOf": [{"type": "string"}, {"enum": ["a", 1]}]}, "a", 1),
        ({"items": {"type": "string"}}, ["a"], ["a", 1]),
        ({"properties": {"a": {"type": "string"}}}, {"a": "b", "c": 1}, {"a": 1}),
        ({"additionalProperties": {"type": "string"}}, {"a": "b"}, {"a": 1}),
        ({"additionalProperties": False}, {}, {"a": 1}),
        ({"required": ["a"]}, {"a": None}, {}),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "string"}}}, "a", 1),
        (
            {"properties": {"next": {"$ref": "#"}}, "required": ["id"]},
            {"id": 1, "next": {"id": 2}},
            {"id": 1, "next": {}},
        ),
    ],
)
def test_schema(schema: Json, good: Any, bad: Any) -> None:
    assert schema_error(good, schema) is None
    assert schema_error(bad, schema) is not None


@pytest.mark.parametrize(
    "schema",
    [
        COUNTRY["schema"],
        {"type": "object", "properties": {"ok": {"type": "boolean"}, "why": {"type": ["string", "null"]}}},
        {"type": "array", "items": {"$ref": "#/$defs/a"}, "$defs": {"a": {"enum": [3, 4]}}},
        {"anyOf": [{"type": "number"}, {"type": "null"}]},
        {"properties": {"n": {"type": "integer"}, "kind": {"const": "k"}, "any": True}, "required": ["n"]},
    ],
)
def test_a_value_made_for_a_schema_fits_it(schema: Json) -> None:
    assert schema_error(fitting(schema), schema) is None


@pytest.mark.parametrize("name", [name for name in CAPTURES if name.startswith("041-")])
def test_recorded_requests_offer_their_loaded_tools(name: str) -> None:
    offered = offered_tools(load(name)["body"])
    assert {"WebFetch", "ToolSearch"} <= offered.keys()
    assert "DeferredToolPlaceholder" not in offered


def test_every_rule_is_shown_broken() -> None:
    promised = set(re.findall(r"\b[HMS]\d+\b", (tests.conformance.__doc__ or "").split("\n\nRules about")[0]))
    tables: list[Any] = [BROKEN_STREAMS, BROKEN_ERROR_STREAMS, BROKEN_MESSAGES, BROKEN_ERRORS, BROKEN_VERDICTS]
    shown = {str(case[0]) for table in tables for case in table}
    assert promised == shown | {"S1", "S14", "H7", "H8"}
