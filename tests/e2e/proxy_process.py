"""The proxy as a user starts it: `python -m proxy` in a directory with a `.env` and a `custom_models.yaml`."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from proxy.settings.table import variables

_REPOSITORY = Path(__file__).parents[2]
_PATIENCE = 30.0


@contextlib.contextmanager
def run_proxy(directory: Path, entry: Mapping[str, Any] | None, **variables: str) -> Iterator[int]:
    """Runs the proxy while it is entered and gives its port.

    `entry` is the only custom model, and Claude names lead to it unless `variables` (of `.env`) say otherwise. The log
    is in `directory/proxy.log`. At the end the proxy must stop as it is told to and must not have failed unexpectedly.
    """
    settings = {
        "HOST": "127.0.0.1",
        "PORT": str(_free_port()),
        "LOG_LEVEL": "INFO",
        "PREFERRED_PROVIDER": "custom",
        "USAGE_DB": "off",
        **variables,
    }
    lines = "".join(f"{name}={value}\n" for name, value in settings.items())
    (directory / ".env").write_text(lines, encoding="utf-8")
    entries = [dict(entry)] if entry is not None else []
    (directory / "custom_models.yaml").write_text(json.dumps(entries), encoding="utf-8")  # JSON is YAML
    log = directory / "proxy.log"
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "proxy"],
            cwd=directory,
            env=_environment(),
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
        )
    try:
        assert process.stdout is not None
        first_line = process.stdout.readline()
        assert re.search(r"serves http://127\.0\.0\.1:\d+", first_line), log.read_text(encoding="utf-8")
        yield int(settings["PORT"])
    finally:
        process.terminate()
        process.communicate(timeout=_PATIENCE)
    assert process.returncode == 0 or sys.platform == "win32", "SIGTERM must end it in peace"
    text = log.read_text(encoding="utf-8")
    assert "Traceback" not in text, text
    assert "failed: " not in text, text


def _environment() -> dict[str, str]:
    """Without the variables that win over `.env`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in variables() and not name.lower().endswith("_proxy")
    }
    return {**kept, "PYTHONPATH": str(_REPOSITORY)}


def _free_port() -> int:
    """Below those that systems give to whoever asks for any port, so that nobody takes it before the proxy does."""
    while True:
        port = random.randint(20_000, 30_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
