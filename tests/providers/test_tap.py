from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator

import httpx2
import pytest

from proxy.providers.connections import http_client
from proxy.providers.tap import Reply, Sent, Tap, Trouble, current_tap, tapped
from tests.fakes.raw import raw_server

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nhello"


class Ear:
    """Listens, and passes on."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def exchange(self, sent: Sent, send: Callable[[], Reply]) -> Reply:
        self.heard.append((sent.method, sent.body))
        reply = send()
        return Reply(reply.status, reply.headers, self._pieces(reply.pieces))

    def _pieces(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.heard.append(piece)
            yield piece


class Mouth:
    """Answers by itself, and breaks off."""

    def __init__(self, name: str) -> None:
        self._name = name

    def exchange(self, sent: Sent, send: Callable[[], Reply]) -> Reply:
        return Reply(200, [("content-type", "text/plain")], self._pieces())

    def _pieces(self) -> Iterator[bytes]:
        yield b"hel"
        raise Trouble(self._name, "gone")


def in_thread(tap: Tap | None, work: Callable[[], object]) -> list[object]:
    """What the work returns, or raises, in a thread of its own."""
    found: list[object] = []

    def run() -> None:
        try:
            found.append(work())
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=tapped(tap, run))
    thread.start()
    thread.join()
    return found


def posted(url: str) -> Callable[[], bytes]:
    def post() -> bytes:
        with http_client(5.0) as client:
            return client.post(url, content=b"hi").content

    return post


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


def test_it_hears_what_goes_and_comes() -> None:
    ear = Ear()
    with raw_server([ANSWER]) as url:
        assert in_thread(ear, posted(url)) == [b"hello"]
        assert in_thread(None, posted(url)) == [b"hello"]
    assert ear.heard == [("POST", b"hi"), b"hello"]
    assert current_tap() is None


def test_it_hears_what_is_meant() -> None:
    """Whatever encoding it comes in."""
    body = gzip.compress(b"hello")
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body)
    ear = Ear()
    with raw_server([head + body]) as url:
        assert in_thread(ear, posted(url)) == [b"hello"]
    assert b"".join(piece for piece in ear.heard if isinstance(piece, bytes)) == b"hello"


@pytest.mark.parametrize(
    ("name", "kind"), [("ReadTimeout", httpx2.ReadTimeout), ("Unknown", httpx2.ReadError), ("Client", httpx2.ReadError)]
)
def test_it_answers_in_place_of_the_network(name: str, kind: type[Exception]) -> None:
    (found,) = in_thread(Mouth(name), posted("http://nowhere.invalid/"))
    assert type(found) is kind
    assert str(found) == "gone"
