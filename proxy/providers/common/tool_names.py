"""The names of a request's tools within a vendor's limits, and back to the client's."""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_AROUND = string.whitespace + "\"'`"
_MARK = re.compile(r"<[|\uff5c].*?(?:[|\uff5c]>|\Z)", re.DOTALL)
"""A model's own control token, as `<|channel|>` of gpt-oss; DeepSeek's have full-width bars."""
_NAMESPACE = re.compile(r"(?:functions?|tools?|default_api)[.:/]+", re.IGNORECASE)
"""`functions` is harmony's and Kimi's (xgrammar#607, openclaw#34717), `default_api` Gemini's (aiproxy#450)."""
_CALL_NUMBER = re.compile(r":\d+\Z")
"""Kimi K2 counts its calls as `functions.Read:0` (openclaw#39328)."""
_HASH_LENGTH = 8


@dataclass(frozen=True, slots=True)
class NameRules:
    """What a vendor takes as the name of a tool.

    `characters` and `first`: the inside of a regular expression's character class, for all and for the first one
    (empty: no rule of its own). `limit`: characters of a name. `kept`: characters of one that does not fit which are
    kept before its hash.
    """

    characters: str
    first: str
    limit: int
    kept: int

    def fitting(self, name: str) -> str:
        """The name itself, or `kept` characters of it, `_` and 8 of its hash.

        So the same tool has the same name in every request of a conversation, and no two tools share one.
        """
        first = self.first or self.characters
        if len(name) <= self.limit and re.fullmatch(f"[{first}][{self.characters}]*", name):
            return name
        clean = re.sub(f"[^{self.characters}]", "_", name)
        if self.first and not re.match(f"[{first}]", clean):
            clean = f"_{clean}"
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{clean[: self.kept]}_{digest[:_HASH_LENGTH]}"


class ToolNames:
    """The names of one request's tools, there and back."""

    def __init__(self, names: Iterable[str], rules: NameRules) -> None:
        self._rules = rules
        self._sent = {name: rules.fitting(name) for name in names}
        self._back = {upstream: name for name, upstream in self._sent.items()}
        self._folded = {key.lower(): name for upstream, name in self._back.items() for key in (upstream, name)}

    def upstream(self, name: str) -> str:
        """The name to send; works for tools of the history that are no longer offered, too."""
        return self._sent.get(name) or self._rules.fitting(name)

    def client(self, name: str) -> str:
        """The client's own name for what the model called; unknown names as they are.

        The case of letters is forgiven, and what servers leave around a name, where only the rest is a tool's name.
        """
        return next(filter(None, map(self._known, (name, *_bare(name)))), name)

    def known(self, name: str) -> str | None:
        """The client's own name for what the model called, None where that is no tool of this request."""
        client = self.client(name)
        return client if client in self._sent else None

    def named_in(self, text: str) -> bool:
        """Whether one of the tools is named in the text, as the model knows them."""
        return any(name in text for name in self._back)

    def _known(self, name: str) -> str | None:
        return self._back.get(name) or self._folded.get(name.lower())

    def offers(self, name: str) -> bool:
        """Whether `name` is, upstream, one of the tools of this request."""
        return name in self._back

    def begins_one(self, text: str) -> bool:
        """Whether `text` is the beginning of a tool's name; some servers send names in pieces."""
        return any(name.startswith(text) for name in self._back)


def _bare(name: str) -> Iterator[str]:
    """What the name may be without white space, quotes, control tokens, a namespace and the number of the call."""
    for part in _MARK.split(name):
        clean = part.rpartition("to=")[2].strip(_AROUND)  # harmony's "commentary to=functions.Read"
        uncounted = _CALL_NUMBER.sub("", clean)
        yield clean
        yield uncounted
        for text in (clean, uncounted):
            if namespace := _NAMESPACE.match(text):
                yield text[namespace.end() :]
