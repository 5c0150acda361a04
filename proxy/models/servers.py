"""What is known of well-known OpenAI-compatible services. The data is `servers.yaml`."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

import yaml

_REMEMBERED = 1000
ThinkingStyle = Literal["effort", "openrouter", "thinking"]
"""The field of a chat request that says it: `reasoning_effort: low`, `reasoning: {effort: low}`, or
`thinking: {type: enabled}` with `reasoning_effort` beside it where the server takes efforts."""


class ThinkingControl(NamedTuple):
    """How a server is told how much to think. `efforts`: what it takes, words of `protocol.effort.SCALE`."""

    style: ThinkingStyle
    efforts: tuple[str, ...] = ()


OPENROUTER = ThinkingControl("openrouter", ("none", "minimal", "low", "medium", "high", "xhigh"))
"""Also of other servers that are told in this style."""


@dataclass(frozen=True, slots=True)
class KnownServer:
    hosts: tuple[str, ...]
    models: re.Pattern[str]
    thinking: ThinkingControl | None
    """None where nothing is known of it."""
    habits: tuple[str, ...]
    """Names of `habits.SETTABLE`."""


@functools.cache
def known_servers() -> tuple[KnownServer, ...]:
    """The entries of the package's data file, read once."""
    text = resources.files("proxy.models").joinpath("servers.yaml").read_text(encoding="utf-8")
    return tuple(map(_known, yaml.safe_load(text)))


def _known(entry: dict[str, Any]) -> KnownServer:
    style = entry.get("thinking_style")
    return KnownServer(
        hosts=tuple(entry["hosts"]),
        models=re.compile(entry.get("models", "")),
        thinking=ThinkingControl(style, tuple(entry.get("efforts", ()))) if style else None,
        habits=tuple(entry.get("habits", ())),
    )


def thinking_control(url: str, model: str) -> ThinkingControl | None:
    """What is known of how a server's model is told to think; None where nothing is."""
    found = _fitting(url, model)
    return found.thinking if found else None


def known_habits(url: str, model: str) -> tuple[str, ...]:
    """The habits that a server is known for, names of `habits.SETTABLE`."""
    found = _fitting(url, model)
    return found.habits if found else ()


@functools.lru_cache(_REMEMBERED)
def _fitting(url: str, model: str) -> KnownServer | None:
    """The first entry for a server and model; asked with each request."""
    host = f".{urlsplit(url).hostname or ''}"
    for each in known_servers():
        if any(host.endswith(f".{domain}") for domain in each.hosts) and each.models.search(model.lower()):
            return each
    return None
