"""Processes that are measured, and how they are started. Who is there is told in `README.md`."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.bodies import body

ROOT = Path(__file__).parents[1]
YARDSTICKS = ("relay", "sdk", "bare")
PROXIES: dict[str, dict[str, str]] = {
    "chat": {"PREFERRED_PROVIDER": "custom"},
    "responses": {"PREFERRED_PROVIDER": "openai", "OPENAI_API": "responses", "BIG_MODEL": "gpt-6-sol"},
    "gemini": {"PREFERRED_PROVIDER": "google", "BIG_MODEL": "gemini-3.8-flash"},
    "pass-through": {"PREFERRED_PROVIDER": "anthropic"},
}
"""What the proxy is told, by the name of a column."""
_KEYS = dict.fromkeys(("OPENAI_API_KEY", "GEMINI_API_KEY", "ANTHROPIC_API_KEY"), "unused-here")
_SLOWEST = 120.0
"""Seconds until a server has to answer."""


def settings_of(name: str, upstream: str, directory: Path) -> dict[str, str]:
    """The variables of a proxy in front of the upstream at this URL; chat writes its list of models."""
    if name == "chat":
        entry = [{"model_id": "bench", "api_base": f"{upstream}/v1", "context_window": 1_000_000}]
        (directory / "custom_models.yaml").write_text(json.dumps(entry), encoding="utf-8")
    urls = {"OPENAI_BASE_URL": f"{upstream}/v1", "GEMINI_BASE_URL": upstream, "ANTHROPIC_UPSTREAM_URL": upstream}
    return {**PROXIES[name], **_KEYS, **urls}


class Server:
    """A process that answers on a port. `may_fail`: what it does not master is left out, and ends nothing."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], port: int, *, may_fail: bool = False) -> None:
        self.name = name
        self.port = port
        self.may_fail = may_fail
        self.took = 0.0
        """Seconds from the start to the first 200."""
        self._process = process
        self._began = time.monotonic()

    def cpu(self) -> float:
        """Seconds of processor time so far, of all threads, those that have ended too."""
        return time.clock_gettime(~self._process.pid << 3 | 2)  # as clock_getcpuclockid(3) makes it

    def memory(self) -> float:
        """Megabytes that are resident."""
        pages = Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def wait(self) -> None:
        """For the first 200. Raises SystemExit where it does not come."""
        data = body("bench 1 0", stream=False)
        while time.monotonic() < self._began + _SLOWEST and self._process.poll() is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_SLOWEST)
            with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
                connection.request("POST", "/v1/messages", data, {"content-type": "application/json"})
                if connection.getresponse().status == 200:
                    self.took = time.monotonic() - self._began
                    return
            time.sleep(0.01)
        raise SystemExit(f"{self.name} does not answer")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


def server(column: str, upstream: int, directory: str) -> Server:
    """What stands in a column, `NAME` or `NAME=DIR`, before the upstream on a port."""
    port, url = free_port(), f"http://127.0.0.1:{upstream}"
    name, _, checkout = column.partition("=")
    if name in YARDSTICKS:
        return Server(name, start("bench.yardsticks", name, str(port), url, cwd=directory), port)
    variables = {
        **settings_of(name, url, Path(directory)),
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "LOG_LEVEL": "ERROR",
    }
    process = start("proxy", root=checkout or str(ROOT), cwd=directory, **variables)
    return Server(column, process, port)


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
    """Its port."""
    port = free_port()
    process = start("bench.upstream", str(port), cwd=directory)
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait()
