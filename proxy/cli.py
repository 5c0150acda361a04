"""The command line: `python -m proxy` serves; `python -m proxy claude ...` runs Claude Code; `check` tries who answers,
`models` lists models, `explain FILE` shows what would be sent upstream, `usage` what requests used and cost; `record
DIR` serves and records requests for a bug report, `replay FILE` shows where these have another outcome today."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from flask import Flask

from proxy import __version__
from proxy.demo import MODEL, DemoBackend
from proxy.launcher.run import launch, print_environment
from proxy.launcher.shells import WRITERS, usual_shell
from proxy.logs import ascii_only, configure_logging, open_standard_streams
from proxy.models.presets import presets
from proxy.protocol.errors import ApiError
from proxy.replaying.recorded import recorded
from proxy.server.hangup import on_hangup
from proxy.server.process import serve
from proxy.settings.config import (
    Config,
    ConfigError,
    CustomModel,
    custom_models_file,
    environment,
    load_config,
)
from proxy.settings.files import SettingsFiles
from proxy.settings.parsers import seconds
from proxy.settings.places import settings_directory
from proxy.settings.table import settings, variables
from proxy.web import create_app
from proxy.web.ledger import recording
from proxy.web.reload import OF_THE_PROCESS, Reload
from proxy.web.services import Services

_DEMO_SETTINGS = (
    *("HOST", "PORT", "LOG_LEVEL", "LOG_FORMAT", "MAX_TOKENS_LIMIT", "RECORD_DIR", "RECORD_TEXTS"),
    *("REQUEST_TIMEOUT", "MAX_RETRIES", "THREADS", "SHUTDOWN_GRACE"),
)

Command = Callable[[Flask, argparse.Namespace], int]
"""Gives the exit code."""

_OF_ANY_SERVER = ("HOST", "PORT", "LOG_LEVEL")
"""Flags of `claude` that say where a server is; with others it has to be one of its own."""
_FIXED_FOR_CLIENT = {**OF_THE_PROCESS, "PROXY_API_KEY": "proxy_api_keys"}
"""Settings that stay while Claude Code runs: it was started with a key."""
_USAGE = "usage"
_RECORD = "record"
_REPLAY = "replay"
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
    parser = _parser()
    _refuse_keys(parser, ours)
    args = parser.parse_args(ours)
    if args.command == _REPLAY:
        return _replay(args)
    flags = {name: value for name in variables() if (value := getattr(args, name, None)) is not None}
    try:
        demo = getattr(args, "demo", False)
        here = _working_directory()
        directory = here if theirs is None else settings_directory()
        if getattr(args, "add", None) is not None and args.server:
            return _add_model(directory, flags, args)
        files = SettingsFiles(directory, flags)
        config = _demo_config(flags) if demo else files.load()
        configure_logging(config)
        if args.command == _USAGE:
            return _usage(config, args)
        app = make_app(config)
    except ConfigError as error:
        return _fail(error.problems, 2)
    if theirs is not None:
        reload = nullcontext() if demo else Reload(app, files, _FIXED_FOR_CLIENT)
        return _claude(app, config, theirs, fresh=demo or not set(flags) <= set(_OF_ANY_SERVER), meanwhile=reload)
    if (command := _COMMANDS.get(args.command)) is not None:
        return _printed(command, app, args)
    if demo:
        with recorded(app, config):
            return serve(app, config)
    with recording(app, config), recorded(app, config), Reload(app, files) as reload:
        on_hangup(reload.ask)
        return serve(app, config)


def _working_directory() -> Path:
    """Raises ConfigError."""
    try:
        return Path.cwd()
    except OSError:
        raise ConfigError(["the current directory is there no more; change into one that is"]) from None


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
    commands = parser.add_subparsers(dest="command", metavar="{serve,claude,check,models,explain,usage,record,replay}")
    commands.add_parser("serve", help="serve (also without a command)", **common)
    commands.add_parser("claude", help=_CLAUDE_HELP)
    _add_check(commands.add_parser("check", help="try everybody who may answer, with a few short requests", **common))
    _add_models(commands.add_parser("models", help="list what can be asked for, or add a custom model", **common))
    _add_explain(commands.add_parser("explain", help="show what would be sent upstream", **common))
    _add_usage(commands.add_parser(_USAGE, help="show what requests used and cost", **common))
    _add_record(commands.add_parser(_RECORD, help="serve, and record requests for a bug report", **common))
    _add_replay(commands.add_parser(_REPLAY, help="show where recorded requests have another outcome today"))
    return parser


def _refuse_keys(parser: argparse.ArgumentParser, argv: Sequence[str]) -> None:
    """Ends the program where a key is given as a flag: what the parser would say of that holds the key."""
    names = {f"--{row.variable.lower().replace('_', '-')}": row.variable for row in settings() if row.secret}
    for word in argv:
        if name := names.get(word.partition("=")[0]):
            parser.error(f"a key has no flag, since arguments are visible to every user; put {name} into .env")


def _add_record(parser: argparse.ArgumentParser) -> None:
    # As flags of their own names, which win over variables of the environment.
    parser.add_argument("RECORD_DIR", metavar="DIR", help="the directory for recordings, one file for each request")
    parser.add_argument(
        "--texts",
        dest="RECORD_TEXTS",
        action="store_const",
        const="true",
        default=argparse.SUPPRESS,
        help="keep prompts and answers, which are replaced by filler of the same shape otherwise; keys never are kept",
    )


def _add_replay(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Runs recorded requests through the translators as they are now, without a network, keys and settings of this "
        "machine. Exit code: 0 all is as recorded, 1 something differs, 2 something cannot be read."
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="a recording, or a directory of them")
    parser.add_argument("--json", action="store_true", help="print JSON, with all differences")


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", metavar="NAME", help="try only who answers to this name")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--write",
        action="store_true",
        help="write what was learned of custom models into their file; what is set there stays",
    )
    parser.add_argument(
        "--timeout", type=_seconds, default=60.0, metavar="SECONDS", help="the limit for each request (60)"
    )


def _add_models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--upstream", action="store_true", help="ask the servers that are set up for their lists")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--add", metavar="NAME", help="add a model to the custom models file")
    parser.add_argument(
        "--server",
        metavar="SERVER",
        help=f"with --add: where it is, {', '.join(presets())} or a base URL; left out, where a custom model's server "
        "lists the name",
    )


def _add_explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the body of a Messages request as JSON; - reads it from stdin")
    parser.add_argument("--model", metavar="NAME", help="explain it as if it asked for this name")
    parser.add_argument("--diff", metavar="NAME", help="print how it would differ for this name")


def _add_usage(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--by", choices=("day", "model", "role", "session"), default="day", help="what a line is of")
    parser.add_argument("--since", metavar="DATE|7d", help="the first day, or how many days up to today")
    parser.add_argument("--csv", action="store_const", const="csv", dest="form", default="table", help="print CSV")
    parser.add_argument("--json", action="store_const", const="json", dest="form", default="table", help="print JSON")


def _seconds(text: str) -> float:
    try:
        return seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _check(app: Flask, args: argparse.Namespace) -> int:
    from proxy.commands.check import check

    return check(app, target=args.target, seconds=args.timeout, as_json=args.json, writes=args.write)


def _explain(app: Flask, args: argparse.Namespace) -> int:
    from proxy.commands.explain import explain

    return explain(app, args.file, model=args.model, other=args.diff)


def _replay(args: argparse.Namespace) -> int:
    from proxy.commands.replay import replay

    return replay(args.files, as_json=args.json)


def _models(app: Flask, args: argparse.Namespace) -> int:
    from proxy.commands.models import add_found, models

    if args.add is not None:
        return add_found(app, args.add)
    if args.server is not None:
        return _fail(["--server goes with --add"], 2)
    return models(app, asks_servers=args.upstream, as_json=args.json)


def _add_model(directory: Path, flags: Mapping[str, str], args: argparse.Namespace) -> int:
    """Needs no settings but one: with PREFERRED_PROVIDER=custom they are unusable before the first model is there."""
    from proxy.commands.models import add

    return add(custom_models_file(directory, flags), args.add, server=args.server)


_COMMANDS: dict[str | None, Command] = {
    "check": _check,
    "models": _models,
    "explain": _explain,
}
"""What is done where it is not serving. Each imports what it needs: the server starts without."""


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
    demo = CustomModel(model_id=MODEL, api_base=DemoBackend().url)
    return replace(
        config,
        preferred_provider="custom",
        big_model=MODEL,
        small_model=MODEL,
        custom_models=(demo,),
        usage_db="off",
        record_dir=Path.cwd() / place if (place := config.texts.get("RECORD_DIR")) else None,
    )


def _printed(command: Command, app: Flask, args: argparse.Namespace) -> int:
    try:
        code = command(app, args)
        sys.stdout.flush()
    except BrokenPipeError:  # its reader has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except ApiError as error:  # the environment makes every question to a server impossible
        return _fail([error.message], 2)
    return code


def _claude(
    app: Flask, config: Config, arguments: list[str], *, fresh: bool, meanwhile: AbstractContextManager[object]
) -> int:
    if arguments[:1] != [_PRINT_ENV]:
        return launch(app, config, arguments, fresh=fresh, meanwhile=meanwhile)
    shells = arguments[1:] or [usual_shell(os.name, environment(("SHELL",)).get("SHELL", ""))]
    if len(shells) != 1 or shells[0] not in WRITERS:
        return _fail([f"{_PRINT_ENV}: give one of {', '.join(WRITERS)}, or none"], 2)
    return print_environment(app, config, shells[0], fresh=fresh)


def _usage(config: Config, args: argparse.Namespace) -> int:
    """Prints sums of the usage database."""
    from proxy.usage.report import CannotReport, report, since_day  # SQLAlchemy would delay every start

    try:
        since = since_day(args.since, date.today()) if args.since else ""
    except ValueError:
        return _fail(["--since: give a date such as 2026-11-01, or a number of days such as 7d"], 2)
    try:
        print(ascii_only(report(config.usage_db, args.by, since, args.form)))
    except CannotReport as error:
        return _fail([str(error)], 1)
    return 0


def _fail(problems: Iterable[str], code: int) -> int:
    print(ascii_only("\n".join(problems)), file=sys.stderr)
    return code
