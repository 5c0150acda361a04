"""Requests recorded from real clients, where they are at hand: beside the repository, never in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.schema import fitting

SHARED = Path(__file__).resolve().parents[2] / "shared"
"""What is kept beside the repository; tests that read it are skipped where it is absent."""
CAPTURES = {path.stem: path for path in sorted((SHARED / "captures").glob("*.json"))}

needs_captures = pytest.mark.skipif(not CAPTURES, reason="the recorded requests are not at hand")


def load(name: str) -> dict[str, Any]:
    """`method`, `path`, `headers` and `body` of a recording, to be sent anew."""
    loaded: dict[str, Any] = json.loads(CAPTURES[name].read_text(encoding="utf-8"))
    connection = ("content-length", "connection")
    loaded["headers"] = {key: value for key, value in loaded["headers"].items() if key.lower() not in connection}
    return loaded


def structured_answer(body: dict[str, Any]) -> str | None:
    """JSON that fits the structured output which a request wants, or None where it wants none."""
    wanted = (body.get("output_config") or {}).get("format")
    return json.dumps(fitting(wanted["schema"])) if wanted else None


def _is_message(name: str) -> bool:
    return str(load(name)["path"]).partition("?")[0] == "/v1/messages"


MESSAGES = [name for name in CAPTURES if _is_message(name)]
OTHERS = [name for name in CAPTURES if name not in MESSAGES]
