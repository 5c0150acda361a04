"""A scripted HTTP/1.1 server on 127.0.0.1: keep-alive, chunked, every scripted piece in a TCP segment of its own.

It knows nothing of any vendor's API: a fake subclasses `FakeServer`, whose `answer` it writes.
"""

from __future__ import annotations

import http.server
import json
import math
import selectors
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

PATIENCE = 20.0
"""Seconds that an exchange waits for a scripted `threading.Event` before the fake counts the test as broken."""
_TERMINATOR_DELAY = 0.002
"""Seconds between the last data and `0\\r\\n\\r\\n`, so that the two never share a TCP segment."""


class Cut:
    """As a step: the connection is closed there and then, without the last chunk."""


CUT = Cut()
Step = bytes | float | threading.Event | Callable[[], object] | Cut
"""Bytes are sent, a number pauses (seconds), an Event is awaited, a callable is called, `CUT` breaks off."""


@dataclass(frozen=True)
class Raw:
    """One answer. `hold` is played before the status line, `steps` are the body.

    A body of nothing but bytes that is no event stream goes out with Content-Length, every other one chunked.
    """

    steps: Iterable[Step]
    status: int = 200
    content_type: str = "text/event-stream"
    headers: Mapping[str, str] = field(default_factory=dict)
    hold: Iterable[Step] = ()


def json_answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Raw:
    return Raw([json.dumps(body, ensure_ascii=False).encode()], status, "application/json", headers or {})


@dataclass
class Exchange:
    """One request and what became of it. Header names are in lower case; `body` is None unless it parsed as JSON."""

    number: int
    connection: int
    method: str
    path: str
    headers: dict[str, str]
    raw: bytes
    body: Any = None
    refusal: str | None = None
    client_gone: threading.Event = field(default_factory=threading.Event)
    finished: threading.Event = field(default_factory=threading.Event)


