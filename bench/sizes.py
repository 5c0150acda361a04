"""What large answers cost, on every wire: `python -m bench.sizes` from the repository, on Linux or macOS.

Each shape is served twice, at a tenth of its size and at the whole: a cost in proportion to the size has a ratio of
about 10, one that grows with its square has 100. Every measurement has a proxy of its own.
"""

from __future__ import annotations

import gzip
import http.client
import http.server
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from bench.servers import free_port, start, wait_for

MB = 1_000_000
WIRES = ("chat", "responses", "gemini", "anthropic")
_UNREAD_FOR = 10.0
"""Seconds for which a client reads nothing."""
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024

Pieces = Callable[[str, int], Iterable[bytes]]


@dataclass(frozen=True)
class Shape:
    """`pieces`: wire, size in bytes -> the body of an answer, as it is written to the network."""

    name: str
    size: int
    pieces: Pieces
    wires: tuple[str, ...] = WIRES
    streams: bool = True
    is_read: bool = True
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Cost:
    seconds: float
    """Of processor time."""
    peak: float
    """MB."""
    outcome: str


class Upstream(http.server.BaseHTTPRequestHandler):
    """Answers everything with `body`."""

    protocol_version = "HTTP/1.1"
    body: Callable[[], Iterable[bytes]] = staticmethod(lambda: ())
    headers_sent: tuple[tuple[str, str], ...] = ()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        for name, value in (("content-type", "text/event-stream"), *self.headers_sent):
            self.send_header(name, value)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for piece in self.body():
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """The proxy hangs up on what is too large."""


def event(data: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def frame(kind: str, **fields: Any) -> bytes:
    """An event of Anthropic's."""
    return f"event: {kind}\n".encode() + event({"type": kind, **fields})


def chat(delta: dict[str, Any], finish: str | None = None) -> bytes:
    return event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def gemini(*parts: dict[str, Any], **more: Any) -> bytes:
    return event({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0, **more}]})


def begin(wire: str, kind: str = "text") -> bytes:
    if wire == "chat":
        call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "Read", "arguments": ""}}
        return b"" if kind == "text" else chat({"tool_calls": [call]})
    if wire == "responses":
        item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "Read", "arguments": ""}
        added = {"type": "response.output_item.added", "output_index": 0, "item": item}
        return b"" if kind == "text" else event(added)
    if wire == "gemini":
        return b""
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": usage}
    block = {"type": "text", "text": ""} if kind == "text" else {"type": kind, "id": "c", "name": "Read", "input": {}}
    return frame("message_start", message=message) + frame("content_block_start", index=0, content_block=block)


def text(wire: str, words: str) -> bytes:
    match wire:
        case "chat":
            return chat({"content": words})
        case "responses":
            return event({"type": "response.output_text.delta", "item_id": "m", "output_index": 0, "delta": words})
        case "gemini":
            return gemini({"text": words})
        case _:
            return frame("content_block_delta", index=0, delta={"type": "text_delta", "text": words})


