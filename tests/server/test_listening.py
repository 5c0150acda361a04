from __future__ import annotations

import errno
import http.client
import json
import os
import socket
import struct
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.server import process
from proxy.server.listening import BACKLOG, CannotListen, allow_open_files, listen, listen_problem
from tests.server.serving import PATIENCE, echo, serving, settings


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("no-such-host.invalid", "HOST: no-such-host.invalid cannot be resolved"),
        ("a" * 70 + ".invalid", "cannot be resolved"),
        ("203.0.113.7", "HOST: 203.0.113.7 is not an address of this machine"),
    ],
)
def test_a_host_that_is_no_address_here(host: str, words: str) -> None:
    with pytest.raises(CannotListen, match=words):
        listen(host, 0)


def test_a_busy_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotListen, match=rf"PORT: {port} is in use \(HOST 127.0.0.1\)"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "PORT: 80 is not permitted (HOST h); choose another PORT, above 1023"),
        (errno.EMFILE, "HOST, PORT: cannot listen on h port 80"),
    ],
)
def test_other_reasons_not_to_listen(number: int, words: str) -> None:
    assert words in listen_problem(OSError(number, os.strerror(number)), "h", 80)


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_any_address_of_both_kinds() -> None:
    with serving(echo, replace(settings(), host="::")) as server:
        for peer in ("127.0.0.1", "::1"):
            connection = http.client.HTTPConnection(peer, server.port, timeout=PATIENCE)
            connection.request("GET", "/")
            assert peer in json.loads(connection.getresponse().read())["REMOTE_ADDR"]
            connection.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how many may wait")
def test_as_many_as_the_system_allows_may_wait_to_be_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """waitress listens a second time, by its own settings."""
    sockets: list[socket.socket] = []

    def listen_and_tell(host: str, port: int) -> list[socket.socket]:
        sockets.extend(listen(host, port))
        return sockets

    monkeypatch.setattr(process, "listen", listen_and_tell)
    allowed = int(Path("/proc/sys/net/core/somaxconn").read_text())
    with serving(echo):
        told = sockets[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32)
    # Of a listening socket, tcpi_sacked is the size of its queue (tcp_get_info in tcp.c).
    assert struct.unpack_from("I", told, 28)[0] == min(BACKLOG, allowed)


def test_what_is_open_already_is_not_lowered() -> None:
    assert allow_open_files(1) == 1