def strict_json(raw: bytes) -> Any:
    """Parse as servers do that are not written in Python.

    Raises ValueError on bad UTF-8, NaN and Infinity, numbers beyond a double, lone surrogates and repeated keys.
    """

    def number(text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            raise ValueError(f"number out of range: {text}")
        return value

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("duplicate key")
        return dict(pairs)

    value = json.loads(raw.decode(), parse_constant=number, parse_float=number, object_pairs_hook=members)
    json.dumps(value, ensure_ascii=False).encode()
    return value


class FakeServer:
    """Runs while it is entered (`with Fake() as upstream`). An error inside the fake is raised when it is left."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.errors: list[BaseException] = []
        self.connections = 0
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._tcp = _TcpServer(self)
        self._watcher = _Watcher()

    def answer(self, exchange: Exchange) -> Raw:
        raise NotImplementedError

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._tcp.server_address[1]}"

    @property
    def refusals(self) -> list[str]:
        """The texts of all refusals so far, without the failures that a test scripted."""
        return [exchange.refusal for exchange in list(self.exchanges) if exchange.refusal is not None]

    @property
    def open_connections(self) -> int:
        with self._changed:
            return len(self._sockets)

    def wait_for(self, count: int, timeout: float = PATIENCE) -> list[Exchange]:
        """The exchanges, once there are at least `count` of them; AssertionError after `timeout` seconds."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: len(self.exchanges) >= count, timeout)
            assert arrived, f"{len(self.exchanges)} requests, expected {count}"
            return list(self.exchanges)

    def __enter__(self) -> Self:
        self._watcher.start()
        threading.Thread(target=self._tcp.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._tcp.shutdown()
        self._tcp.server_close()
        self._watcher.stop()
        with self._changed:
            for connection in self._sockets:
                _hang_up(connection)
        if self.errors and error is None:
            raise self.errors[0]

    def _connected(self, connection: socket.socket) -> int:
        with self._changed:
            self._sockets.add(connection)
            self.connections += 1
            return self.connections

    def _disconnected(self, connection: socket.socket) -> None:
        with self._changed:
            self._sockets.discard(connection)

    def _arrived(self, **request: Any) -> Exchange:
        with self._changed:
            exchange = Exchange(number=len(self.exchanges) + 1, **request)
            self.exchanges.append(exchange)
            self._changed.notify_all()
            return exchange


class _Gone(Exception):
    """The client left, the script said CUT, or the fake is being closed."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _TcpServer

    def setup(self) -> None:
        super().setup()
        self.fake = self.server.fake
        self.number = self.fake._connected(self.connection)

    def finish(self) -> None:
        self.fake._disconnected(self.connection)
        super().finish()

    def do_GET(self) -> None:
        if "transfer-encoding" in self.headers:
            self.send_error(411)
            return
        length = int(self.headers.get("content-length", 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        raw = self.rfile.read(length)
        exchange = self.fake._arrived(
            connection=self.number, method=self.command, path=self.path, headers=headers, raw=raw
        )
        self.exchange = exchange
        self.fake._watcher.add(self.connection, exchange)
        try:
            self._play(self.fake.answer(exchange))
        except _Gone:
            self.close_connection = True
        except ConnectionError:
            exchange.client_gone.set()
            self.close_connection = True
        finally:
            self.fake._watcher.remove(self.connection)
            exchange.finished.set()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET

    def log_message(self, *args: object) -> None:
        """Nothing is printed: tests read `exchanges`."""

    def _play(self, answer: Raw) -> None:
        for step in answer.hold:
            self._do(step)
        steps = answer.steps
        whole = isinstance(steps, list | tuple) and all(isinstance(step, bytes) for step in steps)
        chunked = not whole or "event-stream" in answer.content_type
        self.send_response(answer.status)
        self.send_header("content-type", answer.content_type)
        if chunked:
            self.send_header("transfer-encoding", "chunked")
        else:
            self.send_header("content-length", str(sum(len(step) for step in steps if isinstance(step, bytes))))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        for step in steps:
            if isinstance(step, bytes):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(step), step) if chunked and step else step)
            else:
                self._do(step)
        if chunked:
            self._do(_TERMINATOR_DELAY)
            self.wfile.write(b"0\r\n\r\n")

    def _do(self, step: Step) -> None:
        if isinstance(step, Cut):
            _hang_up(self.connection)
            raise _Gone
        if isinstance(step, threading.Event):
            self._await(step)
        elif isinstance(step, float | int):
            if self.exchange.client_gone.wait(step):
                raise _Gone
        elif callable(step):
            step()
        else:
            raise TypeError(f"not a step here: {step!r}")

    def _await(self, event: threading.Event) -> None:
        deadline = time.monotonic() + PATIENCE
        while not event.wait(0.01):
            if self.exchange.client_gone.is_set() or self.fake._stopping.is_set():
                raise _Gone
            if time.monotonic() > deadline:
                raise AssertionError(f"request {self.exchange.number} waited for an event that nobody set")


class _TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, fake: FakeServer) -> None:
        self.fake = fake
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError):
            self.fake.errors.append(error)


class _Watcher(threading.Thread):
    """Notices clients that hang up while their exchange is under way, also when nothing is being sent to them."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._busy = threading.Event()
        self._stopped = False

    def add(self, connection: socket.socket, exchange: Exchange) -> None:
        with self._lock:
            self._selector.register(connection, selectors.EVENT_READ, exchange)
            self._busy.set()

    def remove(self, connection: socket.socket) -> None:
        with self._lock:
            self._forget(connection)

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            self._busy.set()

    def run(self) -> None:
        while self._busy.wait() and not self._stopped:
            with self._lock:
                # Windows cannot select on nothing.
                for key, _ in self._selector.select(0) if self._selector.get_map() else ():
                    self._look(key.fileobj, key.data)
            time.sleep(0.01)

    def _look(self, connection: Any, exchange: Exchange) -> None:
        # Readable within an exchange means the end, or a pipelined request, behind which no end can be seen.
        try:
            gone = connection.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            gone = True
        if gone:
            exchange.client_gone.set()
        self._forget(connection)

    def _forget(self, connection: Any) -> None:
        if connection in self._selector.get_map():
            self._selector.unregister(connection)
        if not self._selector.get_map() and not self._stopped:
            self._busy.clear()


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
