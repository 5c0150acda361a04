"""The recipes do what they say: each is followed, step by step, in a copy of the package."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proxy.providers.base import Provider
from proxy.settings.config import load_config
from proxy.settings.table import variables
from tests.docs.pages import PAGES, ROOT, block, section, steps, table

Run = Callable[..., str]
REQUEST = {
    "model": "custom/toy",
    "max_tokens": 4096,
    "messages": [{"role": "user", "content": "hi"}],
    "tools": [{"name": "Read", "description": "Reads a file", "input_schema": {"type": "object"}}],
}
LEARN = """
from proxy.models.habits import Habits
from proxy.providers.common.failures import Failure
from proxy.providers.common.learning import learn
print(learn(Failure(400, "Tools may not be described here"), {"messages": []}, Habits()).changes)
"""
ROUTES = """
from proxy.models.catalog import Catalog
from proxy.models.routing import Router
from proxy.settings.config import load_config
router = Router(load_config(), Catalog.load())
print(*(router.resolve(name).target for name in ("opus", "haiku", "toy-9", "toy/anything")))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package and its tables, to be changed."""
    shutil.copytree(ROOT / "proxy", tmp_path / "proxy", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.fixture
def run(copy: Path) -> Run:
    """Runs Python in the copy, with no settings but those given; the output."""

    def run(*arguments: str, **environ: str) -> str:
        clean = {name: value for name, value in os.environ.items() if name not in variables()}
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=copy, env={**clean, **environ}, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def follow(title: str, copy: Path) -> None:
    found = steps(title)
    assert found
    for step in found:
        step.apply(copy)


def explain(run: Run, copy: Path, request: dict[str, Any], **environ: str) -> dict[str, Any]:
    """The body that would be sent."""
    (copy / "request.json").write_text(json.dumps(request), encoding="utf-8")
    body: dict[str, Any] = json.loads(run("-m", "proxy", "explain", "request.json", **environ))
    return body


def test_add_a_setting(copy: Path, run: Run) -> None:
    """One row makes flag, variable, default and check, and stands in both texts."""
    follow("Add a setting", copy)
    assert "--greeting VALUE" in run("-m", "proxy", "--help")
    assert "\n#GREETING=long\n" in run("-m", "proxy.settings")
    reference = "- **`GREETING`** (`long`): How the start is announced: short or long.\n"
    assert reference in run("-m", "proxy.settings", "--reference")
    read = "from proxy.settings.config import load_config; print(load_config().greeting)"
    assert run("-c", read) == "long\n"
    assert run("-c", read, GREETING="SHORT") == "short\n"
    (copy / ".env").write_text("GREETING=short\n", encoding="utf-8")
    assert run("-c", read) == "short\n"


def test_teach_a_habit(copy: Path, run: Run) -> None:
    """It is learned from the server's words, can be preset, and changes the request."""
    title = "Teach a habit of a server"
    follow(title, copy)
    assert run("-c", LEARN) == "{'no_descriptions': True}\n"
    entry = "- model_id: toy\n  api_base: http://127.0.0.1:9/v1\n"
    (copy / "custom_models.yaml").write_text(entry, encoding="utf-8")
    assert explain(run, copy, REQUEST)["tools"][0]["function"]["description"] == "Reads a file"
    (copy / "custom_models.yaml").write_text(f"{entry}  habits: [no_descriptions]\n", encoding="utf-8")
    assert "description" not in explain(run, copy, REQUEST)["tools"][0]["function"]


def test_the_tables_tests_find_the_new_words(copy: Path, run: Run) -> None:
    """They take the row's texts up by themselves."""
    follow("Teach a habit of a server", copy)
    folder = copy / "tests" / "providers" / "common"
    shutil.copytree(ROOT / "tests" / "providers" / "common", folder)
    for package in (folder.parent, folder.parent.parent):
        (package / "__init__.py").touch()
    passed = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "Toyland", str(folder / "test_words.py"))
    assert re.search(r"\b1 passed", passed)


def test_add_a_compatible_server(copy: Path, run: Run) -> None:
    """The entry is read as it stands, and the row says how the server is told to think."""
    title = "Add a compatible server"
    (copy / "custom_models.yaml").write_text(block(title, "yaml"), encoding="utf-8")
    (custom,) = load_config({}, directory=copy).custom_models
    assert (custom.model_id, custom.upstream_name, custom.context_window) == ("toy", "toy-large", 131072)
    request = {**REQUEST, "thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}
    before = explain(run, copy, request)
    assert before.keys().isdisjoint({"thinking", "reasoning_effort", "parallel_tool_calls"})
    follow(title, copy)
    after = explain(run, copy, request)
    assert (after["thinking"], after["reasoning_effort"]) == ({"type": "enabled"}, "low")


def test_add_a_vendor(copy: Path, run: Run) -> None:
    """The row alone gives settings and routes; the room is tried by the tests that the page names."""
    follow("Add a vendor", copy)
    assert "--toy-base-url" in run("-m", "proxy", "--help")
    assert "\n#TOY_API_KEY=\n" in run("-m", "proxy.settings")
    assert run("-c", ROUTES, PREFERRED_PROVIDER="toys").split() == [
        *("toy/toy-large", "toy/toy-small"),
        *("toy/toy-9", "toy/anything"),
    ]


def test_the_methods_of_a_provider() -> None:
    """The page lists each of them, in the protocol's order."""
    listed = [method.strip("`") for method, _, _ in table(section("CONTRIBUTING.md", "Add a vendor"))]
    assert listed == [name for name in vars(Provider) if not name.startswith("_")]


def test_add_a_model(copy: Path, run: Run) -> None:
    """The entry is found, by its own name and by those that continue it."""
    follow("Add a model", copy)
    look = "from proxy.models.catalog import Catalog; print(Catalog.load().facts('openai', 'gpt-7-toy-2027').efforts)"
    assert run("-c", look) == "('low', 'medium', 'high')\n"


def test_the_test_command_is_the_readmes() -> None:
    command = "python3 -m venv .venv && .venv/bin/pip install -q -r requirements-dev.txt && .venv/bin/pytest"
    texts = {page.name: page.read_text(encoding="utf-8") for page in PAGES}
    assert command in texts["README.md"]
    assert command in texts["CONTRIBUTING.md"]
