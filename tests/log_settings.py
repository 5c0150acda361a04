"""For tests of code that sets up logging."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture
def log_settings() -> Iterator[None]:
    """Puts the process's logging back as it was."""
    root, manager = logging.getLogger(), logging.Logger.manager
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = []
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    for logger in manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.setLevel(logging.NOTSET)


def flush_log() -> None:
    """Waits until what was logged is written."""
    for handler in logging.getLogger().handlers:
        handler.flush()


def logged(capsys: pytest.CaptureFixture[str]) -> str:
    """What was written to stderr since the last time."""
    flush_log()
    return capsys.readouterr().err
