"""What servers say of a failure, without what they quote.

Their words are needed to see what went wrong, and most are everybody's. Gone are words that stand in the request or in
the answer and are no words of APIs, runs of words that stand there, quotations, and what has the form of an id.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable

from proxy.recording.filler import Filler
from proxy.recording.vocabulary import names, words

_RUN = 4
"""Words in a row that are taken for a quotation where they stand in the request."""
_TOKEN = re.compile(r"[^\W_]+(?:[-_.@/+:\\][^\W_]+)*", re.UNICODE)
_QUOTED = re.compile(r"'([^'\n]{1,400})'|\"([^\"\n]{1,400})\"|`([^`\n]{1,400})`")
_PLAIN = re.compile(r"[A-Za-z]{1,20}")
_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?(?:s|ms|k|K|%)?")
_VERSION = re.compile(r"v?\d{1,2}(?:alpha|beta)?\d?|")
_WORD = re.compile(r"[^\W\d_]+")
_PART = 5
"""Letters of a word that is no part of another one by chance."""
_SMALL = 4
"""Digits of a number that may well stand in a text by chance."""


class Echoes:
    """Knows the texts that may be quoted, and the models' names, which stay."""

    def __init__(self, texts: Callable[[], Iterable[str]], models: Iterable[str] = (), request: bytes = b"") -> None:
        """`texts` is called when there is something to be compared with them; `request` is the client's body."""
        self._given = texts
        self._models = frozenset(model.lower() for model in models if model)
        self._request = request

    @functools.cached_property
    def _texts(self) -> str:
        return "\n".join(self._given()).lower()

    @functools.cached_property
    def _parts(self) -> frozenset[str]:
        return frozenset(_WORD.findall(self._texts)) - words()

    @functools.cached_property
    def _words(self) -> str:
        return f" {' '.join(_TOKEN.findall(self._texts))} "

    def says(self, word: str) -> bool:
        """Whether the request has a word that is no API's: the user's own."""
        is_known = word in names() or word.lower() in self._models
        return not is_known and word.encode("utf-8", "surrogatepass") in self._request

    def is_public(self, name: str) -> bool:
        """Whether everybody knows a name, or the words of which it is made."""
        small = name.lower()
        if small in self._models or name in names():
            return True
        return all(part in words() or _VERSION.fullmatch(part) for part in re.split(r"[-_.]", small))

    def without(self, text: str, filler: Filler) -> str:
        """The server's words, all that is replaced as long as before."""
        found = list(_TOKEN.finditer(text))
        gone = {at for at, token in enumerate(found) if not self._stays(token[0])}
        spoken = [token[0].lower() for token in found]
        for at in range(len(found) - _RUN + 1):
            if f" {' '.join(spoken[at : at + _RUN])} " in self._words:
                gone.update(range(at, at + _RUN))
        spans = [match.span() for match in _QUOTED.finditer(text) if self._is_quoted(match[0][1:-1])]
        gone.update(at for at, token in enumerate(found) if any(start <= token.start() < end for start, end in spans))
        return self._replaced(text, [found[at] for at in sorted(gone)], filler)

    def _stays(self, token: str) -> bool:
        small = token.lower()
        if small in self._models or small in words() or token in names():
            return True
        if _NUMBER.fullmatch(token):
            return len(token) <= _SMALL or small not in self._texts
        parts = re.split(r"[-_.@/+:\\]", small)
        if len(parts) > 1 and all(part in words() for part in parts):
            return small not in self._texts
        return _PLAIN.fullmatch(token) is not None and not (small in self._texts or self._holds_word(small))

    def _holds_word(self, token: str) -> bool:
        """Whether a word of the texts is a part of it."""
        sizes = range(_PART, len(token))
        return any(token[at : at + size] in self._parts for size in sizes for at in range(len(token) - size + 1))

    def _is_quoted(self, quoted: str) -> bool:
        if quoted in names() or quoted.lower() in self._models or quoted.lower() in words():
            return False
        return quoted.strip().lower() in self._texts

    @staticmethod
    def _replaced(text: str, tokens: Iterable[re.Match[str]], filler: Filler) -> str:
        pieces: list[str] = []
        copied = 0
        for token in tokens:
            pieces += (text[copied : token.start()], filler.of(token[0]))
            copied = token.end()
        return "".join([*pieces, text[copied:]])
