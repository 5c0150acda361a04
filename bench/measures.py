"""What is measured, a function for each way to ask. All servers are asked in turn.

What else the machine does then falls on all of them alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from bench.bodies import body, claude_code, conversation
from bench.load import Came, Client, Lost, many
from bench.results import Row
from bench.servers import ROOT, Server

Measured = Iterator[tuple[str, Row, float]]
"""Columns, rows and values."""
Measure = Callable[[list[Server]], Measured]

_ONE = "bench 1 0"


@contextlib.contextmanager
def leniently(server: Server) -> Iterator[None]:
    """Whoever may fail and does loses the values of this measurement. Raises Lost for all others."""
    try:
        yield
    except Lost:
        if not server.may_fail:
            raise


def warm_up(server: Server) -> None:
    """Waits for it, and has it load and make what a first few streams need."""
    server.wait()
    with leniently(server):
        many(server.port, 8, 3, body("bench 100 0.001"), 100)


def start(servers: list[Server]) -> Measured:
    for server in servers:
        yield server.name, Row("start to first 200, s"), server.took
        yield server.name, Row("memory at the start, MB"), server.memory()


def end(servers: list[Server]) -> Measured:
    for server in servers:
        yield server.name, Row("memory at the end, MB"), server.memory()


class Load(NamedTuple):
    data: bytes
    deltas: int
    asks: int


class Asked(NamedTuple):
    server: Server
    came: list[Came]
    cpu: float
    """Microseconds that an answer cost the server."""


def one_by_one(servers: list[Server], load: Load) -> list[Asked]:
    """Whole answers to one client, the next from another server; of the servers that lost nothing."""
    return asyncio.run(_one_by_one(servers, load))


async def _one_by_one(servers: list[Server], load: Load) -> list[Asked]:
    clients = {server: Client(server.port) for server in servers}
    came: dict[Server, list[Came]] = {server: [] for server in servers}
    before = {server: server.cpu() for server in servers}
    for turn in range(load.asks):
        for server in servers[turn % len(servers) :] + servers[: turn % len(servers)]:
            if len(came[server]) == turn:  # who has lost one is not asked again
                with leniently(server):
                    came[server].append(await clients[server].ask(load.data, load.deltas))
    took = {server: (server.cpu() - before[server]) / load.asks for server in servers}
    return [Asked(server, came[server], took[server] * 1e6) for server in servers if len(came[server]) == load.asks]


def burst(servers: list[Server]) -> Measured:
    """An answer whose deltas come at once."""
    row = "burst of 1000"
    for asked in one_by_one(servers, Load(body("bench 1000 0"), 1000, 20)):
        yield asked.server.name, Row(f"{row}: first, ms"), _median(came.first for came in asked.came)
        yield asked.server.name, Row(f"{row}: all, ms"), _median(came.end for came in asked.came)
        yield asked.server.name, Row(f"{row}: CPU, us a delta", steady=True), asked.cpu / 1000


def request(row: str, load: Load, servers: list[Server]) -> Measured:
    """A large request, and an answer of one delta."""
    for asked in one_by_one(servers, load):
        yield asked.server.name, Row(f"{row}: sent on, ms"), _median(came.sent for came in asked.came)
        yield asked.server.name, Row(f"{row}: first, ms"), _median(came.first for came in asked.came)
        yield asked.server.name, Row(f"{row}: CPU, us a request", steady=True), asked.cpu


def growth(row: str, less: Load, more: Load, servers: list[Server]) -> Measured:
    """What ten times as much costs in times of the less: what grows in proportion costs ten at most."""
    before = {asked.server: asked.cpu for asked in one_by_one(servers, less)}
    for asked in one_by_one(servers, more):
        if asked.server in before:
            yield asked.server.name, Row(row, steady=True, alone=True), asked.cpu / before[asked.server]


def whole(servers: list[Server]) -> Measured:
    """Many clients that want no stream."""
    clients, asks = 16, 25
    row = f"whole answers, {clients} clients"
    for server in servers:
        cpu, began = server.cpu(), time.monotonic()
        with leniently(server):
            many(server.port, clients, asks, body("bench 20 0", stream=False), 20)
            seconds = time.monotonic() - began
            used = (server.cpu() - cpu) / (clients * asks)
            yield server.name, Row(f"{row}: a second"), clients * asks / seconds
            yield server.name, Row(f"{row}: CPU, us an answer", steady=True), used * 1e6


def together(streams: int, count: int, pause: float, servers: list[Server]) -> Measured:
    """Many streams at a time, whose deltas come one by one."""
    row = f"{streams} streams, one in {pause * 1e3:.0f} ms"
    for server in servers:
        cpu = server.cpu()
        with leniently(server):
            came = many(server.port, streams, 1, body(f"bench {count} {pause}"), count)
            late = sorted(moment for each in came for moment in each.late)
            used = (server.cpu() - cpu) / (streams * count)
            yield server.name, Row(f"{row}: late, median, ms"), statistics.median(late) * 1e3
            yield server.name, Row(f"{row}: late, p95, ms"), late[int(len(late) * 0.95)] * 1e3
            yield server.name, Row(f"{row}: CPU, us a delta", steady=True), used * 1e6


def _median(seconds: Iterable[float]) -> float:
    """Milliseconds."""
    return statistics.median(seconds) * 1e3


STEADY: tuple[Measure, ...] = (
    burst,
    partial(request, "request of 76 kB", Load(claude_code(_ONE), 1, 40)),
    partial(request, "conversation of 430 kB", Load(claude_code(_ONE, 430), 1, 20)),
    partial(
        growth,
        "10 times the history: CPU, times",
        Load(conversation(_ONE, 43), 1, 20),
        Load(conversation(_ONE, 430), 1, 10),
    ),
    partial(
        growth,
        "10 times the deltas: CPU, times",
        Load(body("bench 500 0"), 500, 20),
        Load(body("bench 5000 0"), 5000, 4),
    ),
    whole,
    partial(together, 20, 150, 0.02),
)
"""What has steady rows, and takes a few seconds for each server."""
ALL: tuple[Measure, ...] = (*STEADY, partial(together, 64, 60, 0.05), partial(together, 200, 40, 0.1))


def translation_ms() -> tuple[float, float]:
    """Of a request of 76 kB: to parse and dump its JSON, and to read, check and translate it."""
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
    data = claude_code(_ONE)

    def translate() -> None:
        build(plan(Exchange(parse_request(data), route), wire(route), Habits(), Limits(1000)))

    return best_of(lambda: json.dumps(json.loads(data))), best_of(translate)


def best_of(work: Callable[[], object]) -> float:
    """Milliseconds."""
    took = []
    for _ in range(50):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return min(took) * 1e3
