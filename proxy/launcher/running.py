"""Whether a server of ours runs already, and how it wants Claude Code to be set up."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

from proxy.launcher.environment import ClientSetup

_NAME = "claude-proxy"
"""What the server calls itself."""
_PATIENCE = 2.0
"""Seconds; it is on this machine, and has nothing to think about."""
_MAX_ANSWER = 1_000_000
# Without the proxies of the environment: the server refuses what comes through one.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def running_setup(url: str, key: str | None) -> ClientSetup | None:
    """What the server at `url` says, asked with one of its keys; None if it is none of ours or refuses the key."""
    if _answer(f"{url}/", {}).get("name") != _NAME:
        return None
    told = _answer(f"{url}/claude-code", {"x-api-key": key} if key else {})
    variables = told.get("variables")
    if not isinstance(variables, dict) or not all(isinstance(value, str) for value in variables.values()):
        return None
    return ClientSetup(variables, own_login=told.get("own_login") is True)


def _answer(url: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """The JSON object at a URL; empty where there is none."""
    request = urllib.request.Request(url, headers=dict(headers))  # noqa: S310 - http, of our own making
    try:
        with _OPENER.open(request, timeout=_PATIENCE) as response:
            found = json.loads(response.read(_MAX_ANSWER))
    except (OSError, HTTPException, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
