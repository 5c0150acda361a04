"""What a translation dropped or changed: nothing is lost silently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

_HEADER_LIMIT = 1000


class Notes:
    """Collects short sentences about one request, each once, with a count.

    A note names fields, block types, tools and models, never what a message says.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, note: str) -> None:
        self._counts[note] += 1

    def clear(self) -> None:
        """Begins again, for a request that is translated anew."""
        self._counts.clear()

    def __iter__(self) -> Iterator[str]:
        for note, count in self._counts.items():
            yield note if count == 1 else f"{note} (x{count})"

    def header(self) -> str:
        """All notes as one ASCII header value, empty when there are none."""
        text = "; ".join(self).encode("ascii", "replace").decode().replace("\n", " ").replace("\r", " ")
        return text if len(text) <= _HEADER_LIMIT else text[: _HEADER_LIMIT - 3] + "..."
