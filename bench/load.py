"""Clients in one thread: streams and whole answers, with the moment at which each delta came."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

_DELTA = re.compile(rb"hello ([\d.]+) ")
_LONGEST = 64
"""Bytes; a delta that is cut is not longer."""
_TIMEOUT = 60.0
"""Seconds for one answer."""


class Lost(Exception):
    """Something of an answer did not come."""


@dataclass(frozen=True, slots=True)
class Came:
    """Seconds from the request to the first delta and the end; and of each delta from the upstream."""

    first: float
    end: float
    late: list[float]

    @property
    def sent(self) -> float:
        """Seconds from the request to the moment at which the upstream had it, and answered it at once."""
        return self.first - self.late[0]


class Client:
    """One connection, kept between answers."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None

    async def ask(self, data: bytes, count: int) -> Came:
        """The answer with so many deltas. Raises Lost."""
        try:
            async with asyncio.timeout(_TIMEOUT):
                return await self._ask(data, count)
        except (OSError, EOFError) as error:
            raise Lost(f"an answer broke off: {error!r}") from None

    async def _ask(self, data: bytes, count: int) -> Came:
        if self._reader is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 24)
        began = time.monotonic()
        head = b"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: "
        self._writer.write(head + b"%d\r\n\r\n" % len(data) + data)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        late, first = await self._read(self._reader, head, began)
        if b"connection: close" in head:
            self._writer.close()
            self._reader = None
        if len(late) != count:
            raise Lost(f"{count - len(late)} of {count} deltas were lost: {head!r}")
        return Came(first, time.monotonic() - began, late)

    async def _read(self, reader: asyncio.StreamReader, head: bytes, began: float) -> tuple[list[float], float]:
        """How late each delta was, and when the first one came."""
        late: list[float] = []
        first, rest = 0.0, b""
        async for data in _pieces(reader, head):
            now = time.monotonic()
            rest += data
            end = 0
            for found in _DELTA.finditer(rest):
                late.append(now - float(found[1]))
                end = found.end()
            first = first or (now - began if late else 0.0)
            rest = rest[end:][-_LONGEST:]
        return late, first


async def _pieces(reader: asyncio.StreamReader, head: bytes) -> AsyncIterator[bytes]:
    """The body, without the marks of its chunks."""
    length = head.partition(b"content-length:")[2]
    if length:
        yield await reader.readexactly(int(length.partition(b"\r\n")[0]))
        return
    while size := int(await reader.readuntil(b"\r\n"), 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)


async def _many(port: int, clients: int, asks: int, data: bytes, count: int) -> list[Came]:
    async def one() -> list[Came]:
        client = Client(port)
        return [await client.ask(data, count) for _ in range(asks)]

    return [came for each in await asyncio.gather(*(one() for _ in range(clients))) for came in each]


def many(port: int, clients: int, asks: int, data: bytes, count: int) -> list[Came]:
    """So many clients at a time, each with so many answers one after the other."""
    return asyncio.run(_many(port, clients, asks, data, count))
