"""Settings that change under real processes, and what SIGHUP does to them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.server.hangup import on_hangup
from proxy.settings.table import variables
from tests.server.serving import PATIENCE, eventually

ROOT = Path(__file__).resolve().parents[2]
SERVERS = {"own": ["proxy"], "waitress": ["waitress", "wsgi:app"]}
posix_only = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no such signal here")


class Server:
    """A proxy in a process of its own, with settings in `directory`."""

    def __init__(self, directory: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        self._env = directory / ".env"
        self.write("gpt-first")

    def write(self, model: str) -> None:
        text = f"HOST=127.0.0.1\nPORT={self.port}\nPREFERRED_PROVIDER=openai\nBIG_MODEL={model}\n"
        self._env.write_text(text, encoding="utf-8")

    def answers_with(self, model: str) -> bool:
        """Whether it comes to that."""
        return eventually(lambda: self._answerer() == f"Answered by openai/{model}")

    def _answerer(self) -> str:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        url = f"http://127.0.0.1:{self.port}/v1/models/claude-sonnet-5-5"
        with contextlib.suppress(OSError), opener.open(url, timeout=PATIENCE) as response:
            return str(json.loads(response.read())["description"])
        return ""


@contextlib.contextmanager
def started(directory: Path, kind: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    kept = {name: value for name, value in os.environ.items() if name not in variables()}
    process = subprocess.Popen(
        [sys.executable, "-m", *SERVERS[kind]],
        cwd=directory,
        env={**kept, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **options,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("kind", SERVERS)
def test_a_change_is_found(kind: str, tmp_path: Path) -> None:
    server = Server(tmp_path)
    with started(tmp_path, kind) as process:
        assert server.answers_with("gpt-first")
        server.write("gpt-second")
        assert server.answers_with("gpt-second")
        if hasattr(signal, "SIGHUP"):
            server.write("gpt-third")
            process.send_signal(signal.SIGHUP)
            assert server.answers_with("gpt-third")
        assert process.poll() is None


@posix_only
def test_the_terminal_goes_away(tmp_path: Path) -> None:
    """A server in a terminal ends with it, although the same signal has it read its settings."""
    if sys.platform == "win32":
        return
    import fcntl
    import termios

    server = Server(tmp_path)
    ours, theirs = os.openpty()
    own = {"start_new_session": True, "preexec_fn": lambda: fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)}
    with started(tmp_path, "own", stdin=theirs, pass_fds=[theirs], **own) as process:
        os.close(theirs)
        assert server.answers_with("gpt-first")
        server.write("gpt-second")
        process.send_signal(signal.SIGHUP)
        assert server.answers_with("gpt-second")
        os.close(ours)
        assert process.wait(PATIENCE) == -signal.SIGHUP


@posix_only
def test_signals_are_the_main_threads() -> None:
    before = signal.getsignal(signal.SIGHUP)
    thread = threading.Thread(target=on_hangup, args=[print])
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGHUP) is before
