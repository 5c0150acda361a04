"""The whole process, started without its standard streams or with some that take nothing."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.settings.table import variables
from tests.conformance import check_stream
from tests.server.serving import PATIENCE

ROOT = Path(__file__).parents[2]
ASK = {
    "model": "claude-opus-5-5",
    "max_tokens": 100,
    "stream": True,
    "messages": [{"role": "user", "content": "one two three four five six seven eight nine ten"}],
}


@pytest.fixture(params=["<&- >&- 2>&-", ">/dev/full 2>/dev/full"], ids=["closed", "full"])
def process(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    if request.param.startswith(">") and not os.path.exists("/dev/full"):
        pytest.skip("/dev/full is Linux's")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if name not in variables()}
    started = subprocess.Popen(
        ["sh", "-c", f'exec "$0" -m proxy --demo --port {port} --log-level INFO {request.param}', sys.executable],
        cwd=tmp_path,
        env={**kept, "PYTHONPATH": str(ROOT)},
    )
    try:
        yield started, port
    finally:
        started.kill()
        started.wait()


@pytest.mark.skipif(sys.platform == "win32", reason="signals and redirections are POSIX's")
def test_it_serves_and_stops_as_ever(process: tuple[subprocess.Popen[bytes], int]) -> None:
    """SIGTERM comes in the middle of an answer, which is finished; then the process ends in peace."""
    started, port = process
    until = time.monotonic() + PATIENCE
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            connection.request("POST", "/v1/messages", json.dumps(ASK), {"content-type": "application/json"})
            break
        except ConnectionRefusedError:
            assert time.monotonic() < until
            assert started.poll() is None
            time.sleep(0.05)
    response = connection.getresponse()
    begun = response.read1()
    started.send_signal(signal.SIGTERM)
    message = check_stream(begun + response.read(), ASK)
    assert message["stop_reason"] == "end_turn"
    assert started.wait(PATIENCE) == 0
