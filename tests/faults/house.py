"""The table's upstream and a proxy on each way to it, with short clocks and small limits."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.providers import connections
from tests.faults.upstream import PATIENCE
from tests.faults.ways import WAYS
from tests.web.serving import Proxy, serve

_MEGABYTE = 1 << 20
_HURRY = {"REQUEST_TIMEOUT": "0.5", "CONTENT_TIMEOUT": "0.9"}


@contextlib.contextmanager
def small_limits() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            patch.delenv(name, raising=False)
            patch.delenv(name.lower(), raising=False)
        for vendor in ("openai", "gemini"):
            patch.setattr(f"proxy.providers.{vendor}.client._AFTER_FINISH", 0.2)
        patch.setattr("proxy.providers.call._DRAIN_LIMIT", 0.2)
        patch.setattr(connections, "ANSWER_LIMIT", 4 * _MEGABYTE)
        for name in ("proxy.providers.connections", "proxy.providers.anthropic.client"):
            patch.setattr(f"{name}.EVENT_LIMIT", _MEGABYTE)
        patch.setattr(connections, "CONNECT_TIMEOUT", 1.0)
        yield


@contextlib.contextmanager
def proxy_on(way: str, url: str, directory: Path, *, hurry: bool) -> Iterator[Proxy]:
    config = WAYS[way](url, directory, _HURRY if hurry else {})
    with serve(config, threads=6) as proxy:
        proxy.hurry(poll=0.02, **({"head_patience": 0.05, "ping_every": 0.1} if hurry else {}))
        yield proxy


def wait_until_free(proxy: Proxy) -> None:
    """Nothing counts as running any more, and no thread works for an upstream."""
    until = time.monotonic() + PATIENCE
    while len(proxy.services.running) or _threads():
        assert time.monotonic() < until, f"still there: {_threads()}, {len(proxy.services.running)} running"
        time.sleep(0.005)


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("upstream-")]
