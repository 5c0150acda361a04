"""Upstreams that fall silent or have no end, and clients that leave meanwhile."""

from __future__ import annotations

from tests.faults.fault import HOLD, Fault, Group, Script, chunk, goes_on, head, says
from tests.faults.forms import Form, text_of
from tests.faults.upstream import Step

_SILENT, _UNHEARD = "504 later the limit is REQUEST_TIMEOUT", "504 the limit is REQUEST_TIMEOUT"
_EMPTY = "504 later the limit is CONTENT_TIMEOUT"
_TOO_MUCH = "502 later more than one answer can hold"
_DRIP = 0.02
_MEGABYTE = 1 << 20


def _drips(kind: str) -> Script:
    return goes_on("begin", lambda form: form.alive.get(kind, b" "), _DRIP)


def _of_one_event(form: Form) -> bytes:
    """Of which there is always more."""
    return text_of(form, "x" * 9000)[:9000]


def _until_closed(*parts: str) -> Script:
    """A body that ends with the connection, which stays open."""

    def script(form: Form) -> list[Step]:
        said = b"".join(getattr(form, part) for part in parts)
        return [f"HTTP/1.1 200 OK\r\ncontent-type: {form.content_type}\r\n\r\n".encode() + said, HOLD]

    return script


def _refusal(form: Form) -> list[Step]:
    return [head(form, "400 Bad Request", "content-type: text/plain") + chunk(b"no"), HOLD]


SILENCE = (
    Fault("No head comes", lambda form: [HOLD], _SILENT, _UNHEARD, hurry=True),
    Fault("The head stops in its middle", lambda form: [head(form)[:30], HOLD], _SILENT, _UNHEARD, hurry=True),
    Fault("Silence after the head", says(HOLD), _SILENT, _UNHEARD, hurry=True),
    Fault("Silence before the first word", says("begin", HOLD), _SILENT, hurry=True),
    Fault("Silence in the middle", says("begin", "first", HOLD), _SILENT, hurry=True),
    Fault("Silence in the middle of an event", says("begin", "first", "half", HOLD), _SILENT, hurry=True),
    Fault("Silence in a body without a length", _until_closed("begin", "first"), _SILENT, hurry=True),
    Fault("Silence in a refusal", _refusal, _SILENT, _UNHEARD, hurry=True),
    Fault("Comments for ever", _drips("a comment"), _EMPTY, "goes on", hurry=True),
    Fault("Empty events for ever", _drips("an empty event"), _EMPTY, "goes on", hurry=True),
    Fault(
        "Counts of tokens for ever",
        _drips("a count"),
        "goes on",
        but={"responses": _EMPTY, "gemini": _EMPTY},
        hurry=True,
    ),
)
NO_END = (
    Fault(
        "An event without end",
        goes_on("begin", _of_one_event),
        _TOO_MUCH.replace(" later", ""),
        "502 later",
        most=24 * _MEGABYTE,
    ),
    Fault("An answer without end", goes_on("begin", lambda form: form.more * 50), _TOO_MUCH, most=64 * _MEGABYTE),
)
LEAVING = (
    Fault("The client leaves before the head", lambda form: [HOLD], "left"),
    Fault("The client leaves in silence", says("begin", "first", HOLD), "left"),
    Fault("The client leaves in a body without a length", _until_closed("begin", "first"), "left"),
    Fault("The client leaves while the answer flows", goes_on("begin", lambda form: form.more, _DRIP), "left"),
    Fault("The client leaves while comments come", _drips("a comment"), "left"),
)
GROUPS = (
    Group(
        "Silence",
        "`REQUEST_TIMEOUT` seconds without a byte end an answer, and so do `CONTENT_TIMEOUT` seconds in which only "
        "signs of life come. Until then a stream is kept awake with pings.",
        SILENCE,
    ),
    Group("No end", "64 MB are more than an event can need, 1 GB more than an answer.", NO_END),
    Group(
        "The client leaves",
        "The upstream is told within a quarter of a second, so that it stops to work, and to cost, for nobody.",
        LEAVING,
    ),
)
