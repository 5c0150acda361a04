"""Refusals in every shape, errors inside of an answer, and keys in both."""

from __future__ import annotations

import itertools

from tests.faults.connections import NOTHING, UNREACHED
from tests.faults.fault import CLOSE, RESET, Fault, Group, Part, Script, for_ever, head, plain, says, zipped
from tests.faults.forms import SECRET, Form

_NO = "no, never"
_HTML, _TEXT = "text/html", "text/plain"
_PAGE = b"<!doctype html><title>Bad gateway</title>"
_BAD, _FAILED = "400 Bad Request", "500 Internal Server Error"
_HALF = b'HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"error": '
_DEEP = b"[" * 100_000 + b"]" * 100_000
_NO_API = "502 is ANTHROPIC_UPSTREAM_URL right"
_IN_STREAM = f"passed / {NOTHING}"
"""Passed on in a stream; without one there are two JSON objects in the body, of which the first is cut."""
_MOST = 8 << 20


def _refuses(status: int, words: str = _NO) -> Script:
    """JSON in the vendor's own shape."""
    return plain(f"{status} Refused", lambda form: form.error(status, words))


def _within(status: int = 503, words: str = "try later") -> Part:
    """The same in an event."""
    return lambda form: form.error_event(status, words)


def _beside(form: Form) -> bytes:
    """In one piece, so that both are read at once."""
    return form.begin + form.first + form.error_event(503, "try later")


def _endless(status: str) -> Script:
    return lambda form: itertools.chain(
        [head(form, status, f"content-type: {_TEXT}")], for_ever(b"2328\r\n" + b"no " * 3000 + b"\r\n")
    )


REFUSALS = (
    *(
        Fault(f"{status} in JSON", _refuses(status), f"{shown} {_NO}", "passed")
        for status, shown in ((400, 400), (401, 401), (404, 404), (413, 413), (429, 429), (500, 500), (503, 529))
    ),
    Fault("400 as a web page", plain(_BAD, _PAGE, _HTML), "400 a web page", "passed"),
    Fault("502 as a web page", plain("502 Bad Gateway", _PAGE, _HTML), "502 a web page", "passed"),
    Fault("400 in plain words", plain(_BAD, _NO.encode(), _TEXT), f"400 {_NO}", "passed"),
    Fault("400 with nothing", plain(_BAD, b""), "400 without a message", "passed"),
    Fault("500 with nothing", plain(_FAILED, b""), "500 without a message", "passed"),
    Fault("400 that is no UTF-8", plain(_BAD, b"no, \xff\xfe never", _TEXT), "400 no,", "passed"),
    Fault("400 in gzip", zipped(_BAD, lambda form: form.error(400, _NO), "application/json"), f"400 {_NO}", "passed"),
    Fault("400 that is called gzip", plain(_BAD, b"{}", _TEXT, "content-encoding: gzip"), UNREACHED, NOTHING),
    Fault("400 in a list", plain(_BAD, lambda form: b"[%b]" % form.error(400, _NO)), f"400 {_NO}", "passed"),
    Fault("400 in JSON of other types", plain(_BAD, b'{"error": {"message": 5, "code": [1]}}'), "400", "passed"),
    Fault("400 in JSON 100,000 levels deep", plain(_BAD, _DEEP), "400", "passed"),
    Fault("400 without end", _endless(_BAD), "400 no no", "passed", most=_MOST),
    Fault("500 without end", _endless(_FAILED), "500 no no", "passed", most=_MOST),
    Fault("A refusal that breaks off", lambda form: [_HALF, CLOSE], UNREACHED, NOTHING),
    Fault("A refusal that is reset", lambda form: [_HALF, 0.05, RESET], UNREACHED, NOTHING),
)
INSIDE = (
    Fault("An error first", says(_within()), "529 try later", "passed"),
    Fault(
        "An error as the whole body",
        plain("200 OK", lambda form: form.error(503, "try later")),
        "529 try later",
        "passed",
    ),
    Fault("An error after the first word", says("begin", "first", 0.05, _within()), "529 later try later", _IN_STREAM),
    Fault("An error right behind a word", says(_beside), "529 later try later", _IN_STREAM),
    Fault("An error after the last word", says("said", _within()), "529 later try later", _IN_STREAM),
    Fault("An error after the model has finished", says("said", "finish", _within()), "answer", _IN_STREAM),
    Fault(
        "A rate limit after the first word",
        says("begin", "first", 0.05, _within(429, "slow")),
        "429 later slow",
        _IN_STREAM,
    ),
    Fault("A web page", plain("200 OK", _PAGE, _HTML), "502 a web page", _NO_API),
    Fault("Plain words", plain("200 OK", _NO.encode(), _TEXT), f"502 {_NO}", _NO_API),
    Fault("Nothing", plain("200 OK", b""), "502 is the base URL right", NOTHING, but={"gemini": NOTHING}),
    Fault("An empty stream", says(), NOTHING),
)
KEYS = (
    Fault("The key in a refusal", _refuses(400, f"bad key {SECRET}"), "400 bad key [key]", "hidden"),
    Fault("The key at the end of a long refusal", _refuses(400, "x" * 590 + SECRET), "400 xxx", "hidden"),
    Fault("The key in a web page", plain(_FAILED, f"<html>{SECRET}</html>".encode(), _HTML), "500", "hidden"),
    Fault("The key in plain words", plain("200 OK", SECRET.encode(), _TEXT), "502 [key]", _NO_API),
    Fault(
        "The key in an error event",
        says("begin", "first", 0.05, _within(503, SECRET)),
        "529 later [key]",
        f"hidden / {NOTHING}",
    ),
    Fault(
        "The key in a broken head",
        lambda form: [f"HTTP/1.1 200 OK\r\n{SECRET}\r\n\r\n".encode(), CLOSE],
        UNREACHED,
    ),
)
GROUPS = (
    Group(
        "Refusals",
        "The server's own words, here `no, never`, reach the client with the status and in Anthropic's shape. Of a "
        "body 64 KB are read. A rate limit, an overload, a prompt that is too long, a bad key and an empty account are "
        "told in the way from which Claude Code recovers.",
        REFUSALS,
    ),
    Group(
        "Errors in place of an answer, or inside of it",
        "The status is 200. As long as nothing was said the client gets the true one.",
        INSIDE,
    ),
    Group("A server that quotes its key", "No client ever sees it.", KEYS),
)
