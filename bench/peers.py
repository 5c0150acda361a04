"""Other proxies that do the same, each in a venv of its own, to compare with."""

from __future__ import annotations

import json
import os
import subprocess
import venv
from importlib.metadata import Distribution
from pathlib import Path

from bench.servers import ROOT, Server, free_port

_VENVS = ROOT / "build" / "peers"
"""Kept between runs; delete it for newer versions."""


def litellm(upstream: int, directory: str) -> Server:
    """LiteLLM's proxy, from PyPI at the first run. Raises CalledProcessError where it cannot be installed."""
    program = _installed("litellm", "litellm[proxy]")
    config = {
        "model_list": [
            {
                "model_name": "claude-opus-5-5",
                "litellm_params": {
                    "model": "openai/bench",
                    "api_base": f"http://127.0.0.1:{upstream}/v1",
                    "api_key": "unused-here",
                },
            }
        ],
        "general_settings": {"dangerously_permit_weak_or_unset_master_key": True},  # the clients have no key
        "litellm_settings": {"use_chat_completions_url_for_anthropic_messages": True},  # else it speaks Responses
    }
    file = Path(directory, "litellm.yaml")
    file.write_text(json.dumps(config), encoding="utf-8")
    port = free_port()
    command = [str(program), "--config", str(file), "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    process = subprocess.Popen(command, cwd=directory, env=environment, stdout=subprocess.DEVNULL)
    return Server(f"litellm {_version('litellm')}", process, port, may_fail=True)


def _installed(name: str, requirement: str) -> Path:
    program = _VENVS / name / "bin" / name
    if not program.exists():
        venv.create(_VENVS / name, with_pip=True)
        subprocess.run([program.with_name("pip"), "install", "-q", requirement], check=True)
    return program


def _version(name: str) -> str:
    return Distribution.at(next((_VENVS / name).glob(f"lib/*/site-packages/{name}-*.dist-info"))).version
