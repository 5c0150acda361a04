"""How much of an upstream's answer is read, and that nothing of it is kept for others."""

from __future__ import annotations

import http.cookiejar
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest

from proxy.protocol.errors import ApiError
from proxy.providers import connections
from proxy.providers.connections import ERROR_LIMIT, bounded, http_client


class _Endless(BaseHTTPRequestHandler):
    """Answers 500 with a body that does not end, and sets a cookie."""

    protocol_version = "HTTP/1.1"
    seen: list[str | None] = []

    def do_POST(self) -> None:
        self.seen.append(self.headers.get("Cookie"))
        self.send_response(500)
        self.send_header("Set-Cookie", "session=secret; Path=/")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def endless() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Endless)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def test_errors_without_end_are_cut(endless: str) -> None:
    """attacks: 3 GB of memory in 5 s"""
    with http_client(10.0) as client:
        assert len(client.post(endless).content) == ERROR_LIMIT


def test_no_cookie_is_kept(endless: str) -> None:
    """attacks: an upstream's Set-Cookie went to all later requests of all servers on that host"""
    _Endless.seen.clear()
    with http_client(10.0) as client:
        for _ in range(2):
            client.post(endless)
        assert isinstance(client.cookies, httpx2.Cookies)
        assert isinstance(client.cookies.jar, http.cookiejar.CookieJar)
        assert list(client.cookies.jar) == []
    assert _Endless.seen == [None, None]


@pytest.mark.parametrize(
    ("pieces", "passes"),
    [
        pytest.param([b"x" * 60], True, id="as long as it may be"),
        pytest.param([b"x" * 60, b"y" * 50], False, id="a line without end"),
        pytest.param([b"x" * 60 + b"\n", b"y" * 60 + b"\n"] * 4, True, id="many lines"),
        pytest.param([b"x" * 60 + b"\n"] * 17, False, id="an answer without end"),
    ],
)
def test_one_event_and_one_answer(pieces: list[bytes], passes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "EVENT_LIMIT", 100)
    monkeypatch.setattr(connections, "ANSWER_LIMIT", 1000)
    if passes:
        assert list(bounded(pieces)) == pieces
    else:
        with pytest.raises(ApiError, match="more than one answer"):
            list(bounded(pieces))
