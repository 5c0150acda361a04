"""The Responses endpoint's rules for `input` and for the reasoning that comes back in it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.openai.models import find
from tests.fakes.responses.bodies import (
    ASKED,
    CALL,
    FILE,
    IMAGE,
    OUTPUT,
    REASONING,
    SAID,
    TEXT,
    items,
    user,
    without,
)
from tests.fakes.responses.input import items_of
from tests.fakes.responses.rules import refusal
from tests.fakes.responses.state import Ledger

UNKNOWN, TYPE, VALUE = "unknown_parameter", "invalid_type", "invalid_value"
MISSING, LONG = "missing_required_parameter", "string_above_max_length"
MARK: dict[str, Any] = {"prompt_cache_breakpoint": {"mode": "explicit"}}
LONG_ID = "call_" + "x" * 60

# what is in the body, a piece of the message, param, code; gpt-5 unless the body says otherwise
REFUSED: list[tuple[dict[str, Any], str, str | None, str | None]] = [
    ({}, "Missing required parameter: 'input'.", "input", MISSING),
    ({"input": 7}, "expected one of a string or array of input items, but got an integer", "input", TYPE),
    ({"input": []}, "'input': empty array", "input", "empty_array"),
    (items("hi"), "but got a string", "input[0]", TYPE),
    (items({"content": "hi"}), "Invalid value: 'None'", "input[0]", VALUE),
    (items({"type": "tool_use"}), "Invalid value: 'tool_use'. Supported values are: 'message', 'function_call'",
     "input[0]", VALUE),
    (items({"role": "tool", "content": "x"}),
     "'tool'. Supported values are: 'assistant', 'system', 'developer', and 'user'.", "input[0].role", VALUE),
    (items({**ASKED, "bogus": 1}), "Unknown parameter: 'input[0].bogus'.", "input[0].bogus", UNKNOWN),
    (items({**ASKED, "phase": "commentary"}), "'input[0].phase'", "input[0].phase", UNKNOWN),
    (items({**SAID, "phase": "x"}), "'commentary' and 'final_answer'", "input[0].phase", VALUE),
    (items({"role": "user"}), "'input[0].content'", "input[0].content", MISSING),
    (items({"role": "user", "content": None}), "but got null", "input[0].content", TYPE),
    (user(), "'input[0].content': empty array", "input[0].content", "empty_array"),
    (user({"type": "text", "text": "x"}), "Invalid value: 'text'", "input[0].content[0].type", VALUE),
    (user({"type": "output_text", "text": "x"}), "'input_text', 'input_image', and 'input_file'",
     "input[0].content[0]", VALUE),
    (user({"type": "input_text"}), "'input[0].content[0].text'", "input[0].content[0].text", MISSING),
    (user({**TEXT, "cache_control": {}}), "cache_control", "input[0].content[0].cache_control", UNKNOWN),
    (user({**TEXT, **MARK}), "Unknown parameter: 'input[0].content[0].prompt_cache_breakpoint'.",
     "input[0].content[0].prompt_cache_breakpoint", UNKNOWN),
    ({"model": "gpt-6-sol", **user({**TEXT, "prompt_cache_breakpoint": {}})}, "prompt_cache_breakpoint.mode",
     "input[0].content[0].prompt_cache_breakpoint.mode", MISSING),
    ({"model": "gpt-6-sol", **user(*[{**TEXT, **MARK}] * 5)}, "at most 4", None, "invalid_parameter"),
    ({"model": "gpt-6-sol", **items({"role": "assistant", "content": [{"type": "output_text", "text": "x", **MARK}]})},
     "prompt_cache_breakpoint", "input[0].content[0].prompt_cache_breakpoint", UNKNOWN),
    (items({"role": "assistant", "content": [TEXT]}),
     "Invalid value: 'input_text'. Supported values are: 'output_text' and 'refusal'.", "input[0].content[0]", VALUE),
    (items({"role": "assistant", "content": [IMAGE]}), "'output_text' and 'refusal'", "input[0].content[0]", VALUE),
    (items({"role": "developer", "content": [IMAGE]}), "Supported values are: 'input_text'.", "input[0].content[0]",
     VALUE),
    ({"model": "o3-mini", **user(IMAGE)}, "only supported by certain models", "input[0].content[0]", None),
    (user({**IMAGE, "image_url": {"url": "x"}}), "Expected a valid URL", "input[0].content[0].image_url", VALUE),
    (user({**IMAGE, "image_url": "data:image/bmp;base64,AAAA"}), "unsupported image", None, "invalid_image_format"),
    (user({**IMAGE, "image_url": "data:image/png;base64,?"}), "Invalid base64", None, "invalid_base64"),
    (user({**IMAGE, "detail": "best"}), "'best'", "input[0].content[0].detail", VALUE),
    (user(without("filename", FILE)), "Invalid file data", "input[0].content[0].file_data", VALUE),
    (user({**FILE, "filename": "Report"}), "a supported format: .pdf but got none", None, None),
    (user({**FILE, "file_data": "JVBERi0="}), "Expected a base64-encoded data URL", "input[0].content[0].file_data",
     VALUE),
    (user({"type": "input_file", "filename": "a.pdf"}), "only providing one of", "input[0].content[0]",
     "mutually_exclusive_parameters"),
    (user({"type": "input_file", "file_url": "a.pdf"}), "Expected a valid URL", "input[0].content[0].file_url", VALUE),
    (items({**CALL, "call_id": LONG_ID}, OUTPUT), "'input[0].call_id': string too long. Expected a string with maximum "
     "length 64, but got a string with length 65 instead.", "input[0].call_id", LONG),
    (items(CALL, {**OUTPUT, "call_id": LONG_ID}), "'input[1].call_id'", "input[1].call_id", LONG),
    (items({**CALL, "call_id": ""}), "empty string", "input[0].call_id", "empty_string"),
    (items({**CALL, "name": "a.b"}, OUTPUT), "does not match pattern", "input[0].name", VALUE),
    (items({**CALL, "name": "x" * 65}, OUTPUT), "with length 65", "input[0].name", LONG),
    (items({**CALL, "arguments": {}}, OUTPUT), "expected a string, but got an object", "input[0].arguments", TYPE),
    (items({**CALL, "id": "call_1"}, OUTPUT), "Invalid 'input[0].id': 'call_1'. Expected an ID that begins with 'fc'.",
     "input[0].id", VALUE),
    (items({**SAID, "id": "item_1"}), "Expected an ID that begins with 'msg'.", "input[0].id", VALUE),
    (items({**SAID, "id": "msg_" + "x" * 61}), "maximum length 64", "input[0].id", LONG),
    (items({**ASKED, "id": "msg_1"}, {**ASKED, "id": "msg_1"}),
     "Duplicate item found with id msg_1. Remove duplicate items from your input and try again.", "input", None),
    (items(CALL, without("output", OUTPUT)), "'input[1].output'", "input[1].output", MISSING),
    (items(CALL, {**OUTPUT, "output": []}), "'input[1].output': empty array", "input[1].output", "empty_array"),
    (items(CALL, {**OUTPUT, "output": None}), "but got null", "input[1].output", TYPE),
    (items(CALL, {**OUTPUT, "output": [SAID["content"][0]]}), "'input_text'", "input[1].output[0]", VALUE),
    (items(ASKED, CALL), "No tool output found for function call call_1.", "input", None),
    (items(CALL, {**CALL, "call_id": "call_2"}, OUTPUT), "No tool output found for function call call_2.", "input",
     None),
    (items(ASKED, OUTPUT), "No tool call found for function call output with call_id call_1.", "input", None),
    (items(OUTPUT, CALL), "No tool call found for function call output with call_id call_1.", "input", None),
    (items(CALL, OUTPUT, OUTPUT), "Duplicate function_call_output for call_id call_1.", "input", None),
    (items(CALL, CALL, OUTPUT), "Duplicate function_call for call_id call_1.", "input", None),
    (items({"type": "reasoning"}), "'input[0].summary'", "input[0].summary", MISSING),
    (items({**REASONING, "summary": "x"}), "expected an array of objects", "input[0].summary", TYPE),
    (items({**REASONING, "summary": [{"type": "text", "text": "x"}]}), "'summary_text'", "input[0].summary[0].type",
     VALUE),
    (items({**REASONING, "content": [{"type": "reasoning_text", "text": "x"}]}), "maximum length 0",
     "input[0].content", "array_above_max_length"),
    (items({**REASONING, "id": ""}), "Expected an ID that begins with 'rs'.", "input[0].id", VALUE),
    ({"model": "gpt-4o", **items(REASONING)},
     "Reasoning input items can only be provided to a reasoning or computer use model.", "input", None),
    (items({**REASONING, "encrypted_content": "gAAAAABforeignDQ=="}),
     "The encrypted content gAAA...DQ== could not be verified.", None, "invalid_encrypted_content"),
    (items({**REASONING, "encrypted_content": ""}), "could not be verified", None, "invalid_encrypted_content"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "text", "param", "code"), REFUSED)
def test_refusals(change: dict[str, Any], text: str, param: str | None, code: str | None) -> None:
    body = {"model": "gpt-5", **change}
    refused = refusal(body, find(body["model"]))
    assert refused is not None
    assert text in refused.message
    assert (refused.status, refused.body["error"]["param"], refused.code) == (400, param, code)


@pytest.mark.parametrize(
    "body",
    [
        {"input": ""},
        items({**ASKED, "id": "msg_x", "status": "completed"}, {**SAID, "phase": "commentary"}),
        user({**TEXT, "text": ""}, {"type": "input_image", "file_id": "file_1"}),
        user({"type": "input_file", "file_url": "https://a.b/c.pdf"}),
        items(REASONING, ASKED, {**REASONING, "encrypted_content": None}),
        items({**CALL, "call_id": "x" * 64, "id": "fc_1"}, ASKED, {**OUTPUT, "call_id": "x" * 64, "id": "fc_2"}),
        {"model": "gpt-5.6-sol", **user(*[{**TEXT, **MARK}] * 4)},
    ],
)
def test_taken(body: dict[str, Any]) -> None:
    body = {"model": "gpt-5", **body}
    assert refusal(body, find(body["model"])) is None


def _answered(ledger: Ledger, *, stored: bool) -> list[dict[str, Any]]:
    """Two sealed thoughts, a call after the first, a message after the second."""
    states = [ledger.seal("gpt-5", text, 1) for text in ("one", "two")]
    thoughts = [
        {**REASONING, "id": f"rs_{number}", "encrypted_content": state.encrypted} for number, state in enumerate(states)
    ]
    output = [thoughts[0], {**CALL, "id": "fc_1"}, thoughts[1], {**SAID, "id": "msg_1"}]
    ledger.enter(output, stored=stored)
    return output


def _judge(ledger: Ledger, *given: dict[str, Any], model: str = "gpt-5") -> tuple[int, str] | None:
    refused = refusal({"model": model, **items(*given)}, find(model), ledger)
    return None if refused is None else (refused.status, refused.message)


NOT_PERSISTED = (
    "Item with id 'rs_0' not found. Items are not persisted when `store` is set to false. Try again with `store` set "
    "to true, or remove this item from your input."
)


def test_sealed_reasoning_comes_back_with_its_ids_or_without() -> None:
    ledger = Ledger()
    first, called, second, said = _answered(ledger, stored=False)
    assert _judge(ledger, ASKED, first, called, OUTPUT, second, said, ASKED) is None
    bare = [without("id", item) for item in (first, called, OUTPUT, second, said)]
    assert _judge(ledger, ASKED, *bare, ASKED) is None
    assert _judge(ledger, ASKED, without("id", first)) is None, "without an id nothing has to follow"


def test_what_the_server_cannot_find_or_read() -> None:
    ledger = Ledger()
    first, called, second, said = _answered(ledger, stored=False)
    assert _judge(ledger, {**first, "id": "rs_x"}, called, OUTPUT) == (404, NOT_PERSISTED.replace("rs_0", "rs_x"))
    assert _judge(ledger, without("encrypted_content", first), called, OUTPUT) == (404, NOT_PERSISTED)
    assert _judge(ledger, {"type": "item_reference", "id": "rs_0"}) == (404, NOT_PERSISTED)
    following = "Item 'rs_0' of type 'reasoning' was provided without its required following item."
    assert _judge(ledger, first) == (400, following)
    assert _judge(ledger, first, without("id", called), OUTPUT) == (400, following)
    required = "Item 'fc_1' of type 'function_call' was provided without its required 'reasoning' item: 'rs_0'."
    assert _judge(ledger, called, OUTPUT) == (400, required)
    for sealed in (first["encrypted_content"][:-2], ledger.issued[0].partial):
        status, text = _judge(ledger, {**without("id", first), "encrypted_content": sealed}) or (0, "")
        assert (status, "could not be verified" in text) == (400, True)
    status, text = _judge(ledger, without("id", second), model="gpt-5.1") or (0, "")
    assert (status, "could not be verified" in text) == (400, True), "another model cannot read it"
    assert _judge(ledger, ASKED, {**said, "id": "msg_2"}) is None


def test_stored_items_are_found() -> None:
    ledger = Ledger()
    first, called, second, _ = _answered(ledger, stored=True)
    reference = {"type": "item_reference", "id": "msg_1"}
    given = (without("encrypted_content", first), called, OUTPUT, without("encrypted_content", second), reference)
    assert _judge(ledger, *given) is None


def test_replays_are_recorded_with_their_place() -> None:
    ledger = Ledger()
    first, called, second, _ = (without("id", item) for item in _answered(ledger, stored=False))
    ledger.record(7, items_of(items(ASKED, first, called, OUTPUT, second, {"role": "assistant", "content": "Done."})))
    ledger.record(8, items_of(items(second, ASKED, first, {**called, "call_id": "call_9", "name": "Other"})))
    one, two = ledger.issued
    assert [(replay.state, replay.request, replay.position, replay.in_place) for replay in ledger.replayed] == [
        (one, 7, 1, True),
        (two, 7, 4, True),
        (two, 8, 0, False),
        (one, 8, 2, False),
    ]
    assert one.text == "one"
    assert one.encrypted.startswith(one.partial)


def test_states_differ_also_where_their_texts_do_not() -> None:
    ledger = Ledger()
    assert ledger.seal("gpt-5", "", 1).encrypted != ledger.seal("gpt-5", "", 2).encrypted
