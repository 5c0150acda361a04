"""A program in the place of Claude Code: it writes down how it was started and does what its first argument says."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import urllib.request
from pathlib import Path

PATIENCE = 20.0
"""Seconds for which it waits for a signal."""
RULES = {"allow": ["a rule of the client's"], "soft_deny": [], "hard_deny": [], "environment": []}


def main() -> int:
    if sys.argv[1:] == ["auto-mode", "defaults"]:
        print(json.dumps(RULES))
        return 0
    kept = {name: value for name, value in os.environ.items() if name.startswith(("ANTHROPIC", "CLAUDE"))}
    report = {"arguments": sys.argv[1:], "environment": kept, "pid": os.getpid()}
    Path(os.environ["FAKE_REPORT"]).write_text(json.dumps(report), encoding="utf-8")
    what, *details = sys.argv[1:] or ["nothing"]
    return _ACTIONS[what](*details)


def _ask(*_: str) -> int:
    """Asks the server and prints the answer's text."""
    body = {"model": "claude-opus-5-5", "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}]}
    token = os.environ["ANTHROPIC_AUTH_TOKEN"]
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    url = f"{os.environ['ANTHROPIC_BASE_URL']}/v1/messages"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=PATIENCE) as response:
        print(json.loads(response.read())["content"][0]["text"])
    return 0


def _change(*_: str) -> int:
    """Changes the settings and waits until the server has another big model; prints which."""
    with Path(".env").open("a", encoding="utf-8") as file:
        file.write("BIG_MODEL=gpt-second\nPROXY_API_KEY=another-key-0123456789\n")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    headers = {"authorization": f"Bearer {os.environ['ANTHROPIC_AUTH_TOKEN']}"}
    request = urllib.request.Request(f"{os.environ['ANTHROPIC_BASE_URL']}/v1/models/claude-opus-5-5", headers=headers)
    said, until = "", time.monotonic() + PATIENCE
    while "gpt-second" not in said and time.monotonic() < until:
        time.sleep(0.1)
        with opener.open(request, timeout=PATIENCE) as response:
            said = json.loads(response.read())["description"]
    print(said)
    return 0


def _await_signal(*_: str) -> int:
    """Prints the signals that come within half a second of the first; the exit code is 40 and how many came."""
    found: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: found.append(number))
    print("ready", flush=True)
    until = time.monotonic() + PATIENCE
    while not found and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(0.5)
    print(*found, flush=True)
    return 40 + len(found)


def _die(*_: str) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def _echo(*_: str) -> int:
    """Standard input to standard output."""
    sys.stdout.write(sys.stdin.read())
    return 0


_ACTIONS = {
    "nothing": lambda *_: 0,
    "--print-env": lambda *_: 0,
    "exit": lambda code: int(code),
    "-p": _ask,
    "change": _change,
    "await-signal": _await_signal,
    "die": _die,
    "echo": _echo,
}

if __name__ == "__main__":
    raise SystemExit(main())
