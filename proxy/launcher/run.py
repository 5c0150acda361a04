"""Runs Claude Code on the server that runs already, or on one that lives in this process for as long as it does."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from flask import Flask

from proxy.launcher.client import run_client
from proxy.launcher.command import command_line, find_claude
from proxy.launcher.environment import ClientSetup, client_setup, environment, merged
from proxy.launcher.rules import learned
from proxy.launcher.running import running_setup
from proxy.launcher.shells import WRITERS
from proxy.logs import configure_logging
from proxy.replaying.recorded import recorded
from proxy.server.banner import local_url
from proxy.server.process import Server
from proxy.settings.auto_mode_rules import Rules
from proxy.settings.config import Config
from proxy.settings.config import environment as own_variables
from proxy.settings.sources import process_environment
from proxy.web.ledger import recording
from proxy.web.services import Services

_STOP_PATIENCE = 5.0
"""Seconds for the server's end; nobody waits for an answer any more."""
_PROGRAM = "CLAUDE_BIN"
_RULES = "AUTO_MODE_RULES_FILE"
_MISSING = (
    "Claude Code is not found: install it (npm install -g @anthropic-ai/claude-code), "
    f"or set {_PROGRAM} to the path of its program"
)


def launch(
    app: Flask,
    config: Config,
    arguments: Sequence[str],
    *,
    fresh: bool,
    meanwhile: contextlib.AbstractContextManager[object],
) -> int:
    """Runs Claude Code with `arguments`; returns its exit code, or 127 where there is none. Main thread only.

    `fresh`: with a server of its own, whatever runs already. `meanwhile` is entered for as long as that serves.
    """
    program = find_claude(own_variables((_PROGRAM,)).get(_PROGRAM))
    if program is None:
        print(_MISSING, file=sys.stderr)
        return 127
    url = local_url(config.host, config.port)
    setup = None if fresh else running_setup(url, _key(config))
    if setup is not None:
        _say(f"{url} answers, with settings of its own (its {_RULES}, too)")
        return _run(program, arguments, environment(setup, url, config.proxy_api_keys))
    with (
        _log(config),
        recording(app, config),
        recorded(app, config),
        _own_server(app, config, program) as own_url,
        meanwhile,
    ):
        return _run(program, arguments, environment(_setup(app, config), own_url, config.proxy_api_keys))


def print_environment(app: Flask, config: Config, shell: str, *, fresh: bool) -> int:
    """Prints the variables for a server on PORT, whether it runs yet or not. `shell`: one of `shells.WRITERS`."""
    url = local_url(config.host, config.port)
    setup = (None if fresh else running_setup(url, _key(config))) or _setup(app, config)
    print(WRITERS[shell](environment(setup, url, config.proxy_api_keys)))
    return 0


def _run(program: str, arguments: Sequence[str], variables: dict[str, str]) -> int:
    try:
        return run_client(command_line(program, arguments), merged(process_environment(), variables))
    except OSError as error:
        print(f"{program} cannot be started: {error.strerror}", file=sys.__stderr__)
        return 126


def _key(config: Config) -> str | None:
    return next(iter(config.proxy_api_keys), None)


def _setup(app: Flask, config: Config) -> ClientSetup:
    services: Services = app.extensions["proxy"]
    return client_setup(services.router, config, judges=services.judge_route() is not None)


def _say(text: str) -> None:
    """To the user at a terminal; programs want to see Claude Code's words only."""
    if sys.stderr.isatty():
        print(f"claude-proxy: {text}", file=sys.stderr)


@contextlib.contextmanager
def _log(config: Config) -> Iterator[None]:
    """What the server has to say goes to a file, which is kept if it says anything: the terminal is Claude Code's."""
    number, name = tempfile.mkstemp(prefix="claude-proxy-", suffix=".log")
    try:
        with open(number, "w", encoding="utf-8", buffering=1) as file, contextlib.redirect_stderr(file):
            configure_logging(config)
            yield
    finally:
        configure_logging(config)
        if Path(name).stat().st_size:
            print(f"claude-proxy: the log of this session is {name}", file=sys.stderr)
        else:
            Path(name).unlink()


@contextlib.contextmanager
def _own_server(app: Flask, config: Config, program: str) -> Iterator[str]:
    """A server on a free port, for this machine; gives its URL."""
    services: Services = app.extensions["proxy"]
    server = Server(app, replace(config, host="127.0.0.1", port=0), services.running)
    thread = threading.Thread(target=server.run, name="server", daemon=True)
    thread.start()
    threading.Thread(target=services.warm_up, name="warm-up", daemon=True).start()
    wanted = services.judge_route() is not None and _RULES not in config.written
    try:
        with learned(program, partial(_use_rules, app)) if wanted else contextlib.nullcontext():
            yield local_url("127.0.0.1", server.port)
    finally:
        services.running.cancel_all()
        server.stop()
        thread.join(_STOP_PATIENCE)


def _use_rules(app: Flask, rules: Rules) -> None:
    # Those of this moment: the settings may have changed since the start.
    services: Services = app.extensions["proxy"]
    services.rules = rules
