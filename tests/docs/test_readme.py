"""The README's words on servers: its commands run, and what they set up answers for Claude's names."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from proxy.models.catalog import Catalog
from proxy.models.presets import presets
from proxy.models.routing import Router
from proxy.settings.config import Config, load_config
from tests.commands.running import Place, place_in
from tests.docs.pages import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
SERVERS = README.partition("### Server by server")[2].partition("\n### ")[0]
ADDS = re.findall(r"^\.venv/bin/python -m proxy (models --add .+)$", SERVERS, re.MULTILINE)
CHECKS = re.findall(r"^\.venv/bin/python -m proxy check --target custom/(\S+) --write$", SERVERS, re.MULTILINE)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Place:
    return place_in(tmp_path, monkeypatch, capsys)


def first_target(config: Config) -> str:
    return Router(config, Catalog.load()).resolve("claude-opus-5-5").target


def test_all_servers_are_there() -> None:
    names = re.findall(r"^\*\*([^*]+?)\.?\*\*", SERVERS, re.MULTILINE)
    assert names == ["Ollama", "LM Studio", "llama.cpp", "vLLM", "OpenRouter", "DeepSeek", "Azure", "Vertex AI"]
    assert len(ADDS) == len(CHECKS) == 6


@pytest.mark.parametrize(("command", "target"), list(zip(ADDS, CHECKS, strict=True)))
def test_a_server_is_set_up(command: str, target: str, place: Place) -> None:
    """What the servers themselves are told is theirs to test; here is what the proxy makes of it."""
    assert place.run(*shlex.split(command)).code == 0
    config = load_config({"PREFERRED_PROVIDER": "custom"}, directory=place.path)
    assert first_target(config) == f"custom/{target}"
    assert Router(config, Catalog.load()).resolve(f"custom/{target}").model == target
    server = command.rpartition(" ")[2]
    assert config.custom_models[0].api_base == presets()[server].fields["api_base"]


def test_azure(tmp_path: Path) -> None:
    entry = re.search(r"```yaml\n(- model_id: my-deployment.*?)```", SERVERS, re.DOTALL)
    assert entry is not None
    assert yaml.safe_load(entry[1])[0]["server"] == "azure"
    (tmp_path / "custom_models.yaml").write_text(entry[1], encoding="utf-8")
    environ = {"PREFERRED_PROVIDER": "custom", "AZURE_OPENAI_API_KEY": "k-0123456789"}
    config = load_config(environ, directory=tmp_path)
    assert first_target(config) == "custom/my-deployment"
    assert config.custom_models[0].api_key_header == "api-key"


def test_vertex(tmp_path: Path) -> None:
    lines = re.search(r"```sh\n(PREFERRED_PROVIDER=google\nUSE_VERTEX_AUTH.*?)```", SERVERS, re.DOTALL)
    assert lines is not None
    (tmp_path / ".env").write_text(lines[1], encoding="utf-8")
    config = load_config({}, directory=tmp_path)
    assert config.vertex is not None
    assert (config.vertex.project, config.vertex.location) == ("my-project", "global")
