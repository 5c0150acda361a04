"""Requests for verdicts, and what their answers say, for tests of the proxy in front of fakes.

One upstream plays both the model and the judge; a request for a verdict is known by its data.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.answering.safeguards.samples import safeguards
from tests.translation import tool
from tests.web.serving import ask

Json = dict[str, Any]

_PROPERTIES = {"command": {"type": "string"}}
BASH = tool("Bash", {"type": "object", "properties": _PROPERTIES, "required": ["command"]})
READ = tool("Read", {"type": "object", "properties": {"file_path": {"type": "string"}}, "required": ["file_path"]})
FINE = {"type": "evaluated", "outcome": "not_flagged"}
BOTH_MODES = pytest.mark.parametrize("stream", [False, pytest.param(True, marks=pytest.mark.streaming)])


def asking(stream: bool = True, **fields: Any) -> Json:
    return ask("Build it", **{"stream": stream, "tools": [BASH, READ], "safeguards": safeguards(), **fields})


def is_judging(body: Any) -> bool:
    return "calls_to_judge" in json.dumps(body)


def verdicts(*entries: Json) -> str:
    """The judge's words; what an entry leaves out is that of a call that may run."""
    numbered = [
        {"call": n, "flagged": False, "explanation": "", "rule": "", **each} for n, each in enumerate(entries, 1)
    ]
    return json.dumps({"verdicts": numbered})


def outcomes(message: Json) -> list[Json]:
    """The verdicts in the order of the calls; every call has one."""
    (entry,) = message["safeguard_results"]
    by_id = entry["status"]["tool_uses"]
    calls = [block["id"] for block in message["content"] if block["type"] == "tool_use"]
    assert set(by_id) == set(calls)
    return [by_id[call] for call in calls]
