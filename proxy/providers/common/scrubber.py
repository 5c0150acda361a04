"""Keys out of texts that others have written: the one place that does it, for messages to clients and for the log.

Servers quote keys whole, masked in the middle, cut, percent-encoded, and inside JSON inside JSON. So every piece of a
key that is long enough to be of use counts, and escapes are read before it is looked for. A text is scrubbed first and
cut then: what a limit leaves of a key would not be found.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator
from html import unescape
from urllib.parse import unquote

SECRET_MIN = 8
"""Characters; words like "none" or "ollama" stand in for a key where none is needed, and in messages as themselves."""
PIECE_MIN = 12
"""Characters of a secret that are not repeated either where the rest of it is missing."""
REMOVED = "[key]"
_KEY_LIKE = re.compile(
    r"\b(?:(?:sk|gsk|xai|key)[-_]|Bearer )[A-Za-z0-9_\-*.]{6,}|\bAIza[A-Za-z0-9_-]{10,}|\bya29\.[A-Za-z0-9_.-]+"
)
"""Keys of anybody, by their form."""
_ESCAPE = re.compile(
    r"%(?:25)*(?P<percent>[0-9A-Fa-f]{2})|\\+(?:u00|x)(?P<code>[0-9A-Fa-f]{2})|\\+(?P<plain>[^\sux])"
    r"|&(?:amp;)*(?P<entity>#?\w{1,8};)"
)
"""One character in the writing of URLs, of JSON and Python, or of HTML, however often it was encoded."""


class Scrubber:
    """Knows the secrets of one server, or of all; safe to share between threads."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = {secret for secret in secrets if len(secret) >= SECRET_MIN}
        self._short = [re.compile(re.escape(secret)) for secret in known if len(secret) < PIECE_MIN]
        self._pieces = {secret[at : at + PIECE_MIN] for secret in known for at in range(len(secret) - PIECE_MIN + 1)}

    def scrubbed(self, text: str) -> str:
        """The text without the secrets, without pieces of them, and without what has the form of a key."""
        return _without(text, self._found(text))

    def masked(self, text: str) -> str:
        """The same as long as before: what stands in for a key has the form of one, so that it is scrubbed in turn."""
        return _without(text, self._found(text), _mask)

    def _found(self, text: str) -> list[tuple[int, int]]:
        """From start to end of each, in the order of the starts, whatever escapes it is written in."""
        found = [*self._places(text)]
        plain, places = _unescaped(text)
        if places is not None:
            found += [(places[start], places[end]) for start, end in self._places(plain)]
        return sorted(found)

    def _places(self, text: str) -> Iterator[tuple[int, int]]:
        """From start to end of each secret, piece of one or key, in no order; some overlap."""
        if pieces := self._pieces:
            ends = range(PIECE_MIN, len(text) + 1)
            yield from ((end - PIECE_MIN, end) for end in ends if text[end - PIECE_MIN : end] in pieces)
        for words in (*self._short, _KEY_LIKE):
            yield from ((found.start(), found.end()) for found in words.finditer(text))


def _without(text: str, places: Iterable[tuple[int, int]], mark: Callable[[int], str] = lambda _: REMOVED) -> str:
    """`places` in the order of their starts; those that touch are one. `mark` stands for so many characters."""
    spans: list[tuple[int, int]] = []
    for start, end in places:
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    kept: list[str] = []
    copied = 0
    for start, end in spans:
        kept += (text[copied:start], mark(end - start))
        copied = end
    return "".join([*kept, text[copied:]]) if kept else text


def _mask(size: int) -> str:
    return f"key-{'*' * (size - 4)}" if size >= SECRET_MIN + 2 else "*" * size


def _unescaped(text: str) -> tuple[str, list[int] | None]:
    """The text with its escapes read, and where each of its characters (and its end) stands in `text`.

    None for the places where it has no escapes.
    """
    plain: list[str] = []
    places: list[int] = []
    copied = 0
    for found in _ESCAPE.finditer(text):
        plain += (text[copied : found.start()], _character(found))
        places.extend(range(copied, found.start() + 1))
        copied = found.end()
    if not places:
        return text, None
    return "".join([*plain, text[copied:]]), [*places, *range(copied, len(text) + 1)]


def _character(escape: re.Match[str]) -> str:
    if digits := escape["percent"]:
        return unquote(f"%{digits}", "latin-1")
    if digits := escape["code"]:
        return chr(int(digits, 16))
    return escape["plain"] or unescape(f"&{escape['entity']}")[:1]


@functools.lru_cache(maxsize=64)
def scrubber(secrets: tuple[str, ...]) -> Scrubber:
    """One for each set of secrets: they are few, and come with every call."""
    return Scrubber(secrets)


def words(*values: str | None) -> tuple[str, ...]:
    """The secrets in settings and in headers' values, in which a scheme such as "Bearer" stands before the key."""
    return tuple(word for value in values for word in (value or "").split())
