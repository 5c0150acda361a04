"""The arguments of one tool call, whose JSON text comes in pieces.

    state         what came so far                              what may be sent on
    ------------  --------------------------------------------  ---------------------------------------------------
    EMPTY         nothing, or not enough to tell                nothing
    PLACEHOLDER   a whole `{}`, `[]` or `""`                    nothing: the real object may follow
    OPEN          the beginning of an object                    all of it, as it comes
    WHOLE         an object, perhaps with more behind it        the object; the rest is judged at the end
    ODD           something that begins otherwise               nothing: it is judged at the end

What servers do: `{}` and then the object (ogx-ai/ogx#5462, envoyproxy/ai-gateway#1465), `[]` for none (PHP), the object
twice (mudler/cogito#66), a model's end mark behind it (mastra-ai/mastra#14200), raw control characters in strings
(jundot/omlx#1672), all so far in each piece (saberjack/SHTUCodeProxy#1).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from typing import Any

from proxy.protocol.errors import ApiError
from proxy.providers.common.json_text import JsonScan

_PLACEHOLDERS = ("{}", "[]", '""')
_PLACEHOLDER_MAX = 16
"""Characters of a placeholder, white space included."""
_HEAD = re.compile(r"\s*(?:null|None|```\w*|<[|\uff5c][^|\uff5c>]*[|\uff5c]>|<tool_call>)?\s*")
_TAIL = re.compile(r"(?:\s|[}\]]|```|<[|\uff5c][^|\uff5c>]*[|\uff5c]>|</[a-z_]+>)*")
"""What models and templates put around the object and is no part of it; one bracket too many closes nothing."""

_loads = partial(json.loads, strict=False)
_raw_decode = json.JSONDecoder(strict=False).raw_decode


class State(Enum):
    EMPTY = auto()
    PLACEHOLDER = auto()
    OPEN = auto()
    WHOLE = auto()
    ODD = auto()


@dataclass(slots=True)
class Arguments:
    """`append` each piece and `take` what may be sent on; at the end `rest` is what is still to be sent."""

    state: State = State.EMPTY
    begun: bool = False
    """Whether anything but white space came."""
    _pieces: list[str] = field(default_factory=list)
    """What came, but for what earlier pieces had said already."""
    _length: int = 0
    _ready: list[str] = field(default_factory=list)
    _sent: int = 0
    _head: int = 0
    """Characters before the object."""
    _tail: list[str] = field(default_factory=list)
    _scan: JsonScan = field(default_factory=JsonScan)
    _as_came: list[str] | None = None
    """All pieces, once one of them was taken for all so far instead of for the next piece, which it may be."""
    _value: Any = None

    @property
    def text(self) -> str:
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    @property
    def closed(self) -> bool:
        """Whether a whole value came, so that more of the kind may be another call's."""
        return self._scan.closed

    @property
    def value(self) -> Any:
        """The value that is `closed`, None where it cannot be read."""
        if self._value is None:
            try:
                self._value, _ = _raw_decode(self.text, self._head)
            except (ValueError, RecursionError):
                self._value = self.text
        return self._value

    def append(self, piece: str) -> None:
        if not piece:
            return
        self.begun = self.begun or not piece.isspace()
        if self._as_came is not None:
            self._as_came.append(piece)
        if 0 < self._length <= len(piece) and piece.startswith(so_far := self.text) and _is_snapshot(piece, so_far):
            if self._as_came is None and not self.closed:
                self._as_came = [so_far, piece]
            piece = piece[len(so_far) :]
        self._pieces.append(piece)
        self._length += len(piece)
        self._read(piece)

    def take(self) -> str:
        """What may be sent on now, "" for nothing. While two readings are open nothing may."""
        if self.state not in (State.OPEN, State.WHOLE) or self._as_came is not None:
            return ""
        text = "".join(self._ready)
        self._ready.clear()
        self._sent += len(text)
        return text

    def rest(self) -> str:
        """What is left to send of a call that is over; "" stands for an empty object where nothing was sent."""
        if self._as_came is not None:
            self._choose()
        text = "".join(self._ready)
        self._ready.clear()
        match self.state:
            case State.PLACEHOLDER:
                return "{}"
            case State.EMPTY | State.ODD:
                return _unwrapped(text)
            case _:
                return text if self.ends_well() else text + "".join(self._tail)

    def partial_rest(self) -> str:
        """What is left to send where the answer was cut inside the arguments: as it came, never a made-up object."""
        text = "".join(self._ready)
        is_nothing = self.state is State.PLACEHOLDER or not text[self._head :].lstrip().startswith(("{", '"', "["))
        return "" if is_nothing and not self._sent else text

    def ends_well(self) -> bool:
        """Whether what stands behind the object, if anything does, is no part of the call."""
        tail = "".join(self._tail)
        at = _end_of_tail(tail, 0)
        while at < len(tail):
            try:
                again, at = _raw_decode(tail, at)
            except (ValueError, RecursionError):
                return False
            if again != self.value:
                return False
            at = _end_of_tail(tail, at)
        return True

    def is_same(self, piece: str) -> bool:
        """Whether a piece is the same JSON as the value that is `closed`."""
        try:
            return bool(_loads(piece) == self.value)
        except (ValueError, RecursionError):
            return piece == self.text

    def is_extended_by(self, piece: str) -> bool:
        """Whether a piece is the value that is `closed` once more, perhaps with more in it, or no object at all."""
        if not piece.lstrip().startswith("{"):
            return True
        try:
            new = _loads(piece)
        except (ValueError, RecursionError):
            return piece.startswith(self.text)
        if not isinstance(self.value, dict):
            return True
        return all(name in new and new[name] == value for name, value in self.value.items())

    def _read(self, piece: str) -> None:
        if self._scan.closed:
            self._tail.append(piece)
        else:
            sound, rest = self._scan.feed(piece)
            self._ready.append(sound)
            self._tail.append(rest)
            if self.state is State.EMPTY and self._scan.begun:
                self._open("".join(self._ready))
            if self._scan.closed and self.state is State.OPEN:
                self.state = State.WHOLE
        if self.state is State.PLACEHOLDER and not (self._tail and self._tail[-1].isspace()):
            self._begin_again("".join(self._tail).lstrip())

    def _open(self, text: str) -> None:
        """The beginning of a value has come; one that may become a placeholder waits."""
        self._head = _end_of_head(text)
        begun = text[self._head : self._head + _PLACEHOLDER_MAX + 1]
        short = "".join(begun.split()) if len(begun) <= _PLACEHOLDER_MAX else ""
        if short in _PLACEHOLDERS and self._scan.closed:
            self.state = State.PLACEHOLDER
        elif short in ("{", "[", '"'):
            return
        elif begun.startswith("{"):
            self.state, self._ready = State.OPEN, [text[self._head :]]
        else:
            self.state = State.ODD

    def _begin_again(self, tail: str) -> None:
        """The object behind a placeholder."""
        if tail.startswith("{"):
            self.state, self._scan, self._head, self._value = State.EMPTY, JsonScan(), 0, None
            self._ready, self._tail = [], []
            self._pieces, self._length = [tail], len(tail)
            self._read(tail)
        elif tail:
            self.state = State.WHOLE

    def _choose(self) -> None:
        """Of the two readings the one that is JSON; the first is that one piece was all so far."""
        as_came = "".join(self._as_came or ())
        self._as_came = None
        is_sound = self.state is State.WHOLE and not "".join(self._tail).strip() and isinstance(self.value, dict)
        if not is_sound and _is_object(as_came):
            self.state, self._tail = State.WHOLE, []
            self._ready = [JsonScan().feed(as_came)[0][self._head + self._sent :]]


