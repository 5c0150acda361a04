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

_HEAD = ("window", "output", "price")
_NO_LIMITS = ("", "", "")
_MOST = (26, 28)
"""Characters of the first two columns, so that all five fit."""
_MILLION = 1_000_000
_EXACT_BELOW = 10_000
_PRICE = "price: USD per million tokens of input/output"


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
    _print_routed(screen, known)
    screen.line()
    screen.title("In the catalogue")
    _print_catalogue(screen, alive)
    screen.line()
    screen.line(_PRICE)
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


def _print_routed(screen: Screen, models: Sequence[KnownModel]) -> None:
    rows = [("  id", "answered by", *_HEAD)]
    for each in models:
        rows.append((f"  {each.id}", each.targets[0], *_limits(each)))
        rows += [("", f"then {target}", *_NO_LIMITS) for target in each.targets[1:]]
        rows += [("", end, *_NO_LIMITS) for end in _end(each)]
    _print_rows(screen, rows, _MOST)


def _print_catalogue(screen: Screen, models: Sequence[KnownModel]) -> None:
    rows = [("  id", *_HEAD)]
    for each in models:
        rows.append((f"  {each.targets[0]}", *_limits(each)))
        rows += [(f"    {end}", *_NO_LIMITS) for end in _end(each)]
    _print_rows(screen, rows)


def _print_rows(screen: Screen, rows: Sequence[Sequence[str]], most: Sequence[int] = ()) -> None:
    widths = columns(rows, most=most)
    for row in rows:
        screen.row(row, widths)


def _limits(model: KnownModel) -> tuple[str, str, str]:
    price = "?" if model.price is None else f"{model.price.input:g}/{model.price.output:g}"
    return _tokens(model.window), _tokens(model.output), price


def _end(model: KnownModel) -> list[str]:
    return [] if model.ends is None else [f"until {model.ends}, then {model.successor or 'nobody'}"]


def _tokens(count: int | None) -> str:
    """In thousands and millions, as vendors say it."""
    if count is None:
        return "?"
    if count >= _MILLION:
        return f"{count / _MILLION:.3g}M"
    return f"{count / 1000:.0f}k" if count >= _EXACT_BELOW else str(count)


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
