"""What a translation dropped or changed: nothing is lost silently.

A note names fields, block types, tools and models, never what a message says. Notes are values: a pure function
collects its own in `Notes` and returns them as a tuple, which travels with its result.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

_HEADER_LIMIT = 1000
"""Characters; servers and clients limit the size of all headers together."""


class Notes:
    """Collects the notes of one function call, each once, with a count. Not shared between threads."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, note: str) -> None:
        self._counts[note] += 1

    def __iter__(self) -> Iterator[str]:
        """The notes in the order of their first appearance."""
        for note, count in self._counts.items():
            yield note if count == 1 else f"{note} (x{count})"


def header_value(notes: Iterable[str]) -> str:
    """All notes as one ASCII header value, empty when there are none."""
    text = re.sub(r"[\x00-\x1f\x7f]", " ", "; ".join(notes).encode("ascii", "replace").decode())
    return text if len(text) <= _HEADER_LIMIT else text[: _HEADER_LIMIT - 3] + "..."
