"""How an answer ends: the table at the top of proxy/providers/openai/chat/stream.py."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.protocol.deltas import Finish, ThinkingEnd, ToolCallDelta, ToolCallEnd, ToolCallStart
from proxy.protocol.errors import ApiError
from proxy.providers.common.placeholders import EMPTY_ANSWER
from tests.fakes.openai.odd_base import call, calls, chunk, final, text
from tests.fakes.openai.replies import DONE
from tests.providers.openai.chat.reading import batches, content, deltas_of, new_stream, read
from tests.translation import BACKEND

HELLO = ("text", "hello")
READ = ("tool", "Read", {"file_path": "a.py"})
CALL = calls(call(index=0, id="call_1", name="Read", arguments='{"file_path": "a.py"}'))
HALF = calls(call(index=0, id="call_1", name="Read", arguments='{"file_pa'))
NAMED = calls(call(index=0, id="call_1", name="Read", arguments=""))
THOUGHT = chunk({"reasoning_content": "let me see"})
WORDS = {
    "end_turn": ["stop", "STOP", "eos", "COMPLETE", "end_turn", "tool_calls", "brand_new", "OTHER"],
    "max_tokens": ["length", "MAX_TOKENS", "max_output_tokens", "token_limit"],
    "model_context_window_exceeded": ["model_length", "model_context_window_exceeded", "ERROR_LIMIT"],
    "refusal": ["content_filter", "sensitive", "SAFETY", "safety", "PROHIBITED_CONTENT", "RECITATION", "ERROR_TOXIC"],
}
BROKEN = ["error", "network_error", "insufficient_system_resource", "abort", "MALFORMED_FUNCTION_CALL", "cancelled"]


@pytest.mark.parametrize(("reason", "word"), [(reason, word) for reason, words in WORDS.items() for word in words])
@pytest.mark.parametrize("done", [[DONE], []], ids=["done", "closed"])
def test_after_text(reason: str, word: str, done: list[bytes]) -> None:
    answered = read(text("hello"), final(word), *done)
    assert content(answered) == [HELLO]
    assert answered.message is not None
    assert answered.message["stop_reason"] == reason


@pytest.mark.parametrize(
    "last",
    [
        {"choices": [{"index": 0, "delta": {}, "finishReason": "length"}]},
        {"choices": [{"index": 0, "delta": {"finish_reason": "length"}}]},
    ],
    ids=["as SDKs write it", "in the delta"],
)
def test_where_the_word_stands(last: dict[str, Any]) -> None:
    answered = read(text("hello"), last, DONE)
    assert answered.message is not None
    assert answered.message["stop_reason"] == "max_tokens"


@pytest.mark.parametrize("word", BROKEN)
@pytest.mark.parametrize(
    "before", [[], [text("hello")], [HALF], [CALL], [THOUGHT]], ids=["nothing", "text", "half", "call", "thought"]
)
def test_broken_off(word: str, before: list[Any]) -> None:
    answered = read(*before, final(word), DONE)
    assert answered.error is not None
    assert answered.error.status == 502
    assert word in answered.error.message


@pytest.mark.parametrize("word", ["brand_new", "OTHER", "FINISH_REASON_UNSPECIFIED"])
@pytest.mark.parametrize("before", [[], [THOUGHT], [text(" \n")]], ids=["nothing", "thought", "white space"])
def test_an_unknown_word_with_nothing_said_is_no_normal_end(word: str, before: list[Any]) -> None:
    answered = read(*before, final(word), DONE)
    assert answered.error is not None
    assert answered.error.status == 502


@pytest.mark.parametrize(
    "before",
    [
        pytest.param([chunk({"role": "assistant", "content": ""})], id="nothing"),
        pytest.param([THOUGHT], id="a thought"),
        pytest.param([text("\n")], id="white space"),
        pytest.param(
            [chunk({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]})], id="a call without a name"
        ),
    ],
)
@pytest.mark.parametrize(
    "ending", [[final("stop"), DONE], [final("tool_calls")], [DONE]], ids=["stop", "calls", "done"]
)
def test_nothing_said(before: list[Any], ending: list[Any]) -> None:
    """The answer is worth asking for again; where that was in vain the client is told."""
    stream = new_stream()
    for each in (*before, *ending):
        if each == DONE:
            stream.done = True
        else:
            list(stream.feed(each))
    assert stream.spoilt
    answered = read(*before, *ending)
    assert [block for block in content(answered) if block[0] == "text"][-1][1].strip() == EMPTY_ANSWER
    assert answered.message is not None
    assert answered.message["stop_reason"] == "end_turn"


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([text("hello"), final("stop")], id="text"),
        pytest.param([CALL, final("stop")], id="a call"),
        pytest.param([THOUGHT, final("length")], id="cut while it thought"),
        pytest.param([THOUGHT, final("content_filter")], id="a filter"),
        pytest.param([THOUGHT, final("network_error")], id="broken off"),
        pytest.param([THOUGHT, final("brand_new")], id="an unknown word"),
        pytest.param([THOUGHT], id="not ended"),
        pytest.param([chunk({"refusal": "No."}), final("stop")], id="a refusal"),
        pytest.param(
            [chunk({"images": [{"image_url": {"url": "data:image/png;base64,A"}}]}), final("stop")], id="a picture"
        ),
    ],
)
def test_not_worth_asking_for_again(chunks: list[Any]) -> None:
    stream = new_stream()
    for each in chunks:
        list(stream.feed(each))
    assert stream.spoilt is None


@pytest.mark.parametrize("word", ["content_filter", "sensitive", "SAFETY"])
def test_a_filter_says_why(word: str) -> None:
    answered = read(final(word), DONE)
    assert answered.message is not None
    assert answered.message["stop_reason"] == "refusal"
    assert word in answered.message["stop_details"]["explanation"]
    assert word in content(answered)[0][1]


@pytest.mark.parametrize("word", ["length", "MAX_TOKENS", "model_length", "model_context_window_exceeded", "sensitive"])
@pytest.mark.parametrize(
    ("pieces", "sent"),
    [
        pytest.param([HALF], '{"file_pa', id="inside the input"),
        pytest.param([NAMED], "", id="before the input"),
        pytest.param([calls(call(index=0, id="call_1", name="Read", arguments="{}"))], "", id="after a placeholder"),
        pytest.param([calls(call(index=0, id="call_1", name="Read", arguments="{"))], "{", id="after a bracket"),
    ],
)
def test_a_cut_call_is_left_open(word: str, pieces: list[Any], sent: str) -> None:
    """It never becomes `{}`: nobody may run what the model did not say."""
    deltas = deltas_of(text("hello"), CALL | {"choices": [{"index": 0, "delta": {}}]}, *pieces, final(word), DONE)
    assert ToolCallStart(0, "Read") in deltas
    assert "".join(delta.json for delta in deltas if isinstance(delta, ToolCallDelta)) == sent
    assert not any(isinstance(delta, ToolCallEnd) for delta in deltas)
    assert isinstance(deltas[-1], Finish)
    assert deltas[-1].reason != "end"


@pytest.mark.parametrize("word", ["length", "model_length"])
def test_a_whole_call_before_a_cut_stands(word: str) -> None:
    two = calls(call(index=1, id="call_2", name="Grep", arguments='{"pat'))
    deltas = deltas_of(CALL, two, final(word), DONE)
    assert ToolCallEnd(0) in deltas
    assert ToolCallEnd(1) not in deltas
    answered = read(CALL, final(word), DONE)
    assert content(answered) == [READ]


def test_half_a_name_is_no_call() -> None:
    answered = read(text("hello"), calls(call(index=0, id="call_1", name="Rea")), final("length"), DONE)
    assert content(answered) == [HELLO]


@pytest.mark.parametrize("word", ["stop", "tool_calls", "brand_new"])
def test_a_half_call_with_a_normal_end_is_an_error(word: str) -> None:
    answered = read(HALF, final(word), DONE)
    assert answered.error is not None
    assert answered.error.status == 502


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["length", "stop"], "max_tokens"),
        (["content_filter", "stop"], "refusal"),
        (["stop", "length"], "max_tokens"),
        (["stop", "content_filter"], "refusal"),
        (["brand_new", "stop"], "end_turn"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else value,
)
def test_a_reason_that_says_more_stands(words: list[str], reason: str) -> None:
    answered = read(text("hello"), *map(final, words), DONE)
    assert answered.message is not None
    assert answered.message["stop_reason"] == reason


@pytest.mark.parametrize(
    ("word", "native", "reason"),
    [
        ("stop", "MAX_TOKENS", "max_tokens"),
        ("stop", "SAFETY", "refusal"),
        ("stop", "STOP", "end_turn"),
        ("stop", "brand_new", "end_turn"),
        ("stop", None, "end_turn"),
        ("length", "stop", "max_tokens"),
        ("stop", "MALFORMED_FUNCTION_CALL", None),
    ],
)
def test_the_word_of_the_server_behind(word: str, native: str | None, reason: str | None) -> None:
    ending = chunk({}, word)
    ending["choices"][0]["native_finish_reason"] = native
    answered = read(text("hello"), ending, DONE)
    assert (answered.message["stop_reason"] if answered.message else None) == reason


def test_finished() -> None:
    """Only usage may follow, unless a reason stood on every chunk (Gemini's compatible endpoint)."""
    stream = new_stream()
    list(stream.feed(text("hello")))
    assert not stream.finished
    list(stream.feed(final("stop")))
    assert stream.finished
    list(stream.feed(text(" you", "stop")))
    assert not stream.finished


@pytest.mark.parametrize(
    ("chunks", "complete"),
    [
        ([text("hello")], False),
        ([final("stop")], False),
        ([text("hello"), final("stop")], True),
        ([text("hello"), final("length")], True),
        ([text("hello"), final("error")], False),
        ([text("hello", "stop"), text("you", "stop")], False),
    ],
)
def test_complete(chunks: list[Any], complete: bool) -> None:
    """Then nothing that follows can spoil the answer, be it a report of a failure or no JSON."""
    stream = new_stream()
    for each in chunks:
        list(stream.feed(each))
    assert stream.complete is complete


def test_a_reason_that_quotes_a_key_or_a_page() -> None:
    """Fuzzing: the reason is a server's own word, some put a whole sentence there."""
    answered = read(text("hello"), final(f"error: {BACKEND.keys[0]} <html><body>"), DONE)
    assert answered.error is not None
    assert answered.error.message.endswith("(finish reason: error: [key] [a web page])")


@pytest.mark.parametrize("chunks", [[], [DONE], [{}, DONE], [text("hello")], [CALL], [chunk({"role": "assistant"})]])
def test_closed_too_early(chunks: list[Any]) -> None:
    with pytest.raises(ApiError) as failed:
        list(batches(new_stream(), chunks))
    assert failed.value.status == 502


def test_the_thoughts_of_a_spoilt_answer_are_closed() -> None:
    """Their state is not sent back: what comes of asking again has its own."""
    stream = new_stream()
    details = [{"type": "reasoning.text", "text": "let me see", "signature": "s", "index": 0}]
    list(stream.feed(chunk({"reasoning": "let me see", "reasoning_details": details}, "stop")))
    assert stream.spoilt
    assert list(stream.end_thinking()) == [ThinkingEnd("proxy1|openrouter|local|[]")]
    assert list(new_stream().end_thinking()) == []
