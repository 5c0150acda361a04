"""The process that serves the app: waitress, its sockets and threads, and a stop that lets answers finish."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.adjustments import Adjustments

from proxy.logs import announce, say
from proxy.protocol.errors import ApiError
from proxy.server import memory
from proxy.server.banner import banner
from proxy.server.clocks import Clocks
from proxy.server.connections import Channel, Listener, spare
from proxy.server.dispatcher import Dispatcher
from proxy.server.keeping import close_overdue, close_resting, close_strangers, make_room
from proxy.server.listening import BACKLOG, CannotListen, allow_open_files, listen
from proxy.settings.config import Config
from proxy.web import MAX_BODY
from proxy.web.access import foreign
from proxy.web.services import Services

_SELECT_LIMIT = 500
"""Windows has no poll(), and its select() takes 512 sockets."""
_UNSENT = 1024 * 1024
"""Bytes of an answer that wait for a slow client; with more its thread waits, and so does the upstream."""


def serve(app: Flask, config: Config) -> int:
    """Serves until SIGINT or SIGTERM; returns the exit code. Runs in the main thread only."""
    services: Services = app.extensions["proxy"]
    try:
        server = Server(app, config, services.running)
    except CannotListen as error:
        say(str(error), sys.stderr)
        return 1

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if server.stopping:
            os._exit(128 + number)
        server.stop()

    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), on_signal)
    say(banner(services, server.port), sys.stdout)
    threading.Thread(target=_warm_up, args=(services,), name="warm-up", daemon=True).start()
    server.run()
    return 0


def _warm_up(services: Services) -> None:
    services.warm_up()
    memory.keep_what_is_there()


class Server:
    """Listens from the moment it is made. `running` is told that it is to end, and to end its answers when a stop takes
    too long."""

    def __init__(self, app: Callable[..., Any], config: Config, running: Any, clocks: Clocks | None = None) -> None:
        """Raises CannotListen."""
        self.stopping = False
        self._grace = config.shutdown_grace
        self._running = running
        self._clocks = clocks or Clocks()
        self._next_tick = 0.0
        memory.map_large_blocks()
        self._tidying = memory.Tidying()
        self._map: dict[int, Any] = {}
        sockets = listen(config.host, config.port)
        options = waitress_options(config.threads)
        # An answer needs a socket to its upstream as well.
        self._limit: int = min(options["connection_limit"], allow_open_files(2 * options["connection_limit"]) // 2)
        adjustments = Adjustments(**{**options, "connection_limit": self._limit})
        self._dispatcher = Dispatcher(config.threads, max(1, (self._limit - config.threads) * 2 // 3), self._clocks)

        def refusal(peer: str) -> ApiError | None:
            # By the settings of this moment: a key may have been set since the start.
            now = app.extensions["proxy"].config if isinstance(app, Flask) else config
            return None if now.proxy_api_keys else foreign(peer)

        self._listeners = [
            Listener(app, each, self._map, refusal, self._tidying.served, dispatcher=self._dispatcher, adj=adjustments)
            for each in sockets
        ]
        self.port: int = sockets[0].getsockname()[1]

    def run(self) -> None:
        """Serves until `stop`, then lets running answers finish; waitress's own loop would leave them unsent."""
        while not self.stopping:
            self._turn()
        self._drain()
        for listener in self._listeners:
            wasyncore.dispatcher.close(listener)
        self._dispatcher.shutdown()
        for channel in self._channels():
            channel.handle_close()

    def _drain(self) -> None:
        """Whoever asks meanwhile is told to come back, so the address stays open."""
        self._running.stopping = True
        self._dispatcher.stop(self._grace)
        if self._busy():
            announce(f"Stopping; running answers get {self._grace:g} s. A second signal ends them.")
        if not self._turn_while_busy(self._grace):
            self._running.cancel_all()
            self._turn_while_busy(self._clocks.last_words)
        for _ in range(2):  # one to accept and one to read what is here already
            self._turn(0)

    def stop(self) -> None:
        """Makes `run` come to its end. Safe in other threads and in signal handlers."""
        self.stopping = True
        self._listeners[0].pull_trigger()

    def _turn(self, timeout: float | None = None) -> None:
        """One round of the loop, and what has to be done between two of them."""
        timeout = self._clocks.tick if timeout is None else min(timeout, self._clocks.tick)
        if self._dispatcher.hurries:
            timeout = 0
        wasyncore.loop(timeout=timeout, use_poll=True, map=self._map, count=1)
        now = time.monotonic()
        self._dispatcher.turn(now)
        if self._limit - len(self._map) < spare(self._limit):
            make_room(self._channels(), self._limit, self._clocks, now)
        for listener in self._listeners:
            close_strangers(listener.strangers)
        if self.stopping:
            close_resting(self._channels())
        if now >= self._next_tick:
            self._next_tick = now + self._clocks.tick
            close_overdue(self._channels(), self._clocks, now)
            self._tidying.tick(now)

    def _turn_while_busy(self, patience: float) -> bool:
        """Whether all answers were through within `patience` seconds."""
        until = time.monotonic() + patience
        while (busy := self._busy()) and (left := until - time.monotonic()) > 0:
            self._turn(left)
        return not busy

    def _busy(self) -> bool:
        return any(channel.busy for channel in self._channels())

    def _channels(self) -> list[Channel]:
        return [channel for channel in self._map.values() if isinstance(channel, Channel)]


def waitress_options(threads: int) -> dict[str, Any]:
    """How waitress has to be set for this app, whoever starts it."""
    connections = max(4 * threads, 100)
    return {
        "threads": threads,
        "backlog": BACKLOG,
        "connection_limit": connections if hasattr(select, "poll") else min(connections, _SELECT_LIMIT),
        "asyncore_use_poll": True,
        "channel_timeout": Clocks().idle,
        # Without it environ["waitress.client_disconnected"] never says yes.
        "channel_request_lookahead": 1,
        # web/access.py refuses what came through another proxy, so it must see that.
        "clear_untrusted_proxy_headers": False,
        # waitress refuses what is as large as its limit.
        "max_request_body_size": MAX_BODY + 1,
        # Requests of Claude Code have hundreds of kilobytes; each piece costs a round of the loop.
        "recv_bytes": 65536,
        "outbuf_high_watermark": _UNSENT,
        # Answers never go to temporary files: a disk may be full.
        "outbuf_overflow": 2 * MAX_BODY,
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
