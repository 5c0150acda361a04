"""Where finished requests of an app are written down. Belongs to the process: a change of settings keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from flask import Flask, current_app

from proxy.settings.config import Config
from proxy.usage.ledger import Ledger

_NAME = "proxy_ledger"


def use_ledger(app: Flask, ledger: Ledger) -> None:
    app.extensions[_NAME] = ledger


def ledger() -> Ledger:
    """That of the app that serves the current request."""
    return cast(Ledger, current_app.extensions[_NAME])


@contextmanager
def recording(app: Flask, config: Config) -> Iterator[None]:
    """While it is entered, the app's requests go into the database of USAGE_DB. At the end all of them are in it."""
    opened = Ledger(config.usage_db)
    use_ledger(app, opened)
    try:
        yield
    finally:
        opened.close()
