"""The pump over real connections: wherever an upstream keeps it waiting, it pings and can be ended."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from proxy.answering.pump import ClientGone, Pump
from proxy.answering.timing import Timing
from proxy.protocol.errors import ApiError
from proxy.providers import connections
from proxy.providers.call import Call
from proxy.providers.connections import http_client, raw_body
from tests.fakes.server import Exchange, FakeServer, Raw
from tests.fakes.tls import make_certificate, tls_in_front, tunnels
from tests.tasks import assert_none_is_left

PATIENCE = 20.0
END = b"the end"
NEVER = threading.Event()
LARGE = bytes(30_000_000)
QUICK = Timing(ping_every=0.02, poll=0.01)


class Scripted(FakeServer):
    """Answers with what was scripted, else with the end at once."""

    def __init__(self) -> None:
        super().__init__()
        self.script: list[Raw] = []

    def answer(self, exchange: Exchange) -> Raw:
        return self.script.pop(0) if self.script else Raw([END])


class Asking:
    """One answer, through a pump."""

    def __init__(self, client: httpx2.Client, url: str, content: bytes = b"{}", pause: float = 0.0) -> None:
        self.call = Call()
        self.gone = threading.Event()
        self._client, self._url, self._content, self._pause = client, url, content, pause
        self.pump: Pump[bytes] = Pump(
            self._batches, self.call, timing=QUICK, idle_limit=PATIENCE, client_gone=self.gone.is_set
        )

    def _batches(self) -> Iterator[list[bytes]]:
        if self._pause:
            self.call.sleep(self._pause)
        request = self._client.build_request("POST", self._url, content=self._content)
        try:
            response = self._client.send(request, stream=True)
            body = raw_body(response)
            self.call.reads(response, body)
            so_far = b""
            for piece in body:
                so_far += piece
                yield [piece]
                if END in so_far:
                    self.call.complete = True
                    return
        except httpx2.HTTPError as error:
            raise ApiError(502, f"{type(error).__name__}: {error}") from None

    def all(self) -> bytes:
        with closing(self.pump):
            self.pump.start()
            return b"".join(piece for batch in self.pump for piece in batch or ())


class Mute(threading.Thread):
    """Takes a connection and says nothing. `heard` is what comes first."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.heard = threading.Event()
        self.left = threading.Event()
        self.start()

    def run(self) -> None:
        connection, _ = self._listener.accept()
        with self._listener, connection:
            connection.recv(1000)
            self.heard.set()
            connection.settimeout(PATIENCE)
            time.sleep(0.3)
            while connection.recv(1 << 20):
                pass
            self.left.set()


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


@pytest.fixture
def encrypted(
    upstream: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[httpx2.Client, str]]:
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(connections, "tls_context", httpx2.create_ssl_context)
    with tls_in_front(upstream.url, certificate) as url, http_client(PATIENCE) as client:
        yield client, url


