"""How it is noticed that a client has left, under the servers that let us."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any


def client_gone(environ: Mapping[str, Any]) -> Callable[[], bool]:
    """Says, in the thread that serves the request, whether its client has left."""
    told: Callable[[], bool] | None = environ.get("waitress.client_disconnected")
    if told is not None:
        return told
    connection = environ.get("gunicorn.socket")
    return partial(_ended, connection) if type(connection) is socket.socket else lambda: False


def _ended(connection: socket.socket) -> bool:
    """Whether the other side has closed, or shut down its writing side, which looks the same."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
