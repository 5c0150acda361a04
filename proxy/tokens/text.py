"""How many tokens a text has, nearly: words, numbers and punctuation as today's vocabularies cut them.

A common word is one token, however long; what is not one falls into pieces of two or three letters. Counting
characters alone is off by a third on YAML, JSON and texts in rare words. The estimate never falls when text is added,
which is why every beginning of a common word counts as one.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Hashable
from importlib import resources

_PIECES = re.compile(r"[A-Za-z]+|[0-9]{1,3}|[!-/:-@\[-`{-~]+")
_WORD = 0.9
_LETTERS_PER_TOKEN = 2.4
_PUNCTUATION = 0.9
_NEWLINE = 0.5
"""Fitted to OpenAI's o200k_base, on prose, code, tables and logs: within an eighth on each of them."""
_EXTRA_BYTES_PER_TOKEN = 3.0
"""UTF-8 bytes beyond one for each character: other alphabets have one of them, Chinese two, emoji three."""
_ENDINGS = (1, 2, 3)
"""Letters that a common word may have more: calls, called, calling."""
_REMEMBERED = 20_000
_LONG = 200
_SHORT = 24


def text_tokens(text: str) -> float:
    """The estimate for a text by itself. Of a long one the result is remembered: most of a request was in the last."""
    return _counted(text) if len(text) < _LONG else remembered(text, lambda: _counted(text))


def remembered(content: Hashable, count: Callable[[], float]) -> float:
    """What `count` says of the content, or has said before."""
    key = hash(content)
    tokens = _known.get(key)
    if tokens is None:
        if len(_known) >= _REMEMBERED:
            _known.clear()
        tokens = _known[key] = count()
    return tokens


def _counted(text: str) -> float:
    newlines = text.count("\n") - text.count("\n\n")
    tokens = sum(map(_costs.__getitem__, text.split())) + newlines * _NEWLINE
    if text.isascii():
        return tokens
    extra_bytes = len(text.encode("utf-8", "surrogatepass")) - len(text)
    return tokens + extra_bytes / _EXTRA_BYTES_PER_TOKEN


class _Costs(dict[str, float]):
    """What stands between white space costs; the short ones are remembered, since they come again and again."""

    def __missing__(self, chunk: str) -> float:
        cost = sum(map(_cost, _PIECES.findall(chunk)))
        if len(chunk) <= _SHORT:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[chunk] = cost
        return cost


def _cost(piece: str) -> float:
    if not piece[0].isalpha():
        return 1 if piece[0].isdigit() else _PUNCTUATION
    word = piece.lower()
    words, beginnings = _vocabulary()
    if word in beginnings or any(word[:-ending] in words for ending in _ENDINGS):
        return _WORD
    return max(_WORD, len(word) / _LETTERS_PER_TOKEN)


@functools.cache
def _vocabulary() -> tuple[frozenset[str], frozenset[str]]:
    """The common words, and all their beginnings."""
    text = resources.files("proxy.tokens").joinpath("common_words.txt").read_text(encoding="utf-8")
    words = [word for line in text.splitlines() if not line.startswith("#") for word in line.split()]
    beginnings = (word[:end] for word in words for end in range(1, len(word) + 1))
    return frozenset(words), frozenset(beginnings)


_costs = _Costs()
_known: dict[int, float] = {}
"""By hash, so that no text of a request is kept."""
