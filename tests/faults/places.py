"""Addresses at which there is something else than an upstream that answers."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.tls import make_certificate, tls_in_front
from tests.faults.fault import Place

_NAME = "upstream.invalid"


@contextlib.contextmanager
def place(kind: Place, upstream: str, directory: Path) -> Iterator[str]:
    """The base URL of such a place; `upstream` is the URL of one that answers."""
    match kind:
        case "refused":
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            yield f"http://127.0.0.1:{port}"
        case "deaf":
            with _listening(lambda _: None) as port:
                yield f"http://127.0.0.1:{port}"
        case "no tls":
            with _listening(_refuse_in_plain_words) as port:
                yield f"https://127.0.0.1:{port}"
        case "full":
            with _full() as port:
                yield f"http://127.0.0.1:{port}"
        case "unknown":
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(socket, "getaddrinfo", _without_the_name(socket.getaddrinfo))
                yield f"http://{_NAME}"
        case "distrusted":
            with tls_in_front(upstream, make_certificate(directory)) as url:
                yield url
        case "silent tls":
            yield upstream.replace("http:", "https:")
        case _:
            yield upstream


def _without_the_name(resolve: Callable[..., Any]) -> Callable[..., Any]:
    def resolved(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host in (_NAME, _NAME.encode()):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *args, **kwargs)

    return resolved


@contextlib.contextmanager
def _listening(greet: Callable[[socket.socket], None]) -> Iterator[int]:
    """Takes connections, greets each and closes it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, contextlib.suppress(OSError):
                        greet(connection)

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]


def _refuse_in_plain_words(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")


@contextlib.contextmanager
def _full() -> Iterator[int]:
    """A port whose queue has no room: what knocks there is not answered."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as stack:
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
