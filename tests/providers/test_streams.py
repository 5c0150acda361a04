"""The network streams under the HTTP library: heads and bodies cut anywhere, and TLS over what it may be put on."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpcore2
import pytest

from proxy.providers import streams
from proxy.providers.call import Call
from proxy.providers.streams import Backend, HttpStream, SocketStream, TlsStream
from tests.fakes.tls import make_certificate

HEAD = b"HTTP/1.1 200 OK\r\nx: y\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"
ANSWERS = {
    "one chunk": (CHUNKED + b"5\r\nhello\r\n" + LAST, b"hello"),
    "chunks": (CHUNKED + b"5\r\nhello\r\n1\r\n\n\r\n3\r\nyou\r\n" + LAST, b"hello\nyou"),
    "no data": (CHUNKED + LAST, b""),
    "trailers": (CHUNKED + b"5\r\nhello\r\n0\r\na: b\r\n\r\n", b"hello"),
    "extensions": (CHUNKED + b"5\r\nhello\r\n3;a=b\r\nyou\r\n" + LAST, b"helloyou"),
    "line ends of Unix": (CHUNKED.replace(b"\r", b"") + b"5\r\nhello\r\n" + LAST, b"hello"),
    "a hint before it": (b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + CHUNKED + b"5\r\nhello\r\n" + LAST, b"hello"),
    "with its length": (HEAD + b"content-length: 5\r\n\r\nhello", b"hello"),
    "nothing": (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
}


class Wire(httpcore2.NetworkStream):
    """Gives what it is made with, a piece for each read; then it is closed."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = [piece for piece in pieces if piece]
        self.is_closed = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        pass

    def close(self) -> None:
        self.is_closed = True

    def get_extra_info(self, info: str) -> Any:
        return False if info == "is_readable" else None


class Wires(httpcore2.NetworkBackend):
    def __init__(self, pieces: list[bytes]) -> None:
        self.wire = Wire(pieces)

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore2.NetworkStream:
        return HttpStream(self.wire)


def body_of(pool: httpcore2.ConnectionPool, by_library: bool) -> bytes:
    with pool.stream("POST", "http://model.example/", content=b"{}") as response:
        stream = response.extensions["network_stream"]
        is_chunked = b"transfer-encoding" in dict(response.headers)
        begun = b"" if by_library or not is_chunked else b"".join(stream.body(None))
        return begun + b"".join(response.iter_stream())


@pytest.mark.parametrize("by_library", [False, True])
@pytest.mark.parametrize(("answer", "body"), ANSWERS.values(), ids=ANSWERS)
def test_answers_cut_anywhere(answer: bytes, body: bytes, by_library: bool) -> None:
    """Two of them on one connection, which is in order after each."""
    for cut in range(len(answer)):
        pieces = [answer[:cut], answer[cut : cut + 1], answer[cut + 1 :]]
        with httpcore2.ConnectionPool(network_backend=Wires([*pieces, answer])) as pool:
            assert body_of(pool, by_library) == body
            assert body_of(pool, by_library) == body
            assert len(pool.connections) == 1
    with httpcore2.ConnectionPool(network_backend=Wires([bytes([byte]) for byte in answer])) as pool:
        assert body_of(pool, by_library) == body


@pytest.mark.parametrize(
    "answer",
    [
        CHUNKED + b"5\r\nhel",
        CHUNKED + b"5\r\nhello\r\n",
        CHUNKED + b"5\r\nhello\r\n0\r\n",
        CHUNKED + b"5\r\nhello\r\nnonsense\r\n",
        CHUNKED + b"5\r\nhelloyou\r\n" + LAST,
        CHUNKED[:-2],
        b"",
    ],
)
def test_answers_that_break_off_are_errors(answer: bytes) -> None:
    for first in range(len(answer) + 1):
        backend = Wires([answer[:first], answer[first:]])
        with httpcore2.ConnectionPool(network_backend=backend) as pool:
            with pytest.raises(httpcore2.RemoteProtocolError):
                body_of(pool, False)
            assert pool.connections == []
            assert backend.wire.is_closed


@pytest.mark.parametrize(
    ("pieces", "is_ended"),
    [
        ([CHUNKED, b"5\r\nhello\r\n", LAST], False),
        ([CHUNKED, b"5\r\nhello\r\n" + LAST], True),
        ([CHUNKED + b"5\r\nhello\r\n" + LAST], True),
    ],
)
def test_whether_the_end_has_come(pieces: list[bytes], is_ended: bool) -> None:
    with (
        httpcore2.ConnectionPool(network_backend=Wires(pieces)) as pool,
        pool.stream("POST", "http://model.example/") as response,
    ):
        stream = response.extensions["network_stream"]
        assert next(stream.body(None)) == b"hello"
        assert stream.get_extra_info("is_ended") is is_ended


# Sockets and TLS


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_sockets_wait_until_their_time_is_over(pair: tuple[socket.socket, socket.socket]) -> None:
    stream = SocketStream(pair[0])
    with pytest.raises(httpcore2.ReadTimeout):
        stream.read(10, 0.01)
    with pytest.raises(httpcore2.WriteTimeout):
        stream.write(bytes(50_000_000), 0.01)
    stream.close()
    with pytest.raises(httpcore2.ReadError):
        stream.read(10, 0.01)
    with pytest.raises(httpcore2.WriteError):
        stream.write(b"x", 0.01)


