from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.settings.table import variables
from tests.fakes.openai.chat import FakeOpenAI
from tests.log_settings import log_settings  # noqa: F401
from tests.web.reloading import NEW, Place
from tests.web.serving import KEY, Proxy, serve, settings


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The half of a test that runs with `streams` on is about streaming."""
    for item in items:
        params = getattr(getattr(item, "callspec", None), "params", {})
        if params.get("streams") is True:
            item.add_marker(pytest.mark.streaming)


@pytest.fixture(autouse=True)
def _no_http_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def upstream() -> Iterator[FakeOpenAI]:
    with FakeOpenAI("compatible", keys=[KEY]) as fake:
        yield fake


@pytest.fixture
def proxy(upstream: FakeOpenAI) -> Iterator[Proxy]:
    """Claude names lead to gpt-4o at `upstream`; nothing is retried."""
    with serve(settings(upstream.base_url)) as running:
        yield running


@pytest.fixture
def place(
    upstream: FakeOpenAI,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    log_settings: None,  # noqa: F811
) -> Iterator[Place]:
    """As `proxy`, with settings in files; nobody looks at them without being told."""
    for name in variables():
        monkeypatch.delenv(name, raising=False)
    upstream.keys |= {NEW}
    made = Place(tmp_path)
    made.write(OPENAI_BASE_URL=upstream.base_url, BIG_MODEL="gpt-4o")
    with made.serving():
        yield made
