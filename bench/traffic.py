"""What many clients ask of the proxy: all wires, streams and plain, tools, pictures, large bodies, faults, leaving."""

from __future__ import annotations

import base64
import http.client
import json
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tests.faults.fault import Fault
from tests.faults.forms import HELLO
from tests.faults.table import GROUPS, mark_of
from tests.faults.upstream import mark

MODELS = {
    "custom": "custom/local",
    "responses": "openai/gpt-5.6-terra",
    "gemini": "gemini/gemini-3.8-flash",
    "anthropic": "anthropic/claude-opus-5-5",
}
_NOT_PLAYED = ("No connection", "No end")
"""Groups of faults: one needs other addresses, the other fills a network for a minute."""
_TIMEOUT = 60.0
"""Seconds; whatever takes longer hangs."""
_PICTURES = [base64.b64encode(random.randbytes(size)).decode() for size in (200_000, 200_000, 200_000, 3_000_000)]
_WORDS = (200_000, 600_000)
"""Characters of a long prompt."""


def _faults() -> list[Fault]:
    groups = [group for group in GROUPS if group.title not in _NOT_PLAYED]
    return [fault for group in groups for fault in group.faults if fault.place == "there"]


FAULTS = _faults()
KINDS = {
    "sound": 40,
    "call": 10,
    "long": 12,
    "leaving": 6,
    "picture": 5,
    "large": 5,
    "count": 4,
    "fault": 18,
}
"""Of each kind so many in a hundred."""


@dataclass(frozen=True, slots=True)
class Asked:
    kind: str
    path: str
    body: bytes
    streams: bool
    expected: bytes = b""
    """What has to stand in the answer."""


def asked(rng: random.Random) -> Asked:
    """A request, at random."""
    kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
    way, streams = rng.choice(list(MODELS)), rng.random() < 0.7
    what = {"leaving": "long", "picture": "sound", "large": "sound", "count": "sound"}.get(kind, kind)
    if kind == "fault":
        fault = rng.choice(FAULTS)
        way = rng.choice([way for way in MODELS if way in (fault.only or MODELS)] or ["custom"])
        what = fault.name
        # A server that was taught to speak chat plays what chat servers do.
        kind = "leaving" if {fault.seen, fault.expected(way, streams)} & {"left", "goes on"} else kind
    words = _words(what, way, streams)
    if kind == "large":
        words += " lorem ipsum" * (rng.choice(_WORDS) // 12)
    content: list[dict[str, Any]] = [{"type": "text", "text": words}]
    if kind == "picture":
        source = {"type": "base64", "media_type": "image/png", "data": rng.choice(_PICTURES)}
        content.append({"type": "image", "source": source})
    body: dict[str, Any] = {"model": MODELS[way], "messages": [{"role": "user", "content": content}]}
    if kind == "count":
        return Asked(kind, "/v1/messages/count_tokens", json.dumps(body).encode(), False, b"input_tokens")
    schema = {"type": "object", "properties": {"file_path": {"type": "string"}}}
    body |= {"max_tokens": 1000, "stream": streams, "tools": [{"name": "Read", "input_schema": schema}]}
    expected = {"call": b"a.py", "fault": b"", "leaving": b""}.get(kind, HELLO[1].encode())
    return Asked(kind, "/v1/messages", json.dumps(body).encode(), streams, expected)


def sound(way: str) -> Asked:
    """The smallest request of a way."""
    body = {"model": MODELS[way], "max_tokens": 10, "messages": [{"role": "user", "content": _words("sound", way)}]}
    return Asked("sound", "/v1/messages", json.dumps(body).encode(), False, HELLO[1].encode())


def _words(what: str, way: str, streams: bool = False) -> str:
    return mark(mark_of(what, way, streams))


def _read(response: http.client.HTTPResponse) -> bytes:
    """The whole body. Raises TimeoutError where it comes, but has no end."""
    until, pieces = time.monotonic() + _TIMEOUT, []
    while piece := response.read1():
        pieces.append(piece)
        if time.monotonic() > until:
            raise TimeoutError
    return b"".join(pieces)


def ask(port: int, request: Asked) -> str:
    """What came of it: "answered", "refused", "left", or what is wrong."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)
    try:
        connection.request("POST", request.path, request.body, {"content-type": "application/json"})
        if request.kind == "leaving":
            connection.sock.settimeout(random.random())
            with suppress(TimeoutError):
                connection.getresponse().read(2000)
            return "left"
        response = connection.getresponse()
        body = _read(response)
    except TimeoutError:
        return f"hangs: {request.body[:300]!r}"
    except (OSError, http.client.HTTPException) as error:
        return f"broken off ({type(error).__name__}): {request.body[:300]!r}"
    finally:
        connection.close()
    if b"the proxy failed" in body:
        return f"a failure of the proxy's own: {body[:300]!r}"
    if response.status != 200 or b"event: error" in body:
        return "refused" if request.kind == "fault" else f"refused: {request.kind} {response.status} {body[:300]!r}"
    return "answered" if request.expected in body else f"not the answer: {request.kind} {body[-300:]!r}"
