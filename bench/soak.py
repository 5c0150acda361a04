"""Hours of use in minutes, and whether anything is left of it. `python -m bench.soak --minutes 5` from the repository.

The proxy runs in a process of its own, as a user starts it, in front of an upstream in another. A table shows each
minute of it. The exit code is 1 where requests hang or fail, threads or descriptors are left, or memory grows. Linux
only: it reads /proc.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.servers import ROOT, free_port, wait_for
from bench.traffic import MODELS, Asked, ask, asked, sound

_SEED = 7
_AT_A_TIME = 200
_WARM_UP = 0.4
"""The part of the run in which memory may grow: pools, caches and arenas fill."""
_GROWTH = 2.0
"""Percent of resident memory for each 10,000 requests."""
_LONG_ENOUGH = 4 * 60
"""Seconds of a run that says something of growth; in a shorter one arenas that come and go are all that is seen."""
_SETTLE = 15.0
"""Seconds after the load until silences, repeats and drains are through and idle threads have ended."""
_LEFT = 4
"""Threads and descriptors that may be more than at the start."""
_SHOWN = 10
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Sample:
    """The proxy's process at one moment. Memory in MB."""

    requests: int
    memory: float
    threads: int
    descriptors: int
    """Without connections that both sides keep for the next request."""


@dataclass
class Run:
    pid: int
    port: int
    upstream: str
    outcomes: collections.Counter[str] = field(default_factory=collections.Counter)
    problems: list[str] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def take(self, outcome: str) -> None:
        if outcome in ("answered", "refused", "left"):
            self.outcomes[outcome] += 1
        else:
            self.outcomes["wrong"] += 1
            self.problems.append(outcome)

    def sample(self) -> Sample:
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        fields = dict(line.split(":", 1) for line in status.splitlines())
        memory = int(fields["VmRSS"].split()[0]) / 1024
        with urllib.request.urlopen(self.upstream) as answer:
            kept = int(answer.read())
        descriptors = len(os.listdir(f"/proc/{self.pid}/fd")) - kept
        return Sample(sum(self.outcomes.values()), memory, int(fields["Threads"]), descriptors)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--rate", type=float, default=30.0, help="requests a second")
    parser.add_argument("--trace", metavar="FILE", help="write to FILE what of the proxy's memory grows; slow")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, _running(Path(directory), args.trace) as run:
        _each_way(run)
        time.sleep(1)
        start = run.sample()
        _load(run, args.minutes * 60, args.rate, traced=bool(args.trace))
        time.sleep(_SETTLE)
        _each_way(run)
        end = run.sample()
        growth = list(_growth(run.samples))
        problems = [*run.problems[:_SHOWN], *_left(start, end), *_said(Path(directory))]
        tells_growth = args.minutes * 60 >= _LONG_ENOUGH
        problems += growth if tells_growth else []
    fine = "nothing is lost, nothing hangs" + (", nothing grows" if tells_growth else "")
    print(*(problems or [fine]), sep="\n")
    return 1 if problems else 0


