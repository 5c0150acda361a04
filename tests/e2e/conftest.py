from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.claude_code import ClaudeCode, find, how_to_install
from tests.e2e.stage import claude_code
from tests.fakes.openai.chat import FakeOpenAI

KEY = "sk-upstream-0123456789abcdef"


@pytest.fixture(autouse=True, scope="module")
def _clean_environment() -> Iterator[None]:
    """Nothing there that SDKs heed."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.lower().endswith("_proxy") or name.startswith("ANTHROPIC_"):
                patch.delenv(name)
        yield


@pytest.fixture
def upstream() -> Iterator[FakeOpenAI]:
    """Refuses nothing in the course of a test."""
    with FakeOpenAI("compatible") as fake:
        yield fake
    assert fake.refusals == []


@pytest.fixture(params=["new", "old"])
def command(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A release of Claude Code and its command."""
    found = find(request.param)
    if found is None:
        pytest.skip(how_to_install(request.param))
    return request.param, found


@pytest.fixture
def claude(command: tuple[str, str], upstream: FakeOpenAI, tmp_path: Path) -> Iterator[ClaudeCode]:
    """Works on a proxy whose only model is a custom one at `upstream`."""
    entry = {"model_id": "local", "api_base": upstream.base_url, "context_window": 200_000}
    with claude_code(*command, tmp_path, entry) as running:
        yield running


@pytest.fixture
def openai() -> Iterator[FakeOpenAI]:
    """By the rules of OpenAI's own endpoint; refuses nothing in the course of a test."""
    with FakeOpenAI("openai", keys=[KEY]) as fake:
        yield fake
    assert fake.refusals == []


@pytest.fixture(params=["gpt-4o", "gpt-5.5"])
def claude_on_openai(
    request: pytest.FixtureRequest, command: tuple[str, str], openai: FakeOpenAI, tmp_path: Path
) -> Iterator[ClaudeCode]:
    """Works on a proxy that takes `openai` for a gateway to OpenAI's models."""
    variables = {
        "PREFERRED_PROVIDER": "openai",
        "BIG_MODEL": request.param,
        "OPENAI_BASE_URL": openai.base_url,
        "OPENAI_API_KEY": KEY,
    }
    with claude_code(*command, tmp_path, None, **variables) as running:
        yield running
