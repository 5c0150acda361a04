"""What the proxy costs, as ratios against a yardstick in the same run. `python -m bench.run` from the repository.

The yardstick is a bare WSGI app under the same server that passes the upstream's bytes on unread: what any proxy on
this stack must cost. Both talk to the same upstream, in processes of their own.
"""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.upstream import DELTAS

ROOT = Path(__file__).parents[1]
STREAMS = 40
CONCURRENT = 64
ASKS = 60


def main() -> None:
    upstream_port = free_port()
    upstream = start("bench.upstream", str(upstream_port))
    try:
        yardstick = measure("bench.yardstick", upstream_port)
        proxy = measure("proxy", upstream_port)
    finally:
        upstream.terminate()
        upstream.wait()
    print(f"{'':44}{'yardstick':>12}{'proxy':>12}{'ratio':>9}")
    for name in proxy:
        print(f"{name:44}{yardstick[name]:12.1f}{proxy[name]:12.1f}{proxy[name] / yardstick[name]:9.2f}")
    print(f"{'translation of the request, ms':44}{json_ms():12.2f}{translation_ms():12.2f}{'':>9}  (yardstick: JSON)")


def measure(module: str, upstream_port: int) -> dict[str, float]:
    """Numbers of one server; the processor time of an idle run is taken off."""
    idle = cpu_of(module, upstream_port, lambda _: None)
    found: dict[str, float] = {}

    def load(port: int) -> None:
        stream(port)
        for _ in range(STREAMS):
            stream(port)

    found["CPU per streamed delta, us"] = (cpu_of(module, upstream_port, load) - idle) / (STREAMS * DELTAS) * 1e6

    def times(port: int) -> None:
        stream(port)
        found["first byte of a Claude Code request, ms"] = (
            statistics.median(first_byte(port) for _ in range(ASKS)) * 1e3
        )
        began = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(CONCURRENT) as pool:
            lengths = list(pool.map(lambda _: len(stream(port)), range(CONCURRENT)))
        found[f"{CONCURRENT} streams at a time, ms"] = (time.perf_counter() - began) * 1e3
        if min(lengths) < DELTAS * 5:
            raise SystemExit(f"{module}: a stream lost events")

    cpu_of(module, upstream_port, times)
    return found


def cpu_of(module: str, upstream_port: int, load: Any) -> float:
    """Seconds of processor time that a server's process takes from start to end, with this load in between."""
    port = free_port()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as directory:
        entry = [{"model_id": "bench", "api_base": f"http://127.0.0.1:{upstream_port}/v1"}]
        Path(directory, "custom_models.yaml").write_text(json.dumps(entry), encoding="utf-8")
        settings = {"PORT": str(port), "HOST": "127.0.0.1", "PREFERRED_PROVIDER": "custom", "THREADS": "128"}
        server = start(module, str(port), str(upstream_port), cwd=directory, **settings)
        wait_for(port)
        load(port)
        server.terminate()
        server.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def start(module: str, *arguments: str, cwd: str | None = None, **variables: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", module, *(arguments if module != "proxy" else ())]
    environment = {**os.environ, **variables, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.DEVNULL)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("a server did not start")


def body(size: int = 0) -> bytes:
    """A streaming request; with a size, one like Claude Code's: 24 tools and so many kilobytes of text."""
    request: dict[str, Any] = {
        "model": "claude-opus-5-5",
        "max_tokens": 1000,
        "stream": True,
        "messages": [{"role": "user", "content": "hi"}],
    }
    if size:
        words = "lorem ipsum dolor sit amet " * 60
        properties = {f"p{number}": {"type": "string", "description": words[:200]} for number in range(6)}
        schema = {"type": "object", "properties": properties, "required": ["p1"], "additionalProperties": False}
        request["tools"] = [
            {"name": f"Tool{number}", "description": words[:1200], "input_schema": schema} for number in range(24)
        ]
        request["system"] = [{"type": "text", "text": (words * size)[: size * 1000]}]
    return json.dumps(request).encode()


LARGE = body(20)
SMALL = body()


def ask(port: int, data: bytes) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/v1/messages", data, {"content-type": "application/json"})
    return connection.getresponse()


def stream(port: int) -> bytes:
    return ask(port, SMALL).read()


def first_byte(port: int) -> float:
    began = time.perf_counter()
    response = ask(port, LARGE)
    response.read(1)
    took = time.perf_counter() - began
    response.read()
    return took


def json_ms() -> float:
    return best_of(lambda: json.dumps(json.loads(LARGE)))


def translation_ms() -> float:
    from proxy.catalog import Catalog
    from proxy.config import load_config
    from proxy.protocol.notes import Notes
    from proxy.protocol.request import parse_request
    from proxy.providers.base import Exchange
    from proxy.providers.openai.chat_request import build
    from proxy.providers.openai.quirks import Quirks
    from proxy.routing import Router

    config = load_config({"PREFERRED_PROVIDER": "openai", "OPENAI_API_KEY": "unused"}, directory=ROOT / "bench")
    route = Router(config, Catalog.load()).resolve("gpt-4o")

    def translate() -> None:
        build(Exchange(parse_request(LARGE), route, Notes()), Quirks(), most_tokens=1000)

    return best_of(translate)


def best_of(work: Any) -> float:
    """Milliseconds."""
    took = []
    for _ in range(50):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return min(took) * 1e3


if __name__ == "__main__":
    main()
