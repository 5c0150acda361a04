"""`python -m proxy models`: what can be asked for, what servers have, and one more entry in the custom models file."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from flask import Flask

from proxy.checking.known import KnownModel, ServerList, catalogued, found_on, routed, upstream
from proxy.commands.screen import Screen, columns
from proxy.settings.custom_models_file import NotWritten, add_entry
from proxy.web.services import Services

_HEAD = ("id", "answered by", "window", "output")


def models(app: Flask, *, asks_servers: bool, as_json: bool) -> int:
    """Prints all models; with `asks_servers` what the configured servers list. Returns the exit code."""
    services: Services = app.extensions["proxy"]
    if asks_servers:
        lists = upstream(services)
        _print_json([asdict(each) for each in lists]) if as_json else _print_lists(lists)
        return 0 if all(not each.problem for each in lists) else 1
    known = routed(services)
    alive, retired = catalogued(services, date.today())
    if as_json:
        _print_json({name: list(map(asdict, each)) for name, each in _named(known, alive, retired).items()})
        return 0
    screen = Screen()
    screen.title("Set up here")
    _print_models(screen, known)
    screen.line()
    screen.title("In the catalogue")
    _print_models(screen, alive)
    screen.line()
    screen.title("Shut down by their vendor; the successor answers")
    rows = [(f"  {each.id}", str(each.ends), each.successor or "nobody") for each in retired]
    widths = columns(rows)
    for row in rows:
        screen.row(row, widths)
    return 0


def add(path: Path, model: str, *, server: str) -> int:
    """Appends an entry for a model on a server, which is the name of a preset or a base URL. Returns the exit code."""
    where = "api_base" if "://" in server else "server"
    return _added(path, {"model_id": model, where: server})


def add_found(app: Flask, model: str) -> int:
    """Appends an entry for a model that the server of a custom model lists. Returns the exit code."""
    services: Services = app.extensions["proxy"]
    fields = found_on(services, model)
    if fields is None:
        Screen(sys.stderr).line(
            f"no server of a custom model lists {model}; say where it is: --server ollama, or a URL"
        )
        return 1
    return _added(services.config.custom_models_file, {"model_id": model, **fields})


def _added(path: Path, entry: dict[str, Any]) -> int:
    try:
        add_entry(path, entry)
    except NotWritten as error:
        Screen(sys.stderr).line(str(error))
        return 1
    Screen().line(
        f"{entry['model_id']} is now in {path.name}; try it: python -m proxy check --target {entry['model_id']}"
    )
    return 0


def _named(
    known: Sequence[KnownModel], alive: Sequence[KnownModel], retired: Sequence[KnownModel]
) -> dict[str, Sequence[KnownModel]]:
    return {"set_up": known, "catalogue": alive, "retired": retired}


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, default=str))


def _print_models(screen: Screen, models: Sequence[KnownModel]) -> None:
    rows = [(f"  {_HEAD[0]}", *_HEAD[1:])]
    for each in models:
        rows.append((f"  {each.id}", each.targets[0], _tokens(each.window), _tokens(each.output)))
        rows += [("", f"then {target}", "", "") for target in each.targets[1:]]
        if each.ends is not None:
            rows.append(("", f"until {each.ends}, then {each.successor or 'nobody'}", "", ""))
    widths = columns(rows, most=34)
    for row in rows:
        screen.row(row, widths)


def _tokens(count: int | None) -> str:
    return "?" if count is None else str(count)


def _print_lists(lists: Sequence[ServerList]) -> None:
    screen = Screen()
    if not lists:
        screen.line("No server is set up: no key is set, and the custom models file has no entry.")
    for number, each in enumerate(lists):
        if number:
            screen.line()
        screen.title(each.server)
        if each.problem:
            screen.finding("fail", "list", each.problem, "python -m proxy check says more")
        for name, is_ours in each.models:
            screen.row((f"  {'*' if is_ours else ' '} {name}",), ())
    if any(is_ours for each in lists for _, is_ours in each.models):
        screen.line()
        screen.line("* is set up here; python -m proxy models --add NAME sets another one up")