def test_what_is_read_is_not_read_over(pair: tuple[socket.socket, socket.socket]) -> None:
    """The room into which it comes is lent for one read, and given back whatever becomes of that."""
    stream = SocketStream(pair[0])
    pair[1].send(b"first")
    first = stream.read(65536, 5.0)
    with pytest.raises(httpcore2.ReadTimeout):
        stream.read(65536, 0.01)
    pair[1].send(b"second")
    assert [first, stream.read(3, 5.0), stream.read(65536, 5.0)] == [b"first", b"sec", b"ond"]
    pair[1].close()
    assert stream.read(65536, 5.0) == b""
    assert len(streams._buffers) < 10


def test_the_limit_of_a_call_holds_for_its_reads(pair: tuple[socket.socket, socket.socket]) -> None:
    with Call() as call:
        call.read_limit = 0.01
        with pytest.raises(httpcore2.ReadTimeout):
            SocketStream(pair[0]).read(10, 3600)


class Dribble(httpcore2.NetworkStream):
    """Another stream, of which a byte is read at a time: no record of TLS comes whole."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(1, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()


class Echo(threading.Thread):
    """Says back what it hears, by TLS, until there is a full stop. Then it closes, with or without a farewell."""

    def __init__(self, sock: socket.socket, certificate: Path, polite: bool) -> None:
        super().__init__(daemon=True)
        self._sock = sock
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._polite = polite
        self.start()

    def run(self) -> None:
        with contextlib.suppress(ssl.SSLError), self._context.wrap_socket(self._sock, server_side=True) as tls:
            while data := tls.recv(65536):
                tls.sendall(data)
                if data.endswith(b"."):
                    break
            if self._polite:
                tls.unwrap()


@pytest.fixture
def trusting(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    certificate = make_certificate(tmp_path)
    return ssl.create_default_context(cafile=str(certificate)), certificate


@pytest.mark.parametrize("polite", [False, True])
@pytest.mark.parametrize("dribbles", [False, True])
def test_tls(
    dribbles: bool, polite: bool, pair: tuple[socket.socket, socket.socket], trusting: tuple[ssl.SSLContext, Path]
) -> None:
    context, certificate = trusting
    Echo(pair[1], certificate, polite)
    stream: httpcore2.NetworkStream = SocketStream(pair[0])
    tls = TlsStream(Dribble(stream) if dribbles else stream, context, "127.0.0.1")
    tls.shake_hands(5.0)
    assert tls.get_extra_info("ssl_object").version().startswith("TLS")
    sent = b"hello" * (100 if dribbles else 10_000) + b"."
    tls.write(sent, 5.0)
    got = b""
    while data := tls.read(65536, 5.0):
        got += data
    assert got == sent
    assert tls.read(65536, 5.0) == b""


def test_tls_in_tls(pair: tuple[socket.socket, socket.socket], trusting: tuple[ssl.SSLContext, Path]) -> None:
    """A proxy that is spoken to by TLS passes on TLS to the model's server."""
    context, certificate = trusting
    between, inner = socket.socketpair()
    Echo(inner, certificate, polite=True)

    def forward() -> None:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(certificate)
        # The test may be through, and its end closed, before the forty rounds are.
        with contextlib.suppress(OSError), server.wrap_socket(pair[1], server_side=True) as outer, between:
            for _ in range(40):
                outer.settimeout(0.05)
                between.settimeout(0.05)
                for source, target in ((outer, between), (between, outer)):
                    try:
                        target.sendall(source.recv(65536))
                    except TimeoutError:
                        continue

    threading.Thread(target=forward, daemon=True).start()
    outer = HttpStream(SocketStream(pair[0])).start_tls(context, "127.0.0.1", 5.0)
    tls = outer.start_tls(context, "127.0.0.1", 5.0)
    tls.write(b"hello.", 5.0)
    assert tls.read(100, 5.0) == b"hello."
    assert tls.get_extra_info("socket") is pair[0]


@pytest.mark.parametrize("name", ["other.example", "127.0.0.2"])
def test_tls_with_somebody_else(
    name: str, pair: tuple[socket.socket, socket.socket], trusting: tuple[ssl.SSLContext, Path]
) -> None:
    context, certificate = trusting
    Echo(pair[1], certificate, polite=False)
    with pytest.raises(httpcore2.ConnectError, match="certificate"):
        HttpStream(SocketStream(pair[0])).start_tls(context, name, 5.0)
    assert pair[0].fileno() < 0, "closed"


def test_a_handshake_that_is_not_answered(
    pair: tuple[socket.socket, socket.socket], trusting: tuple[ssl.SSLContext, Path]
) -> None:
    with pytest.raises(httpcore2.TimeoutException):
        HttpStream(SocketStream(pair[0])).start_tls(trusting[0], "127.0.0.1", 0.02)
    assert pair[0].fileno() < 0, "closed"


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(httpcore2.ConnectError):
        Backend().connect_tcp("127.0.0.1", port, 5.0)
