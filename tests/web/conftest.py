from __future__ import annotations

import ssl
from collections.abc import Iterator

import httpcore2
import pytest

from tests.fakes.openai_chat import FakeOpenAI
from tests.web.serving import KEY, Proxy, serve, settings

_TLS = ssl.create_default_context()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The half of a test that runs with `streams` on is about streaming."""
    for item in items:
        params = getattr(getattr(item, "callspec", None), "params", {})
        if params.get("streams") is True:
            item.add_marker(pytest.mark.streaming)


@pytest.fixture(autouse=True)
def _one_tls_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here is encrypted, and a new context for each client would be most of what starting a proxy takes."""
    monkeypatch.setattr(httpcore2, "default_ssl_context", lambda **_: _TLS)


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
