"""The rules by which calls are judged: the user's own entries, and the defaults that stand for "$defaults". Pure."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml

from proxy.settings.auto_mode_rules import LISTS, Rules

_DEFAULTS = "$defaults"


@dataclass(frozen=True, slots=True)
class Rule:
    """`key` is how the judge names it; `path` is set for an entry of the user's own, as the client cites it."""

    key: str
    text: str
    path: str = ""


@functools.cache
def own_rules() -> Rules:
    """Those that come with the proxy, read once."""
    text = resources.files("proxy.answering.safeguards").joinpath("rules.yaml").read_text(encoding="utf-8")
    loaded: Rules = yaml.safe_load(text)
    return loaded


def rules_for(context: Mapping[str, Any], defaults: Rules) -> dict[str, list[Rule]]:
    """By list. A list of the user's replaces the defaults, which stand where it says "$defaults".

    Claude Code 2.1.332 sends an empty list where the user has none.
    """
    own = context.get("auto_mode")
    own = own if isinstance(own, dict) else {}
    found = {name: list(_list(name, own, defaults.get(name, ()))) for name in LISTS}
    permissions = context.get("rules")
    permissions = permissions if isinstance(permissions, dict) else {}
    for kind in ("allow", "ask", "deny"):
        entries = permissions.get(kind)
        texts = [each["rule"] for each in entries if _is_rule(each)] if isinstance(entries, list) else []
        found[f"permission_{kind}"] = [Rule(f"permission_{kind}.{n}", text) for n, text in enumerate(texts)]
    return found


def _list(name: str, own: Mapping[str, Any], defaults: Sequence[str]) -> Iterator[Rule]:
    entries = own.get(name)
    for position, entry in enumerate(entries if isinstance(entries, list) and entries else [_DEFAULTS]):
        if entry == _DEFAULTS:
            yield from (Rule(f"default.{name}.{n}", text) for n, text in enumerate(defaults))
        elif isinstance(entry, str):
            key = f"auto_mode.{name}.{position}"
            yield Rule(key, entry, key)


def _is_rule(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("rule"), str)
