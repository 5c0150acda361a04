"""Bodies in chunks, however they are cut, and where the HTTP library has to read on."""

from __future__ import annotations

import pytest

from proxy.providers.chunked import ChunkError, Chunks

LAST = b"0\r\n\r\n"


def read(pieces: list[bytes]) -> tuple[bytes, bytes | None]:
    """The data, and what is left for the library once there is something."""
    chunks, data = Chunks(), b""
    for number, piece in enumerate(pieces):
        data += chunks.feed(piece)
        if chunks.rest is not None:
            return data, chunks.rest + b"".join(pieces[number + 1 :])
    return data, None


@pytest.mark.parametrize(
    ("body", "data", "rest"),
    [
        (b"5\r\nhello\r\n" + LAST, b"hello", LAST),
        (b"5\r\nhello\r\n3\r\nyou\r\nA\r\n0123456789\r\n" + LAST, b"helloyou0123456789", LAST),
        (b"0005\r\nhello\r\n000\r\n\r\n", b"hello", b"000\r\n\r\n"),
        (b"5\r\n\r\n0\r\n\r\n" + LAST, b"\r\n0\r\n", LAST),
        (LAST, b"", LAST),
        (b"5\r\nhello\r\n0\r\nx-trailer: a\r\n\r\n", b"hello", b"0\r\nx-trailer: a\r\n\r\n"),
        (b"5\r\nhello\r\n0\r\n\r\nand more", b"hello", b"0\r\n\r\nand more"),
        (b"5;name=value\r\nhello\r\n" + LAST, b"", b"5;name=value\r\nhello\r\n" + LAST),
        (b"5\r\nhello\r\n3;name\r\nyou\r\n" + LAST, b"hello", b"3;name\r\nyou\r\n" + LAST),
        (b"5\r\nhello\r\n3 \r\nyou\r\n" + LAST, b"hello", b"3 \r\nyou\r\n" + LAST),
        (b"5\r\nhello\r\nnonsense\r\n", b"hello", b"nonsense\r\n"),
        (b"5\nhello\n", b"", b"5\nhello\n"),
        (b"5\r\nhello\r\n" + b"f" * 70, b"hello", b"f" * 70),
        (b"5\r\nhello\r\n3\r\nyo", b"helloyo", None),
        (b"5\r\nhello\r\n3", b"hello", None),
    ],
)
def test_bodies_cut_anywhere(body: bytes, data: bytes, rest: bytes | None) -> None:
    assert read([body]) == (data, rest)
    for first in range(len(body)):
        for second in (first, min(first + 1, len(body)), len(body)):
            assert read([body[:first], body[first:second], body[second:]]) == (data, rest)
    found, left = read([body[at : at + 1] for at in range(len(body))])
    assert found == data
    assert (left or b"").strip() == (rest or b"").strip()


@pytest.mark.parametrize("body", [b"5\r\nhelloX\r\n0\r\n\r\n", b"5\r\nhello\n0\r\n\r\n", b"5\r\nhello" + b"x" * 80])
def test_chunks_that_do_not_end(body: bytes) -> None:
    with pytest.raises(ChunkError):
        read([body])
    with pytest.raises(ChunkError):
        read([body[at : at + 1] for at in range(len(body))])
