"""Settings that change while the proxy runs hold from the next request on.

A thread looks at the files in which they stand. What is new there becomes other Services, which take the place of the
present ones in one step, so no request waits. Those under way keep what they began with; once the last of them has
ended, its connections are let go of.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from queue import Empty, SimpleQueue
from types import MappingProxyType

from flask import Flask

from proxy.answering.pump import where
from proxy.logs import configure_logging
from proxy.settings.config import Config, ConfigError
from proxy.settings.files import SettingsFiles
from proxy.web.services import Services

OF_THE_PROCESS: Mapping[str, str] = MappingProxyType(
    {
        "HOST": "host",
        "PORT": "port",
        "THREADS": "threads",
        "SHUTDOWN_GRACE": "shutdown_grace",
        "USAGE_DB": "usage_db",
        "RECORD_DIR": "record_dir",
        "RECORD_TEXTS": "record_texts",
    }
)
"""Variables that count at the start only, and what they are in `Config`."""
LINGER = 15.0
"""Seconds after the last request in which one of its threads may still be at work: it has 10 to connect."""
_LOOK_EVERY = 1.0
"""Seconds."""

log = logging.getLogger(__name__)


class Reload:
    """Looks after the settings of an app while it is entered, or from `start` on."""

    def __init__(self, app: Flask, files: SettingsFiles, fixed: Mapping[str, str] = OF_THE_PROCESS) -> None:
        """`files` are those that the app's settings were loaded from; `fixed` is as `OF_THE_PROCESS`."""
        self._app = app
        self._files = files
        self._fixed = fixed
        self._read = self._services.config
        """As last read, with what does not count now."""
        self._problems: Sequence[str] = ()
        self._retired: list[Services] = []
        # Its put() may be interrupted by a signal handler that calls it, too.
        self._wishes: SimpleQueue[bool] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="settings", daemon=True)

    @property
    def _services(self) -> Services:
        found: Services = self._app.extensions["proxy"]
        return found

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._wishes.put(False)
        self._thread.join()

    def __enter__(self) -> Reload:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def ask(self) -> None:
        """Has the files read at once, whether they have changed or not. Safe in signal handlers."""
        self._wishes.put(True)

    def _run(self) -> None:
        while True:
            try:
                if not self._wishes.get(timeout=_LOOK_EVERY):
                    return
                self.look(asked=True)
            except Empty:
                self.look()

    def look(self, *, asked: bool = False) -> None:
        """Reads the files if they have changed and nobody is writing them, or if that is asked for."""
        self._retired = [each for each in self._retired if not each.close(LINGER)]
        settled, changed = self._files.settled(), not self._files.is_current
        # A file that could not be read may be readable now, without any change.
        if not asked and not (settled and (changed or self._problems)):
            return
        try:
            self._reread(again=not asked and not changed)
        except Exception as error:
            log.error("the settings stay as they are: reading them failed: %s", where(error))

    def _reread(self, *, again: bool) -> None:
        """`again`: nothing has changed since the last time, so the same problems are not worth another word."""
        problems: Sequence[str] = ()
        try:
            config = self._files.load()
            new = self._services.renewed(self._effective(config)) if config != self._read else None
        except ConfigError as error:
            problems = error.problems
        if not self._files.is_current:
            return  # somebody began to write; the next look will see it
        if problems:
            if not again or problems != self._problems:
                log.warning("the settings stay as they are; what is written now has mistakes:\n%s", "\n".join(problems))
        elif new is not None:
            self._replace(new, config)
        self._problems = problems

    def _effective(self, config: Config) -> Config:
        now = self._services.config
        return replace(config, **{name: getattr(now, name) for name in self._fixed.values()})

    def _replace(self, new: Services, config: Config) -> None:
        new.warm_up()
        old = self._services
        self._retired.append(old)
        # First the log: the new keys must not show up in it.
        configure_logging(new.config, [each.config for each in self._retired])
        self._app.extensions["proxy"] = new
        for variable, name in self._fixed.items():
            if getattr(config, name) not in (getattr(self._read, name), getattr(old.config, name)):
                log.warning("%s: the change takes effect when the proxy is started anew", variable)
        for warning in config.warnings:
            if warning not in self._read.warnings:
                log.warning("%s", warning)
        self._read = config
        log.info("the settings have changed and hold from the next request on")
