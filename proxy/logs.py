"""The log: to stderr, in ASCII, without keys and without the words of unexpected errors. Nothing waits for it."""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import TextIO

from proxy.answering.pump import where
from proxy.settings.config import Config

_CHATTY = {
    "google_genai": logging.WARNING,
    "httpcore2": logging.WARNING,
    "httpx2": logging.WARNING,
    "openai": logging.WARNING,
    "urllib3": logging.WARNING,
    "waitress": logging.WARNING,
    "waitress.queue": logging.ERROR,
    "werkzeug": logging.WARNING,
}
"""Library loggers -> the lowest level at which they have something to say to a user of the proxy."""
_SECRET_MIN = 8
"""Characters. What is shorter protects nothing, and taking it out would garble other words."""
_WAITING_MAX = 1024 * 1024
"""Characters that wait where nobody takes them: ten thousand requests at INFO."""
_FLUSH_PATIENCE = 0.5
"""Seconds."""


def configure_logging(config: Config) -> None:
    """Sends everything from `config.log_level` on to stderr, in place of what was set up before."""
    level = logging.getLevelNamesMapping()[config.log_level]
    handler = _Handler(sys.stderr)
    handler.setFormatter(_Formatter(_secrets(config)))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, min_level in _CHATTY.items():
        logging.getLogger(name).setLevel(logging.NOTSET if level == logging.DEBUG else max(min_level, level))


def ascii_only(text: str) -> str:
    """The text with escapes for what a console may be unable to show, control characters included."""
    return re.sub(r"[^\x20-\x7e\n\t]", lambda match: match[0].encode("unicode_escape").decode(), text)


def open_standard_streams() -> None:
    """Opens to nowhere what the process was started without. Else the next socket would get the number of stderr."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="ascii"))  # noqa: SIM115


def say(text: str, stream: TextIO) -> None:
    """Prints for people. A full disk, or a reader that has gone, is no reason to serve nobody."""
    try:
        print(text, file=stream, flush=True)
    except (OSError, ValueError):
        # What is in its buffer would be tried again at the end, and make the exit code 120.
        with suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), stream.fileno())


def announce(text: str) -> None:
    """Says a line at stderr whatever the level of the log is, and waits for nobody, as the log does."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _Handler):
            handler.add(text)


def _secrets(config: Config) -> Iterable[str]:
    yield from config.proxy_api_keys
    yield from (endpoint.api_key or "" for endpoint in config.endpoints.values())
    for custom in config.custom_models:
        yield from (custom.api_key or "", *custom.headers.values())


class _Handler(logging.Handler):
    """Writes in a thread of its own, so that whoever logs never waits for who reads. What is too much is dropped.

    The thread begins with the first line: a server that forks after loading the app has none in its children.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._lines: deque[str] = deque()
        self._size = 0
        self._dropped = 0
        self._writing = self._closed = False
        # The lock in which `emit` is called.
        self._changed = threading.Condition(self.lock)
        self._thread: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        self.add(self.format(record))

    def add(self, line: str) -> None:
        """In any thread."""
        with self._changed:
            if self._lines and self._size + len(line) > _WAITING_MAX:
                self._dropped += 1
                return
            self._lines.append(line + "\n")
            self._size += len(line)
            self._changed.notify_all()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
                self._thread.start()

    def flush(self) -> None:
        """Waits until all is written, but not for ever."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._lines or self._writing), _FLUSH_PATIENCE)

    def close(self) -> None:
        self.flush()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        super().close()

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._lines or self._closed)
                if not self._lines:
                    return
                self._writing = True
                text, self._size = "".join(self._lines), 0
                self._lines.clear()
                if self._dropped:
                    text += f"{self._dropped} lines of the log were dropped here, since nobody took them\n"
                    self._dropped = 0
            with suppress(OSError, ValueError):  # a full disk, or a reader that has gone
                self._write(text)

    def _write(self, text: str) -> None:
        """Past the stream's buffer, whose lock would be held for ever by a thread that hangs here at the end."""
        try:
            number = self._stream.fileno()
        except (OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()
            return
        data = text.encode("ascii")
        while data:
            data = data[os.write(number, data) :]


class _Formatter(logging.Formatter):
    """Libraries log what they like when asked to debug: headers, for one."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        known = sorted({secret for secret in secrets if len(secret) >= _SECRET_MIN}, key=len, reverse=True)
        self._secret = re.compile("|".join(map(re.escape, known))) if known else None

    def format(self, record: logging.LogRecord) -> str:
        """One line, so that nobody writes lines of their own into the log."""
        text = super().format(record)
        return ascii_only(self._secret.sub("[key]", text) if self._secret else text).replace("\n", "\\n")

    def formatException(
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        return where(ei[1]) if ei[1] is not None else ""
