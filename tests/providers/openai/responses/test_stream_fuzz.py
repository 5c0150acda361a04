"""Whatever servers leave out, repeat or garble: nothing is lost, nothing is shown twice, nothing breaks the reader."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.protocol.errors import ApiError
from tests.fuzz import examples
from tests.mutation import TOO_DEEP, judged, nested, shown
from tests.providers.openai.responses.events import (
    Json,
    added,
    arguments,
    call,
    done,
    ended,
    event,
    message,
    read,
    text,
)

WORDS = st.text(st.sampled_from('ab "\\é\U0001f600'), min_size=1, max_size=8).filter(lambda text: text.strip())


def test_any_depth() -> None:
    """JSON that is nested more deeply than Python goes on with ends in an error of our own."""
    for odd in (nested(TOO_DEEP), {"a": nested(TOO_DEEP)}):
        assert isinstance(judged(read([done(call(odd)), ended()])), ApiError)
        assert isinstance(judged(read([{"type": "error", "error": {"message": odd}}])), ApiError)


@dataclass(frozen=True, slots=True)
class Naming:
    """How a server tells its items apart: are ids and indices there, and are they right?"""

    ids: str
    index: str
    call_ids: bool


NAMINGS = [
    Naming(ids, index, call_ids)
    for ids, index, call_ids in itertools.product(("stable", "none", "new"), ("right", "none", "zero"), (True, False))
    if ids != "new" or index == "right"
]
FORMS = ("announced", "streamed", "part", "done", "listed")
WHOLE = {"part", "done", "listed"}
"""The forms in which a whole item comes; each item needs one of them, or all its pieces."""


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[Json], list[tuple[Any, ...]]]:
    """One answer, item after item, each in some of its forms; and what has to come of it."""
    naming, numbers = draw(st.sampled_from(NAMINGS)), itertools.count()
    lists = draw(st.booleans())
    events: list[Json] = []
    listed: list[Json] = []
    blocks: list[tuple[Any, ...]] = []
    for position in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["message", "call", "call"]))
        forms = draw(st.sets(st.sampled_from(FORMS), min_size=1)) - ({"listed"} if not lists else set())
        if not forms & {"streamed", *WHOLE}:
            forms |= {"done"}
        if naming.ids == "none" or naming.index == "zero" or not naming.call_ids:
            forms |= {"done"}  # nothing else would say where one item ends and the next begins
        if kind == "call" and not forms & {"announced", "done", "listed"}:
            forms |= {"announced"}  # else its name would never come
        words = f"{draw(WORDS)}{position}"
        words = words if kind == "message" else json.dumps({"file_path": words})
        whole = message(words) if kind == "message" else call(words)
        if kind == "call" and naming.call_ids:
            whole["call_id"] = f"call_{position}"
        index = {"right": position, "zero": 0, "none": None}[naming.index]

        def named(position: int = position) -> Json:
            return {} if naming.ids == "none" else {"id": f"i{position if naming.ids == 'stable' else next(numbers)}"}

        events += _item(kind, whole, words, forms, index, named, draw(st.integers(0, len(words))))
        if lists:
            listed.append({**whole, **named()})
        if kind == "call":
            blocks.append(("Read", json.loads(words)))
        elif blocks and blocks[-1][0] == "text":
            blocks[-1] = ("text", f"{blocks[-1][1]}\n\n{words}")
        else:
            blocks.append(("text", words))
    return [*events, ended("completed", *listed)], blocks


def _item(kind: str, whole: Json, words: str, forms: set[str], index: Any, named: Any, cut: int) -> list[Json]:
    piece, field = (text, "text") if kind == "message" else (arguments, "arguments")
    empty = {**whole, ("content" if kind == "message" else "arguments"): [] if kind == "message" else ""}
    events = [added({**empty, **named()}, index)] if "announced" in forms else []
    for part in (words[:cut], words[cut:]) if "streamed" in forms else ():
        events.append(piece(part, index, **{f"item_{key}": value for key, value in named().items()}))
    if "part" in forms:
        kind_of_event = "output_text.done" if kind == "message" else "function_call_arguments.done"
        where = {f"item_{key}": value for key, value in named().items()} | (
            {} if index is None else {"output_index": index}
        )
        events.append(event(kind_of_event, **{field: words}, **where))
    if "done" in forms:
        events.append(done({**whole, **named()}, index))
    return events


@given(answers())
@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_form_of_one_answer(made: tuple[list[Json], list[tuple[Any, ...]]]) -> None:
    """Announced or not, streamed or not, repeated or not, under any of the names that servers give."""
    events, blocks = made
    written = judged(read(events))
    assert not isinstance(written, ApiError), written.message
    assert _pieces(shown(written)) == _pieces(blocks)


def _pieces(blocks: list[tuple[Any, ...]]) -> list[str]:
    """Calls, and paragraphs of text wherever they stand: what is only listed comes last."""
    paragraphs = [part for block in blocks if block[0] == "text" for part in block[1].split("\n\n")]
    return sorted([*paragraphs, *(repr(block) for block in blocks if block[0] != "text")])
