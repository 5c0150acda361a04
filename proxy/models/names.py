"""Names of models: the Claude families, the `[1m]` mark, and names that are made for models without a Claude name."""

from __future__ import annotations

import difflib
import hashlib
import itertools
import re
from collections.abc import Container

from proxy.protocol.effort import SCALE

# Tokens, never substrings: `my-opusculum` is no Opus. Never versions: the next one must work as well.
_SEPARATORS = re.compile(r"[-./@:_ ]+")
_FAMILIES = frozenset(("haiku", "sonnet", "opus", "fable", "mythos"))
SMALL_FAMILY = "haiku"
_BARE_ALIASES = _FAMILIES | {"best", "opusplan", "default"}
_CONTEXT_SUFFIX = re.compile(r"(\s*\[\d+m\])+$", re.IGNORECASE)

CLAUDE_MODELS = {
    "claude-haiku-5-5": "Claude Haiku 5.5",
    "claude-sonnet-5-5": "Claude Sonnet 5.5",
    "claude-opus-5-5": "Claude Opus 5.5",
    "claude-fable-5-2": "Claude Fable 5.2",
}
"""For each family the name that is listed, and how people call it."""


EFFORTS = SCALE
"""What may stand behind the @ of a target, and what a server may be said to take."""


def bare(name: str) -> str:
    """Without `[1m]`, Claude Code's mark for a long context window: it strips that itself, other clients do not."""
    return _CONTEXT_SUFFIX.sub("", name.strip())


def with_effort(name: str) -> tuple[str, str | None]:
    """A target's name and the effort that stands after it: `gpt-6-sol@low`."""
    model, at, effort = name.rpartition("@")
    return (model, effort.lower()) if at and model and effort.lower() in EFFORTS else (name, None)


def effort_problem(name: str) -> str | None:
    """What is wrong with the effort after a target's name, or None; names may hold an @ of their own."""
    _, at, effort = name.rpartition("@")
    near = difflib.get_close_matches(effort.lower(), EFFORTS, 1, 0.6) if at and effort.isalpha() else []
    if not near or effort.lower() in EFFORTS:
        return None
    return f"{effort} is no effort; did you mean @{near[0]}? The efforts are {', '.join(EFFORTS)}"


def claude_family(name: str) -> str | None:
    """The family of a Claude name ("" if it has none that we know); None if it is no Claude name."""
    tokens = _SEPARATORS.split(name.lower())
    if name.lower() not in _BARE_ALIASES and not any(token.startswith("claude") for token in tokens):
        return None
    return next((token for token in tokens if token in _FAMILIES), "")


def claude_alias(name: str, prefix: str, taken: Container[str]) -> str:
    """A name that begins with "claude", belongs to no family and is not taken: `claude-gpt-6-sol`.

    `prefix` stands between where the name alone would belong to a family.
    """
    alias = f"claude-{slug(name)}"
    return free(f"claude-{prefix}-{slug(name)}" if claude_family(alias) else alias, taken)


def neutral_id(word: str, taken: Container[str]) -> str:
    """A name that is not taken, belongs to no family and says nothing of who answers: `claude-proxy-big`.

    Claude Desktop takes no name of a gateway that holds the word of another vendor (2026-09); its own list of such
    words is not known, so none of the model's words is in these.
    """
    return free(f"claude-proxy-{word}", taken)


def fingerprint(name: str) -> str:
    """Six hexadecimal digits that stand for the name in any case: they stay when other models come and go."""
    return hashlib.sha256(name.lower().encode()).hexdigest()[:6]


def slug(name: str) -> str:
    """The name in lower case, of letters, digits, dots and dashes only."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.") or "model"


def free(name: str, taken: Container[str]) -> str:
    """The name, with a number where it is taken."""
    return next(
        each for number in itertools.count(1) if (each := f"{name}-{number}" if number > 1 else name) not in taken
    )
