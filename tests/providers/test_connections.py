"""Calls that are cancelled at any moment, and connections that serve call after call."""

from __future__ import annotations

import gc
import gzip
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from proxy.protocol.errors import ApiError
from proxy.providers import connections, streams
from proxy.providers.call import Call
from proxy.providers.connections import decoded_body, http_client, raw_body
from tests.fakes.raw import raw_server
from tests.fakes.server import Exchange, FakeServer, Raw
from tests.fakes.tls import make_certificate, tls_in_front

PATIENCE = 20.0
END = b"the end"
NEVER = threading.Event()


class Scripted(FakeServer):
    """Answers with what was scripted, else with the end at once."""

    def __init__(self) -> None:
        super().__init__()
        self.script: list[Raw] = []

    def answer(self, exchange: Exchange) -> Raw:
        return self.script.pop(0) if self.script else Raw([END])


class Reader(threading.Thread):
    """Makes one call, as providers do: the answer is complete with `END`, whatever may follow."""

    def __init__(self, client: httpx2.Client, url: str) -> None:
        super().__init__(daemon=True)
        self.call = Call()
        self.got = b""
        self.error: Exception | None = None
        self.came = threading.Event()
        self._client = client
        self._url = url
        self.start()

    def run(self) -> None:
        with self.call:
            try:
                self._read()
            except httpx2.HTTPError as error:
                self.error = error
            finally:
                self.call.finish()

    def _read(self) -> None:
        response = self._client.send(self._client.build_request("POST", self._url, content=b"{}"), stream=True)
        body = response.iter_raw()
        self.call.reads(response, body)
        for piece in body:
            self.got += piece
            self.came.set()
            if self.got.endswith(END):
                self.call.complete = True
                return

    def through(self) -> Reader:
        self.join(PATIENCE)
        assert not self.is_alive()
        return self


@pytest.fixture(autouse=True)
def _no_http_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def upstream() -> Iterator[Scripted]:
    with Scripted() as fake:
        yield fake


@pytest.fixture
def client() -> Iterator[httpx2.Client]:
    with http_client(PATIENCE) as made:
        yield made


@pytest.mark.parametrize("reused", [False, True])
@pytest.mark.parametrize("place", ["before the head", "before the body", "within the body"])
def test_cancel_wakes_the_reader(place: str, reused: bool, client: httpx2.Client, upstream: Scripted) -> None:
    """CASES-84"""
    if reused:
        Reader(client, upstream.url).through()
    begun = [b"begun"] if place == "within the body" else []
    upstream.script = [Raw([], hold=[NEVER]) if place == "before the head" else Raw([*begun, NEVER])]
    reader = Reader(client, upstream.url)
    exchange = upstream.wait_for(1 + reused)[-1]
    if begun:
        assert reader.came.wait(PATIENCE)
    reader.call.cancel()
    reader.call.cancel()
    reader.through()
    assert isinstance(reader.error, httpx2.HTTPError)
    assert exchange.client_gone.wait(PATIENCE)
    assert upstream.connections == 1


def test_a_call_that_was_cancelled_before_it_began_sends_nothing(client: httpx2.Client, upstream: Scripted) -> None:
    call = Call()
    call.cancel()
    with call, pytest.raises(httpx2.ReadError):
        client.post(upstream.url)
    call.finish()
    assert upstream.exchanges == []


def test_cancelling_a_call_that_is_through_spares_the_next_on_its_connection(
    client: httpx2.Client, upstream: Scripted
) -> None:
    before = Reader(client, upstream.url).through()
    go_on = threading.Event()
    upstream.script = [Raw([b"begun", go_on, END])]
    reader = Reader(client, upstream.url)
    assert reader.came.wait(PATIENCE)
    before.call.cancel()
    go_on.set()
    assert reader.through().got == b"begun" + END
    assert upstream.connections == 1


def test_calls_at_a_time_are_cancelled_apart(client: httpx2.Client, upstream: Scripted) -> None:
    go_on = threading.Event()
    upstream.script = [Raw([b"begun", go_on, END]) for _ in range(4)]
    readers = [Reader(client, upstream.url) for _ in range(4)]
    for reader in readers:
        assert reader.came.wait(PATIENCE)
    for reader in readers[::2]:
        reader.call.cancel()
        reader.through()
    go_on.set()
    assert [reader.through().error is None for reader in readers] == [False, True, False, True]


