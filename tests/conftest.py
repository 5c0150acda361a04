"""Switches: `--e2e` runs real clients too, `--no-streaming` leaves streaming out, `--fuzz N` takes damage further."""

from __future__ import annotations

import gc
import os

import pytest

from tests import fuzz


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("claude-proxy")
    group.addoption(
        "--e2e", action="store_true", help="also run the tests that drive Claude Code and a browser (tests/e2e)"
    )
    group.addoption(
        "--fuzz", type=int, default=1, metavar="N", help="damage requests, streams, schemas N times as much"
    )
    group.addoption("--no-streaming", action="store_true", help="skip the tests of streamed answers")


def pytest_configure(config: pytest.Config) -> None:
    os.environ[fuzz.VARIABLE] = str(config.getoption("--fuzz"))
    os.environ["USAGE_DB"] = "off"  # the one in the user's data directory is the user's
    config.addinivalue_line(
        "markers", "e2e: drives a real Claude Code, a browser or whole processes; runs with --e2e only"
    )
    config.addinivalue_line("markers", "streaming: is about streamed answers; --no-streaming skips it")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    skips = [
        (mark, pytest.mark.skip(reason=reason))
        for mark, reason, skipped in (
            ("e2e", "needs --e2e", not config.getoption("--e2e")),
            ("streaming", "left out by --no-streaming", config.getoption("--no-streaming")),
        )
        if skipped
    ]
    for item in items:
        for mark, skip in skips:
            if item.get_closest_marker(mark) is not None:
                item.add_marker(skip)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was collected stays to the end, so no collection of garbage has to look at it again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """More workers than there are cores, as many tests wait for a silence; each takes 9 seconds and 250 MB to begin."""
    return min(2 * (os.cpu_count() or 1), 16)
