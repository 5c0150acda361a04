"""Frames of an event stream that is passed on: whole, to the last event and no further."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from proxy.protocol.errors import ApiError
from proxy.providers.anthropic.frames import whole_frames

START = b'event: message_start\ndata: {"type":"message_start"}\n\n'
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"text":"the key is"}}\n\n'
ODD = b'data: {"error":"no such key"}\n\n: a key\n\n'
ERROR = b'event: error\ndata: {"type":"error","error":{"message":"key"}}\n\n'
TALK = b'event: x\ndata: {"text":"\\n\\nevent: message_stop\\ndata: event: error\\n"}\n\n'


def passed(raw: bytes, size: int, limit: int = 1000) -> bytes:
    """What comes of bytes in pieces of a size."""
    pieces = (raw[at : at + size] for at in range(0, len(raw), size))
    return b"".join(whole_frames(pieces, limit, lambda event: event.replace(b"key", b"[key]")))


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize(
    ("raw", "whole"),
    [
        pytest.param(START + STOP, START + STOP, id="an answer"),
        pytest.param(START + STOP + START + b"left", START + STOP, id="something behind the end"),
        pytest.param(START + TALK + STOP, START + TALK + STOP, id="a text about events"),
        pytest.param(START + ERROR + STOP, START + ERROR.replace(b"key", b"[key]"), id="an error"),
        pytest.param(
            START + ODD + DELTA + STOP, START + ODD.replace(b"key", b"[key]") + DELTA + STOP, id="an error by the way"
        ),
        pytest.param((START + STOP).replace(b"\n", b"\r\n"), (START + STOP).replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(START + STOP.rstrip(), START + STOP, id="a last event without its end"),
        pytest.param(START + STOP.replace(b": ", b":"), START + STOP.replace(b": ", b":"), id="no spaces"),
    ],
)
def test_up_to_the_last_event(raw: bytes, whole: bytes, size: int) -> None:
    assert passed(raw, size) == whole


@pytest.mark.parametrize("raw", [b"", START, START + STOP[:25], START + b"event: error\n", START + TALK])
def test_a_stream_without_its_last_event_is_cut(raw: bytes) -> None:
    with pytest.raises(ApiError, match="before it was complete"):
        passed(raw, 9)


def test_a_frame_without_end() -> None:
    with pytest.raises(ApiError, match="without end"):
        passed(b"data: " + b"x" * 3000, 50)


def test_nothing_is_read_after_the_last_event() -> None:
    def pieces() -> Iterator[bytes]:
        yield START
        yield STOP
        raise AssertionError("it was read on")

    assert b"".join(whole_frames(pieces(), 1000, bytes)) == START + STOP


def test_a_large_frame_in_small_pieces() -> None:
    """Each piece is looked at once; 40 MB took 21 seconds."""
    raw = b"data: " + b"x" * 5_000_000 + b"\n\n" + STOP
    assert passed(raw, 1024, limit=len(raw)) == raw
