"""Connections that cannot be made, those that break, and HTTP that is wrong."""

from __future__ import annotations

from tests.faults.fault import (
    CLOSE,
    LAST_CHUNK,
    RESET,
    Fault,
    Group,
    Script,
    chunk,
    for_ever,
    head,
    plain,
    says,
)
from tests.faults.forms import Form

UNREACHED = "502 cannot reach"
NOTHING = "502 ended before it was complete"
CUT = "502 later ended before it was complete"
_SILENT, _UNHEARD = "504 later silent", "504 silent"
"""With and without a status line before; where answers are passed through it is the upstream's own."""
_MEGABYTE = 1 << 20
_ENDLESS_HEAD = b"HTTP/1.1 200 OK\r\nx: " + b"x" * 9000


def _never(_: Form) -> list[bytes]:
    return []


def _bare(form: Form, version: str = "1.1") -> bytes:
    """A head without any length: the body ends with the connection."""
    return f"HTTP/{version} 200 OK\r\ncontent-type: {form.content_type}\r\n\r\n".encode()


def _sized(part: str, more: int = 0) -> Script:
    """An answer whose content-length is that of a part of it, and so much more."""
    return lambda form: [head(form, length=len(getattr(form, part)) + more) + form.sound, CLOSE]


def _framed(*wrong: bytes) -> Script:
    return lambda form: [head(form), chunk(form.begin + form.first), *wrong, CLOSE]


def _after(interim: bytes) -> Script:
    return lambda form: [interim, *says("sound")(form)]


def _twice(form: Form) -> list[bytes]:
    return [head(form) + chunk(form.sound) + LAST_CHUNK + head(form) + chunk(form.said) + LAST_CHUNK]


def _with_cookie(form: Form) -> list[bytes]:
    return [head(form, "200 OK", "set-cookie: a=b") + chunk(form.sound) + LAST_CHUNK]


NO_CONNECTION = (
    Fault("Nobody listens at the address", _never, UNREACHED, place="refused"),
    Fault("The server's name is unknown (DNS)", _never, UNREACHED, place="unknown"),
    Fault("The connection is taken and closed", _never, UNREACHED, place="deaf"),
    Fault("The certificate is not trusted (TLS)", _never, UNREACHED, place="distrusted"),
    Fault("The server at an https address speaks no TLS", _never, UNREACHED, place="no tls"),
    Fault("The connection is not taken", _never, _SILENT, _UNHEARD, place="full", hurry=True),
    Fault("The TLS handshake is not answered", _never, _SILENT, _UNHEARD, place="silent tls", hurry=True),
)
BREAKS = (
    Fault("Reset before the head", lambda form: [RESET], UNREACHED),
    Fault("Closed before the head", lambda form: [CLOSE], UNREACHED),
    Fault("Reset in the head", lambda form: [head(form)[:30], 0.05, RESET], UNREACHED),
    Fault("Closed in the head", lambda form: [head(form)[:30], CLOSE], UNREACHED),
    Fault("Reset after the head", says(0.05, RESET), NOTHING),
    Fault("Closed after the head", says(CLOSE), NOTHING),
    Fault("Closed before the first word", says("begin", CLOSE), NOTHING, CUT),
    Fault("Reset in the middle of an event", says("begin", "first", "half", 0.05, RESET), CUT),
    Fault("Closed in the middle of an event", says("begin", "first", "half", CLOSE), CUT),
    Fault("Reset after the last word", says("said", 0.05, RESET), CUT),
    Fault("Closed after the last word", says("said", CLOSE), CUT),
    Fault("Reset after the model has finished", says("said", "finish", "last", 0.05, RESET), "answer"),
    Fault("Closed after the model has finished", says("said", "finish", "last", CLOSE), "answer"),
)
HTTP = (
    Fault("Something else than HTTP", lambda form: [b"SSH-2.0-OpenSSH_9.9\r\n", CLOSE], UNREACHED),
    Fault("A head without end", lambda form: for_ever(_ENDLESS_HEAD), UNREACHED, most=8 * _MEGABYTE),
    Fault("An interim response (103) first", _after(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"), "answer"),
    Fault("A 100 that nobody waits for", _after(b"HTTP/1.1 100 Continue\r\n\r\n"), "answer"),
    Fault("A redirect", plain("307 Moved", b"", "text/plain", "location: https://a.test/"), "502 to where it leads"),
    Fault("A chunk with a wrong length", _framed(b"zz\r\n", b"x"), CUT),
    Fault("A chunk that ends too early", _framed(b"fff\r\ndata: {"), CUT),
    Fault("A content-length that is too long", _sized("sound", 99), "answer"),
    Fault("A content-length that is too short", _sized("said"), CUT),
    Fault("No length at all", lambda form: [_bare(form) + form.sound, CLOSE], "answer"),
    Fault("HTTP/1.0", lambda form: [_bare(form, "1.0") + form.sound, CLOSE], "answer"),
    Fault("The last chunk is missing", says("sound", CLOSE), "answer"),
    Fault("A second answer that nobody asked for", _twice, "answer", place="alone"),
    Fault("A cookie, which is not kept", _with_cookie, "answer"),
)
GROUPS = (
    Group(
        "No connection",
        "Nothing was sent, so the request is repeated (`MAX_RETRIES`) before the client is told.",
        NO_CONNECTION,
    ),
    Group(
        "The connection breaks",
        "Until the head of an answer has come the request is repeated (`MAX_RETRIES`), after it never. What came is "
        "kept, and half an answer never ends as if it were whole.",
        BREAKS,
    ),
    Group("HTTP that is odd or wrong", "What can be understood is taken. All else is a connection that breaks.", HTTP),
)
