"""Damage to well-formed JSON, and the judge of what is made of it: for tests that feed readers what nobody planned."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import strategies as st

from proxy.protocol import sse
from proxy.protocol.deltas import Delta
from proxy.protocol.errors import ApiError
from proxy.protocol.events import Event, StreamError
from proxy.protocol.message import fold
from proxy.protocol.writer import Writer
from tests.conformance import Violation, check_error_stream, check_message, check_stream, same_message
from tests.conformance.message import STOPS_THAT_WIN_OVER_TOOL_USE

Json = dict[str, Any]


TOO_DEEP = 200_000
"""Nested more deeply than any Python goes on with: 3.11 stops at 1,000, later ones where their C stack ends."""


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


ODD_VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 0.5, 1.0, 1e308, float("inf"), float("nan"), 10**4000, "", " ", "x", "0"),
    *("{}", "[]", '{"a": 1}', "null", "\ud83d", "STOP", "error", "http://[", [], [[]], ["x"], [1.5, None], {}, {"": 0}),
    *({"type": "x"}, {"text": "odd"}, [{"text": ["odd"]}], {"error": {"message": "no"}}, nested(100)),
]


_DEPTH_END = 12


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterable[tuple[Any, ...]]:
    """The way to every value inside, unless it lies very deep."""
    if len(path) > _DEPTH_END:
        return
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*path, key)
        yield from paths(each, (*path, key))


@st.composite
def mutated(draw: st.DrawFn, events: Sequence[Json], *, most: int = 4) -> list[Json]:
    """The events with up to `most` changes: values replaced or left out, events repeated, left out or moved."""
    damaged = copy.deepcopy(list(events))
    for _ in range(draw(st.integers(1, most))):
        if not damaged:
            break
        at = draw(st.integers(0, len(damaged) - 1))
        match draw(st.sampled_from(["replace", "replace", "replace", "remove", "repeat", "drop", "move"])):
            case "repeat":
                damaged.insert(at, copy.deepcopy(damaged[at]))
            case "drop":
                del damaged[at]
            case "move":
                damaged.insert(draw(st.integers(0, len(damaged) - 1)), damaged.pop(at))
            case kind:
                _damage(damaged[at], draw(st.sampled_from(list(paths(damaged[at])) or [("x",)])), kind, draw)
    return damaged


def _damage(event: Json, path: tuple[Any, ...], kind: str, draw: st.DrawFn) -> None:
    node: Any = event
    for key in path[:-1]:
        node = node[key]
    if kind == "replace":
        node[path[-1]] = copy.deepcopy(draw(st.sampled_from(ODD_VALUES)))
    elif isinstance(node, dict):
        node.pop(path[-1], None)


def judged(batches: Iterable[Sequence[Delta]]) -> Json | ApiError:
    """The Message that is written, conforming and the same in both forms, or the error that ends the answer."""
    writer = Writer("claude-x", 7)
    events: list[Event] = []
    try:
        events += writer.feed(())
        for batch in batches:
            events += writer.feed(batch)
        events += writer.finish()
    except ApiError as error:
        check_error_stream(sse.encode([*events, StreamError(error, "req_000000")]))
        return error
    message = fold(events)
    try:
        same_message(check_stream(sse.encode(events)), check_message(message))
    except Violation as violation:
        if not _was_shown_before_it_was_wrong(violation.rule, message):
            raise
    return message


def _was_shown_before_it_was_wrong(rule: str, message: Json) -> bool:
    """What a stream cannot take back: thinking that nothing follows, a cut call that is garbled or between texts."""
    if rule == "M8":
        return message["content"][-1]["type"] in ("thinking", "redacted_thinking")
    return rule in ("S8", "M7") and message["stop_reason"] in STOPS_THAT_WIN_OVER_TOOL_USE


def shown(message: Json) -> list[tuple[Any, ...]]:
    """The blocks as short tuples: ("text", text), ("thinking", text) or (name, input)."""
    blocks: list[tuple[Any, ...]] = []
    for block in message["content"]:
        if block["type"] == "tool_use":
            blocks.append((block["name"], block["input"]))
        elif block["type"] in ("text", "thinking"):
            blocks.append((block["type"], block[block["type"]]))
        else:
            blocks.append((block["type"],))
    return blocks
