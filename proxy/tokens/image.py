"""The size of a picture in pixels, read from the beginning of its base64."""

from __future__ import annotations

import binascii

_HEAD = 64
_JPEG_HEADS = (4096, 400_000)
"""Characters to look at: a JPEG says its size after the camera's remarks, which may hold a preview."""
_NO_SIZE = (0xC4, 0xC8, 0xCC)


def image_size(data: str) -> tuple[int, int] | None:
    """Width and height of a PNG, JPEG, GIF or WebP; None where that cannot be read."""
    try:
        head = binascii.a2b_base64(data[:_HEAD])
        if head.startswith(b"\xff\xd8"):
            return next(filter(None, (_jpeg(binascii.a2b_base64(data[:end])) for end in _JPEG_HEADS)), None)
    except ValueError:
        return None
    if head.startswith(b"\x89PNG") and len(head) >= 24:
        return _big(head[16:20]), _big(head[20:24])
    if head.startswith(b"GIF8") and len(head) >= 10:
        return _little(head[6:8]), _little(head[8:10])
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP" and len(head) >= 30:
        return _webp(head)
    return None


def _webp(head: bytes) -> tuple[int, int] | None:
    match head[12:16]:
        case b"VP8X":
            return _little(head[24:27]) + 1, _little(head[27:30]) + 1
        case b"VP8L":
            bits = _little(head[21:25])
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return _little(head[26:28]) & 0x3FFF, _little(head[28:30]) & 0x3FFF
        case _:
            return None


def _jpeg(head: bytes) -> tuple[int, int] | None:
    """From the first frame header (SOF) among the segments."""
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        kind = head[at + 1]
        if 0xC0 <= kind <= 0xCF and kind not in _NO_SIZE:
            return _big(head[at + 7 : at + 9]), _big(head[at + 5 : at + 7])
        at += 1 if kind == 0xFF else 2 + _big(head[at + 2 : at + 4])
    return None


def _big(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