def _end_of_head(text: str) -> int:
    found = _HEAD.match(text)
    return found.end() if found else 0


def _end_of_tail(text: str, at: int) -> int:
    found = _TAIL.match(text, at)
    return found.end() if found else at


def _is_snapshot(piece: str, so_far: str) -> bool:
    """Whether a piece that begins with all so far is that once more with what follows, and not the next piece.

    Hardly ever does an object begin as its parent did; where one does, the piece closes both and is no JSON of its own.
    """
    start = len(piece) - len(piece.lstrip())
    try:
        _, end = _raw_decode(piece, start)
    except (ValueError, RecursionError):
        return bool(so_far.strip())
    return not piece[end:].strip()


def _is_object(text: str) -> bool:
    try:
        return isinstance(_loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _unwrapped(text: str) -> str:
    """Arguments that do not begin as an object: nothing at all, or an object that was encoded twice."""
    if text.strip() in ("", "null", "None"):
        return ""
    try:
        value = _loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, str) and _is_object(value) else text


def as_text(value: Any) -> str:
    """Arguments as JSON text; some servers (Ollama, gateways) send the object itself.

    Raises:
        ApiError: 502, for an object that is no JSON in practice: nested without end, numbers of thousands of digits.
    """
    if value is None or isinstance(value, str):
        return value or ""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        raise ApiError(502, "the model called a tool with input that cannot be written as JSON") from None


def canonical(text: str) -> str:
    """The same text for the same JSON, whatever its spacing and order; other text as it is."""
    try:
        return json.dumps(_loads(text), sort_keys=True)
    except (ValueError, RecursionError):
        return text.strip()
