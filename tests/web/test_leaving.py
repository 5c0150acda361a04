from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import pytest

from proxy.web.leaving import client_gone


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client's socket, and the server's of the same connection."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, _ = server.accept()
        with accepted:
            yield client, accepted


def test_waitress_says_it_itself() -> None:
    answers = iter([False, True])
    gone = client_gone({"waitress.client_disconnected": lambda: next(answers)})
    assert [gone(), gone()] == [False, True]


@pytest.mark.skipif(not hasattr(socket, "MSG_DONTWAIT"), reason="gunicorn does not run here")
def test_under_gunicorn_the_socket_is_looked_at(ends: tuple[socket.socket, socket.socket]) -> None:
    client, accepted = ends
    gone = client_gone({"gunicorn.socket": accepted})
    assert not gone()
    client.sendall(b"G")  # the next request, which stays to be read
    assert not gone()
    assert accepted.recv(10) == b"G"
    client.close()
    assert gone()
    accepted.close()
    assert gone()


def test_where_nothing_can_be_seen_nobody_has_left(ends: tuple[socket.socket, socket.socket]) -> None:
    client, accepted = ends
    client.close()
    assert not client_gone({})()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    wrapped = context.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
    assert not client_gone({"gunicorn.socket": wrapped})()
    wrapped.close()
