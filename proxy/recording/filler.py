"""Texts of the same shape that say nothing.

Each character is replaced by another of its kind: letters by letters of the same script and case, digits by other
digits. White space, punctuation, control characters and half surrogates stay, for they are what breaks things. So
does the length, in characters and in bytes of UTF-8. Equal texts become equal filler; it follows from the whole text
and a random key that nobody keeps, so that neither a known beginning nor a known word tells anything of the rest.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata

_LOWER = bytes(ord("a") + at % 26 for at in range(256))
_UPPER = bytes(ord("A") + at % 26 for at in range(256))
_RUN = re.compile(r"(?P<lower>[a-z]+)|(?P<upper>[A-Z]+)|(?P<digits>[0-9]+)|(?P<other>[^\x00-\x7f]+)")
_POOLS = (
    *((0x00DF, 0x00F6), (0x00C0, 0x00D6), (0x0100, 0x017F), (0x03B1, 0x03C1), (0x0391, 0x03A1), (0x0430, 0x044F)),
    *((0x0410, 0x042F), (0x05D0, 0x05EA), (0x0627, 0x063A), (0x0905, 0x0939), (0x0E01, 0x0E2E), (0x3041, 0x3096)),
    *((0x30A1, 0x30FA), (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0xFF21, 0xFF3A), (0xFF41, 0xFF5A), (0x1F300, 0x1F5FF)),
    *((0x1F600, 0x1F64F), (0x1F680, 0x1F6C5), (0x1F90C, 0x1F9FF), (0x20000, 0x2A6D6)),
)
"""First and last character of each; within one, all are of one kind and have as many bytes."""
_INVALID = 0xDCFF
"""What stands for a byte that is no UTF-8."""
_NAME_LIMIT = 128
_KEPT_KINDS = ("P", "S", "Z")
_OTHERS = {2: 0x0100, 3: 0x4E00, 4: 0x20000}
"""By the number of bytes: the first of 64 letters for what is in no pool."""
_TAG = 0xE0061
"""The first of the letters that nobody sees."""
_PICTURES = (("iVBORw0KGgo", 32), ("R0lGOD", 16), ("UklGR", 40), ("/9j/", 4), ("JVBERi0", 8))
"""How base64 of PNG, GIF, WebP, JPEG and PDF begins, and how many characters tell no more than type and size."""
_DATA_URL = re.compile(r"data:[\w.+-]+/[\w.+-]+;base64,")


class Filler:
    """That of one recording. Not shared between threads."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = secrets.token_bytes(32) if key is None else key
        self._known: dict[str, str] = {}
        self._taken: set[str] = set()

    def of(self, text: str) -> str:
        """Different names stay different as far as their shape has room for it."""
        if len(text) > _NAME_LIMIT:
            kept = _head(text)
            return text[:kept] + self._made(text, kept, 0)
        if text not in self._known:
            tries = (self._made(text, 0, number) for number in range(20))
            made = next((each for each in tries if each not in self._taken), self._made(text, 0, 0))
            self._taken.add(made)
            self._known[text] = made
        return self._known[text]

    def knows(self, text: str, filler: str) -> None:
        """Has a text replaced by this from now on."""
        self._known[text] = filler
        self._taken.add(filler)

    def has(self, text: str) -> bool:
        """Whether the text was replaced before."""
        return text in self._known

    def _made(self, text: str, start: int, number: int) -> str:
        seed = hashlib.shake_256(self._key + number.to_bytes(1, "big") + text.encode("utf-8", "surrogatepass"))
        text = text[start:]
        random = seed.digest(2 * len(text))
        lower, upper = random.translate(_LOWER).decode("ascii"), random.translate(_UPPER).decode("ascii")

        def filled(run: re.Match[str]) -> str:
            at, end = run.span()
            match run.lastgroup:
                case "lower":
                    return lower[at:end]
                case "upper":
                    return upper[at:end]
                case "digits":
                    return "".join(str((int(text[i]) + 1 + random[i] % 9) % 10) for i in range(at, end))
            numbers = (int.from_bytes(random[2 * i : 2 * i + 2], "big") for i in range(at, end))
            return "".join(map(_other, run[0], numbers))

        return _RUN.sub(filled, text)


def _other(char: str, number: int) -> str:
    """A character of the kind and size of one outside ASCII."""
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return chr(_INVALID)
    for first, last in _POOLS:
        if first <= code <= last:
            return chr(first + number % (last - first + 1))
    kind, size = unicodedata.category(char), _size(code)
    if kind == "Nd":
        return chr(code - unicodedata.decimal(char) + number % 10)
    if kind == "Cs" or (size < 4 and (kind[0] in _KEPT_KINDS or kind == "Cf")) or (size == 2 and kind == "Cc"):
        return char
    if kind == "Cf":
        return chr(_TAG + number % 26)
    return chr(_OTHERS[size] + number % 64)


def _size(code: int) -> int:
    return 2 if code < 0x800 else 3 if code < 0x10000 else 4


def _head(text: str) -> int:
    """How much of a file in base64 says only what it is."""
    url = _DATA_URL.match(text)
    start = url.end() if url else 0
    return start + next((size for begins, size in _PICTURES if text.startswith(begins, start)), 0)
