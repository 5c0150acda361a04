"""Tool names within Gemini's limits, and back."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

_TAKEN = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}")
_NOT_TAKEN = re.compile(r"[^a-zA-Z0-9_.:-]")
_KEPT = 54


class ToolNames:
    """The names of one request's tools, there (a letter or `_`, then `[a-zA-Z0-9_.:-]`, 64 in all) and back.

    A name that does not fit gets 8 characters of its hash, so that the same tool has the same name in every request of
    a conversation and no two tools share one.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._back = {_fitting(name): name for name in names}
        self._folded = {name.lower(): name for name in self._back.values()}

    def upstream(self, name: str) -> str:
        """The name to send; works for tools of the history that are no longer offered, too."""
        return _fitting(name)

    def client(self, name: str) -> str:
        """The client's own name for what the model called, forgiving the case of letters; unknown names as they are."""
        return self._back.get(name) or self._folded.get(name.lower()) or name


def _fitting(name: str) -> str:
    if _TAKEN.fullmatch(name):
        return name
    clean = _NOT_TAKEN.sub("_", name)
    if not re.match(r"[a-zA-Z_]", clean):
        clean = f"_{clean}"
    return f"{clean[:_KEPT]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
