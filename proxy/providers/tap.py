"""Where somebody else can listen to what goes over HTTP to an upstream, or answer in its place.

The task that reads an answer may carry a tap. The HTTP clients of all providers ask for it once for each request;
without one they work as if this module were not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

import httpx2

T = TypeVar("T")
_ENCODED = ("content-encoding", "content-length")
"""What no longer holds of a body that has been decoded."""
_SOCKET = "network_stream"
"""The extension of a response past which its body is read where nobody listens."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it leaves."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Reply(NamedTuple):
    """A response whose body is unread; `pieces` are decoded, and raise what the HTTP client raises."""

    status: int
    headers: Sequence[tuple[str, str]]
    pieces: Iterator[bytes]


class Trouble(Exception):
    """A tap that answers raises it where the upstream had failed: `name` is that of the HTTP client's error."""

    def __init__(self, name: str, words: str) -> None:
        super().__init__(words)
        self.name = name


class Tap(Protocol):
    def exchange(self, sent: Sent, send: Callable[[], Reply]) -> Reply:
        """The response to a request, by `send` or otherwise. Raises what `send` raises, and Trouble."""
        ...


_current: ContextVar[Tap | None] = ContextVar("tap", default=None)
"""Each thread has its own value, and each task."""


def current_tap() -> Tap | None:
    """That of this task."""
    return _current.get()


def tapped(tap: Tap | None, work: Callable[[], T]) -> Callable[[], T]:
    """The same work, for a task that then carries the tap to its end."""
    if tap is None:
        return work

    def begin() -> T:
        _current.set(tap)
        return work()

    return begin


class TappedTransport(httpx2.BaseTransport):
    """Sends through another transport, under the ears of the task's tap."""

    def __init__(self, inner: httpx2.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        tap = current_tap()
        if tap is None:
            return self._inner.handle_request(request)
        real: list[httpx2.Response] = []

        def send() -> Reply:
            response = self._inner.handle_request(request)
            real.append(response)
            headers = [each for each in response.headers.multi_items() if each[0] not in _ENCODED]
            return Reply(response.status_code, headers, response.iter_bytes())

        sent = Sent(request.method, str(request.url), tuple(request.headers.multi_items()), request.read())
        try:
            reply = tap.exchange(sent, send)
        except Trouble as trouble:
            raise _as_error(trouble) from None
        extensions = {name: value for name, value in real[0].extensions.items() if name != _SOCKET} if real else {}
        stream = _Pieces(reply.pieces, real)
        return httpx2.Response(reply.status, headers=list(reply.headers), stream=stream, extensions=extensions)

    def close(self) -> None:
        self._inner.close()


class _Pieces(httpx2.SyncByteStream):
    """The body of a response, by way of the tap."""

    def __init__(self, pieces: Iterator[bytes], real: Sequence[httpx2.Response]) -> None:
        self._pieces = pieces
        self._real = real

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._pieces
        except Trouble as trouble:
            raise _as_error(trouble) from None

    def close(self) -> None:
        if close := getattr(self._pieces, "close", None):
            close()
        for response in self._real:
            response.close()


def _as_error(trouble: Trouble) -> httpx2.HTTPError:
    kind: object = getattr(httpx2, trouble.name, None)
    if isinstance(kind, type) and issubclass(kind, httpx2.TransportError):
        return kind(str(trouble))
    return httpx2.ReadError(str(trouble))
