"""How answers of the Responses API end: whole, cut, filtered, empty or failed."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.protocol.deltas import ToolCallDelta, ToolCallStart
from proxy.protocol.errors import ApiError
from tests.mutation import judged, shown
from tests.providers.openai.responses.events import (
    READ,
    Json,
    added,
    answer,
    arguments,
    call,
    cut,
    done,
    ended,
    event,
    failure,
    message,
    read,
    reader,
    reasoning,
    text,
    thought,
)

ENDS: list[Any] = [
    pytest.param(cut("max_output_tokens"), "max_tokens", id="length"),
    pytest.param(cut("content_filter"), "refusal", id="filter"),
    pytest.param(cut("context_length_exceeded"), "model_context_window_exceeded", id="window"),
    pytest.param(cut("max_messages"), "max_tokens", id="a limit nobody knows"),
    pytest.param(cut(None), "max_tokens", id="incomplete without a reason"),
    pytest.param(event("incomplete"), "max_tokens", id="incomplete without a response"),
    pytest.param(event("incomplete", response={"status": "completed"}), "max_tokens", id="the event is worse"),
    pytest.param(event("completed", response={"status": "incomplete"}), "max_tokens", id="incomplete inside completed"),
    pytest.param(
        event("completed", response={"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}),
        "refusal",
        id="filtered inside completed",
    ),
    pytest.param(event("completed"), "end_turn", id="completed without a response"),
    pytest.param(event("completed", response={"status": "in_progress"}), "end_turn", id="a status that is late"),
    pytest.param(event("done", response={}), "end_turn", id="done"),
]


@pytest.mark.parametrize(("end", "stop_reason"), ENDS)
def test_ends(end: Json, stop_reason: str) -> None:
    assert answer(text("hello"), end)["stop_reason"] == stop_reason


@pytest.mark.parametrize(
    ("end", "status", "words"),
    [
        pytest.param(
            ended("failed", error={"code": "rate_limit_exceeded", "message": "slow"}), 429, "slow", id="limit"
        ),
        pytest.param(ended("completed", error={"message": "no", "code": "server_error"}), 502, "no", id="in completed"),
        pytest.param(event("completed", response={"status": "failed"}), 502, "failed", id="failed inside completed"),
        pytest.param(ended("cancelled"), 502, "failed", id="cancelled"),
        pytest.param(cut("server_error"), 502, "server_error", id="incomplete, for the server broke off"),
        pytest.param({"type": "error", "error": {"message": "no"}, "status": 429}, 429, "no", id="status beside it"),
        pytest.param({"type": "error", "error": "all is lost"}, 502, "all is lost", id="a word"),
        pytest.param({"error": {"message": "no", "code": 503}}, 529, "no", id="without a type"),
        pytest.param(text("x"), 502, "before it was complete", id="none at all"),
        pytest.param(
            {"object": "response", "status": "in_progress"}, 502, "before it was complete", id="still running"
        ),
    ],
)
def test_failures(end: Json, status: int, words: str) -> None:
    error = failure(text("hello"), end)
    assert (error.status, words in error.message) == (status, True), error.message


@pytest.mark.parametrize("before", [[], [added(reasoning()), thought("hm"), done(reasoning("hm"))], [text(" \n")]])
@pytest.mark.parametrize("listed", [[], [message("")], [{"type": "compaction"}]])
def test_an_answer_without_content(before: list[Json], listed: list[Json]) -> None:
    """It is worth asking again (CASES-74), and when that was in vain, the client is told."""
    stream = reader()
    deltas = [delta for batch in read([*before, ended("completed", *listed)], stream) for delta in batch]
    assert stream.spoilt
    message = judged([deltas])
    assert not isinstance(message, ApiError)
    assert "without saying anything" in message["content"][-1]["text"]


@pytest.mark.parametrize(
    "events", [[text("x"), ended()], [done(call()), ended()], [cut("max_output_tokens")], [cut("content_filter")]]
)
def test_not_worth_asking_again(events: list[Json]) -> None:
    stream = reader()
    list(read(events, stream))
    assert stream.spoilt is None


def test_a_filtered_answer_says_so() -> None:
    message = answer(cut("content_filter"))
    assert "content filter" in message["content"][0]["text"]
    assert "content filter" in message["stop_details"]["explanation"]
    refused = answer(done({"type": "message", "content": [{"type": "refusal", "refusal": "I will not."}]}), ended())
    assert (shown(refused), refused["stop_reason"]) == ([("text", "I will not.")], "refusal")


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([added(call("")), arguments('{"fi')], id="streamed"),
        pytest.param([added(call(""))], id="no byte of arguments"),
        pytest.param([added(call("")), done(call("", status="completed"))], id="done without a byte"),
        pytest.param(
            [added(call("")), arguments('{"fi'), done(call('{"fi', status="incomplete"))], id="done incomplete"
        ),
        pytest.param([done(call("", status="incomplete"))], id="only done incomplete"),
        pytest.param([arguments('{"fi')], id="before its name"),
    ],
)
@pytest.mark.parametrize("listed", [[], [call("", status="incomplete")], [call('{"fi', status="incomplete")]])
@pytest.mark.parametrize("reason", ["max_output_tokens", "context_length_exceeded"])
def test_a_cut_call_never_runs(events: list[Json], listed: list[Json], reason: str) -> None:
    """CASES-62"""
    message = answer(text("a"), *events, cut(reason, *([] if events[-1] == arguments('{"fi') else listed)))
    assert shown(message) == [("text", "a")]
    assert message["stop_reason"] in ("max_tokens", "model_context_window_exceeded")


def test_a_cut_call_is_shown_as_far_as_it_came() -> None:
    deltas = [
        delta for batch in read([added(call("")), arguments('{"fi'), cut("max_output_tokens")]) for delta in batch
    ]
    assert [delta for delta in deltas if isinstance(delta, ToolCallStart)]
    assert [delta.json for delta in deltas if isinstance(delta, ToolCallDelta)] == ['{"fi']


@pytest.mark.parametrize("events", [[arguments(READ)], [done({"type": "function_call", "arguments": READ})]])
def test_a_call_without_a_name_is_an_error(events: list[Json]) -> None:
    """It cannot run, and must not vanish."""
    assert "without naming it" in failure(*events, ended()).message