def tool(wire: str, piece: str) -> bytes:
    match wire:
        case "chat":
            return chat({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
        case "responses":
            kind = "response.function_call_arguments.delta"
            return event({"type": kind, "item_id": "fc_1", "output_index": 0, "delta": piece})
        case "gemini":
            args = [{"jsonPath": "$.x", "stringValue": piece, "willContinue": True}]
            return gemini({"functionCall": {"name": "Read", "id": "c", "partialArgs": args, "willContinue": True}})
        case _:
            return frame("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": piece})


def end(wire: str, kind: str = "text") -> bytes:
    if wire == "chat":
        return chat({}, "stop" if kind == "text" else "tool_calls") + b"data: [DONE]\n\n"
    if wire == "responses":
        return event({"type": "response.completed", "response": {"status": "completed", "output": []}})
    if wire == "gemini":
        rest = [] if kind == "text" else [{"functionCall": {"id": "c"}}]
        return gemini(*rest, finishReason="STOP")
    reason = {"stop_reason": "end_turn" if kind == "text" else "tool_use"}
    return frame("content_block_stop", index=0) + frame("message_delta", delta=reason) + frame("message_stop")


def in_pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def one_line(wire: str, size: int) -> Iterator[bytes]:
    return in_pieces(begin(wire) + text(wire, "x" * size) + end(wire), 1000)


def large_deltas(wire: str, size: int) -> Iterable[bytes]:
    return chain([begin(wire)], repeat(text(wire, "word " * 20_000), size // 100_000), [end(wire)])


def small_deltas(wire: str, size: int) -> Iterable[bytes]:
    return chain([begin(wire)], repeat(text(wire, "hello ") * 50, size // 300), [end(wire)])


def tool_input(wire: str, size: int) -> Iterator[bytes]:
    written = "y" * size if wire == "gemini" else json.dumps({"x": "y" * size})
    yield begin(wire, "tool_use")
    for start_of_write in range(0, len(written), 600):
        write = written[start_of_write : start_of_write + 600]
        yield b"".join(tool(wire, write[at : at + 12]) for at in range(0, len(write), 12))
    yield end(wire, "tool_use")


def bomb(wire: str, size: int) -> Iterator[bytes]:
    line = gzip.compress(begin(wire) + text(wire, "x" * size) + end(wire))
    return in_pieces(line, 1000)


SHAPES = (
    Shape("text, one line", 40 * MB, one_line),
    Shape("text, one line, above the limit", 100 * MB, one_line),
    Shape("text, one line, plain", 40 * MB, one_line, WIRES[:3], streams=False),
    Shape("text, deltas of 100 kB", 200 * MB, large_deltas),
    Shape("text, deltas of 100 kB, plain", 200 * MB, large_deltas, WIRES[:3], streams=False),
    Shape("text, deltas of 6 bytes", 2 * MB, small_deltas),
    Shape("text, deltas of 6 bytes, plain", 2 * MB, small_deltas, WIRES[:3], streams=False),
    Shape("tool input, 12 bytes a piece", 2 * MB, tool_input),
    Shape("tool input, 12 bytes a piece, plain", 2 * MB, tool_input, WIRES[:3], streams=False),
    Shape("gzip bomb", 1000 * MB, bomb, headers=(("content-encoding", "gzip"),)),
    Shape("text, and a client that reads nothing", 200 * MB, large_deltas, is_read=False),
)


def main() -> None:
    wanted = sys.argv[1:] or WIRES
    server = Server(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"{'':10}{'':40}{'size, MB':>9}{'a tenth, s':>12}{'whole, s':>10}{'ratio':>7}{'peak, MB':>10}  outcome")
    for wire in wanted:
        idle = cost_of(Shape("", 100, one_line), wire, 100, server.server_port).seconds
        for shape in SHAPES:
            if wire in shape.wires:
                tenth = cost_of(shape, wire, shape.size // 10, server.server_port)
                whole = cost_of(shape, wire, shape.size, server.server_port)
                less, more = max(tenth.seconds - idle, 0.01), max(whole.seconds - idle, 0.01)
                numbers = f"{shape.size // MB:9}{less:12.2f}{more:10.2f}{more / less:7.1f}{whole.peak:10.0f}"
                print(f"{wire:10}{shape.name:40}{numbers}  {whole.outcome}", flush=True)


def cost_of(shape: Shape, wire: str, size: int, upstream: int) -> Cost:
    """Of a proxy's process from its start to its end, with this one answer in between."""
    Upstream.body = staticmethod(lambda: shape.pieces(wire, size))
    Upstream.headers_sent = shape.headers
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        settings = settings_of(wire, f"http://127.0.0.1:{upstream}", Path(directory))
        server = start("proxy", cwd=directory, PORT=str(port), HOST="127.0.0.1", MAX_RETRIES="0", **settings)
        try:
            wait_for(port)
            outcome = answered(port, shape)
        finally:
            server.terminate()
            _, status, usage = os.wait4(server.pid, 0)
            server.returncode = status
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _RSS_UNIT / MB, outcome)


def settings_of(wire: str, upstream: str, directory: Path) -> dict[str, str]:
    match wire:
        case "gemini":
            return {"PREFERRED_PROVIDER": "google", "GEMINI_BASE_URL": upstream, "GEMINI_API_KEY": "unused-here"}
        case "anthropic":
            its = {"ANTHROPIC_UPSTREAM_URL": upstream, "ANTHROPIC_API_KEY": "unused-here"}
            return {"PREFERRED_PROVIDER": "anthropic", **its}
        case _:
            entry = [{"model_id": "bench", "api_base": f"{upstream}/v1", "api": wire}]
            (directory / "custom_models.yaml").write_text(json.dumps(entry), encoding="utf-8")
            return {"PREFERRED_PROVIDER": "custom"}


def answered(port: int, shape: Shape) -> str:
    tools = [{"name": "Read", "input_schema": {"type": "object"}}]
    message = {"role": "user", "content": "hi"}
    body = {"model": "claude-opus-5-5", "max_tokens": 1000, "stream": shape.streams, "messages": [message]}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    data = json.dumps({**body, "tools": tools}).encode()
    connection.request("POST", "/v1/messages", data, {"content-type": "application/json"})
    response = connection.getresponse()
    if not shape.is_read:
        time.sleep(_UNREAD_FOR)
        response.close()
        return "left unread"
    size, last = 0, b""
    while piece := response.read(MB):
        size, last = size + len(piece), (last + piece)[-1000:]
    if response.status != 200 or b"event: error" in last:
        return f"refused ({response.status})"
    return f"{size / MB:.1f} MB"


if __name__ == "__main__":
    main()
