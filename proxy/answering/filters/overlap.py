"""Looking for words in a text that comes in pieces."""

from __future__ import annotations

from collections.abc import Iterable


def tail_overlap(text: str, words: Iterable[str]) -> int:
    """How many characters at the end of `text` may be the beginning of one of `words`."""
    longest = 0
    for word in words:
        for size in range(min(len(word) - 1, len(text)), longest, -1):
            if text.endswith(word[:size]):
                longest = size
                break
    return longest
