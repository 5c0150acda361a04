"""Events of the Responses API -> deltas: items are told apart, nothing is lost, and every end is an honest one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.protocol.deltas import TextDelta, ThinkingDelta, Usage
from proxy.protocol.errors import ApiError
from tests.mutation import judged, shown
from tests.providers.openai.responses.events import (
    READ,
    Json,
    added,
    answer,
    arguments,
    call,
    done,
    ended,
    event,
    message,
    read,
    reader,
    reasoning,
    text,
    thought,
)

READING = ("Read", {"file_path": "a.py"})
OTHER = '{"file_path": "b.py"}'
READING_B = ("Read", {"file_path": "b.py"})
HELLO = ("text", "hello")
PNG = "iVBORw0KGgo="
MADE = "which cannot be shown here]"


ITEMS: list[Any] = [
    pytest.param([text("hel", item_id="m"), text("lo", item_id="m")], [HELLO], id="text without any announcement"),
    pytest.param([done(message("hello"))], [HELLO], id="text only in the item that is done"),
    pytest.param([event("output_text.done", item_id="m", text="hello")], [HELLO], id="text only in output_text.done"),
    pytest.param(
        [event("content_part.done", item_id="m", part={"type": "output_text", "text": "hello"})],
        [HELLO],
        id="text only in content_part.done",
    ),
    pytest.param([added(message("hello"))], [HELLO], id="text only in the announcement"),
    pytest.param([done({"type": "message", "content": "hello"})], [HELLO], id="content is a string"),
    pytest.param([done({"type": "message", "content": ["hel", "lo"]})], [HELLO], id="parts are strings"),
    pytest.param([done({"content": "hello"})], [HELLO], id="an item without a type"),
    pytest.param([None, 5, "x", [], [text("hel"), 5], text("lo")], [HELLO], id="events that are none"),
    pytest.param([event("output_text.delta", delta={"text": "hello"})], [HELLO], id="a delta that is a part"),
    pytest.param(
        [text("hel", item_id="m"), event("output_text.done", item_id="m", text="hello")],
        [HELLO],
        id="the rest of a part",
    ),
    pytest.param([text("hel"), done(message("hello"))], [HELLO], id="the rest of an item"),
    pytest.param([text("hello"), done(message("hallo"))], [HELLO], id="what was streamed stands"),
    pytest.param(
        [text("a", item_id="m1"), done(message("a", id="m1")), text("b", item_id="m2"), done(message("b", id="m2"))],
        [("text", "a\n\nb")],
        id="two messages are two paragraphs",
    ),
    pytest.param(
        [done(message("a\n", id="m1")), done(message("b", id="m2"))], [("text", "a\nb")], id="a border that is there"
    ),
    pytest.param(
        [done(reasoning("a", id="r1")), done(reasoning("b", id="r2")), done(message("hello"))],
        [("thinking", "a\n\nb"), HELLO],
        id="two reasoning items are two paragraphs",
    ),
    pytest.param(
        [
            *(text("Reading.", item_id="m1"), done(message("Reading.", id="m1"))),
            *(arguments(READ, item_id="f1"), done(call(id="f1", call_id="c"))),
        ],
        [("text", "Reading."), READING],
        id="ids tell items apart",
    ),
    pytest.param(
        [
            *(arguments(READ[:5], item_id="f1"), arguments(OTHER[:7], item_id="f2")),
            *(arguments(READ[5:], item_id="f1"), arguments(OTHER[7:], item_id="f2")),
            *(done(call(id="f1")), done(call(OTHER, id="f2"))),
        ],
        [READING, READING_B],
        id="ids tell interleaved calls apart",
    ),
    pytest.param(
        [
            *(added(call("", id="f1"), 0), added(call("", id="f2"), 0)),
            *(arguments(READ, 0, item_id="f1"), arguments(OTHER, 0, item_id="f2")),
            *(done(call(OTHER, id="f2"), 0), done(call(id="f1"), 0)),
        ],
        [READING, READING_B],
        id="one index for all",
    ),
    pytest.param(
        [
            *(added(call("", id="a", call_id="c1")), arguments(READ), done(call(id="b", call_id="c1"))),
            *(added(call("", id="d", call_id="c2")), arguments(OTHER), done(call(OTHER, id="e", call_id="c2"))),
        ],
        [READING, READING_B],
        id="call_id alone",
    ),
    pytest.param(
        [
            *(added(message(id="a"), 0), text("hel", 0, item_id="b"), text("lo", 0, item_id="c")),
            *(done(message("hello", id="d"), 0), ended("completed", message("hello", id="e"))),
        ],
        [HELLO],
        id="a new id in each event",
    ),
    pytest.param(
        [
            *(added(call("", call_id="c1")), added(call("", call_id="c2"))),
            *(done(call(READ, call_id="c1")), done(call(READ, call_id="c2"))),
        ],
        [READING, READING],
        id="the same call twice is two calls",
    ),
    pytest.param(
        [done(call(call_id="c1")), done(call(call_id="c1")), ended("completed", call(call_id="c1"))],
        [READING],
        id="a call that is repeated is one",
    ),
    pytest.param(
        [done(call(OTHER, id="x", call_id="c1"), 1), done(message("hello", id="m"), 0)],
        [READING_B, HELLO],
        id="out of order",
    ),
    pytest.param([text("hello", 0.0), text("!", "0"), text("?", True)], [("text", "hello!?")], id="odd indices"),
    pytest.param(
        [{**arguments(READ, item_id="f"), "name": "Read"}], [READING], id="the name in the event of the arguments"
    ),
    pytest.param(
        [
            arguments(READ, item_id="f"),
            event("function_call_arguments.done", item_id="f", name="Read", arguments=READ),
        ],
        [READING],
        id="the name at the end",
    ),
    pytest.param(
        [added(call("")), event("function_call_arguments.done", arguments=READ)], [READING], id="arguments only in done"
    ),
    pytest.param([added(call())], [READING], id="arguments only in the announcement"),
    pytest.param([done(call({"file_path": "a.py"}))], [READING], id="arguments as an object"),
    pytest.param([added(call("")), arguments({"file_path": "a.py"})], [READING], id="a delta that is an object"),
    pytest.param([done(call(None))], [("Read", {})], id="null arguments"),
    pytest.param(
        [added(call('{"x')), arguments(READ), done(call(READ))], [READING], id="what is announced is not counted twice"
    ),
]
LISTED: list[Any] = [
    pytest.param([], [message("hello"), call()], [HELLO, READING], id="only listed"),
    pytest.param([done(call(call_id="c1"))], [call(call_id="c9", id="f9")], [READING], id="under other ids"),
    pytest.param(
        [text("hello"), done(call(call_id="c1"))],
        [call(call_id="c8"), message("hello")],
        [HELLO, READING],
        id="in another order",
    ),
    pytest.param([text("hel")], [message("hello")], [HELLO], id="the rest"),
    pytest.param([done(call())], [call(OTHER), call()], [READING, READING_B], id="one that was not streamed"),
    pytest.param([done(call(), 0)], [call('{"file_path":"a.py"}')], [READING], id="written otherwise"),
    pytest.param([done(message("hello"), 0)], [message("hello!")], [HELLO], id="changed afterwards"),
    pytest.param(
        [done(reasoning("a", id="r1"), 0), done(message("hello"), 0)],
        [reasoning("a b", id="r7"), message("hello")],
        [("thinking", "a"), HELLO],
        id="reasoning under another id",
    ),
]


@pytest.mark.parametrize(("events", "blocks"), ITEMS)
def test_items(events: list[Json], blocks: list[Any]) -> None:
    assert shown(answer(*events, ended())) == blocks


@pytest.mark.parametrize(("events", "listed", "blocks"), LISTED)
def test_listed_items(events: list[Json], listed: list[Json], blocks: list[Any]) -> None:
    assert shown(answer(*events, ended("completed", *listed))) == blocks
    assert shown(answer(*events, ended("completed", *listed), ended("completed", *listed))) == blocks


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"type": "image_generation_call", "result": PNG}, "[The model made an image, " + MADE),
        (
            {"type": "image_generation_call", "result": PNG, "output_format": "webp"},
            "[The model made an image (image/webp), " + MADE,
        ),
        ({"type": "code_interpreter_call", "code": "1+1", "outputs": None}, "```python\n1+1\n```"),
        (
            {"type": "code_interpreter_call", "code": "1+1", "outputs": [{"type": "logs", "logs": "2"}, {"url": "x"}]},
            "```python\n1+1\n```\n\n```\n2\n```",
        ),
        (
            {"type": "mcp_call", "name": "q", "server_label": "s", "arguments": "{}", "output": "found"},
            "[The server called q of s]\n\n```\nfound\n```",
        ),
        (
            {"type": "mcp_call", "name": "q", "server_label": "s", "error": "gone"},
            "[The server called q of s]\n\n```\nError: gone\n```",
        ),
        (
            {"type": "custom_tool_call", "name": "patch", "call_id": "c", "input": "*** Begin"},
            "[The model called patch, which is no function, with this input]\n\n```\n*** Begin\n```",
        ),
        (
            {"type": "local_shell_call", "action": {"command": ["ls", "-l"]}},
            "[The model wanted to run this in a shell]\n\n```sh\nls -l\n```",
        ),
        (
            {"type": "shell_call", "action": {"commands": ["ls", "pwd"]}},
            "[The model wanted to run this in a shell]\n\n```sh\nls\npwd\n```",
        ),
        ({"type": "computer_call"}, "[The server sent a computer_call, " + MADE),
        (
            {"type": "message", "content": [{"type": "output_audio", "data": PNG}]},
            "[The model made a recording, " + MADE,
        ),
        ({"type": "message", "content": [{"type": "output_audio", "transcript": "hello"}]}, "hello"),
        ({"type": "message", "content": [{"type": "output_image", "data": PNG}]}, "[The model made an image, " + MADE),
        ({"type": "message", "content": [{"type": "file", "id": "x"}]}, "[The model made a file, " + MADE),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else None,
)
@pytest.mark.parametrize("place", ["done", "listed", "announced"])
def test_other_output_is_described(item: Json, words: str, place: str) -> None:
    """A client is told what it cannot be shown, and text beside it keeps its own paragraph."""
    events = {"done": [done(item), ended()], "listed": [ended("completed", item)], "announced": [added(item), ended()]}
    assert shown(answer(*events[place])) == [("text", words)]
    assert reader().spoilt is None
    after = {"done": [done(item), text("Done."), ended()], "listed": [ended("completed", item, message("Done."))]}
    if place in after:
        assert shown(answer(*after[place])) == [("text", f"{words}\n\nDone.")]


def test_a_response_that_only_sums_up() -> None:
    whole = {"object": "response", "status": "completed", "output": [], "output_text": "hello"}
    assert shown(answer(whole)) == [HELLO]
    assert shown(answer(event("completed", response=whole))) == [HELLO]
    assert shown(answer(event("completed", output=[message("hello")]))) == [HELLO]
    assert shown(answer(text("hello"), event("completed", response=whole))) == [HELLO]


@pytest.mark.parametrize("kind", ["compaction", "mcp_list_tools", "web_search_call", "file_search_call"])
def test_bookkeeping_is_not_described(kind: str) -> None:
    assert shown(answer(text("hello"), done({"type": kind, "tools": []}), ended())) == [HELLO]


@pytest.mark.parametrize("kind", ["reasoning_text", "reasoning_summary_text", "reasoning", "reasoning_summary"])
def test_reasoning_under_any_name(kind: str) -> None:
    events = [event(f"{kind}.delta", delta="let me "), event(f"{kind}.delta", delta="see"), text("hello"), ended()]
    assert shown(answer(*events)) == [("thinking", "let me see"), HELLO]
    assert shown(answer(event(f"{kind}.done", text="let me see"), text("hello"), ended())) == [
        ("thinking", "let me see"),
        HELLO,
    ]


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"input_tokens": 9, "output_tokens": True}, (9, None)),
        ({"input_tokens": -1, "output_tokens": 10**30}, (None, None)),
        ({"input_tokens": 5.0, "output_tokens": "7"}, (5, None)),
        ({"input_tokens": 5, "output_tokens": 7, "input_tokens_details": {"cached_tokens": True}}, (5, 7)),
        ({"input_tokens": 5, "output_tokens": 7, "input_tokens_details": [], "output_tokens_details": 3}, (5, 7)),
        ([5], None),
    ],
    ids=str,
)
def test_only_counts_are_counts(usage: Any, counts: Any) -> None:
    deltas = [delta for batch in read([text("x"), ended(usage=usage)]) for delta in batch if isinstance(delta, Usage)]
    assert [(delta.input, delta.output) for delta in deltas] == ([] if counts is None else [counts])


def test_long_answers_in_small_pieces() -> None:
    pieces = [text("ab", 0, item_id="m")] * 20_000
    assert shown(answer(*pieces, ended("completed", message("ab" * 20_000)))) == [("text", "ab" * 20_000)]
    body = json.dumps({"text": "x" * 40_000})
    parts = [arguments(body[at : at + 2], 0, item_id="f") for at in range(0, len(body), 2)]
    assert shown(answer(added(call("", id="f"), 0), *parts, done(call(body, id="f"), 0), ended())) == [
        ("Read", json.loads(body))
    ]


@pytest.mark.parametrize("named", [True, False], ids=["ids", "no ids"])
def test_many_items(named: bool) -> None:
    """None is looked for among all that came before."""
    texts = [json.dumps({"file_path": str(number)}) for number in range(5000)]
    calls = [call(each, **({"id": f"f{at}", "call_id": f"c{at}"} if named else {})) for at, each in enumerate(texts)]
    events = [done(each, at) for at, each in enumerate(calls)]
    assert shown(answer(*events, ended("completed", *calls))) == [("Read", json.loads(each)) for each in texts]


def test_end_thinking_keeps_two_answers_apart() -> None:
    stream = reader()
    before = [*stream.feed(thought("hm", 0)), *stream.feed(ended()), *stream.end_thinking()]
    assert list(stream.end_thinking()) == []
    message = judged([before, [ThinkingDelta("again"), TextDelta("hello")], *read([text("!"), ended()])])
    assert not isinstance(message, ApiError)
    assert shown(message)[:2] == [("thinking", "hm"), ("thinking", "again")]
