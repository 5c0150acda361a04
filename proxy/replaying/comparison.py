"""A recording and what becomes of its request now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from proxy.providers.tap import Sent
from proxy.recording.form import Form, body_of, pieces_of, written_pieces
from proxy.replaying.differences import Difference, answer_of, differences
from proxy.replaying.replay import Replayed, replayed
from proxy.replaying.services import CLIENT_CLOSED, client_left

_LISTED = 20
"""Differences that a recording says of itself."""


def compared(form: Form, now: Replayed, *, shape: bool = False) -> list[Difference]:
    """What is otherwise today. `shape`: texts count as the same that are as long."""
    return list(_between(form, now, shape))


def completed(form: Form) -> Form:
    """A new recording, checked: whether it shows what it was made of, and what was decided.

    Where it does, what follows from the redacted request and the redacted answers stands in the place of what was
    redacted by itself: then the two agree to the letter, also where a translation puts texts together.
    """
    try:
        now = replayed(form)
    except Exception as error:
        return {
            **form,
            "check": {"reproduces": False, "differences": [f"it cannot be replayed: {type(error).__name__}"]},
        }
    found = compared(form, now, shape=form["texts"] == "filler")
    lines = [f"{each.path}: {each.recorded} -> {each.today}" for each in found[:_LISTED]]
    checked = {**form, "check": {"reproduces": not found, "differences": lines}, "plan": now.plan, "notes": now.notes}
    return checked if found or form["texts"] != "filler" else _agreeing(checked, now)


def _between(form: Form, now: Replayed, shape: bool) -> Iterator[Difference]:
    attempts = form["attempts"]
    if len(attempts) != len(now.sent):
        yield Difference("requests to upstreams", str(len(attempts)), str(len(now.sent)))
    for number, (attempt, sent) in enumerate(zip(attempts, now.sent, strict=False), 1):
        name = f"upstream request {number}"
        yield from _named(name, _request(attempt), _sent(sent), shape)
    if form["answer"]["status"] == CLIENT_CLOSED:
        return
    if form["answer"]["status"] != now.status:
        yield Difference("answer: status", str(form["answer"]["status"]), str(now.status))
    recorded, today = answer_of(b"".join(pieces_of(form["answer"]["pieces"]))), answer_of(now.emitted)
    if client_left(form) and isinstance(recorded, list) and isinstance(today, list):
        today = _as_far(recorded, today)
    yield from _named("answer", recorded, today, shape)


def _as_far(recorded: list[Any], today: list[Any]) -> list[Any]:
    """The beginning of an answer, up to where the client left."""
    begun = today[: len(recorded)]
    if begun and len(begun) == len(recorded) and isinstance(said := recorded[-1].get("delta"), str):
        begun[-1] = {**begun[-1], "delta": str(begun[-1].get("delta"))[: len(said)]}
    return begun


def _named(name: str, recorded: Any, today: Any, shape: bool) -> Iterator[Difference]:
    for each in differences(recorded, today, shape=shape):
        yield Difference(f"{name}: {each.path}", each.recorded, each.today)


def _request(attempt: Form) -> Any:
    return {"to": f"{attempt['method']} {urlsplit(attempt['url']).path}", "body": _json(body_of(attempt["body"]))}


def _sent(sent: Sent) -> Any:
    return {"to": f"{sent.method} {urlsplit(sent.url).path}", "body": _json(sent.body)}


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "backslashreplace")


def _agreeing(form: Form, now: Replayed) -> Form:
    attempts = [
        {**attempt, "body": {"json": _json(sent.body)}}
        for attempt, sent in zip(form["attempts"], now.sent, strict=True)
    ]
    answer = {**form["answer"], "pieces": _cut(form["answer"]["pieces"], now.emitted)}
    notes = [[name, value] for name, value in now.headers if name.lower() == "x-proxy-notes"]
    kept = [each for each in form["answer"]["headers"] if each[0] != "x-proxy-notes"]
    return {**form, "attempts": attempts, "answer": {**answer, "headers": [*kept, *notes]}}


def _cut(written: list[list[Any]], emitted: bytes) -> list[list[Any]]:
    """At the times at which the pieces were sent, where there are as many bytes."""
    sizes, times = [*map(len, pieces_of(written))], [at / 1000 for at, _ in written]
    if sum(sizes) != len(emitted):
        return written_pieces(times[-1:] or [0.0], [emitted])
    pieces, at = [], 0
    for size in sizes:
        pieces.append(emitted[at : at + size])
        at += size
    return written_pieces(times, pieces)
