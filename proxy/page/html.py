"""The HTML of the status page: whole, or the parts of it that a running page replaces.

Everything goes through templates that escape it. What stands there needs no script and no style of its own, so that
the page's policy can forbid both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from functools import lru_cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from proxy.page import plots, scales, view, words
from proxy.page.snapshot import Snapshot
from proxy.usage.history import DAYS
from proxy.usage.record import Record

STATIC: Mapping[str, str] = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}
"""What the page loads, and its media type."""
_ROWS = 512

_environment = Environment(
    loader=PackageLoader("proxy.page"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters.update(
    {name: getattr(words, name) for name in ("count", "seconds", "money", "share", "clock", "day", "iso", "absolute")}
)
_environment.filters["relative"] = words.relative
_environment.globals.update({"NONE": words.NONE, "DAYS": DAYS, "plots": plots})


def static(name: str) -> bytes:
    """The content of a file of STATIC."""
    return resources.files("proxy.page").joinpath("static", name).read_bytes()


def page(snapshot: Snapshot) -> str:
    return _environment.get_template("page.html").render(s=snapshot, taken=taken(snapshot), parts=parts(snapshot))


def refusal(message: str) -> str:
    """What a browser shows in place of the page."""
    return _environment.get_template("refusal.html").render(message=message)


def taken(snapshot: Snapshot) -> str:
    """The element that says of when the page is; its id is "taken"."""
    return _part("taken", snapshot)


def parts(snapshot: Snapshot) -> dict[str, str]:
    """The parts that change, by the id of their element, in their order on the page."""
    period_of = {"recent": view.recent, "past": view.past}
    made: dict[str, Sequence[Any]] = {
        "state": view.state(snapshot),
        "summary": (),
        "running": (),
        "backends": (view.backends(snapshot),),
        **{name: (make(snapshot),) for name, make in period_of.items()},
        "requests": (_rows(snapshot),),
        "routes": (),
        "learned": (),
    }
    return {name: _part(name, snapshot, *arguments) for name, arguments in made.items()}


def _part(name: str, *arguments: Any) -> str:
    """A macro of the parts. What it gives counts as escaped where it is put into another template."""
    made: str = getattr(_environment.get_template("parts.html").module, name)(*arguments)
    return made


@lru_cache(_ROWS)
def _row(record: Record, zone: tzinfo | None, is_today: bool) -> str:
    return _part("row", record, zone, is_today)


def _rows(snapshot: Snapshot) -> list[str]:
    """A line for each request, newest first."""
    midnight, _ = scales.days(snapshot.now, 1, snapshot.zone)
    return [_row(each, snapshot.zone, each.time >= midnight) for each in reversed(snapshot.requests)]
