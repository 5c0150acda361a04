"""What upstreams do to an answer that is passed on: encodings, heads that are no answer, ends that never come, keys."""

from __future__ import annotations

import gzip
import json
import threading
import time
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from proxy.models.catalog import Catalog
from proxy.models.routing import Router
from proxy.protocol.errors import ApiError
from proxy.providers.anthropic import client
from proxy.providers.anthropic.client import AnthropicProvider
from proxy.providers.base import ClientRequest, Exchange, Head, Written
from proxy.providers.call import Call
from proxy.providers.common.failures import Failure
from proxy.settings.config import load_config
from tests.fakes.raw import Step, raw_server

KEY = "sk-ant-canary-0123456789abcdefghij"
MESSAGE = json.dumps({"type": "message", "content": [{"type": "text", "text": f"the file says {KEY}"}]}).encode()
EVENTS = (
    b'event: message_start\ndata: {"type":"message_start"}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n'
)
BEGUN = EVENTS[: EVENTS.index(b"event: message_stop")]
JSON, STREAM = b"content-type: application/json\r\n", b"content-type: text/event-stream\r\n"
NEVER = threading.Event()


def head(*fields: bytes, status: bytes = b"200 OK", length: int | None = None) -> bytes:
    sized = b"" if length is None else b"content-length: %d\r\n" % length
    return b"HTTP/1.1 " + status + b"\r\n" + b"".join(fields) + sized + b"\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def call(url: str, times: list[float] | None = None) -> tuple[Head, bytes]:
    """One call, made as the pump makes it; `times` takes when each piece of the body came, in seconds."""
    environ = {"PREFERRED_PROVIDER": "anthropic", "ANTHROPIC_UPSTREAM_URL": url, "ANTHROPIC_API_KEY": KEY}
    config = load_config(environ, directory=Path(__file__).parent)
    provider = AnthropicProvider(config, read_timeout=10.0)
    received = ClientRequest("POST", "/v1/messages")
    exchange = Exchange.passing(Router(config, Catalog.load()).resolve("claude-opus-5-5"), received)
    written: Written[None] = Written("/v1/messages", {}, None, raw=b"{}")
    items: list[Any] = []
    with Call() as upstream:
        try:
            response = provider.send(_Plan(exchange), written, upstream, None)  # type: ignore[arg-type]
            assert not isinstance(response, Failure), response.message
            for batch in provider.read(response, written, upstream):
                items += batch
                if times is not None and items:
                    times.append(time.monotonic())
        finally:
            upstream.finish()
    assert isinstance(items[0], Head)
    return items[0], b"".join(items[1:])


