"""Answers that are not as their API describes them."""

from __future__ import annotations

from tests.faults.connections import NOTHING
from tests.faults.fault import (
    CLOSE,
    LAST_CHUNK,
    TRANSLATED,
    Fault,
    Group,
    Part,
    Script,
    chunk,
    head,
    plain,
    says,
    zipped,
)
from tests.faults.forms import ODD_FIELDS, Form
from tests.faults.upstream import Step

_DEEP = b"[" * 100_000 + b"]" * 100_000
_UNREAD = "502 later"
_JSON = "application/json"
_STREAM = "text/event-stream"


def _between(*parts: Part) -> Script:
    """The answer with something more in its middle."""
    return says("begin", "first", *parts, "more", "finish", "last")


def _odd(kind: str) -> Script:
    return _between(lambda form: form.odd.get(kind, b""))


def _instead(old: bytes, new: bytes) -> Script:
    """Something else in the second event of content."""
    return says("begin", "first", lambda form: form.more.replace(old, new), "finish", "last")


def _in_bytes(form: Form) -> list[bytes]:
    return [head(form), *(chunk(bytes([byte])) for byte in form.sound), LAST_CHUNK]


def _half(form: Form) -> list[Step]:
    return [head(form, "200 OK", f"content-type: {_JSON}", length=999) + form.whole[:99], CLOSE]


FIELDS = (
    *(Fault(f"{kind[0].upper()}{kind[1:]}", _odd(kind), "odd answer", "answer") for kind in ODD_FIELDS),
    Fault("A number of 5,000 digits", _instead(b": 0", b": " + b"9" * 5000), "odd answer", "passed"),
    Fault("A number in place of text", _instead(b'" world"', b"7"), "odd answer", "passed"),
    Fault("A list 100,000 levels deep in place of text", _instead(b'" world"', _DEEP), _UNREAD, "passed"),
    Fault("A list 100,000 levels deep as an event", _between(b"data: " + _DEEP + b"\n\n"), _UNREAD, "passed"),
    Fault("An event that is no JSON", _between(b"data: {oops}\n\n"), _UNREAD, "passed"),
    Fault("Half an event, then the next", _between("half", b"\n\n"), _UNREAD, "passed"),
    Fault("Bytes that are no UTF-8", _instead(b" world", b" wor\xffld"), "answer: hello wor", "passed"),
    Fault("Half a surrogate pair", _instead(b" world", b" wor\\ud83dld"), "answer: hello wor", "passed"),
)
FRAMES = (
    Fault("One JSON in place of a stream", plain("200 OK", lambda form: form.whole), "answer", "passed"),
    Fault("One JSON, called a stream", plain("200 OK", lambda form: form.whole, _STREAM), "answer", only=TRANSLATED),
    Fault("One JSON that breaks off", _half, "502", NOTHING),
    Fault("A stream, called JSON", plain("200 OK", lambda form: form.sound), "answer", "passed"),
    Fault("A stream without a type", lambda form: [b"HTTP/1.1 200 OK\r\n\r\n" + form.sound, CLOSE], "answer", "passed"),
    Fault("A stream in single bytes", _in_bytes, "answer"),
    Fault("Carriage returns", says(lambda form: form.sound.replace(b"\n", b"\r\n")), "answer", "passed / answer"),
    Fault("A stream in gzip", zipped("200 OK", lambda form: form.sound), "answer"),
    Fault("A stream in gzip that breaks off", zipped("200 OK", lambda form: form.sound, keep=40), NOTHING),
    Fault(
        "A stream that is called gzip",
        plain("200 OK", lambda form: form.sound, _STREAM, "content-encoding: gzip"),
        "502",
    ),
)
GROUPS = (
    Group(
        "Answers with something wrong in them",
        "What can be read is shown. An event that cannot be read ends the answer with an error: nobody knows what it "
        "would have said.",
        FIELDS,
    ),
    Group("Answers in another form", "Both forms are read, whatever was asked for and whatever the type says.", FRAMES),
)
