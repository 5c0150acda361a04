"""Text that some servers send once more, whole, after its pieces (saberjack/SHTUCodeProxy#1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Repeat(Enum):
    """Whether a text may be all that was said before once more."""

    NEVER = "a delta in mid-answer is the next piece, whatever it says"
    PERHAPS = "the delta that ends the answer, or a message in place of a delta: if it is long enough to be no chance"
    LIKELY = "a message after deltas"


_CHANCE_MAX = 15
"""Characters with which a text may well begin by chance as the one before did."""


@dataclass(slots=True)
class Emitted:
    """All of one kind that was said so far."""

    _pieces: list[str] = field(default_factory=list)
    _length: int = 0
    _last: str = ""
    only_space: bool = True

    @property
    def begun(self) -> bool:
        return self._length > 0

    @property
    def text(self) -> str:
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    def new_part(self, text: str, repeat: Repeat) -> str:
        """What `text` adds, which counts as said from now on."""
        if repeat is not Repeat.NEVER:
            text = self._without_repeated(text, repeat)
        if text:
            self._pieces.append(text)
            self._length += len(text)
            self._last = text
            self.only_space = self.only_space and text.isspace()
        return text

    def _without_repeated(self, text: str, repeat: Repeat) -> str:
        """Looks at all that was said only where `text` is about as long, so that many short texts cost no more."""
        if repeat is Repeat.LIKELY and text == self._last:
            return ""
        if self._length <= (_CHANCE_MAX if repeat is Repeat.PERHAPS else 0) or 2 * len(text) < self._length:
            return text
        if len(text) >= self._length and text.startswith(self.text):
            return text[self._length :]
        same = repeat is Repeat.LIKELY and text.strip() == self.text.strip()
        return "" if same else text
