"""The user's file after a change: what they wrote is still there, and the change is all or nothing."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.settings.custom_models_file import NotWritten, add_entry, complete_entry

ONE = "- model_id: qwen\n  api_base: http://localhost:1/v1\n"


def file(path: Path, text: str) -> Path:
    found = path / "custom_models.yaml"
    found.write_bytes(text.encode())
    return found


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ONE, f"{ONE}  vision: false\n"),
        (f"# a\n{ONE}# b\n", "# a\n- model_id: qwen\n  vision: false\n  api_base: http://localhost:1/v1\n# b\n"),
        (f"{ONE}\n# next\n- model_id: b\n  server: groq\n", None),
        (
            "- model_id: qwen  # mine\n  api_base: 'http://localhost:1/v1'  # there\n",
            "- model_id: qwen  # mine\n  api_base: 'http://localhost:1/v1'  # there\n  vision: false\n",
        ),
        (
            "  - model_id: qwen\n    api_base: http://localhost:1/v1\n",
            "  - model_id: qwen\n    api_base: http://localhost:1/v1\n    vision: false\n",
        ),
        (ONE.replace("\n", "\r\n"), f"{ONE}  vision: false\n".replace("\n", "\r\n")),
        ('[{"model_id": "qwen", "api_base": "http://localhost:1/v1"}]\n', None),
    ],
    ids=["plain", "comments", "two entries", "quotes", "indented", "CRLF", "JSON"],
)
def test_a_field_more(before: str, after: str | None, tmp_path: Path) -> None:
    path = file(tmp_path, before)
    assert complete_entry(path, "qwen", {"vision": False}) == {"vision": False}
    text = path.read_bytes().decode()
    assert after is None or text == after
    assert yaml.safe_load(text)[0]["vision"] is False
    assert [line for line in before.splitlines() if line.strip().startswith("#") and line not in text] == []
    assert os.listdir(tmp_path) == ["custom_models.yaml"]


@pytest.mark.parametrize(
    ("written", "fields", "added"),
    [
        ("vision: true", {"vision": False, "context_window": 5}, {"context_window": 5}),
        ("context_window: 7", {"context_window": 5}, {}),
        ("context_window:", {"context_window": 5}, {"context_window": 5}),
        ("habits: [prefix]", {"habits": ["prefix", "no_strict"]}, {"habits": ["no_strict"]}),
        ("quirks: [prefix]", {"habits": ["no_strict"]}, {"habits": ["no_strict"]}),
        ("habits: [prefix]", {"habits": ["prefix"]}, {}),
    ],
)
def test_what_the_user_has_set_stays(written: str, fields: Any, added: Any, tmp_path: Path) -> None:
    path = file(tmp_path, f"{ONE}  {written}\n")
    before = yaml.safe_load(path.read_text())[0]
    assert complete_entry(path, "qwen", fields) == added
    after = yaml.safe_load(path.read_text())[0]
    for name, value in before.items():
        if isinstance(value, list):
            assert after[name][: len(value)] == value
        elif value is not None:
            assert after[name] == value
    if not added:
        assert path.read_text() == f"{ONE}  {written}\n"


@pytest.mark.parametrize("before", ["", "# nothing yet\n", "# no line end", ONE, f"{ONE}# end", "[]\n", None])
def test_an_entry_more(before: str | None, tmp_path: Path) -> None:
    path = tmp_path / "custom_models.yaml" if before is None else file(tmp_path, before)
    add_entry(path, {"model_id": "new:7b", "server": "ollama"})
    text = path.read_text()
    assert yaml.safe_load(text)[-1] == {"model_id": "new:7b", "server": "ollama"}
    assert all(line in text for line in (before or "").splitlines() if line.startswith("#"))


def test_the_shipped_file_takes_one(tmp_path: Path) -> None:
    shipped = (Path(__file__).parents[2] / "custom_models.yaml").read_text()
    path = file(tmp_path, shipped)
    add_entry(path, {"model_id": "m", "server": "vllm"})
    assert path.read_text() == f"{shipped}- model_id: m\n  server: vllm\n"


@pytest.mark.parametrize(
    ("text", "entry", "words"),
    [
        (ONE, {"model_id": "QWEN", "server": "groq"}, "model_id is taken by an entry above"),
        (ONE, {"model_id": "b", "server": "grok"}, 'did you mean "groq"'),
        (ONE, {"model_id": "b", "server": "azure"}, "write api_base: https://RESOURCE"),
        ("a: b\n", {"model_id": "b", "server": "groq"}, "is not a list"),
        ("- {\n", {"model_id": "b", "server": "groq"}, "is not valid YAML"),
    ],
)
def test_what_is_not_written(text: str, entry: Any, words: str, tmp_path: Path) -> None:
    path = file(tmp_path, text)
    with pytest.raises(NotWritten, match=words):
        add_entry(path, entry)
    assert path.read_text() == text


def test_an_entry_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(NotWritten, match="has no entry qwen any more"):
        complete_entry(file(tmp_path, "[]\n"), "qwen", {"vision": False})


@pytest.mark.skipif(sys.platform == "win32", reason="modes and links are others there")
def test_mode_and_link_stay(tmp_path: Path) -> None:
    real = tmp_path / "real.yaml"
    real.write_text(ONE)
    real.chmod(0o600)
    link = tmp_path / "custom_models.yaml"
    link.symlink_to(real)
    complete_entry(link, "qwen", {"vision": False})
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert "vision" in real.read_text()


def test_an_unwritable_place_leaves_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file(tmp_path, ONE)

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(NotWritten, match="cannot be written"):
        complete_entry(path, "qwen", {"vision": False})
    assert path.read_text() == ONE
    assert os.listdir(tmp_path) == ["custom_models.yaml"]


@pytest.mark.parametrize(
    "text",
    [
        "- &a {model_id: qwen, api_base: 'http://localhost:1/v1', habits: &h [prefix]}\n- {<<: *a, model_id: b}\n",
        "- model_id: qwen\n  api_base: http://localhost:1/v1\n  extra_body: {day: 2026-13-01}\n",
    ],
    ids=["shared lists", "no date"],
)
def test_what_cannot_be_changed_safely_stays(text: str, tmp_path: Path) -> None:
    path = file(tmp_path, text)
    with pytest.raises(NotWritten):
        complete_entry(path, "qwen", {"habits": ["no_strict"]})
    assert path.read_text() == text
