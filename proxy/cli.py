"""The command line: `python -m proxy` serves; `python -m proxy explain FILE` shows what would be sent upstream."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import Flask

from proxy import __version__
from proxy.demo import MODEL, DemoBackend
from proxy.logs import ascii_only, configure_logging
from proxy.protocol.errors import ApiError
from proxy.server.process import serve
from proxy.settings.config import Config, ConfigError, CustomModel, environment, load_config
from proxy.settings.table import settings, variables
from proxy.web import create_app
from proxy.web.services import Services

_DEMO_SETTINGS = ("HOST", "PORT", "LOG_LEVEL", "MAX_TOKENS_LIMIT", "REQUEST_TIMEOUT", "MAX_RETRIES", "THREADS")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit code: 0 done, 1 failed, 2 unusable settings or arguments."""
    args = _parser().parse_args(argv)
    flags = {name: value for name in variables() if (value := getattr(args, name, None)) is not None}
    try:
        config = _demo_config(flags) if getattr(args, "demo", False) else load_config(overrides=flags)
        configure_logging(config)
        app = make_app(config)
    except ConfigError as error:
        return _fail(error.problems, 2)
    return _explain(app, args.file) if args.command == "explain" else serve(app, config)


def make_app(config: Config) -> Flask:
    """The WSGI app. Raises ConfigError where BIG_MODEL or SMALL_MODEL leads nowhere."""
    app = create_app(config)
    services: Services = app.extensions["proxy"]
    if problems := services.router.check():
        raise ConfigError(problems)
    return app


def _parser() -> argparse.ArgumentParser:
    # The same flags before and after the command: a default would undo what stood before it.
    shared = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    for row in settings():
        if row.flag:
            shared.add_argument(row.flag, dest=row.variable, metavar="VALUE", help=row.help.replace("%", "%%"))
    shared.add_argument("--demo", action="store_true", help="answer from a built-in backend, without any key")
    common: dict[str, Any] = {"parents": [shared], "epilog": _epilog(), "allow_abbrev": False}
    parser = argparse.ArgumentParser("python -m proxy", description=__doc__, **common)
    parser.add_argument("--version", action="version", version=f"claude-proxy {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="{serve,explain}")
    commands.add_parser("serve", help="serve (also without a command)", **common)
    explain = commands.add_parser("explain", help="show what would be sent upstream", **common)
    explain.add_argument("file", metavar="FILE", help="the body of a Messages request as JSON; - reads it from stdin")
    return parser


def _epilog() -> str:
    keys = ", ".join(row.variable for row in settings() if row.secret)
    return (
        "Each setting can also be a variable of the environment or of the file .env (HOST for --host, and so on); "
        f"flags win. Keys ({keys}) have no flag, since arguments are visible to every user of the machine."
    )


def _demo_config(flags: Mapping[str, str]) -> Config:
    """Everything is answered by the built-in backend, which is started; only flags and the environment count.

    Raises ConfigError. Neither `.env` nor a key is looked at, so the demo works whatever they hold.
    """
    with tempfile.TemporaryDirectory() as nothing:
        config = load_config(
            {"HOST": "127.0.0.1", **environment(_DEMO_SETTINGS)},
            directory=Path(nothing),
            overrides={name: flags[name] for name in _DEMO_SETTINGS if name in flags},
        )
    demo = CustomModel(model_id=MODEL, api_base=DemoBackend().url, api_key_name=None, api_key=None)
    return replace(config, preferred_provider="custom", big_model=MODEL, small_model=MODEL, custom_models=(demo,))


def _explain(app: Flask, file: str) -> int:
    """Prints the upstream's request body to stdout, and to stderr where it would go and what was changed."""
    services: Services = app.extensions["proxy"]
    try:
        body = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        target, request, notes = services.explain(body)
    except OSError as error:
        return _fail([f"{file}: cannot be read ({error.strerror})"], 1)
    except ApiError as error:
        return _fail([error.message], 1)
    print(ascii_only("\n".join([f"to {target}", *(f"note: {note}" for note in notes)])), file=sys.stderr)
    print(json.dumps(request, indent=2))
    return 0


def _fail(problems: Iterable[str], code: int) -> int:
    print(ascii_only("\n".join(problems)), file=sys.stderr)
    return code
