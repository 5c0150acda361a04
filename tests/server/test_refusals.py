from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from waitress.buffers import TempfileBasedBuffer

from proxy.server import process
from proxy.web.access import foreign
from tests.conformance import check_error
from tests.server.serving import GET, HEAD, MIB, answer_to, connect, echo, read_answer, serving

CHUNKED = b"Transfer-Encoding: chunked\r\n"


def chunks(total: int, end: bytes = b"0\r\n\r\n") -> Iterator[bytes]:
    piece = b"%x\r\n%b\r\n" % (1 << 20, bytes(1 << 20))
    for _ in range(total >> 20):
        yield piece
    yield end


@pytest.mark.parametrize(
    ("request_pieces", "status", "words"),
    [
        pytest.param(lambda: [b"what is this\r\n\r\n"], 400, "Start line is invalid", id="no HTTP"),
        pytest.param(lambda: [HEAD, b"x-api-key: canary\nkey\r\n\r\n"], 400, "Bare CR or LF", id="bare line feed"),
        pytest.param(lambda: [HEAD, b"Content-Length: ten\r\n\r\n"], 400, "Content-Length", id="bad length"),
        pytest.param(
            lambda: [HEAD, CHUNKED, b"Content-Length: 5\r\n\r\n0\r\n\r\n"], 400, "beside", id="length and chunks"
        ),
        pytest.param(
            lambda: [HEAD.replace(b"1.1", b"1.0"), b"Content-Length: 5\r\n", CHUNKED, b"\r\nhello"],
            400,
            "beside",
            id="length and chunks in HTTP/1.0",
        ),
        pytest.param(lambda: [HEAD, b"Transfer-Encoding: gzip\r\n\r\n"], 501, "Transfer-Encoding", id="bad encoding"),
        pytest.param(lambda: [HEAD, b"X: ", b"x" * 300_000], 431, "max_header", id="too many headers"),
        pytest.param(
            lambda: [HEAD, b"Content-Length: %d\r\n\r\n" % (33 * MIB), bytes(33 * MIB)], 413, "32 MB", id="too large"
        ),
        pytest.param(
            lambda: [HEAD, b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (33 * MIB)],
            413,
            "32 MB",
            id="too large, asked before it is sent",
        ),
        pytest.param(lambda: [HEAD, CHUNKED, b"\r\n", *chunks(33 * MIB)], 413, "32 MB", id="too many chunks"),
        pytest.param(lambda: [HEAD, b"Content-Length: %d\r\n\r\n" % 2**40], 413, "32 MB", id="not worth reading"),
        pytest.param(
            lambda: [HEAD, CHUNKED, b"\r\n", *chunks(33 * MIB, end=b"nonsense\r\n")],
            413,
            "32 MB",
            id="too large and broken",
        ),
    ],
)
def test_what_waitress_refuses(request_pieces: Callable[[], list[bytes]], status: int, words: str) -> None:
    with serving(echo) as server:
        got, headers, body = answer_to(server, *request_pieces())
    assert got == status
    assert "canary" not in body.decode()
    assert "waitress" not in f"{headers}{body.decode()}".lower()
    assert words in check_error(status, headers, body)["message"]


def test_an_app_that_fails() -> None:
    def failing(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        raise RuntimeError("canary")

    with serving(failing) as server:
        status, headers, body = answer_to(server, GET)
    assert check_error(status, headers, body)["type"] == "api_error"
    assert "canary" not in body.decode()


@pytest.mark.parametrize(
    "head", [HEAD + b"Content-Length: %d\r\n\r\n" % (2 * MIB), HEAD + CHUNKED + b"\r\n"], ids=["length", "chunks"]
)
def test_a_full_disk(head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or none at all: the body is read to its end, the client is told, and others are served."""

    def full(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(TempfileBasedBuffer, "newfile", full)
    body = [bytes(2 * MIB)] if b"Length" in head else chunks(2 * MIB)
    with serving(echo) as server:
        status, headers, answer = answer_to(server, head, *body)
        assert answer_to(server, HEAD, b"Content-Length: 5\r\n\r\nhello")[0] == 200
    error = check_error(status, headers, answer)
    assert (status, error["type"]) == (500, "api_error")
    assert os.strerror(errno.ENOSPC) in error["message"]
    assert "TMPDIR" in error["message"]


def everybody_is_foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "foreign", lambda _: foreign("203.0.113.7"))


@pytest.mark.parametrize(
    "pieces",
    [
        [GET],
        [HEAD, b"Content-Length: %d\r\n\r\n" % (3 * MIB), bytes(3 * MIB)],
        [HEAD, CHUNKED, b"\r\n", *chunks(3 * MIB)],
        [HEAD, b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (3 * MIB)],
    ],
    ids=["no body", "a large body", "chunks", "asked before it is sent"],
)
def test_strangers_are_told_why_without_the_app(pieces: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    everybody_is_foreign(monkeypatch)
    asked: list[str] = []

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        asked.append(environ["PATH_INFO"])
        return echo(environ, start_response)

    with serving(app) as server:
        status, headers, body = answer_to(server, *pieces)
    error = check_error(status, headers, body)
    assert (status, error["type"]) == (403, "permission_error")
    assert "PROXY_API_KEY" in error["message"]
    assert headers["connection"] == "close"
    assert asked == []


def test_strangers_get_a_few_connections_only(monkeypatch: pytest.MonkeyPatch) -> None:
    everybody_is_foreign(monkeypatch)
    with serving(echo) as server:
        idle = [connect(server) for _ in range(60)]
        assert answer_to(server, GET)[0] == 403
        time.sleep(0.1)
        open_still = []
        for connection in idle:
            connection.setblocking(False)
            try:
                connection.recv(1)
            except BlockingIOError:
                open_still.append(connection)
        assert len(open_still) <= 32
        # The youngest of them is still answered.
        open_still[-1].settimeout(20)
        open_still[-1].sendall(GET)
        assert read_answer(open_still[-1])[0] == 403
        for connection in idle:
            connection.close()
