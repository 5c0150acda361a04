"""A headless Chromium, driven by its DevTools protocol."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from websockets.sync.client import ClientConnection, connect

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    *("--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
    "--remote-debugging-port=0",
)
_PATIENCE = 20.0
"""Seconds for whatever has to come."""
HOW_TO_INSTALL = "needs Chromium: .ci/programs installs it where there is apt"


def find() -> str | None:
    """The command of a Chromium; None where there is none."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


class Browser:
    """One page. `said` has what its console said, `asked` the addresses of all that it requested."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []
        self.password = ""
        """What is given where a server asks for it."""
        self._number = 0
        self._loads = 0

    def __enter__(self) -> Self:
        self._stack = contextlib.ExitStack()
        profile = Path(self._stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        command = [find() or _NAMES[0], *_OPTIONS, *as_root, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._stack.callback(_end, process)
        port, path = _address(profile, process)
        self._socket: ClientConnection = self._stack.enter_context(
            connect(f"ws://127.0.0.1:{port}{path}", max_size=None, proxy=None)
        )
        self._session: str | None = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Fetch.enable", handleAuthRequests=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Asks for something; gives the result."""
        number = self._send(method, params)
        while True:
            message = self._next()
            if message.get("id") == number:
                assert "error" not in message, (method, message["error"])
                result: dict[str, Any] = message["result"]
                return result

    def look(self, width: int, height: int = 900, *, scheme: str = "light", scripts: bool = True) -> None:
        """How the pages are seen that are opened from now on."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", features=features)
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)

    def open(self, url: str) -> None:
        """Returns when the page is loaded."""
        loads = self._loads
        self.call("Page.navigate", url=url)
        until = time.monotonic() + _PATIENCE
        while self._loads == loads:
            assert time.monotonic() < until, f"{url} does not load"
            self.call("Runtime.evaluate", expression="0")

    def js(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page, also where the page itself may run none."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, expression: str) -> None:
        """Waits until it is true."""
        end = time.monotonic() + _PATIENCE
        while not self.js(expression):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(0.05)

    def press(self, key: str, code: int, text: str = "") -> None:
        """`code`: the key's virtual key code; `text`: what it types."""
        for kind in ("keyDown", "keyUp"):
            extra = {"text": text} if text and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **extra)

    def shoot(self, path: Path) -> None:
        """Writes a picture of the whole page, as PNG."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def _send(self, method: str, params: Mapping[str, Any]) -> int:
        self._number += 1
        session = {"sessionId": self._session} if self._session else {}
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params, **session}))
        return self._number

    def _next(self) -> dict[str, Any]:
        """The next message; what it tells of the page is taken in."""
        message: dict[str, Any] = json.loads(self._socket.recv(_PATIENCE))
        params = message.get("params", {})
        match message.get("method"):
            case "Page.loadEventFired":
                self._loads += 1
            case "Network.requestWillBeSent":
                self.asked.append(params["request"]["url"])
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown":
                self.said.append(json.dumps(params)[:500])
            case "Log.entryAdded":
                self.said.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
            case "Fetch.requestPaused":
                self._send("Fetch.continueRequest", {"requestId": params["requestId"]})
            case "Fetch.authRequired":
                answer = {"response": "CancelAuth"}
                if self.password:
                    answer = {"response": "ProvideCredentials", "username": "me", "password": self.password}
                self._send(
                    "Fetch.continueWithAuth", {"requestId": params["requestId"], "authChallengeResponse": answer}
                )
        return message


def _address(profile: Path, process: subprocess.Popen[bytes]) -> tuple[str, str]:
    """The port and the path at which it can be driven."""
    file, until = profile / "DevToolsActivePort", time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        if file.exists() and len(lines := file.read_text(encoding="ascii").splitlines()) == 2:
            return lines[0], lines[1]
        time.sleep(0.05)
    raise AssertionError("Chromium does not start")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(_PATIENCE)
