"""Recordings out of files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from proxy.recording.form import VERSION, Form

_PARTS: dict[str, type] = {
    "settings": dict,
    "request": dict,
    "route": dict,
    "habits": list,
    "attempts": list,
    "answer": dict,
    "check": dict,
    "texts": str,
}


class Unreadable(Exception):
    """It says why, and what would help."""


def files_of(path: Path) -> list[Path]:
    """The recordings that a path names: itself, or those in the directory that it is. Raises Unreadable."""
    if not path.is_dir():
        return [path]
    found = sorted(path.glob("*.json"))
    if not found:
        raise Unreadable("there is no recording in this directory")
    return found


def form_in(path: Path) -> Form:
    """Raises Unreadable."""
    try:
        form: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Unreadable(f"it cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise Unreadable("it is damaged: it is no JSON; give the file as it was written") from None
    if not isinstance(form, dict) or "version" not in form:
        raise Unreadable("it is no recording: those are made with python -m proxy record DIR")
    if form["version"] != VERSION:
        raise Unreadable(f"its version is {form['version']}, known is {VERSION}; use the proxy that has made it")
    if wrong := [name for name, kind in _PARTS.items() if not isinstance(form.get(name), kind)]:
        raise Unreadable(f"it is damaged: {', '.join(wrong)} is missing; give the file as it was written")
    return form
