"""An upstream that says what it is told to, in one thread, so that it costs less than who is measured.

The words `bench COUNT PAUSE` in a request ask for so many deltas, one every so many seconds, or all at once. Each says
when it was sent, by the clock that all processes of a machine share. It speaks the four wires of `wires.py`, streamed
and plain. Its argument is the port.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time

from bench.wires import ALL, CHAT, GEMINI, MESSAGES, RESPONSES, SAID, Wire

_WANTED = re.compile(rb"bench (\d+) ([\d.]+)")
_STREAM = re.compile(rb'"stream": ?true')
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_PATHS = ((b"/messages", MESSAGES), (b"/responses", RESPONSES), (b"generatecontent", GEMINI), (b"", CHAT))


def _chunk(text: str) -> bytes:
    return b"%x\r\n%s\r\n" % (len(text), text.encode())


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            body = await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0))
            path = head.partition(b"\r\n")[0]
            wire = next(wire for part, wire in _PATHS if part in path)
            wanted = _WANTED.search(body)
            count, pause = (int(wanted[1]), float(wanted[2])) if wanted else (1, 0.0)
            if b":streamgeneratecontent" in path or _STREAM.search(body):
                await _stream(writer, wire, count, pause)
            else:
                writer.write(_whole(wire, count))
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _stream(writer: asyncio.StreamWriter, wire: Wire, count: int, pause: float) -> None:
    write, said = writer.write, []
    write(_HEAD)
    if wire.begin:
        write(_chunk(wire.begin))
    began = time.monotonic()
    for number in range(count):
        if pause:
            await asyncio.sleep(began + number * pause - time.monotonic())
            await writer.drain()  # which tells of a client that has left
        now = time.monotonic()
        said.append(now)
        write(_chunk(wire.delta % {"now": now, "count": number + 1}))
    write(_chunk(_with(wire.end, said)))
    write(b"0\r\n\r\n")


def _whole(wire: Wire, count: int) -> bytes:
    body = _with(wire.whole, [time.monotonic()] * count)
    return f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()


def _with(template: str, moments: list[float]) -> str:
    return template.replace(ALL, "".join(SAID % {"now": moment} for moment in moments)) if ALL in template else template


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), backlog=512, limit=1 << 24)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
