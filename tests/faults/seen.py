"""What a client sees, held against the words of a row; see fault.py. The conformance checker reads along."""

from __future__ import annotations

import gzip
import http.client
import io
import itertools
import re
from typing import Any

from proxy.protocol.errors import TYPE_OF_STATUS
from proxy.providers.connections import ERROR_LIMIT
from tests.conformance import parse_sse
from tests.faults.fault import Fault
from tests.faults.forms import HELLO, SECRET, Form
from tests.web.serving import Answer

_STEPS_MAX = 200
"""Of a script that goes on for ever; more than is read of any refusal."""


def check(words: str, answer: Answer, fault: Fault, form: Form) -> None:
    """Raises AssertionError where something else has come."""
    if words == "passed":
        _check_passed(answer, fault, form)
        return
    assert SECRET.encode() not in answer.body
    if words == "hidden":
        assert b"[key]" in answer.body
    elif found := re.fullmatch(r"(\d{3})( later)?(?: (.+))?", words):
        _check_error(int(found[1]), found[2] is not None, found[3] or "", answer, fault, form)
    else:
        _check_answer(words, answer)


def _check_answer(words: str, answer: Answer) -> None:
    message = answer.message()
    text = "".join(block.get("text", "") for block in message["content"])
    kind, _, said = words.partition(": ")
    if said == "a call":
        assert message["stop_reason"] == "tool_use"
    elif said:
        assert said in text
    elif kind == "odd answer":
        assert text.startswith(HELLO[0])
    else:
        assert (text, message["stop_reason"]) == ("".join(HELLO), "end_turn")


def _check_error(status: int, later: bool, words: str, answer: Answer, fault: Fault, form: Form) -> None:
    if later and form.streams:
        error = answer.stream_error()
        assert error["type"] == TYPE_OF_STATUS[status]
        if form.first in _played(fault, form):
            assert HELLO[0] in shown_text(answer), "what came is lost"
    else:
        error = answer.error(status)
    assert words in error["message"], error["message"]


def shown_text(answer: Answer) -> str:
    """All that the text deltas of a stream say."""
    deltas = [frame.data["delta"] for frame in parse_sse(answer.body) if frame.event == "content_block_delta"]
    return "".join(delta.get("text", "") for delta in deltas)


def _check_passed(answer: Answer, fault: Fault, form: Form) -> None:
    status, body = _upstreams_own(fault, form)
    assert answer.status == status
    assert answer.body == (body[:ERROR_LIMIT] if status >= 400 else body)


def _played(fault: Fault, form: Form) -> bytes:
    steps = itertools.islice(fault.script(form), _STEPS_MAX)
    return b"".join(step for step in steps if isinstance(step, bytes))


class _Socket:
    """What http.client reads a response from."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_: Any) -> io.BytesIO:
        return io.BytesIO(self._data)


def _upstreams_own(fault: Fault, form: Form) -> tuple[int, bytes]:
    """Status and body of what is played, without their framing."""
    response = http.client.HTTPResponse(_Socket(_played(fault, form)))  # type: ignore[arg-type]
    response.begin()
    try:
        body = response.read()
    except http.client.IncompleteRead as error:
        body = error.partial
    return response.status, gzip.decompress(body) if response.getheader("content-encoding") == "gzip" else body
