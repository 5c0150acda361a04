"""What becomes of an answer's bytes on the way: values replaced, events moved, bytes lost, the end cut."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tests.mutation import ODD_VALUES, paths

_GARBAGE = [
    *(b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xf0\x9f", b"\r", b"\n", b"\r\n", b"\n\n", b"\t", b" "),
    *(b"data: ", b"data:", b"event: error\n", b"event: message_stop\n", b"error: no", b": comment\n\n", b"id: 7\n"),
    *(b"[DONE]", b"data: [DONE]\n\n", b"{", b"}", b"[", b"]", b'"', b"\\", b"\\ud83d", b",", b"null", b"{}", b"<html>"),
    *(b"[" * 3000, b'{"a":' * 3000, b"9" * 5000, b"1e999", b"-", b"NaN"),
]
_EVENT_CHANGES_MAX = 3
_BYTE_CHANGES_MAX = 2


def damaged(rng: random.Random, seeds: Sequence[Sequence[bytes]]) -> bytes:
    """The bytes of an answer that was one of the seeds, which are lists of events."""
    events = list(rng.choice(seeds))
    for _ in range(rng.randint(0, _EVENT_CHANGES_MAX)):
        if events:
            rng.choice(_OF_EVENTS)(events, rng.randrange(len(events)), rng, seeds)
    raw = bytearray(b"".join(events))
    for _ in range(rng.randint(0, _BYTE_CHANGES_MAX)):
        rng.choice(_OF_BYTES)(raw, rng.randint(0, len(raw)), rng)
    return bytes(raw)


def pieces(rng: random.Random, raw: bytes) -> Iterator[bytes]:
    """As they come off the network: all at once, event by event, or cut anywhere."""
    size = rng.choice((len(raw) or 1, len(raw) or 1, 200, 37))
    return (raw[at : at + size] for at in range(0, len(raw), size))


def _value(events: list[bytes], at: int, rng: random.Random, seeds: Any) -> None:
    """Another value somewhere in the JSON of an event, or none, or the value of another place."""
    head, mark, text = events[at].partition(b"data: ")
    try:
        event = json.loads(text or head)
    except (ValueError, RecursionError):
        return
    places = list(paths(event)) if isinstance(event, dict | list) else []
    if not places:
        return
    *way, last = rng.choice(places)
    node: Any = event
    for key in way:
        node = node[key]
    match rng.choice(("replace", "replace", "remove", "copy", "wrap")):
        case "replace":
            node[last] = copy.deepcopy(rng.choice(ODD_VALUES))
        case "remove":
            del node[last]
        case "copy":
            node[last] = copy.deepcopy(_at(event, rng.choice(places)))
        case _:
            node[last] = rng.choice(([node[last]], {"x": node[last]}))
    written = json.dumps(event, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    events[at] = head + mark + written + b"\n\n" if mark else written


def _at(value: Any, way: Sequence[Any]) -> Any:
    for key in way:
        value = value[key]
    return value


def _repeat(events: list[bytes], at: int, rng: random.Random, seeds: Any) -> None:
    events.insert(rng.randint(0, len(events)), events[at])


def _drop(events: list[bytes], at: int, rng: random.Random, seeds: Any) -> None:
    del events[at]


def _move(events: list[bytes], at: int, rng: random.Random, seeds: Any) -> None:
    events.insert(rng.randrange(len(events)), events.pop(at))


def _foreign(events: list[bytes], at: int, rng: random.Random, seeds: Any) -> None:
    """An event of another answer."""
    if other := rng.choice(seeds):
        events.insert(at, rng.choice(other))


def _insert(raw: bytearray, at: int, rng: random.Random) -> None:
    raw[at:at] = rng.choice(_GARBAGE)


def _lose(raw: bytearray, at: int, rng: random.Random) -> None:
    del raw[at : at + rng.choice((1, 1, 2, 10, 100))]


def _double(raw: bytearray, at: int, rng: random.Random) -> None:
    raw[at:at] = raw[at : at + rng.choice((1, 10, 100))]


def _change(raw: bytearray, at: int, rng: random.Random) -> None:
    raw[at : at + 1] = bytes([rng.randrange(256)])


def _cut(raw: bytearray, at: int, rng: random.Random) -> None:
    del raw[at:]


def _line_ends(raw: bytearray, at: int, rng: random.Random) -> None:
    raw[:] = raw.replace(b"\n", rng.choice((b"\r\n", b"\r", b"\n\n")))


_OF_EVENTS: list[Callable[[list[bytes], int, random.Random, Any], None]] = [
    *(_value, _value, _value, _repeat, _drop, _move, _foreign),
]
_OF_BYTES: list[Callable[[bytearray, int, random.Random], None]] = [
    *(_insert, _insert, _lose, _double, _change, _cut, _line_ends),
]