def slow_names(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """No name is found before the event is set."""
    go_on, look_up = threading.Event(), socket.getaddrinfo

    def slowly(host: Any, *args: Any, **kwargs: Any) -> Any:
        go_on.wait(PATIENCE)
        return look_up("127.0.0.1", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    return go_on


Place = Callable[[ExitStack, Scripted, pytest.MonkeyPatch], Asking]


def in_a_pause(stack: ExitStack, upstream: Scripted, _: pytest.MonkeyPatch) -> Asking:
    return Asking(stack.enter_context(http_client(PATIENCE)), upstream.url, pause=3600)


def looking_up_a_name(stack: ExitStack, upstream: Scripted, monkeypatch: pytest.MonkeyPatch) -> Asking:
    stack.callback(slow_names(monkeypatch).set)
    return Asking(stack.enter_context(http_client(PATIENCE)), f"http://model.example:{upstream.url.rpartition(':')[2]}")


def shaking_hands(stack: ExitStack, _: Scripted, __: pytest.MonkeyPatch) -> Asking:
    mute = Mute()
    stack.callback(lambda: mute.left.wait(PATIENCE) or pytest.fail("the connection is still open"))
    return Asking(stack.enter_context(http_client(PATIENCE)), f"https://127.0.0.1:{mute.port}")


def asking_for_a_tunnel(stack: ExitStack, _: Scripted, monkeypatch: pytest.MonkeyPatch) -> Asking:
    mute = Mute()
    stack.callback(lambda: mute.left.wait(PATIENCE) or pytest.fail("the connection is still open"))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{mute.port}")
    return Asking(stack.enter_context(http_client(PATIENCE)), "https://model.example/v1")


def writing(stack: ExitStack, _: Scripted, __: pytest.MonkeyPatch) -> Asking:
    mute = Mute()
    return Asking(stack.enter_context(http_client(PATIENCE)), f"http://127.0.0.1:{mute.port}", LARGE)


def before_the_head(stack: ExitStack, upstream: Scripted, _: pytest.MonkeyPatch) -> Asking:
    upstream.script = [Raw([], hold=[NEVER])]
    return Asking(stack.enter_context(http_client(PATIENCE)), upstream.url)


def before_the_body(stack: ExitStack, upstream: Scripted, _: pytest.MonkeyPatch) -> Asking:
    upstream.script = [Raw([NEVER])]
    return Asking(stack.enter_context(http_client(PATIENCE)), upstream.url)


def within_the_body(stack: ExitStack, upstream: Scripted, _: pytest.MonkeyPatch) -> Asking:
    upstream.script = [Raw([b"begun", NEVER])]
    return Asking(stack.enter_context(http_client(PATIENCE)), upstream.url)


PLACES = [
    *(in_a_pause, looking_up_a_name, shaking_hands, asking_for_a_tunnel, writing),
    *(before_the_head, before_the_body, within_the_body),
]


@pytest.mark.parametrize("end", ["stopped", "client gone", "closed"])
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_pings_and_ends_everywhere(place: Place, end: str, upstream: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    """CASES-69, CASES-84"""
    with ExitStack() as stack:
        asking = place(stack, upstream, monkeypatch)
        with closing(asking.pump):
            asking.pump.start()
            batches = (batch for batch in asking.pump if batch is None)
            assert [next(batches) for _ in range(3)] == [None] * 3
            if end == "stopped":
                threading.Thread(target=asking.pump.stop, args=("shutting down",)).start()
                with pytest.raises(ApiError, match="shutting down"):
                    list(batches)
            elif end == "client gone":
                asking.gone.set()
                with pytest.raises(ClientGone):
                    list(batches)
        assert asking.call.cancelled
    for exchange in upstream.exchanges:
        assert exchange.client_gone.wait(PATIENCE)
    assert_none_is_left()


def test_answers_use_a_connection_again(client: httpx2.Client, upstream: Scripted) -> None:
    """What follows the last word comes late, so it is waited for elsewhere, and then the connection is free."""
    upstream.script = [Raw([b"begun", 0.01, END, 0.02, b": more\n"]) for _ in range(3)]
    for _ in range(3):
        assert Asking(client, upstream.url).all().startswith(b"begun" + END)
        assert_none_is_left()
    assert upstream.connections == 1


def test_an_end_that_does_not_come_keeps_nobody_waiting(
    client: httpx2.Client, upstream: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.providers.call._DRAIN_LIMIT", 0.05)
    upstream.script = [Raw([END, NEVER])]
    assert Asking(client, upstream.url).all() == END
    assert upstream.exchanges[0].client_gone.wait(PATIENCE)
    assert_none_is_left()
    assert Asking(client, upstream.url).all() == END
    assert upstream.connections == 2


def test_many_answers_at_a_time_in_one_thread_each(client: httpx2.Client, upstream: Scripted) -> None:
    """A cancelled one among them takes nothing from the others; what threads have done before does not matter."""
    came: list[bytes] = []

    def serve() -> None:
        for _ in range(5):
            came.append(Asking(client, upstream.url).all())
            left = Asking(client, upstream.url)
            left.pump.start()
            left.pump.close()

    upstream.script = [Raw([b"begun", 0.01, END]) for _ in range(10)]
    threads = [threading.Thread(target=serve) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(came) == 40
    assert all(each.endswith(END) for each in came)
    assert_none_is_left()


def test_names_are_looked_up(client: httpx2.Client, upstream: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    slow_names(monkeypatch).set()
    assert Asking(client, upstream.url.replace("127.0.0.1", "model.example")).all() == END


def test_names_that_nobody_has(client: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ApiError, match=r"ConnectError: .*not known"):
        Asking(client, "http://model.example").all()


def test_over_tls(encrypted: tuple[httpx2.Client, str], upstream: Scripted) -> None:
    client, url = encrypted
    pieces = [bytes([65 + number]) * 100_000 for number in range(20)]
    upstream.script = [Raw([*pieces, END])]
    assert Asking(client, url, bytes(1_000_000)).all() == b"".join(pieces) + END
    assert len(upstream.exchanges[0].raw) == 1_000_000
    assert_none_is_left()  # the end of the body may be late
    assert Asking(client, url).all() == END
    assert upstream.connections == 1


@pytest.mark.parametrize("place", ["before the head", "within the body"])
def test_over_tls_everything_ends_as_well(place: str, encrypted: tuple[httpx2.Client, str], upstream: Scripted) -> None:
    client, url = encrypted
    upstream.script = [Raw([], hold=[NEVER]) if place == "before the head" else Raw([b"begun", NEVER])]
    asking = Asking(client, url)
    with closing(asking.pump):
        asking.pump.start()
        batches = (batch for batch in asking.pump if batch is None)
        while not upstream.exchanges:
            next(batches)
        assert [next(batches) for _ in range(3)] == [None] * 3
    assert upstream.exchanges[0].client_gone.wait(PATIENCE)
    assert Asking(client, url).all() == END
    assert upstream.connections == 2


def test_a_stranger_over_tls(upstream: Scripted, tmp_path: Path, client: httpx2.Client) -> None:
    with (
        tls_in_front(upstream.url, make_certificate(tmp_path)) as url,
        pytest.raises(ApiError, match=r"ConnectError: .*certificate"),
    ):
        Asking(client, url).all()
    assert upstream.exchanges == []


@pytest.mark.parametrize("by_tls", [False, True])
def test_through_the_tunnel_of_a_proxy(
    by_tls: bool, upstream: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CASES-94: also of one that is itself spoken to by TLS."""
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(connections, "tls_context", httpx2.create_ssl_context)
    with ExitStack() as stack:
        url = stack.enter_context(tls_in_front(upstream.url, certificate))
        proxy, heard = stack.enter_context(tunnels())
        monkeypatch.setenv("HTTPS_PROXY", stack.enter_context(tls_in_front(proxy, certificate)) if by_tls else proxy)
        client = stack.enter_context(http_client(PATIENCE))
        upstream.script = [Raw([b"begun", 0.01, bytes(300_000), END])]
        assert Asking(client, url, bytes(300_000)).all() == b"begun" + bytes(300_000) + END
        assert_none_is_left()
        assert Asking(client, url).all() == END
    assert heard == [f"CONNECT {url.removeprefix('https://')} HTTP/1.1".encode()]
    assert upstream.connections == 1
