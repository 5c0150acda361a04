"""A proxy as a process of its own that is told to stop while it answers: no row is lost."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from proxy.settings.table import variables
from tests.fakes.openai.chat import FakeOpenAI
from tests.fakes.openai.replies import Text, sse
from tests.web.serving import PATIENCE, Answer, Connection, ask, read

ROOT = Path(__file__).resolve().parents[2]
HI = sse({"choices": [{"index": 0, "delta": {"role": "assistant", "content": "hi"}}]})
END = sse({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})


def post(port: int, streams: bool, started: threading.Event | None = None) -> Answer:
    body = json.dumps(ask(stream=streams)).encode()
    with contextlib.closing(Connection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        connection.request("POST", "/v1/messages", body, {"content-type": "application/json"})
        response = connection.getresponse()
        if started is not None:
            started.set()
        return read(response)


@pytest.mark.streaming
@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_sigterm(tmp_path: Path) -> None:
    stopped_while_answering(tmp_path, "sqlite:///usage.db", answers=20)
    with contextlib.closing(sqlite3.connect(tmp_path / "usage.db")) as connection:
        found = connection.execute("select count(*), sum(streamed), count(cost), max(outcome) from usage_requests")
        assert found.fetchone() == (21, 1, 21, "")


def stopped_while_answering(directory: Path, database: str, *, answers: int) -> None:
    """A proxy that has given so many answers is told to stop while it streams one more."""
    with FakeOpenAI("compatible") as upstream, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        entry = [{"model_id": "local", "api_base": upstream.base_url, "price": {"input": 1, "output": 2}}]
        (directory / "custom_models.yaml").write_text(json.dumps(entry), encoding="utf-8")
        environ = {name: value for name, value in os.environ.items() if name not in variables()}
        process = subprocess.Popen(
            [sys.executable, "-m", "proxy", "--port", str(port), "--usage-db", database],
            cwd=directory,
            env={**environ, "PREFERRED_PROVIDER": "custom", "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            assert process.stdout.readline()
            for _ in range(answers):
                upstream.reply(Text("ok"))
                assert post(port, False).status == 200
            upstream.reply_raw([HI, 1.0, END, b"data: [DONE]\n\n"])
            started = threading.Event()
            slow = threading.Thread(target=post, args=(port, True, started))
            slow.start()
            assert started.wait(PATIENCE)
        finally:
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=PATIENCE)
        slow.join()
    assert process.returncode == 0, errors
    assert "USAGE_DB" not in errors
