"""`python -m proxy explain`: what would be sent upstream, what was decided for it, and why."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from flask import Flask

from proxy.answering.decisions import decisions
from proxy.logs import ascii_only
from proxy.models.roles import Role
from proxy.protocol.errors import ApiError
from proxy.providers.base import Plan
from proxy.web.services import Explained, Services

_NAME_WIDTH = 14


def explain(app: Flask, file: str, *, model: str | None = None, other: str | None = None) -> int:
    """Prints the upstream's request body to stdout, and to stderr where it would go, why, what was decided and changed.

    `model` stands in place of the name that is requested. With `other`, a name, the decisions and the body are compared
    with those for that one, on stdout. Returns the exit code.
    """
    services: Services = app.extensions["proxy"]
    try:
        body = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        found = services.explain(_asking_for(model, body))
        compared = services.explain(_asking_for(other, body)) if other is not None else None
    except OSError as error:
        return _fail(f"{file}: cannot be read ({error.strerror})")
    except ApiError as error:
        return _fail(error.message)
    if compared is not None:
        print(ascii_only("\n".join(_diff(found, compared))))
        return 0
    route = found.route
    lines = [f"to {route.target}", f"because of {route.reason}", f"as {_role_words(route.role)}"]
    lines += [f"note: {note}" for note in found.notes]
    lines += ["decided:", *(f"  {line}" for line in _table(found.plan))]
    print(ascii_only("\n".join(lines)), file=sys.stderr)
    print(json.dumps(found.request, indent=2))
    return 0


def _asking_for(model: str | None, body: bytes) -> bytes:
    """The body with this name in it. What is no object stays as it is; who reads it says so."""
    try:
        asked = json.loads(body) if model is not None else None
    except (ValueError, RecursionError):
        return body
    return json.dumps({**asked, "model": model}).encode() if isinstance(asked, dict) else body


def _diff(one: Explained, two: Explained) -> Iterator[str]:
    return difflib.unified_diff(_lines(one), _lines(two), one.route.target, two.route.target, lineterm="")


def _lines(found: Explained) -> list[str]:
    notes = (f"note: {note}" for note in found.notes)
    return [*_table(found.plan), *notes, *json.dumps(found.request, indent=2).splitlines()]


def _table(plan: Plan) -> list[str]:
    """The decisions, one a line."""
    return [f"{name:<{_NAME_WIDTH}} {value}" for name, value in decisions(plan)]


def _role_words(role: Role) -> str:
    return f"{role} ({role.sign})" if role.sign else str(role)


def _fail(problem: str) -> int:
    print(ascii_only(problem), file=sys.stderr)
    return 1
