"""A Chat Completions server that streams the same answer to everybody, a chunk per write.

Its arguments are the port and the seconds between two chunks.
"""

from __future__ import annotations

import http.server
import json
import socket
import sys
import time
from typing import Any

DELTAS = 1000


def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    chunk = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "model": "bench",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return f"data: {json.dumps(chunk)}\n\n".encode()


PIECES = [event({"content": "hello "}) for _ in range(DELTAS)]
LAST = event({}, "stop") + b"data: [DONE]\n\n"
PAUSE = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for piece in [*PIECES, LAST]:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            if PAUSE:
                time.sleep(PAUSE)
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256

    def handle_error(self, *_: object) -> None:
        """Some measurements hang up after the first byte."""


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
