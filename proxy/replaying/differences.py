"""Where two answers, or two requests to an upstream, are not the same: by path, or by event.

Ids that are made anew each time count as the same, and so do pings and where a text is cut into deltas.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_FRESH = re.compile(r"\b(?:msg|req|toolu|srvtoolu|call)_[A-Za-z0-9_-]{9,}")
"""Ids of Anthropic's forms; `protocol/ids.py` makes those of answers."""
_KEY = re.compile(r"\[key\][\w.*-]*")
"""What a key was taken out of; what follows may have been taken for a part of it."""
_PING = b'event: ping\ndata: {"type": "ping"}\n\n'
_SHOWN = 160
"""Characters of a value in a difference."""
_FIELD = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": "json",
}
_EXACT = ("type", "role", "stop_reason", "name", "model", "status")
"""Members whose words have to be the same also where only the shape is compared."""
_UNTOLD = ("message", "request_id", "input_tokens", "output_tokens")
"""Members that are otherwise where filler is: what a key was taken out of, and counts, which may be estimates."""

Value = Any


@dataclass(frozen=True, slots=True)
class Difference:
    """`path` says where; what is not there at all is None."""

    path: str
    recorded: str | None
    today: str | None


def without_pings(emitted: bytes) -> bytes:
    return emitted.replace(_PING, b"")


def answer_of(emitted: bytes) -> Value:
    """What was said: a list of events whose deltas are put together, the JSON of an answer, or its text."""
    text = emitted.decode("utf-8", "backslashreplace")
    if text.startswith(("event:", "data:", ":")):
        return list(_folded(_events(text)))
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def differences(recorded: Value, today: Value, *, shape: bool = False) -> list[Difference]:
    """`shape`: texts count as the same that are as long."""
    renamed: dict[str, str] = {}
    return list(_between("", _renamed(recorded, {}), _renamed(today, renamed), shape))


def _events(text: str) -> Iterator[dict[str, Any]]:
    for frame in re.split(r"\r?\n\r?\n", text):
        data = "".join(line[5:].strip() for line in frame.splitlines() if line.startswith("data:"))
        if not data:
            continue
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            event = {"type": "broken", "data": data}
        if isinstance(event, dict) and event.get("type") != "ping":
            yield event


def _folded(events: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Deltas of one kind in a row are one."""
    kept: dict[str, Any] | None = None
    for event in events:
        delta = event.get("delta")
        name = _FIELD.get(str(delta.get("type"))) if isinstance(delta, dict) else None
        if name is None or not isinstance(delta, dict):
            if kept is not None:
                yield kept
            kept = None
            yield event
            continue
        value = str(delta.get("partial_json" if name == "json" else name, ""))
        piece = {"type": f"{event.get('type')} {delta['type']}", "index": event.get("index"), "delta": value}
        if kept is not None and (kept["type"], kept["index"]) == (piece["type"], piece["index"]):
            kept["delta"] += value
        else:
            if kept is not None:
                yield kept
            kept = piece
    if kept is not None:
        yield kept


def _renamed(value: Value, known: dict[str, str]) -> Value:
    """With fresh ids numbered, in the order in which they come, and without what is left of keys."""
    if isinstance(value, str):
        value = _KEY.sub("[key]", value)
        return _FRESH.sub(lambda found: known.setdefault(found[0], f"id {len(known) + 1}"), value)
    if isinstance(value, list):
        return [_renamed(each, known) for each in value]
    if isinstance(value, dict):
        return {name: _renamed(each, known) for name, each in value.items()}
    return value


def _between(path: str, recorded: Value, today: Value, shape: bool) -> Iterator[Difference]:
    if isinstance(recorded, dict) and isinstance(today, dict):
        if shape and [*map(len, recorded)] == [*map(len, today)]:
            today = dict(zip(recorded, today.values(), strict=True))
        for name in {**recorded, **today}:
            if not (shape and name in _UNTOLD):
                yield from _member(path, name, recorded, today, shape)
    elif isinstance(recorded, list) and isinstance(today, list):
        for number in range(max(len(recorded), len(today))):
            here = f"{path}[{number}]"
            if number >= min(len(recorded), len(today)):
                yield Difference(
                    here, *(_shown(each[number]) if number < len(each) else None for each in (recorded, today))
                )
            else:
                yield from _between(here, recorded[number], today[number], shape)
    elif not _is_same(path, recorded, today, shape):
        yield Difference(path or "all", *_apart(recorded, today))


def _member(path: str, name: str, recorded: dict[str, Any], today: dict[str, Any], shape: bool) -> Iterator[Difference]:
    here = f"{path}.{name}" if path else name
    if name in recorded and name in today:
        yield from _between(here, recorded[name], today[name], shape)
    else:
        yield Difference(here, *(_shown(each[name]) if name in each else None for each in (recorded, today)))


def _is_same(path: str, recorded: Value, today: Value, shape: bool) -> bool:
    if recorded == today and type(recorded) is type(today):
        return True
    if not shape or not (isinstance(recorded, str) and isinstance(today, str)):
        return False
    return len(recorded) == len(today) and path.rpartition(".")[2] not in _EXACT


def _apart(recorded: Value, today: Value) -> tuple[str, str]:
    """Long texts from shortly before where they part."""
    if not (isinstance(recorded, str) and isinstance(today, str)):
        return _shown(recorded), _shown(today)
    same = next((at for at, (one, two) in enumerate(zip(recorded, today, strict=False)) if one != two), None)
    same = min(len(recorded), len(today)) if same is None else same
    start = max(0, same - _SHOWN // 4)
    lead = f"...(from character {start}) " if start else ""
    return lead + _shown(recorded[start:]), lead + _shown(today[start:])


def _shown(value: Value) -> str:
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
