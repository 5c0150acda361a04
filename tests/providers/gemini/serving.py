"""The proxy, served, in front of a fake Gemini."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from proxy.settings.config import Config
from tests.web.serving import Proxy, serve, settings

KEY = "AIza-upstream-0123456789abcdef"


def gemini_settings(upstream: str, model: str = "gemini-3.8-flash", **variables: str) -> Config:
    """Claude names lead to `model` at `upstream`; blank variables are left out."""
    google = {"PREFERRED_PROVIDER": "google", "GEMINI_BASE_URL": upstream, "GEMINI_API_KEY": KEY, "OPENAI_API_KEY": ""}
    return settings("", **{**google, "BIG_MODEL": model, "SMALL_MODEL": model, **variables})


@contextlib.contextmanager
def gemini_proxy(upstream: str, model: str = "gemini-3.8-flash", **variables: str) -> Iterator[Proxy]:
    with serve(gemini_settings(upstream, model, **variables)) as proxy:
        yield proxy
