"""Where settings are looked for in the project of another program."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.settings import places
from proxy.settings.places import settings_directory

OURS, ANYBODYS = "PREFERRED_PROVIDER=openai\n", "PORT=3000\nOPENAI_API_KEY=sk-0123456789\n"


@pytest.mark.parametrize(
    ("project", "config", "clone", "found"),
    [
        (OURS, OURS, OURS, "project"),
        ("export BIG_MODEL=gpt-6-sol", OURS, None, "project"),
        ("custom models", OURS, None, "project"),
        (ANYBODYS, ANYBODYS, None, "config"),
        (None, ANYBODYS, OURS, "config"),
        (None, None, ANYBODYS, "clone"),
        (ANYBODYS, None, OURS, "clone"),
        (ANYBODYS, None, None, "project"),
        (None, None, None, "project"),
    ],
    ids=[
        "here first", "any setting of its own", "models of one's own", "a project's file", "the user's", "the clone's",
        "the clone's, not a project's", "nothing better", "nothing",
    ],
)  # fmt: skip
@pytest.mark.parametrize("base", ["HOME", "XDG_CONFIG_HOME"])
def test_settings_directory(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    base: str,
    project: str | None,
    config: str | None,
    clone: str | None,
    found: str,
) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    settings = tmp_path / (".config" if base == "HOME" else "xdg") / "claude-proxy"
    if base != "HOME":
        monkeypatch.setenv(base, str(settings.parent))
    directories = {"project": tmp_path / "project", "config": settings, "clone": tmp_path / "clone"}
    for directory, text in zip(directories.values(), (project, config, clone), strict=True):
        directory.mkdir(parents=True)
        if text is not None:
            name = "custom_models.yaml" if text == "custom models" else ".env"
            (directory / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(places, "__file__", str(tmp_path / "clone/proxy/settings/places.py"))
    monkeypatch.chdir(directories["project"])
    assert settings_directory() == directories[found]
