from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.gemini.api import FakeGemini
from tests.providers.gemini.serving import KEY


@pytest.fixture(autouse=True, scope="package")
def _no_http_proxies() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
            patch.delenv(name, raising=False)
            patch.delenv(name.lower(), raising=False)
        yield


@pytest.fixture
def upstream() -> Iterator[FakeGemini]:
    with FakeGemini(keys=[KEY]) as fake:
        yield fake
