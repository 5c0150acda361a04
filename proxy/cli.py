"""The command line: `python -m proxy` serves; `python -m proxy explain FILE` shows what would be sent upstream;
`python -m proxy claude ...` runs Claude Code."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import Flask

from proxy import __version__
from proxy.demo import MODEL, DemoBackend
from proxy.launcher.run import launch, print_environment
from proxy.launcher.shells import WRITERS, usual_shell
from proxy.logs import ascii_only, configure_logging, open_standard_streams
from proxy.models.roles import Role
from proxy.protocol.errors import ApiError
from proxy.server.process import serve
from proxy.settings.config import Config, ConfigError, CustomModel, environment, load_config
from proxy.settings.places import settings_directory
from proxy.settings.table import settings, variables
from proxy.web import create_app
from proxy.web.services import Services

_DEMO_SETTINGS = (
    *("HOST", "PORT", "LOG_LEVEL", "MAX_TOKENS_LIMIT", "REQUEST_TIMEOUT", "MAX_RETRIES", "THREADS", "SHUTDOWN_GRACE"),
)

_OF_ANY_SERVER = ("HOST", "PORT", "LOG_LEVEL")
"""Flags of `claude` that say where a server is; with others it has to be one of its own."""
_CLAUDE = "claude"
_PRINT_ENV = "--print-env"
_CLAUDE_HELP = (
    "run Claude Code, set up for the models that answer, with all that follows as its arguments, on the server at PORT "
    f"or on one of its own; {_PRINT_ENV} [{'|'.join(WRITERS)}] prints the variables instead"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit code: 0 done, 1 failed, 2 unusable settings or arguments."""
    open_standard_streams()
    ours, theirs = _split(sys.argv[1:] if argv is None else argv)
    args = _parser().parse_args(ours)
    flags = {name: value for name in variables() if (value := getattr(args, name, None)) is not None}
    try:
        demo = getattr(args, "demo", False)
        directory = Path.cwd() if theirs is None else settings_directory()
        config = _demo_config(flags) if demo else load_config(directory=directory, overrides=flags)
        configure_logging(config)
        app = make_app(config)
    except ConfigError as error:
        return _fail(error.problems, 2)
    if theirs is not None:
        return _claude(app, config, theirs, fresh=demo or not set(flags) <= set(_OF_ANY_SERVER))
    return _explain(app, args.file) if args.command == "explain" else serve(app, config)


def make_app(config: Config) -> Flask:
    """The WSGI app. Raises ConfigError where a setting that names a model leads nowhere."""
    app = create_app(config)
    services: Services = app.extensions["proxy"]
    if problems := services.router.check():
        raise ConfigError(problems)
    return app


def _split(argv: Sequence[str]) -> tuple[list[str], list[str] | None]:
    """Our arguments, and Claude Code's where the command is `claude`: what follows that is not ours to parse."""
    valued = {row.flag for row in settings() if row.flag}
    at = 0
    while at < len(argv) and argv[at].startswith("-"):
        at += 2 if argv[at] in valued else 1
    if argv[at : at + 1] == [_CLAUDE]:
        return list(argv[: at + 1]), list(argv[at + 1 :])
    return list(argv), None


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
    commands = parser.add_subparsers(dest="command", metavar="{serve,explain,claude}")
    commands.add_parser("serve", help="serve (also without a command)", **common)
    explain = commands.add_parser("explain", help="show what would be sent upstream", **common)
    explain.add_argument("file", metavar="FILE", help="the body of a Messages request as JSON; - reads it from stdin")
    commands.add_parser("claude", help=_CLAUDE_HELP)
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


def _claude(app: Flask, config: Config, arguments: list[str], *, fresh: bool) -> int:
    if arguments[:1] != [_PRINT_ENV]:
        return launch(app, config, arguments, fresh=fresh)
    shells = arguments[1:] or [usual_shell(os.name, environment(("SHELL",)).get("SHELL", ""))]
    if len(shells) != 1 or shells[0] not in WRITERS:
        return _fail([f"{_PRINT_ENV}: give one of {', '.join(WRITERS)}, or none"], 2)
    return print_environment(app, config, shells[0], fresh=fresh)


def _explain(app: Flask, file: str) -> int:
    """Prints the upstream's request body to stdout, and to stderr where it would go, why, and what was changed."""
    services: Services = app.extensions["proxy"]
    try:
        body = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        route, request, notes = services.explain(body)
    except OSError as error:
        return _fail([f"{file}: cannot be read ({error.strerror})"], 1)
    except ApiError as error:
        return _fail([error.message], 1)
    lines = [f"to {route.target}", f"because of {route.reason}", f"as {_role_words(route.role)}"]
    lines += [f"note: {note}" for note in notes]
    print(ascii_only("\n".join(lines)), file=sys.stderr)
    print(json.dumps(request, indent=2))
    return 0


def _role_words(role: Role) -> str:
    return f"{role} ({role.sign})" if role.sign else str(role)


def _fail(problems: Iterable[str], code: int) -> int:
    print(ascii_only("\n".join(problems)), file=sys.stderr)
    return code
