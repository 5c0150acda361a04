"""An upstream that streams what it is told to, in one thread, so that it costs less than who is measured.

The words `bench COUNT PAUSE` in a request ask for so many deltas, one every so many seconds, or all at once. Each says
when it was sent, by the clock that all processes of a machine share. It speaks Chat Completions, and Messages for a
proxy that passes requests on. Its argument is the port.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time

_WANTED = re.compile(rb"bench (\d+) ([\d.]+)")
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_CHAT = (
    'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1790000000,"model":"bench","choices":'
    '[{"index":0,"delta":{"content":"hello %.6f "},"finish_reason":null}]}\n\n'
)
_CHAT_END = (
    'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1790000000,"model":"bench","choices":'
    '[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":9}}\n\n'
    "data: [DONE]\n\n"
)
_MESSAGE_BEGIN = (
    'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_bench","type":"message","role":'
    '"assistant","model":"bench","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":9,'
    '"output_tokens":1}}}\n\nevent: content_block_start\ndata: {"type":"content_block_start","index":0,'
    '"content_block":{"type":"text","text":""}}\n\n'
)
_MESSAGE = (
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":'
    '"hello %.6f "}}\n\n'
)
_MESSAGE_END = (
    'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\nevent: message_delta\ndata: '
    '{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}\n\nevent: message_stop\n'
    'data: {"type":"message_stop"}\n\n'
)


def _chunk(text: str) -> bytes:
    return b"%x\r\n%s\r\n" % (len(text), text.encode())


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            body = await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
            wanted = _WANTED.search(body)
            count, pause = (int(wanted[1]), float(wanted[2])) if wanted else (1, 0.0)
            if b'"stream":true' in body.replace(b" ", b""):
                await _stream(writer, b"/messages" in head.partition(b"\r\n")[0], count, pause)
            else:
                writer.write(_whole(count))
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _stream(writer: asyncio.StreamWriter, as_messages: bool, count: int, pause: float) -> None:
    write = writer.write
    begin, delta, end = (_MESSAGE_BEGIN, _MESSAGE, _MESSAGE_END) if as_messages else ("", _CHAT, _CHAT_END)
    write(_HEAD)
    if begin:
        write(_chunk(begin))
    began = time.monotonic()
    for number in range(count):
        if pause:
            await asyncio.sleep(began + number * pause - time.monotonic())
            await writer.drain()  # which tells of a client that has left
        write(_chunk(delta % time.monotonic()))
    write(_chunk(end))
    write(b"0\r\n\r\n")


def _whole(count: int) -> bytes:
    text = "".join(f"hello {time.monotonic():.6f} " for _ in range(count))
    message = {"role": "assistant", "content": text}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    answer = {"id": "chatcmpl-bench", "model": "bench", "choices": choices}
    body = json.dumps(answer).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), backlog=512, limit=1 << 24)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
