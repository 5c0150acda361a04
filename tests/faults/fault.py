"""One row of the table: what an upstream does, and what has to come of it; and the words in which rows are written.

What a client sees, in both modes unless the words say otherwise:

    502 WORDS           an error with this status and these words in its message
    502 later WORDS     the same once the answer has begun: in a stream all that came, then an error event of the type
                        that belongs to the status; without a stream the status
    answer              the whole answer
    answer: WORDS       an answer in which these words stand
    answer: a call      an answer that calls the tool
    odd answer          the answer with what could be made of the odd event in it
    passed              status and body of the upstream's, byte for byte
    hidden              the same, but for the key, which is taken out
    goes on             what comes for as long as it comes; the client hangs up
    left                nothing: it has hung up, and the upstream is told so
    A / B               A with a stream, B without
"""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tests.faults.forms import Form
from tests.faults.upstream import End, Step

HOLD, CLOSE, RESET = End.HOLD, End.CLOSE, End.RESET
LAST_CHUNK = b"0\r\n\r\n"
Script = Callable[[Form], Iterable[Step]]
Part = str | Callable[[Form], bytes] | bytes | float | End
"""Of an answer: the name of a piece of its form, or what makes one of the form; else a step."""
TRANSLATED = ("chat", "custom", "responses", "gemini")
"""The ways on which answers are not passed through."""
Place = Literal["there", "alone", "refused", "deaf", "full", "unknown", "distrusted", "no tls", "silent tls"]
"""Where the upstream is, see places.py; "alone" is one with a proxy of its own."""


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    """What a user would say of it; no two rows have the same."""
    script: Script
    seen: str
    passed: str = ""
    """What is seen where answers are passed through, if that is something else."""
    but: Mapping[str, str] = field(default_factory=dict)
    """The same for other ways, by their names."""
    hurry: bool = False
    """It is about silence: limits are short, and the status line does not wait."""
    most: int = 0
    """Bytes that the upstream may get rid of before it is stopped, where it would go on for ever."""
    place: Place = "there"
    only: Sequence[str] = ()
    """The ways that can have it, if not all."""

    def expected(self, way: str, streams: bool) -> str:
        streamed, _, plain = self.words(way).partition(" / ")
        return streamed if streams else plain or streamed

    def words(self, way: str) -> str:
        return self.but.get(way) or (way == "anthropic" and self.passed) or self.seen


@dataclass(frozen=True, slots=True)
class Group:
    """Rows about one kind of trouble. Title and text are for users."""

    title: str
    about: str
    faults: Sequence[Fault]


def head(form: Form, status: str = "200 OK", *fields: str, length: int | None = None) -> bytes:
    """A response head; without a length the body is chunked."""
    size = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    kind = [] if any(each.startswith("content-type") for each in fields) else [f"content-type: {form.content_type}"]
    return "\r\n".join([f"HTTP/1.1 {status}", *kind, size, *fields, "", ""]).encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def says(*parts: Part) -> Script:
    """A head, then each part in a chunk of its own; an `End` as the last breaks it off."""

    def script(form: Form) -> Iterator[Step]:
        yield head(form)
        for part in parts:
            step = _step(form, part)
            yield chunk(step) if isinstance(step, bytes) else step
        if not parts or not isinstance(parts[-1], End):
            yield LAST_CHUNK

    return script


def _step(form: Form, part: Part) -> Step:
    if isinstance(part, str):
        piece: bytes = getattr(form, part)
        return piece
    return part(form) if callable(part) else part


def goes_on(begun: str, piece: Callable[[Form], bytes], pause: float = 0.0) -> Script:
    """What is `begun`, then the same piece for ever."""
    return lambda form: itertools.chain([head(form), chunk(getattr(form, begun))], for_ever(chunk(piece(form)), pause))


def for_ever(piece: bytes, pause: float = 0.0) -> Iterator[Step]:
    while True:
        yield piece
        if pause:
            yield pause


def plain(status: str, body: Callable[[Form], bytes] | bytes, kind: str = "application/json", *fields: str) -> Script:
    """A response with its length."""

    def script(form: Form) -> Iterator[Step]:
        whole = body if isinstance(body, bytes) else body(form)
        yield head(form, status, f"content-type: {kind}", *fields, length=len(whole)) + whole

    return script


def zipped(status: str, body: Callable[[Form], bytes], kind: str = "", keep: int | None = None) -> Script:
    """A response in gzip, of the form's type unless another is given; `keep` bytes of it where it breaks off."""

    def script(form: Form) -> Iterator[Step]:
        whole = gzip.compress(body(form))
        fields = (f"content-type: {kind or form.content_type}", "content-encoding: gzip")
        yield head(form, status, *fields, length=len(whole)) + whole[:keep]
        if keep is not None:
            yield CLOSE

    return script