class _Plan:
    """As much of a plan as a request that is passed on needs."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange


def answered(steps: Iterable[Step]) -> tuple[Head, bytes]:
    with raw_server(steps) as url:
        return call(url)


def refused(steps: Iterable[Step]) -> ApiError:
    with raw_server(steps) as url, pytest.raises(ApiError) as caught:
        call(url)
    assert KEY not in caught.value.message
    return caught.value


_ZIPPED = gzip.compress(EVENTS)


@pytest.mark.parametrize(
    ("steps", "body"),
    [
        pytest.param([head(JSON, length=len(MESSAGE)) + MESSAGE], MESSAGE, id="JSON"),
        pytest.param([head(JSON) + MESSAGE[:20], 0.05, MESSAGE[20:]], MESSAGE, id="JSON to the end of the connection"),
        pytest.param(
            [head(JSON, b"content-encoding: gzip\r\n") + gzip.compress(MESSAGE)], MESSAGE, id="gzip that nobody wanted"
        ),
        pytest.param([head(JSON, b"Content-Encoding: deflate\r\n") + zlib.compress(MESSAGE)], MESSAGE, id="deflate"),
        pytest.param(
            [
                head(STREAM, b"content-encoding: gzip\r\n", b"transfer-encoding: chunked\r\n"),
                *(chunk(_ZIPPED[at : at + 9]) for at in range(0, len(_ZIPPED), 9)),
                b"0\r\n\r\n",
            ],
            EVENTS,
            id="a stream in gzip",
        ),
        pytest.param([head(JSON, length=500) + MESSAGE], MESSAGE, id="a whole body that a length says is cut"),
        pytest.param([head(STREAM) + EVENTS, NEVER], EVENTS, id="a connection that stays open"),
        pytest.param([head(STREAM, b"transfer-encoding: chunked\r\n") + chunk(EVENTS)], EVENTS, id="no last chunk"),
        pytest.param(
            [head(b"link: </x>\r\n", status=b"103 Early Hints"), 0.02, head(JSON, length=len(MESSAGE)) + MESSAGE],
            MESSAGE,
            id="early hints",
        ),
        pytest.param(
            [head(status=b"102 Processing") * 3 + head(status=b"100 Continue") + head(JSON, length=2) + b"{}"],
            b"{}",
            id="several heads before the last",
        ),
    ],
)
def test_answers_are_passed_on(steps: list[Step], body: bytes) -> None:
    """Byte for byte, a key in what the model says included: it may be in the file that it was asked to write."""
    found, passed = answered(steps)
    assert (found.status, passed) == (200, body)
    assert not {name.lower() for name, _ in found.headers} & {"content-encoding", "content-length", "transfer-encoding"}


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        pytest.param([head(JSON) + MESSAGE[:-1]], "before it was complete", id="a body without a length that is cut"),
        pytest.param([head(JSON, length=500) + b"{"], "before it was complete", id="a body that is cut"),
        pytest.param([head(STREAM) + EVENTS[:60]], "before it was complete", id="a stream that is cut"),
        pytest.param([head(JSON, b"content-encoding: gzip\r\n") + b"{}"], "before it was complete", id="no gzip"),
        pytest.param([head(JSON, b"content-encoding: br\r\n") + b"\x0b"], "an encoding", id="an unknown encoding"),
        pytest.param(
            [head(b"location: https://elsewhere.test/?key=" + KEY.encode() + b"\r\n", status=b"307 Go", length=0)],
            "ANTHROPIC_UPSTREAM_URL",
            id="a redirect",
        ),
        pytest.param([head(b"content-type: text/html\r\n") + f"<html>{KEY}</html>".encode()], "as an API", id="a page"),
        pytest.param([head(JSON) + f"no such key: {KEY}".encode()], "as an API: no such key: [key]", id="words"),
    ],
)
def test_what_is_no_answer_is_told(steps: list[Step], words: str) -> None:
    error = refused(steps)
    assert error.status == 502
    assert words in error.message


@pytest.mark.parametrize(
    "broken",
    [
        b"HTTP/1.1 " + KEY.encode() + b"\r\n\r\n",
        KEY.encode() + b"\r\n\r\n",
        b"",
        pytest.param(b"HTTP/1.1 200 OK\r\nconten", id="a head that is cut"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-str", id="later"),
        pytest.param(head(status=b"101 Switching"), id="another protocol"),
    ],
)
def test_what_is_no_http_is_a_failed_connection(broken: bytes) -> None:
    """Of which nothing is quoted."""
    with raw_server([broken]) as url, pytest.raises(AssertionError, match="ProtocolError") as caught:
        call(url)
    assert KEY not in str(caught.value)


def pieces_of(key: str, size: int = 12) -> list[str]:
    return [key[at : at + size] for at in range(len(key) - size + 1)]


@pytest.mark.parametrize(
    "said",
    [
        f"invalid x-api-key: {KEY}",
        f"invalid x-api-key: {KEY[:16]}...",
        f"invalid x-api-key: ...{KEY[-16:]}",
        json.dumps({"x": json.dumps(KEY)}),
        "".join(f"\\u{ord(character):04x}" for character in KEY),
        KEY.replace("-", "%2D"),
    ],
)
@pytest.mark.parametrize("form", ["error", "stream", "compressed", "success"])
def test_keys_in_errors(said: str, form: str) -> None:
    """An upstream's error loses the key that it quotes, in pieces, in headers and with escapes too."""
    body = json.dumps({"type": "error", "error": {"type": "authentication_error", "message": said}}).encode()
    echo = b"x-echo: " + KEY.encode() + b"\r\n"
    if form == "stream":
        frame = b"event: error\ndata: " + body + b"\n\n"
        begun = head(STREAM, echo, b"transfer-encoding: chunked\r\n") + chunk(BEGUN)
        found, passed = answered(
            [begun, *(chunk(frame[at : at + 20]) for at in range(0, len(frame), 20)), b"0\r\n\r\n"]
        )
        assert passed.startswith(BEGUN)
        told = passed.partition(b"event: error\ndata: ")[2]
    else:
        zipped = gzip.compress(body)
        fields = [JSON, echo, *([b"content-encoding: gzip\r\n"] if form == "compressed" else [])]
        status = b"200 OK" if form == "success" else b"401 Unauthorized"
        found, told = answered([head(*fields, status=status) + (zipped if form == "compressed" else body)])
    assert json.loads(told)["error"]["type"] == "authentication_error"
    shown = told.decode() + json.loads(told)["error"]["message"] + str(found.headers)
    assert not [piece for piece in pieces_of(KEY) if piece in shown]
    assert "[key]" in shown


def test_an_error_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ERROR_LIMIT", 1000)
    found, passed = answered([head(JSON, status=b"500 No"), *[b"x" * 700] * 3, NEVER])
    assert (found.status, passed) == (500, b"x" * 1000)


def test_a_date_to_come_back_becomes_seconds() -> None:
    """Claude Code reads whole seconds."""
    dates = b"date: Wed, 21 Oct 2026 07:28:00 GMT\r\nretry-after: Wed, 21 Oct 2026 07:28:30 GMT\r\n"
    found, _ = answered([head(JSON, dates, status=b"429 Slow", length=2) + b"{}"])
    assert dict(found.headers)["retry-after"] == "30"


def test_frames_come_when_they_are_sent() -> None:
    """Also where the body has neither a length nor chunks."""
    times: list[float] = []
    with raw_server([head(STREAM) + BEGUN, 0.3, EVENTS[len(BEGUN) :]]) as url:
        call(url, times)
    assert times[-1] - times[0] > 0.2
