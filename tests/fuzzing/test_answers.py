"""Whatever comes of an answer on its way, what is written of it conforms, or it ends with an error of our own words."""

from __future__ import annotations

import copy
import functools
import json
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest

from proxy.protocol.errors import ApiError
from tests.fuzz import examples
from tests.fuzzing.damage import damaged, pieces
from tests.fuzzing.wires import NAMES, Played, Wire
from tests.mutation import judged, paths

_NUMBER = 2000
_TYPES = ("text/event-stream",) * 6 + ("application/json", "", "text/html")
_EVENT_BEGINS = (b"event:", b"data:", b":")
_LAST_EVENT = re.compile(rb"(?m)^event: ?(?:message_stop|error)\s*[\r\n]")
_ODD = (b"null", b"true", b"7", b"-1", b"0.5", b'"odd"', b"[1]", b'{"odd": 1}', b"[" * 5000 + b"]" * 5000)
"""A value of each type, and one that is too deep. An ordinary run has one of them at each field, in turn."""
_PLACE = "here"

translated = pytest.mark.parametrize("name", [name for name in NAMES if name != "anthropic"])


@functools.cache
def wire(name: str) -> Wire:
    return Wire(name)


def played(name: str, number: int) -> tuple[random.Random, Played]:
    """The answer with this number, the same in every run."""
    rng = random.Random(f"{name} {number}")
    raw = damaged(rng, wire(name).seeds)
    return rng, Played(list(pieces(rng, raw)), rng.choice(_TYPES), rng.random() < 0.1)


@translated
def test_what_is_translated_conforms(name: str) -> None:
    for number in range(examples(_NUMBER)):
        rng, answer = played(name, number)
        try:
            judged(wire(name).read(answer, rng))
        except Exception as error:
            error.add_note(f"answer {number}: {answer}")
            raise


@translated
def test_any_type_at_every_field(name: str) -> None:
    """Each field of each event of an answer that has all kinds of them."""
    for answer in wire(name).seeds[:1]:
        for at, event in enumerate(answer):
            for odd in _with_odd_values(event):
                try:
                    judged(wire(name).read(Played([*answer[:at], odd, *answer[at + 1 :]]), random.Random(0)))
                except Exception as error:
                    error.add_note(f"event {at}: {odd[:2000]!r}")
                    raise


def _with_odd_values(event: bytes) -> Iterator[bytes]:
    head, mark, text = event.partition(b"data: ")
    if not text.startswith(b"{"):
        return
    sound = json.loads(text)
    for number, (*way, last) in enumerate(paths(sound)):
        changed = copy.deepcopy(sound)
        node: Any = changed
        for key in way:
            node = node[key]
        node[last] = _PLACE
        written = json.dumps(changed).encode()
        for odd in _ODD if examples(1) > 1 else [_ODD[number % len(_ODD)]]:
            yield head + mark + written.replace(json.dumps(_PLACE).encode(), odd) + b"\n\n"


def test_what_is_passed_on_is_the_upstreams_own() -> None:
    """Whole frames, or all of a JSON, up to where it breaks off, which is said."""
    for number in range(examples(_NUMBER)):
        _, answer = played("anthropic", number)
        try:
            _check_passed(answer)
        except Exception as error:
            error.add_note(f"answer {number}: {answer}")
            raise


def _check_passed(answer: Played) -> None:
    passed: list[bytes] = []
    is_cut = False
    try:
        passed.extend(wire("anthropic").passed(answer))
    except ApiError:
        is_cut = True
    raw, shown = b"".join(answer.pieces), b"".join(passed)
    assert raw.startswith(shown) or raw.rstrip() + b"\n\n" == shown
    if "event-stream" in answer.content_type or raw.startswith(_EVENT_BEGINS):
        assert not shown or shown.endswith((b"\n\n", b"\r\n\r\n"))
        assert is_cut != (_LAST_EVENT.search(shown) is not None)
    else:
        assert is_cut or shown == raw
