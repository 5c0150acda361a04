"""Which files settings stand in, and when a change in them is worth a look."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.settings.config import ConfigError
from proxy.settings.files import SettingsFiles
from proxy.settings.table import variables
from tests.settings.loading import QWEN

RULES = '{"hard_deny": ["never"], "soft_deny": [], "allow": [], "environment": []}'


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in variables():
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".env").write_text("PREFERRED_PROVIDER=openai\nAUTO_MODE_RULES_FILE=rules.json\n", encoding="utf-8")
    (tmp_path / "custom_models.yaml").write_text(QWEN, encoding="utf-8")
    (tmp_path / "rules.json").write_text(RULES, encoding="utf-8")
    return tmp_path


def loaded(place: Path, **overrides: str) -> SettingsFiles:
    files = SettingsFiles(place, overrides)
    files.load()
    assert files.is_current
    return files


def replaced(path: Path) -> None:
    """As editors do it, with a file of the same size and time."""
    new = path.with_name("new")
    new.write_bytes(path.read_bytes())
    os.utime(new, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    new.replace(path)


@pytest.mark.parametrize("name", [".env", "custom_models.yaml", "rules.json"])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda path: os.utime(path, ns=(1, 1)), id="another time"),
        pytest.param(lambda path: path.write_text(path.read_text() + "\n"), id="another size"),
        pytest.param(replaced, id="another file"),
        pytest.param(Path.unlink, id="gone"),
    ],
)
def test_a_change_is_seen(name: str, change: Callable[[Path], object], place: Path) -> None:
    files = loaded(place)
    change(place / name)
    assert not files.is_current


def test_a_file_that_appears_is_seen(place: Path) -> None:
    (place / "custom_models.yaml").unlink()
    files = loaded(place)
    (place / "custom_models.yaml").write_text(QWEN, encoding="utf-8")
    assert not files.is_current


def test_the_files_are_those_that_the_settings_name(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "mine.yaml").write_text(QWEN, encoding="utf-8")
    monkeypatch.setenv("AUTO_MODE_RULES_FILE", str(place / "mine.json"))
    (place / "mine.json").write_text(RULES, encoding="utf-8")
    files = loaded(place, CUSTOM_MODELS_FILE="mine.yaml")
    for name in ("custom_models.yaml", "rules.json"):
        (place / name).write_text("", encoding="utf-8")
    assert files.is_current
    os.utime(place / "mine.yaml", ns=(1, 1))
    assert not files.is_current
    files.load()
    os.utime(place / "mine.json", ns=(1, 1))
    assert not files.is_current


def test_the_files_of_broken_settings_are_looked_at_too(place: Path) -> None:
    files = loaded(place)
    (place / ".env").write_text("CUSTOM_MODELS_FILE=late.yaml\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"late\.yaml"):
        files.load()
    assert files.is_current
    (place / "late.yaml").write_text(QWEN, encoding="utf-8")
    assert not files.is_current
    assert [custom.model_id for custom in files.load().custom_models] == ["qwen"]


def test_a_file_that_is_being_written_is_not_settled(place: Path) -> None:
    files = loaded(place)
    assert not files.settled()
    assert files.settled()
    for text in ("- model_id: half", QWEN + QWEN.replace("qwen", "other")):
        (place / "custom_models.yaml").write_text(text, encoding="utf-8")
        assert not files.settled()
    assert files.settled()


def test_an_emptied_file_takes_longer(place: Path) -> None:
    """Whoever writes a file anew empties it first; one that stays empty is meant."""
    files = loaded(place)
    (place / "custom_models.yaml").write_text("", encoding="utf-8")
    assert [files.settled() for _ in range(7)] == [False] * 5 + [True] * 2
    files.load()
    (place / ".env").write_text("PREFERRED_PROVIDER=openai\n", encoding="utf-8")
    assert [files.settled() for _ in range(2)] == [False, True]


def test_flags_and_the_environment_win(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMALL_MODEL", "gpt-of-the-environment")
    files = SettingsFiles(place, {"BIG_MODEL": "gpt-of-the-flag"})
    for number in (1, 2):
        with (place / ".env").open("a", encoding="utf-8") as file:
            file.write(f"BIG_MODEL=gpt-{number}\nSMALL_MODEL=gpt-{number}\nMAX_RETRIES={number}\n")
        config = files.load()
        assert (config.big_model, config.small_model) == ("gpt-of-the-flag", "gpt-of-the-environment")
        assert config.max_retries == number


def test_the_directory_is_that_of_the_start(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    files = SettingsFiles()
    monkeypatch.chdir(place.parent)
    assert files.load().preferred_provider == "openai"