@contextmanager
def _running(directory: Path, trace: str | None) -> Iterator[Run]:
    """The proxy in front of its upstream."""
    upstream = _start(["bench.soak_upstream"], directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert upstream.stdout is not None
    url = f"http://127.0.0.1:{int(upstream.stdout.readline())}"
    entry = [{"model_id": "local", "api_base": f"{url}/v1"}]
    (directory / "custom_models.yaml").write_text(json.dumps(entry), encoding="utf-8")
    port = free_port()
    settings = {
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "PREFERRED_PROVIDER": "custom",
        "OPENAI_API": "responses",
        "OPENAI_BASE_URL": f"{url}/v1",
        "GEMINI_BASE_URL": url,
        "ANTHROPIC_UPSTREAM_URL": url,
        **dict.fromkeys(("OPENAI_API_KEY", "GEMINI_API_KEY", "ANTHROPIC_API_KEY"), "sk-soak-0123456789"),
        "REQUEST_TIMEOUT": "3",
        "CONTENT_TIMEOUT": "5",
        "LOG_LEVEL": "ERROR",
    }
    command = ["bench.traced", str(Path(trace).absolute())] if trace else ["proxy"]
    with open(directory / "stderr", "wb") as errors:
        proxy = _start(command, directory, stderr=errors, stdout=subprocess.DEVNULL, **settings)
    try:
        wait_for(port)
        yield Run(proxy.pid, port, url)
    finally:
        for process in (proxy, upstream):
            process.terminate()
            process.wait()


def _start(command: list[str], directory: Path, **more: Any) -> subprocess.Popen[bytes]:
    variables = {name: more.pop(name) for name in list(more) if name.isupper()}
    environment = {**os.environ, **variables, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-m", *command], cwd=directory, env=environment, **more)


def _each_way(run: Run) -> None:
    """What the first request of each vendor loads is no growth; and after the load each way has to answer."""
    for way in MODELS:
        run.take(ask(run.port, sound(way)))


def _load(run: Run, seconds: float, rate: float, *, traced: bool) -> None:
    """As many requests as the rate wants, whether or not those before are through."""
    rng, began, count = random.Random(_SEED), time.monotonic(), 0
    shown = sampled = 0
    print(f"{'minute':>6}{'requests':>10}{'answered':>10}{'refused':>9}{'left':>6}{'wrong':>7}", end="")
    print(f"{'MB':>8}{'threads':>9}{'descriptors':>13}", flush=True)
    with concurrent.futures.ThreadPoolExecutor(_AT_A_TIME) as pool:
        while (passed := time.monotonic() - began) < seconds:
            if passed >= sampled + 1:
                sampled = int(passed)
                run.samples.append(run.sample())
            if passed >= (shown + 1) * 60:
                shown += 1
                _show(run, shown)
                if traced:
                    os.kill(run.pid, signal.SIGUSR1)
            if count < passed * rate:
                count += 1
                pool.submit(_one, run, asked(rng))
            else:
                time.sleep(0.005)


def _one(run: Run, request: Asked) -> None:
    outcome = ask(run.port, request)
    with _lock:
        run.take(outcome)


def _show(run: Run, minute: int) -> None:
    now, outcomes = run.samples[-1], run.outcomes
    print(f"{minute:6}{now.requests:10}", end="")
    print(f"{outcomes['answered']:10}{outcomes['refused']:9}{outcomes['left']:6}{outcomes['wrong']:7}", end="")
    print(f"{now.memory:8.1f}{now.threads:9}{now.descriptors:13}", flush=True)


def _left(start: Sample, end: Sample) -> Iterator[str]:
    print(f"threads {start.threads} -> {end.threads}, descriptors {start.descriptors} -> {end.descriptors}")
    if end.threads > start.threads + _LEFT:
        yield f"{end.threads - start.threads} threads are left"
    if end.descriptors > start.descriptors + _LEFT:
        yield f"{end.descriptors - start.descriptors} descriptors are left"


def _growth(samples: list[Sample]) -> Iterator[str]:
    """The slope of a line through what comes after the warm-up."""
    late = samples[int(len(samples) * _WARM_UP) :]
    line = statistics.linear_regression([each.requests for each in late], [each.memory for each in late])
    percent = line.slope * 10_000 / statistics.fmean(each.memory for each in late) * 100
    print(f"memory grows by {percent:.1f} % for each 10,000 requests")
    if percent > _GROWTH:
        yield f"memory grows by {percent:.1f} % for each 10,000 requests, {_GROWTH} % are allowed"


def _said(directory: Path) -> Iterator[str]:
    errors = (directory / "stderr").read_text(encoding="utf-8", errors="replace")
    if "Traceback" in errors or "failed" in errors:
        yield f"the proxy complained: {errors[:2000]}"


if __name__ == "__main__":
    sys.exit(main())
