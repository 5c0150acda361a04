from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.running import Place, place_in
from tests.log_settings import log_settings  # noqa: F401


@pytest.fixture
def place(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    log_settings: None,  # noqa: F811
) -> Place:
    return place_in(tmp_path, monkeypatch, capsys)
