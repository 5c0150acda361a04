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
_TRANSLATION = "translation of that request, ms"
STREAMS = 40
CONCURRENT = 64
ASKS = 60
PAUSE = 0.005
"""Seconds between two chunks where the upstream takes its time, as models do."""


def main() -> None:
    rushing, pacing = free_port(), free_port()
    upstreams = [start("bench.upstream", str(rushing), "0"), start("bench.upstream", str(pacing), str(PAUSE))]
    try:
        yardstick = measure("bench.yardstick", rushing, pacing)
        proxy = measure("proxy", rushing, pacing)
    finally:
        for upstream in upstreams:
            upstream.terminate()
            upstream.wait()
    yardstick[_TRANSLATION] = json_ms()
    proxy[_TRANSLATION] = translation_ms()
    print(f"{'':44}{'yardstick':>12}{'proxy':>12}{'ratio':>9}")
    for name in proxy:
        print(f"{name:44}{yardstick[name]:12.2f}{proxy[name]:12.2f}{proxy[name] / yardstick[name]:9.2f}")


def measure(module: str, rushing: int, pacing: int) -> dict[str, float]:
    """Numbers of one server before two upstreams, given by their ports.

    The processor time of a run with a single answer is taken off: what is imported for the first one is no cost of all.
    """
    first = cpu_of(module, rushing, stream)

    def cpu_per_delta(upstream_port: int, load: Any) -> float:
        def warm(port: int) -> None:
            stream(port)
            load(port)

        return (cpu_of(module, upstream_port, warm) - first) / (STREAMS * DELTAS) * 1e6

    found = {
        "CPU per delta, a chunk every 5 ms, us": cpu_per_delta(pacing, lambda port: many(port, STREAMS)),
        "CPU per delta, all chunks at once, us": cpu_per_delta(rushing, lambda port: many(port, STREAMS, 1)),
    }

    def first_bytes(port: int) -> None:
        found["first byte of a Claude Code request, ms"] = statistics.median(first_byte(port) for _ in range(ASKS))

    def together(port: int) -> None:
        stream(port)
        began = time.perf_counter()
        many(port, CONCURRENT)
        found[f"{CONCURRENT} streams at a time, ms"] = (time.perf_counter() - began) * 1e3

    cpu_of(module, pacing, first_bytes)
    cpu_of(module, rushing, together)
    return found


def many(port: int, count: int, at_a_time: int | None = None) -> None:
    with concurrent.futures.ThreadPoolExecutor(at_a_time or count) as pool:
        list(pool.map(lambda _: stream(port), range(count)))


def cpu_of(module: str, upstream_port: int, load: Any) -> float:
    """Seconds of processor time that a server's process takes from start to end, with this load in between."""
    port = free_port()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as directory:
        entry = [{"model_id": "bench", "api_base": f"http://127.0.0.1:{upstream_port}/v1"}]
        Path(directory, "custom_models.yaml").write_text(json.dumps(entry), encoding="utf-8")
        settings = {"PORT": str(port), "HOST": "127.0.0.1", "PREFERRED_PROVIDER": "custom", "THREADS": "128"}
        server = start(module, str(port), str(upstream_port), cwd=directory, **settings)
        try:
            wait_for(port)
            load(port)
        finally:
            server.terminate()
            server.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def start(module: str, *arguments: str, cwd: str | None = None, **variables: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", module, *(arguments if module != "proxy" else ())]
    environment = {**os.environ, "USAGE_DB": "off", **variables, "PYTHONPATH": str(ROOT)}
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


def stream(port: int) -> None:
    """Reads one answer; each delta must have come."""
    came = ask(port, SMALL).read().count(b"hello ")
    if came != DELTAS:
        raise SystemExit(f"{DELTAS - came} of {DELTAS} deltas were lost")


def first_byte(port: int) -> float:
    """Milliseconds; the rest of the answer is left unread."""
    began = time.perf_counter()
    response = ask(port, LARGE)
    response.read(1)
    took = time.perf_counter() - began
    response.close()
    return took * 1e3


def json_ms() -> float:
    return best_of(lambda: json.dumps(json.loads(LARGE)))


def translation_ms() -> float:
    from proxy.answering.plan import Limits, plan
    from proxy.models.catalog import Catalog
    from proxy.models.habits import Habits
    from proxy.models.routing import Router
    from proxy.protocol.request import parse_request
    from proxy.providers.base import Exchange
    from proxy.providers.openai.chat.request import build, wire
    from proxy.settings.config import load_config

    config = load_config({"PREFERRED_PROVIDER": "openai", "OPENAI_API_KEY": "unused"}, directory=ROOT / "bench")
    route = Router(config, Catalog.load()).resolve("gpt-4o")

    def translate() -> None:
        build(plan(Exchange(parse_request(LARGE), route), wire(route), Habits(), Limits(1000)))

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
