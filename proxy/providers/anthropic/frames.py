"""The frames of an event stream that is passed on. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from proxy.protocol.errors import ApiError
from proxy.protocol.writer import CUT_OFF

_ENDS = (b"\n\n", b"\r\n\r\n")
_LAST = re.compile(rb"(?m)^event: ?(?P<name>message_stop|error)\s*[\r\n]")
"""At the beginning of a line only: a model that writes of streams has the same words in its text."""
_LAST_NAMES = (b"message_stop", b"error")
_CONTENT = rb'data: ?\{ ?"type": ?"content_block_(?:start|delta)"'
_OTHER = re.compile(rb"(?m)^(?!event: ?[a-z_]{1,40}\r?$|" + _CONTENT + rb"|[\r\n]|\Z).+")
"""What is said in no block: errors, whatever event they call themselves, and what surrounds the answer."""


def whole_frames(pieces: Iterable[bytes], limit: int, mend: Callable[[bytes], bytes]) -> Iterator[bytes]:
    """Whole frames only, so that a ping may stand between any two; b"" where a piece completes none.

    Nothing is given after the last event, or read: some upstreams leave the connection open. `mend` changes lines that
    hold no content of the answer. `limit`: bytes of one frame.

    Raises:
        ApiError: 502, where the stream ends before its last event, or a frame does not end.
    """
    parts: list[bytes] = []
    size = 0
    tail = b""
    for piece in pieces:
        joint, tail = tail + piece, (tail + piece)[-3:]  # a mark may be cut into four
        end = max(joint.rfind(mark) + len(mark) if mark in joint else 0 for mark in _ENDS)
        if not end:
            parts.append(piece)
            size += len(piece)
            if size > limit:
                raise ApiError(502, "the upstream sent an event without end")
            yield b""
            continue
        cut = max(end - (len(joint) - len(piece)), 0)
        whole, rest = b"".join([*parts, piece[:cut]]), piece[cut:]
        parts, size, tail = [rest] if rest else [], len(rest), rest[-3:]
        last = _LAST.search(whole) if any(name in whole for name in _LAST_NAMES) else None
        yield _mended(whole if last is None else _up_to(last, whole), mend)
        if last is not None:
            return
    rest = b"".join(parts).rstrip()
    last = _LAST.search(rest + b"\n")
    if last is None or not rest.endswith(b"}"):
        raise ApiError(502, CUT_OFF)
    yield _mended(rest + b"\n\n", mend)


def _up_to(last: re.Match[bytes], frames: bytes) -> bytes:
    """The frames up to the last event, which is the end of the answer."""
    ends = [at + len(mark) for mark in _ENDS if (at := frames.find(mark, last.start())) >= 0]
    return frames[: min(ends, default=len(frames))]


def _mended(frames: bytes, mend: Callable[[bytes], bytes]) -> bytes:
    if _OTHER.search(frames) is None:
        return frames
    return _OTHER.sub(lambda line: mend(line[0]), frames)
