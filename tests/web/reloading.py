"""A proxy whose settings stand in files, for tests in which they change."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from proxy.logs import configure_logging
from proxy.settings.files import SettingsFiles
from proxy.web.reload import Reload
from tests.fakes.openai.chat import FakeOpenAI
from tests.web.serving import KEY, Answer, Proxy, ask, serve

OLD, NEW = "old-key-0123456789", "new-key-0123456789"


class Place:
    """A directory with the settings of a running proxy. `write` and `custom` change its files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.settings: dict[str, str] = {"PREFERRED_PROVIDER": "openai", "OPENAI_API_KEY": KEY, "MAX_RETRIES": "0"}
        self.proxy: Proxy
        self.reload: Reload

    def write(self, **settings: str) -> None:
        """Changes settings of `.env`; blank ones go."""
        self.settings.update(settings)
        lines = "".join(f"{name}={value}\n" for name, value in self.settings.items() if value)
        (self.directory / ".env").write_text(lines, encoding="utf-8")

    def custom(self, *entries: dict[str, Any]) -> None:
        (self.directory / "custom_models.yaml").write_text(json.dumps(entries), encoding="utf-8")  # JSON is YAML

    def look(self, times: int = 2) -> None:
        """As time passes."""
        for _ in range(times):
            self.reload.look()

    def begin_log(self) -> None:
        """As at the start of the program. Pytest gives standard error another file once fixtures are made."""
        configure_logging(self.proxy.services.config)

    def ask(self, **headers: str) -> Answer:
        return self.proxy.post(ask(), **headers)

    @contextlib.contextmanager
    def serving(self, overrides: dict[str, str] | None = None) -> Iterator[Place]:
        files = SettingsFiles(self.directory, overrides)
        config = files.load()
        with serve(config, as_loaded=True) as self.proxy:
            self.reload = Reload(self.proxy.app, files)
            yield self


def asked(upstream: FakeOpenAI) -> str:
    """The model of the last request."""
    return str(upstream.requests[-1]["model"])