@pytest.mark.parametrize("rested", [0.0, 60.0], ids=["long ago", "just now"])
def test_what_a_peak_leaves_is_let_go_of(
    rested: float, client: httpx2.Client, upstream: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    upstream.script = [Raw([b"begun", go_on, END]) for _ in range(12)]
    gc.collect()  # streams of other tests would go while this one counts
    others = len(streams._open)
    readers = [Reader(client, upstream.url) for _ in range(12)]
    for reader in readers:
        assert reader.came.wait(PATIENCE)
    go_on.set()
    assert all(reader.through().error is None for reader in readers)
    assert len(streams._open) == others + 12
    monkeypatch.setattr(streams, "_MANY", others + 4)
    monkeypatch.setattr(streams, "_RESTED", rested)
    assert Reader(client, upstream.url).through().error is None
    assert len(streams._open) - others in ((4, 5) if not rested else (12,))


def test_complete_answers_leave_their_connection_to_the_next(client: httpx2.Client, upstream: Scripted) -> None:
    upstream.script = [Raw([b"begun", 0.01, END, 0.01, b"\n", 0.01, b": and more\n"]) for _ in range(3)]
    for _ in range(3):
        assert Reader(client, upstream.url).through().error is None
    assert upstream.connections == 1


@pytest.mark.parametrize("after", [[NEVER], [b"more", 0.01] * 500], ids=["silence", "no end of talk"])
def test_what_does_not_end_is_not_waited_for(
    after: list[object], client: httpx2.Client, upstream: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.providers.call._DRAIN_LIMIT", 0.05)
    upstream.script = [Raw([END, *after])]  # type: ignore[list-item]
    assert Reader(client, upstream.url).through().error is None
    assert upstream.exchanges[0].client_gone.wait(PATIENCE)
    Reader(client, upstream.url).through()
    assert upstream.connections == 2


def test_answers_that_were_given_up_take_their_connection_with_them(client: httpx2.Client, upstream: Scripted) -> None:
    upstream.script = [Raw([b"begun", NEVER])]
    call = Call()
    with call:
        response = client.send(client.build_request("POST", upstream.url), stream=True)
        body = response.iter_raw()
        call.reads(response, body)
        assert next(body) == b"begun"
        call.finish()
    assert upstream.exchanges[0].client_gone.wait(PATIENCE)


def test_read_limit_holds_from_the_next_read_on(client: httpx2.Client, upstream: Scripted) -> None:
    upstream.script = [Raw([b"begun", NEVER])]
    call = Call()
    with call:
        response = client.send(client.build_request("POST", upstream.url), stream=True)
        body = response.iter_raw()
        call.reads(response, body)
        assert next(body) == b"begun"
        call.read_limit = 0.02
        with pytest.raises(httpx2.ReadTimeout):
            next(body)
        call.finish()


def test_cancel_ends_a_pause_between_attempts() -> None:
    call = Call()
    thread = threading.Thread(target=call.sleep, args=(3600,), daemon=True)
    thread.start()
    call.cancel()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_calls_through_an_http_proxy_can_be_cancelled(monkeypatch: pytest.MonkeyPatch, upstream: Scripted) -> None:
    """CASES-94"""
    monkeypatch.setenv("HTTP_PROXY", upstream.url)
    upstream.script = [Raw([], hold=[NEVER])]
    with http_client(PATIENCE) as client:
        reader = Reader(client, "http://model.example/v1/chat/completions")
        (exchange,) = upstream.wait_for(1)
        assert exchange.path == "http://model.example/v1/chat/completions"
        reader.call.cancel()
        reader.through()
    assert exchange.client_gone.wait(PATIENCE)


def test_https_goes_through_the_tunnel_of_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """CASES-94"""
    heard: list[bytes] = []

    def listen(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            heard.append(connection.recv(65536).partition(b"\r\n")[0])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=listen, args=(listener,), daemon=True)
        thread.start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listener.getsockname()[1]}")
        with http_client(PATIENCE) as client, pytest.raises(httpx2.HTTPError):
            client.get("https://model.example/v1/models")
        thread.join(PATIENCE)
    assert heard == [b"CONNECT model.example:443 HTTP/1.1"]


@pytest.mark.parametrize("place", ["before the head", "within the body"])
def test_calls_over_tls_can_be_cancelled(
    place: str, upstream: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CASES-84, CASES-94: the authority is one that only SSL_CERT_FILE knows."""
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(connections, "tls_context", httpx2.create_ssl_context)
    with tls_in_front(upstream.url, certificate) as url, http_client(PATIENCE) as client:
        for _ in range(2):
            assert Reader(client, url).through().got == END
        upstream.script = [Raw([], hold=[NEVER]) if place == "before the head" else Raw([b"begun", NEVER])]
        reader = Reader(client, url)
        exchange = upstream.wait_for(3)[-1]
        if place == "within the body":
            assert reader.came.wait(PATIENCE)
        reader.call.cancel()
        reader.through()
        assert exchange.client_gone.wait(PATIENCE)
        assert Reader(client, url).through().got == END
    assert upstream.connections == 2


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("HTTP_PROXY", "http://me:canary@[::1", "give addresses like http://host:port"),
        ("ALL_PROXY", "canary://host", "give addresses like http://host:port"),
        ("HTTPS_PROXY", "http://host:canary", "give addresses like http://host:port"),
        ("SSL_CERT_FILE", "no-such-file.pem", "SSL_CERT_FILE, SSL_CERT_DIR: the certificates cannot be read"),
        ("SSL_CERT_FILE", __file__, "SSL_CERT_FILE, SSL_CERT_DIR: the certificates cannot be read"),
    ],
)
def test_an_environment_that_cannot_be_used(
    variable: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    connections.tls_context.cache_clear()
    try:
        with pytest.raises(ApiError) as caught:
            http_client(PATIENCE)
    finally:
        connections.tls_context.cache_clear()
    assert caught.value.status == 502
    assert variable in caught.value.message
    assert words in caught.value.message
    assert "canary" not in caught.value.message


def test_a_proxy_whose_library_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv("ALL_PROXY", "socks5://me:canary@127.0.0.1:9")
    with pytest.raises(ApiError, match=r"ALL_PROXY.*pip install socksio") as caught:
        http_client(PATIENCE)
    assert "canary" not in caught.value.message


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_not_there_is_named(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", f"http://me:canary@127.0.0.1:{port}")
    with http_client(PATIENCE) as client, pytest.raises(httpx2.ConnectError, match="_PROXY") as caught:
        client.get(f"{scheme}://model.example/v1")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(("exempt", "direct"), [("127.0.0.1", True), ("*", True), ("other.example", False)])
def test_no_proxy(exempt: str, direct: bool, monkeypatch: pytest.MonkeyPatch, upstream: Scripted) -> None:
    """CASES-94"""
    with Scripted() as corporate:
        monkeypatch.setenv("HTTP_PROXY", corporate.url)
        monkeypatch.setenv("NO_PROXY", exempt)
        with http_client(PATIENCE) as client:
            Reader(client, upstream.url).through()
        assert (len(upstream.exchanges), len(corporate.exchanges)) == ((1, 0) if direct else (0, 1))


def test_redirects_are_not_followed(client: httpx2.Client, upstream: Scripted) -> None:
    upstream.script = [Raw([], 307, headers={"location": f"{upstream.url}/elsewhere"})]
    assert client.post(upstream.url).status_code == 307
    assert len(upstream.exchanges) == 1


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("POST", 204), ("POST", 304)])
def test_answers_without_a_body_have_none(method: str, status: int, client: httpx2.Client, upstream: Scripted) -> None:
    """Whatever their head says: it may be that of an answer which has one."""
    headers = {"transfer-encoding": "chunked"}
    upstream.script = [Raw([], status, "text/plain", headers=headers)]
    response = client.send(client.build_request(method, upstream.url, content=b"{}"), stream=True)
    assert b"".join(raw_body(response)) == b""


@pytest.mark.parametrize("encoding", ["gzip", "identity", ""])
def test_bodies_are_decoded_where_that_is_wanted(encoding: str, client: httpx2.Client, upstream: Scripted) -> None:
    """Some servers encode although they are told not to."""
    sent = gzip.compress(b"hello") if encoding == "gzip" else b"hello"
    for body, expected in ((decoded_body, b"hello"), (raw_body, sent)):
        upstream.script = [Raw([sent[:3], 0.01, sent[3:]], headers={"content-encoding": encoding} if encoding else {})]
        response = client.send(client.build_request("POST", upstream.url, content=b"{}"), stream=True)
        assert b"".join(body(response)) == expected
        assert response.is_closed


def test_a_server_that_leaves_between_two_requests(client: httpx2.Client) -> None:
    """Without having said that it would: the next request gets a connection of its own and never hears of it."""
    with raw_server([b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"]) as url:
        for _ in range(3):
            assert client.post(url, content=b"{}").text == "{}"
            time.sleep(0.05)
