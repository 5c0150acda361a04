"""The sockets on which the server listens, and what is said where there are none to be had."""

from __future__ import annotations

import errno
import socket
import sys
from contextlib import suppress
from typing import Any

from proxy.logs import ascii_only

BACKLOG = 4096
"""Connections that may wait to be accepted; each system takes as many of these as it allows. Linux and macOS let who
finds no room try again after a second, without a word."""


class CannotListen(Exception):
    """The address is not to be had; the text names HOST or PORT and the remedy."""


def listen(host: str, port: int) -> list[socket.socket]:
    """A listening socket for each address of the host. Raises CannotListen."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise CannotListen(f"HOST: {ascii_only(host)} cannot be resolved; give an address like 127.0.0.1") from None
    sockets: list[socket.socket] = []
    problem: OSError | None = None
    for family, _, _, _, address in dict.fromkeys(found):
        try:
            sockets.append(_bound(family, address))
        except OSError as error:
            problem = error
            # `localhost` may have an IPv6 address where the machine has no IPv6.
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                break
    else:
        if sockets:
            return sockets
    for each in sockets:
        each.close()
    raise CannotListen(listen_problem(problem, host, port))


def _bound(family: int, address: Any) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            # On Windows SO_REUSEADDR would share the port with a program that has it already.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            with suppress(OSError):
                # `::` means everything, as 0.0.0.0 does.
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address[0] != "::")
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def listen_problem(error: OSError | None, host: str, port: int) -> str:
    number = error.errno if error else None
    if number == errno.EADDRINUSE:
        return f"PORT: {port} is in use (HOST {host}); stop the program that has it, or choose another PORT"
    if number == errno.EACCES:
        return f"PORT: {port} is not permitted (HOST {host}); choose another PORT, above 1023"
    if number in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        return f"HOST: {host} is not an address of this machine; give one that is, like 127.0.0.1 (PORT {port})"
    reason = error.strerror if error else "no address"
    return f"HOST, PORT: cannot listen on {host} port {port} ({ascii_only(str(reason))}); choose others"


def allow_open_files(wanted: int) -> int:
    """Raises the soft limit, which is 256 on macOS, as far as that is allowed; returns how many may be open then."""
    if sys.platform == "win32":
        return wanted
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    reachable = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))
        soft = reachable
    return soft
