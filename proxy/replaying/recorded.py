"""Records the requests of an app while it serves."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from flask import Flask

from proxy.models.habits import Habits
from proxy.recording.filler import Filler
from proxy.recording.form import as_text, holds_key, made_of, name_of
from proxy.recording.intake import Intake
from proxy.recording.store import Named, Store, problem_with
from proxy.recording.tape import Tape
from proxy.replaying.comparison import completed
from proxy.replaying.tool_names import learn_names
from proxy.settings.config import Config
from proxy.web.services import WITNESS, Services

log = logging.getLogger(__name__)


def start_recording(app: Flask, config: Config) -> Store | None:
    """Where RECORD_DIR is set: the store into which the app's requests go from now on. Who serves closes it."""
    if config.record_dir is None:
        return None
    kept = "what is said is kept in them" if config.record_texts else "texts in them are filler"
    if problem := problem_with(config.record_dir):
        remedy = "requests go on and are not recorded; name another directory, or let the proxy write to it"
        log.warning("RECORD_DIR: %s cannot be written to (%s); %s", config.record_dir, problem, remedy)
    else:
        log.warning("RECORD_DIR: requests are recorded in %s; %s, keys never are", config.record_dir, kept)
    store = Store(config.record_dir, _named)

    def state() -> tuple[Config, Mapping[tuple[str, str], Habits]]:
        services: Services = app.extensions["proxy"]
        return services.config, services.habits.all()

    app.wsgi_app = Intake(app.wsgi_app, store, state, WITNESS)  # type: ignore[method-assign]
    return store


@contextmanager
def recorded(app: Flask, config: Config) -> Iterator[None]:
    """As long as it is entered; at the end all recordings are written."""
    store = start_recording(app, config)
    try:
        yield
    finally:
        if store is not None:
            store.close()


def _named(tape: Tape) -> Named:
    filler = None if tape.config.record_texts else Filler()
    form = completed(made_of(tape, filler))
    if filler is not None and not form["check"]["reproduces"] and learn_names(tape, form, filler):
        form = completed(made_of(tape, filler))
    text = as_text(form)
    if holds_key(text, tape):
        raise ValueError("a key was about to be written")
    return name_of(form), text
