"""Commands of `python -m proxy`, run in this process in a directory of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proxy.cli import main
from proxy.settings.table import variables

KEY = "sk-right-0123456789abcdef"


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def words(self) -> str:
        """All that was printed, without the line breaks of its columns."""
        return " ".join(f"{self.out} {self.err}".split())

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Place:
    """A directory with settings."""

    path: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def models(self) -> Path:
        return self.path / "custom_models.yaml"

    def configure(self, *entries: Mapping[str, Any], **settings: str) -> None:
        """Writes the custom models and `.env`, by which the first of them answers unless the settings say more."""
        self.models.write_text(
            "".join(f"- {'  '.join(f'{name}: {json.dumps(value)}' + chr(10) for name, value in entry.items())}"
                    for entry in entries),
            encoding="utf-8",
        )  # fmt: skip
        lines = {"PREFERRED_PROVIDER": "custom", "MAX_RETRIES": "0", **settings}
        (self.path / ".env").write_text("".join(f"{name}={value}\n" for name, value in lines.items()), encoding="utf-8")

    def run(self, *arguments: str) -> Done:
        self.capsys.readouterr()
        code = main(arguments)
        said = self.capsys.readouterr()
        return Done(code, said.out, said.err)


def place_in(path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Place:
    """With no settings but those of the test."""
    for name in variables():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(path)
    return Place(path, capsys)
