"""The process that serves the app: waitress, its sockets and threads, and a stop that lets answers finish."""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from proxy.logs import ascii_only
from proxy.server.banner import banner
from proxy.server.refusals import Channel
from proxy.settings.config import Config
from proxy.web import MAX_BODY
from proxy.web.services import Services

STOP_PATIENCE = 10.0
"""Seconds for which a stopping server lets running answers go on."""
_LAST_WORDS = 3.0
"""Seconds in which cancelled answers can say so to their clients."""
_IDLE_CONNECTION = 300
"""Seconds after which a connection is closed; those with a request count as busy, however silent they are."""
_SELECT_LIMIT = 500
"""Windows has no poll(), and its select() takes 512 sockets."""


class CannotListen(Exception):
    """The address is not to be had; the text names HOST or PORT and the remedy."""


def serve(app: Flask, config: Config) -> int:
    """Serves until SIGINT or SIGTERM; returns the exit code. Runs in the main thread only."""
    services: Services = app.extensions["proxy"]
    try:
        server = Server(app, config, services.running)
    except CannotListen as error:
        print(error, file=sys.stderr)
        return 1

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if server.stopping:
            os._exit(128 + number)
        server.stop()

    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), on_signal)
    print(banner(services, server.port), flush=True)
    threading.Thread(target=services.warm_up, name="warm-up", daemon=True).start()
    server.run()
    return 0


class Server:
    """Listens from the moment it is made. `running` is told to end its answers when a stop takes too long."""

    def __init__(self, app: Callable[..., Any], config: Config, running: Any) -> None:
        """Raises CannotListen."""
        self.stopping = False
        self._running = running
        self._map: dict[int, Any] = {}
        sockets = _listen(config.host, config.port)
        adjustments = Adjustments(**waitress_options(config.threads))
        _allow_open_files(2 * adjustments.connection_limit)
        self._dispatcher = ThreadedTaskDispatcher()
        self._dispatcher.set_thread_count(config.threads)
        self._listeners = [_Listener(app, each, self._map, self._dispatcher, adjustments) for each in sockets]
        self.port: int = sockets[0].getsockname()[1]

    def run(self) -> None:
        """Serves until `stop`, then waits for running answers; waitress's own loop would leave them unsent."""
        while not self.stopping:
            self._poll(1)
        for listener in self._listeners:
            wasyncore.dispatcher.close(listener)
        if self._busy():
            print(f"Stopping; running answers get {STOP_PATIENCE:.0f} s. A second signal ends them.", file=sys.stderr)
        if not self._poll_while_busy(STOP_PATIENCE):
            self._running.cancel_all()
            self._poll_while_busy(_LAST_WORDS)
        self._dispatcher.shutdown(timeout=1)
        for channel in self._channels():
            channel.handle_close()

    def stop(self) -> None:
        """Makes `run` come to its end. Safe in other threads and in signal handlers."""
        self.stopping = True
        self._listeners[0].pull_trigger()

    def _poll(self, timeout: float) -> None:
        wasyncore.loop(timeout=timeout, use_poll=True, map=self._map, count=1)

    def _poll_while_busy(self, patience: float) -> bool:
        """Whether all answers were through within `patience` seconds."""
        until = time.monotonic() + patience
        while (busy := self._busy()) and (left := until - time.monotonic()) > 0:
            for channel in self._channels():
                if channel not in busy:
                    channel.will_close = True
            self._poll(min(left, 1))
        return not busy

    def _busy(self) -> list[Any]:
        return [channel for channel in self._channels() if channel.requests or channel.total_outbufs_len]

    def _channels(self) -> list[Any]:
        return [channel for channel in self._map.values() if isinstance(channel, HTTPChannel)]


def waitress_options(threads: int) -> dict[str, Any]:
    """How waitress has to be set for this app, whoever starts it."""
    connections = max(4 * threads, 100)
    return {
        "threads": threads,
        "connection_limit": connections if hasattr(select, "poll") else min(connections, _SELECT_LIMIT),
        "asyncore_use_poll": True,
        "channel_timeout": _IDLE_CONNECTION,
        # Without it environ["waitress.client_disconnected"] never says yes.
        "channel_request_lookahead": 1,
        # web/access.py refuses what came through another proxy, so it must see that.
        "clear_untrusted_proxy_headers": False,
        # waitress refuses what is as large as its limit.
        "max_request_body_size": MAX_BODY + 1,
        # Requests of Claude Code have hundreds of kilobytes; each piece costs a round of the loop.
        "recv_bytes": 65536,
        "expose_tracebacks": False,
        "log_socket_errors": False,
        "ident": None,
    }


def set_waitress_defaults(config: Config) -> None:
    """For waitress's own command, which knows none of this: options that are given to it still win.

    Who may call must not hang on an option that somebody may forget.
    """
    host = f"[{config.host}]" if ":" in config.host else config.host
    for name, value in {**waitress_options(config.threads), "listen": [f"{host}:{config.port}"]}.items():
        setattr(Adjustments, name, value)


def _allow_open_files(wanted: int) -> None:
    """Raises the soft limit, which is 256 on macOS, as far as that is allowed."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            reachable = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))


def _listen(host: str, port: int) -> list[socket.socket]:
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
    raise CannotListen(_listen_problem(problem, host, port))


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
        listener.listen(Adjustments.backlog)
    except OSError:
        listener.close()
        raise
    return listener


def _listen_problem(error: OSError | None, host: str, port: int) -> str:
    number = error.errno if error else None
    if number == errno.EADDRINUSE:
        return f"PORT: {port} is in use (HOST {host}); stop the program that has it, or choose another PORT"
    if number == errno.EACCES:
        return f"PORT: {port} is not permitted (HOST {host}); choose another PORT, above 1023"
    if number in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        return f"HOST: {host} is not an address of this machine; give one that is, like 127.0.0.1 (PORT {port})"
    reason = error.strerror if error else "no address"
    return f"HOST, PORT: cannot listen on {host} port {port} ({ascii_only(str(reason))}); choose others"


class _Listener(TcpWSGIServer):
    channel_class = Channel

    def __init__(
        self,
        app: Callable[..., Any],
        listening: socket.socket,
        sockets: dict[int, Any],
        dispatcher: ThreadedTaskDispatcher,
        adjustments: Adjustments,
    ) -> None:
        super().__init__(
            app,
            map=sockets,
            _sock=listening,
            dispatcher=dispatcher,
            adj=adjustments,
            sockinfo=(listening.family, listening.type, None, listening.getsockname()),
            bind_socket=False,
        )
