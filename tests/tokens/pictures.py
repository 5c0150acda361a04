"""Beginnings of pictures, in base64: as much of each format as says how large it is."""

from __future__ import annotations

import base64
import struct


def picture(width: int, height: int, *, kind: str = "png", filling: int = 0) -> str:
    """`filling` bytes follow what is needed; in a JPEG they stand before it, as a camera's preview does."""
    rest = b"\0" * filling
    match kind:
        case "png":
            head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + b"\x08\x06" + rest
        case "gif":
            head = b"GIF89a" + struct.pack("<HH", width, height) + b"\0\0\0" + rest
        case "webp":
            head = _riff(b"VP8 ", b"\0" * 6 + struct.pack("<HH", width, height)) + rest
        case "webp lossless":
            head = _riff(b"VP8L", b"\x2f" + struct.pack("<I", width - 1 | height - 1 << 14)) + b"\0" * 9 + rest
        case "webp extended":
            head = _riff(b"VP8X", b"\0" * 4 + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"))
        case "jpeg":
            head = b"\xff\xd8"
            while rest:
                piece, rest = rest[:65_000], rest[65_000:]
                head += b"\xff\xe1" + struct.pack(">H", len(piece) + 2) + piece
            head += b"\xff\xff\xc2" + struct.pack(">HBHH", 17, 8, height, width) + b"\x03" * 12
        case _:
            raise ValueError(kind)
    return base64.b64encode(head).decode()


def _riff(chunk: bytes, data: bytes) -> bytes:
    return b"RIFF\0\0\0\0WEBP" + chunk + b"\0\0\0\0" + data
