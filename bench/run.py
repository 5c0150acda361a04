"""What the proxy costs, beside yardsticks in the same run. `python -m bench.run --help`, from the repository, Linux.

All servers run at once and talk to the same upstream. They are asked in turn, so that what else the machine does falls
on all of them alike.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.load import Client, body, many

ROOT = Path(__file__).parents[1]
_TICK = 1 / os.sysconf("SC_CLK_TCK")
_LARGE = body("bench 1 0", 20)


class Server:
    """A process that answers on a port, before the upstream on another."""

    def __init__(self, name: str, upstream: int, directory: str) -> None:
        self.port = free_port()
        self.found: defaultdict[str, list[float]] = defaultdict(list)
        kind, _, checkout = name.partition("=")
        self.name = f"other {kind}" if checkout else kind
        variables = {"PORT": str(self.port), "HOST": "127.0.0.1", "LOG_LEVEL": "ERROR"}
        url = f"http://127.0.0.1:{upstream}"
        if kind in ("bare", "relay"):
            command = ["bench.yardsticks", kind, str(self.port), url]
        else:
            command = ["proxy"]
            entry = [{"model_id": "bench", "api_base": f"{url}/v1"}]
            Path(directory, "custom_models.yaml").write_text(json.dumps(entry), encoding="utf-8")
            variables["PREFERRED_PROVIDER"] = "anthropic" if kind == "pass-through" else "custom"
            variables |= {"ANTHROPIC_UPSTREAM_URL": url, "ANTHROPIC_API_KEY": "unused"}
        self._process = start(*command, root=checkout or str(ROOT), cwd=directory, **variables)
        wait_for(self.port)
        many(self.port, 8, 3, body("bench 100 0.001"), 100)
        self.found["memory at the start, MB"] = [self.memory()]

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * _TICK

    def memory(self) -> float:
        """Megabytes that are resident."""
        pages = Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


async def one_by_one(servers: list[Server], row: str, data: bytes, count: int, asks: int) -> None:
    """Whole answers to one client, the next from another server."""
    clients = {server: Client(server.port) for server in servers}
    cpu = {server: server.cpu() for server in servers}
    for turn in range(asks):
        for server in servers[turn % len(servers) :] + servers[: turn % len(servers)]:
            came = await clients[server].ask(data, count)
            server.found[f"{row}: first, ms"].append(came.first * 1e3)
            server.found[f"{row}: all, ms"].append(came.end * 1e3)
    for server in servers:
        server.found[f"{row}: CPU, us a delta"].append((server.cpu() - cpu[server]) / (asks * count) * 1e6)


def together(server: Server, streams: int, count: int, pause: float) -> None:
    """Many streams at a time, whose deltas come one by one."""
    cpu = server.cpu()
    came = many(server.port, streams, 1, body(f"bench {count} {pause}"), count)
    late = sorted(moment for each in came for moment in each.late)
    row = f"{streams} streams, one in {pause * 1e3:.0f} ms"
    server.found[f"{row}: late, median, ms"].append(statistics.median(late) * 1e3)
    server.found[f"{row}: late, p95, ms"].append(late[int(len(late) * 0.95)] * 1e3)
    server.found[f"{row}: CPU, us a delta"].append((server.cpu() - cpu) / (streams * count) * 1e6)


def whole(server: Server, clients: int, asks: int) -> None:
    cpu, began = server.cpu(), time.monotonic()
    many(server.port, clients, asks, body("bench 20 0", stream=False), 20)
    row = f"whole answers, {clients} clients"
    server.found[f"{row}: a second"].append(clients * asks / (time.monotonic() - began))
    server.found[f"{row}: CPU, us an answer"].append((server.cpu() - cpu) / (clients * asks) * 1e6)


def measure(servers: list[Server]) -> None:
    """One round."""
    asyncio.run(one_by_one(servers, "burst of 1000", body("bench 1000 0"), 1000, 20))
    asyncio.run(one_by_one(servers, "request of Claude Code", _LARGE, 1, 40))
    for server in servers:
        whole(server, 16, 25)
    for streams, count, pause in ((20, 150, 0.02), (64, 60, 0.05), (200, 40, 0.1)):
        for server in servers:
            together(server, streams, count, pause)


def start(module: str, *arguments: str, cwd: str, root: str = str(ROOT), **variables: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "USAGE_DB": "off", **variables, "PYTHONPATH": root}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.DEVNULL)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    for _ in range(400):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("a server did not start")


@contextlib.contextmanager
def upstream(directory: str) -> Iterator[int]:
    port = free_port()
    process = start("bench.upstream", str(port), cwd=directory)
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def translation_ms() -> tuple[float, float]:
    """Of a request of Claude Code's size: to parse and dump its JSON, and to read, check and translate it."""
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
        build(plan(Exchange(parse_request(_LARGE), route), wire(route), Habits(), Limits(1000)))

    return best_of(lambda: json.dumps(json.loads(_LARGE))), best_of(translate)


def best_of(work: Any) -> float:
    """Milliseconds."""
    took = []
    for _ in range(50):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return min(took) * 1e3


def show(servers: list[Server]) -> None:
    """The medians, a column for each server."""
    print("".join([f"{'':46}", *(f"{server.name:>19}" for server in servers)]))
    for row in servers[0].found:
        values = [statistics.median(server.found[row]) for server in servers]
        print("".join([f"{row:46}", *(f"{value:19.2f}" for value in values)]))
    json_alone, translation = translation_ms()
    print(f"\ntranslation of Claude Code's request: {translation:.2f} ms; of its JSON alone: {json_alone:.2f} ms")


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m bench.run", description=__doc__.partition("\n")[0])
    options.add_argument("--rounds", type=int, default=1, help="how often all is measured; medians are shown")
    options.add_argument(
        "servers",
        nargs="*",
        default=["relay", "bare", "proxy", "pass-through"],
        help="relay, bare, proxy, pass-through (the proxy before Anthropic); proxy=DIR: that of another checkout",
    )
    chosen = options.parse_args()
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        port = stack.enter_context(upstream(directory))
        servers = [Server(name, port, directory) for name in chosen.servers]
        for server in servers:
            stack.callback(server.stop)
        for _ in range(chosen.rounds):
            measure(servers)
        for server in servers:
            server.found["memory at the end, MB"] = [server.memory()]
        show(servers)


if __name__ == "__main__":
    main()
