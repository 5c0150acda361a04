"""A recorded request through the whole app, from its first byte to the last of the answer, without a network."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from werkzeug.test import EnvironBuilder, run_wsgi_app

from proxy.answering.decisions import decisions
from proxy.providers.tap import Sent, current_tap
from proxy.recording.form import Form, body_of, pieces_of
from proxy.recording.settings import stand_in
from proxy.replaying.differences import without_pings
from proxy.replaying.services import RecordedServices, client_left, is_early
from proxy.replaying.upstream import RecordedUpstream
from proxy.web import create_app
from proxy.web.services import WITNESS

_NO_KEY = 401
_PATH = "/v1/messages"
"""The only one, whatever a recording says: on others a request could get past the tap, out to the network."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a recorded request now."""

    sent: list[Sent]
    status: int
    headers: list[tuple[str, str]]
    emitted: bytes
    plan: list[list[str]]
    """Name and value of each decision, of the first form of the request."""
    notes: list[str]


def replayed(form: Form) -> Replayed:
    """Raises ConfigError where the recorded settings cannot be used."""
    services, upstream = RecordedServices(form), RecordedUpstream(form["attempts"], is_late=is_early(form))
    with _quiet():
        try:
            status, headers, emitted = _answer(form, services, upstream)
        finally:
            services.close(unused=0.0)
    prepared = services.prepared
    plan = [[name, str(value)] for name, value in decisions(prepared[0].plan)] if prepared else []
    notes = list(dict.fromkeys(note for attempt in prepared for note in attempt.notes))
    return Replayed(upstream.asked, status, headers, emitted, plan, notes)


def _answer(
    form: Form, services: RecordedServices, upstream: RecordedUpstream
) -> tuple[int, list[tuple[str, str]], bytes]:
    app = create_app(services.config, services)
    builder = EnvironBuilder(
        method="POST",
        path=_PATH + ("?beta=true" if "beta=true" in form["request"]["path"] else ""),
        base_url="http://127.0.0.1",
        headers=[(name, value) for name, value in form["request"]["headers"]],
        data=body_of(form["request"]["body"]),
        environ_base={"REMOTE_ADDR": "127.0.0.1"},
    )
    if services.config.proxy_api_keys and form["answer"]["status"] != _NO_KEY:
        builder.headers["x-api-key"] = stand_in(0)
    environ = {**builder.get_environ(), WITNESS: upstream}
    pieces, status, headers = run_wsgi_app(app.wsgi_app, environ, buffered=False)
    emitted = bytearray()
    enough = len(without_pings(b"".join(pieces_of(form["answer"]["pieces"])))) if client_left(form) else None
    try:
        for piece in pieces:
            emitted += piece
            if enough is not None and len(emitted) >= enough:
                break
    finally:
        if close := getattr(pieces, "close", None):
            close()
    return int(status.split(maxsplit=1)[0]), list(headers.items()), bytes(emitted)


@contextmanager
def _quiet() -> Iterator[None]:
    """What is replayed is no news for the log of a server in whose process that happens."""
    mine = threading.get_ident()

    def is_news(record: logging.LogRecord) -> bool:
        return record.thread != mine and not isinstance(current_tap(), RecordedUpstream)

    handlers: list[Any] = [*logging.getLogger().handlers, logging.lastResort]
    for handler in handlers:
        handler.addFilter(is_news)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(is_news)
