"""Names of tools that a vendor does not take as they are: what is sent in their place follows from the name, so the
answer's filler has to follow from the filler of the name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from proxy.recording.filler import Filler
from proxy.recording.form import Form
from proxy.recording.tape import Tape
from proxy.replaying.replay import replayed
from proxy.settings.config import ConfigError


def learn_names(tape: Tape, form: Form, filler: Filler) -> bool:
    """Whether the filler knows names now by which the redacted request is sent, in place of its own for them."""
    if not tape.attempts:
        return False
    sent = list(_names(tape.attempts[0].sent.body))
    if all(name.encode() in tape.body for name in sent):
        return False
    try:
        now = replayed({**form, "attempts": []}).sent
    except ConfigError:
        return False
    made = list(_names(now[0].body)) if now else []
    if len(made) != len(sent):
        return False
    for name, other in zip(sent, made, strict=True):
        if name.encode() not in tape.body:
            filler.knows(name, other)
    return True


def _names(body: bytes) -> Iterator[str]:
    """Of the tools that a request to an upstream offers."""
    try:
        yield from _within(json.loads(body)["tools"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return


def _within(value: Any) -> Iterator[str]:
    """Not those in schemas."""
    if isinstance(value, list):
        for each in value:
            yield from _within(each)
    elif isinstance(value, dict):
        if isinstance(name := value.get("name"), str):
            yield name
        for inner in ("function", "functionDeclarations"):
            yield from _within(value.get(inner))
