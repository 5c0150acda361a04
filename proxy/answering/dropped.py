"""What of a request is left out whoever answers, because only Anthropic's own servers can do it. Pure.

Here is only what may change the answer, what it costs or where it is made. What Claude Code sends every day without
any such effect (markers of prompt caches, thinking that is to be kept whole) is left out in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from proxy.protocol.blocks import Cacheable
from proxy.protocol.request import MessagesRequest

_ELSEWHERE = "not available here, such tools run on Anthropic's servers"
_FIELDS: Mapping[str, str] = {
    "mcp_servers": _ELSEWHERE,
    "container": _ELSEWHERE,
    "fallbacks": "not available here, no other model steps in",
    "compaction": "not available here, the history is sent whole",
    "diagnostics": "not available here",
    "inference_geo": "left out, where the model runs is its server's choice",
    "tags": "left out, nobody here keeps them",
    "output_config.task_budget": "left out, the model is not told of a budget for the whole task",
}
"""Path of a field -> what becomes of it. Anthropic's Messages API with its betas of 2026-11 (SDK 2.12)."""
_WITHOUT_EFFECT = frozenset(
    (
        *(
            "cache_control",
            "safeguards",
            "thread",
            "betas",
            "anthropic_beta",
            "anthropic_version",
            "context_management",
        ),
        *("billing_policy", "fallback_credit_token", "user_profile_id", "workspace_id"),
    )
)
"""Fields of no effect on the answer, and those that are seen to elsewhere."""
_TOOL_FIELDS: Mapping[str, str] = {
    "input_examples": "left out",
    "allowed_callers": "left out, the model itself calls all tools",
}
_LONG_WINDOW = "context-1m"
_LONG_WINDOW_TOKENS = 1_000_000
_USUAL_TTL = "5m"
_NAME_LIMIT = 40
_UNKNOWN_LIMIT = 5
"""Names in one note, which goes into a response header."""


def dropped_fields(
    request: MessagesRequest, headers: Iterable[tuple[str, str]] = (), window: int | None = None
) -> list[str]:
    """A note for each kind of thing that is left out.

    `headers` are those of the client's request; `window` is the model's, in tokens, None where that is unknown.
    """
    notes = [*_fields(request), *_context_management(request), *_tools(request)]
    if any(message.clear_at not in (None, "never") for message in request.messages):
        notes.append("messages: clear_at was left out, system messages stay")
    if _has_longer_ttl(request):
        notes.append("cache_control.ttl: left out, how long caches last is the server's choice")
    if window is not None and window < _LONG_WINDOW_TOKENS and any(map(_is_long_window, _betas(headers))):
        notes.append(f"anthropic-beta {_LONG_WINDOW}: the model's window has {window} tokens")
    return notes


def _fields(request: MessagesRequest) -> Iterator[str]:
    config = request.output_config.model_extra if request.output_config is not None else None
    given = {**(request.model_extra or {}), **{f"output_config.{name}": each for name, each in (config or {}).items()}}
    present = [name for name, value in given.items() if value]
    yield from (f"{name}: {_FIELDS[name]}" for name in present if name in _FIELDS)
    unknown = [_shown(name) for name in present if name not in _FIELDS and name not in _WITHOUT_EFFECT]
    if unknown:
        more = ["..."] if len(unknown) > _UNKNOWN_LIMIT else []
        yield f"left out, not known here: {', '.join([*unknown[:_UNKNOWN_LIMIT], *more])}"


def _context_management(request: MessagesRequest) -> Iterator[str]:
    """Edits that clear or compact; to keep all thinking is what is done anyway."""
    managed = (request.model_extra or {}).get("context_management")
    edits = managed.get("edits") if isinstance(managed, dict) else None
    kinds = [
        _shown(edit.get("type"))
        for edit in (edits if isinstance(edits, list) else ())
        if isinstance(edit, dict) and edit.get("keep") != "all"
    ]
    if kinds:
        yield f"context_management: {', '.join(dict.fromkeys(kinds))} left out, the history is sent whole"


def _tools(request: MessagesRequest) -> Iterator[str]:
    for name, words in _TOOL_FIELDS.items():
        values = [getattr(tool, name) for tool in request.tools]
        if any(value and value != ["direct"] for value in values):
            yield f"tools: {name} {words}"


def _has_longer_ttl(request: MessagesRequest) -> bool:
    whole = (request.model_extra or {}).get("cache_control")
    ttls = [whole.get("ttl") if isinstance(whole, dict) else None]
    blocks = (block for content in (request.system, *(each.content for each in request.messages)) for block in content)
    ttls.extend(block.cache_ttl for block in blocks if isinstance(block, Cacheable))
    return any(ttl not in (None, _USUAL_TTL) for ttl in ttls)


def _betas(headers: Iterable[tuple[str, str]]) -> list[str]:
    values = [value for name, value in headers if name.lower() == "anthropic-beta"]
    return [beta.strip() for value in values for beta in value.split(",")]


def _is_long_window(beta: str) -> bool:
    return beta.startswith(_LONG_WINDOW)


def _shown(name: Any) -> str:
    """A client's word as it may stand in a log and a header."""
    return re.sub(r"[^\w.-]", "?", str(name)[:_NAME_LIMIT], flags=re.ASCII)
