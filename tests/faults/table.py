"""The whole table, and how an upstream plays it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.faults import bodies, connections, endings, odd_answers, silences
from tests.faults.fault import Fault, Group, Script, says
from tests.faults.forms import FORMS
from tests.faults.upstream import Step

GROUPS: tuple[Group, ...] = (
    *connections.GROUPS,
    *silences.GROUPS,
    *bodies.GROUPS,
    *odd_answers.GROUPS,
    *endings.GROUPS,
)
FAULTS: dict[str, Fault] = {fault.name: fault for group in GROUPS for fault in group.faults}
SOUND = "sound"
"""In place of the name of a fault: an answer with nothing wrong."""


def mark_of(fault: str, way: str, streams: bool) -> str:
    return f"{fault}|{way}|{'stream' if streams else 'plain'}"


def play(mark: str, request: bytes, sound: Mapping[str, Script] = {SOUND: says("sound")}) -> Iterator[Step]:
    """What a mark names: a fault, or one of the answers with nothing wrong."""
    fault, way, mode = mark.split("|")
    if way == "responses" and b"/chat/completions" in request.partition(b"\r\n")[0]:
        way = "chat"  # a refusal has taught the proxy to speak it
    form = FORMS[way](mode == "stream")
    yield from (sound[fault] if fault in sound else FAULTS[fault].script)(form)
