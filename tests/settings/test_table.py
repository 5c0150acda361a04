"""One row a setting: what is made of the rows agrees with them, and the rows agree with each other."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.models.habits import SETTABLE
from proxy.settings import parsers
from proxy.settings.config import ConfigError, load_config
from proxy.settings.render import env_example, reference
from proxy.settings.table import Setting, settings, variables

ROOT = Path(__file__).resolve().parents[2]
ROWS = [pytest.param(row, id=row.variable) for row in settings()]


def test_each_variable_has_one_row() -> None:
    assert len(set(variables())) == len(variables())


@pytest.mark.parametrize("row", ROWS)
def test_row(row: Setting) -> None:
    """Its words fit every place where they are shown, and its default is a value that could have been written."""
    assert row.help[0].isupper()
    assert not row.help.endswith(".")
    assert not re.search(r"[|\n]|[a-z]\. ", row.help), "one sentence, and no character that breaks a table"
    assert row.help.isascii()
    assert row.detail.isascii()
    if row.default is not None:
        row.parse(row.default)
        assert not row.default_text
        assert not row.example
    if row.example:
        row.parse(row.example)
    assert row.secret == (row.flag is None) == row.variable.endswith("_API_KEY")


def test_flags_are_derived() -> None:
    flags = {row.variable: row.flag for row in settings()}
    assert flags["ANTHROPIC_UPSTREAM_URL"] == "--anthropic-upstream-url"
    assert flags["PORT"] == "--port"


def test_the_clients_own_variable_is_no_setting() -> None:
    assert "ANTHROPIC_BASE_URL" not in variables()


def test_env_example_is_the_rendered_one() -> None:
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == env_example()


def test_env_example_holds_every_row_and_fits_the_screen() -> None:
    """Each section once, each variable once and commented out, its help above it."""
    lines = env_example().splitlines()
    assert all(line.startswith("#") or not line for line in lines)
    assert max(map(len, lines)) <= 120
    assert [line[1:].partition("=")[0] for line in lines if re.match("#[A-Z_]+=", line)] == list(variables())
    titles = [line for line in lines if line.startswith("# --- ")]
    assert titles == list(dict.fromkeys(f"# --- {row.section}" for row in settings()))
    words = " ".join(line.removeprefix("# ") for line in lines)
    assert all(f"{row.help}." in words for row in settings())


def test_the_reference_is_the_rendered_one() -> None:
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == reference()
    assert reference().count("\n- **`") == len(settings())


@pytest.mark.parametrize(
    ("argument", "text"), [([], env_example()), (["--reference"], reference())], ids=["env", "reference"]
)
def test_command(argument: list[str], text: str) -> None:
    """`python -m proxy.settings` prints what has to be in the two files."""
    done = subprocess.run(
        [sys.executable, "-m", "proxy.settings", *argument],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.rstrip("\n") == text.rstrip("\n")


@pytest.mark.parametrize("row", [row for row in settings() if not row.secret], ids=lambda row: row.variable)
def test_each_row_is_read(row: Setting, tmp_path: Path) -> None:
    """What cannot be used is a problem of that variable; the names of models and directories take anything."""
    settings_with_nonsense = {row.variable: "/no such value\u00e9"}
    if row.parse in (parsers.text, parsers.models, parsers.directory) and not row.variable.endswith("_FILE"):
        assert load_config(settings_with_nonsense, directory=tmp_path).written == {row.variable}
        return
    with pytest.raises(ConfigError, match=f"^{row.variable}: "):
        load_config(settings_with_nonsense, directory=tmp_path)


def test_the_shipped_custom_models_name_every_habit() -> None:
    text = (ROOT / "custom_models.yaml").read_text(encoding="utf-8")
    words = set(re.findall(r"\w+", text))
    assert {name.removeprefix("without_") for name in SETTABLE} <= words
