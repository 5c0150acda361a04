"""A server that knows no HTTP: it reads one request and sends the bytes it was given, heads and all."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

Step = bytes | float | threading.Event
"""Bytes are sent, a number pauses (seconds), an event is awaited."""


@contextmanager
def raw_server(steps: Iterable[Step]) -> Iterator[str]:
    """Answers every connection with the same steps, then closes it. Gives the server's URL."""
    answer, stopping = list(steps), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, answer, stopping), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stopping.set()


def _accept(listener: socket.socket, answer: list[Step], stopping: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while not stopping.is_set():
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection, answer, stopping), daemon=True).start()


def _serve(connection: socket.socket, answer: list[Step], stopping: threading.Event) -> None:
    with connection, contextlib.suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _read_request(connection)
        for step in answer:
            if isinstance(step, bytes):
                connection.sendall(step)
            elif isinstance(step, threading.Event):
                while not (step.wait(0.01) or stopping.is_set()):
                    pass
            else:
                time.sleep(step)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass


def _read_request(connection: socket.socket) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := connection.recv(65536)):
            return
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while len(body) < sum(lengths):
        body += connection.recv(65536)
