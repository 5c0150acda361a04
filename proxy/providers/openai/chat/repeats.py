"""Text that some servers send once more: whole after its pieces (saberjack/SHTUCodeProxy#1), or with each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Repeat(Enum):
    """Whether a text may be all that was said before once more."""

    NEVER = "a delta in mid-answer is the next piece, unless each delta holds all of them"
    PERHAPS = "the delta that ends the answer, or a message in place of a delta: if it is long enough to be no chance"
    LIKELY = "a message after deltas"


_CHANCE_MAX = 15
"""Characters with which a text may well begin by chance as the one before did."""
_GROWTH_MIN = 3
"""Characters, a letter among them, with which a second delta hardly begins as the first one did."""
_RESENT_MIN = 40
"""Characters that are hardly said twice, the second time in one delta and with nothing before the first."""


@dataclass(slots=True)
class Emitted:
    """All of one kind that was said so far."""

    _pieces: list[str] = field(default_factory=list)
    _length: int = 0
    _last: str = ""
    only_space: bool = True
    _grows: bool = False
    """Whether each delta holds all that was said before it (DashScope's Coding Plan, QwenLM/qwen-code#3896)."""

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
        elif self._length and (self._grows or len(text) >= self._length):
            text = self._without_grown(text)
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

    def _without_grown(self, text: str) -> str:
        """What a delta adds that may hold all that came before, or resend it (openclaw/openclaw#142888)."""
        said = self.text
        if not text.startswith(said):
            self._grows = self._grows and said.startswith(text)
            return "" if self._grows else text
        is_letters = self._length >= _GROWTH_MIN and any(map(str.isalpha, said))
        if len(text) > len(said):
            self._grows = self._grows or (is_letters and text[: 2 * len(said)] != 2 * said)
        elif self._length >= _RESENT_MIN:
            return ""
        return text[len(said) :] if self._grows else text
