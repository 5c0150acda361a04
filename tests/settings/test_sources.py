"""Files of settings that cannot be read as they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.settings.loading import load, problems


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_dotenv_forms(tmp_path: Path, bom: str, newline: str) -> None:
    lines = [
        "PORT=9000 # comment",
        "export BIG_MODEL='gpt-4o'",
        'OPENAI_API_KEY="sk-${PORT}$x"',
        "# PORT=1",
        "",
        "EMPTY",
    ]
    config = load(tmp_path, dotenv=bom + newline.join(lines) + newline)
    assert (config.port, config.big_model, config.endpoint("openai").api_keys) == (9000, "gpt-4o", ("sk-${PORT}$x",))


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("ÖPORT=1\nPORT=2\n".encode("cp1252"), ".env: is not UTF-8 text"),
        ("PORT=1\n".encode("utf-16"), ".env: is not UTF-8 text"),
        (b"PORT=1\nthis is sk-canary = not 'ok\n", ".env: line 2 cannot be read; write NAME=value"),
    ],
)
def test_broken_dotenv(tmp_path: Path, content: bytes, part: str) -> None:
    (tmp_path / ".env").write_bytes(content)
    (text,) = problems(tmp_path)
    assert part in text
    assert "canary" not in text


def test_dotenv_that_is_a_directory(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    (text,) = problems(tmp_path)
    assert text.startswith(".env: cannot be read")


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
@pytest.mark.parametrize("leads", ["nowhere", "to itself"])
@pytest.mark.parametrize(
    ("name", "variables", "words"),
    [
        (".env", {}, ".env: cannot be read ("),
        ("custom_models.yaml", {}, "custom_models.yaml: cannot be read ("),
        ("own.yaml", {"CUSTOM_MODELS_FILE": "own.yaml"}, 'CUSTOM_MODELS_FILE ("own.yaml"): cannot be read ('),
        ("rules.json", {"AUTO_MODE_RULES_FILE": "rules.json"}, "AUTO_MODE_RULES_FILE: cannot be read ("),
    ],
)
def test_links_that_lead_nowhere(name: str, variables: dict[str, str], words: str, leads: str, tmp_path: Path) -> None:
    """Whoever made the link means its settings to count."""
    (tmp_path / name).symlink_to(tmp_path / (name if leads == "to itself" else "no-such-file"))
    (text,) = problems(tmp_path, variables)
    assert text.startswith(words)


@pytest.mark.parametrize("variable", ["CUSTOM_MODELS_FILE", "AUTO_MODE_RULES_FILE"])
def test_a_name_that_no_file_can_have(variable: str, tmp_path: Path) -> None:
    (text,) = problems(tmp_path, {variable: "./" + 300 * "n"})
    assert text.startswith(variable)
    assert len(text) < 400
