"""The log: to stderr, in ASCII, without keys and without the words of unexpected errors. Nothing waits for it."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO
from urllib.parse import unquote, urlsplit

from proxy.answering.pump import where
from proxy.providers.common.scrubber import Scrubber, words
from proxy.settings.config import Config
from proxy.usage.record import Record

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
_REPEATS_KEPT = 256
"""Warnings whose repeats are counted; the longest unheard one is forgotten for a new one."""
_EACH_TIME_NEWS = "proxy.web.reload"
"""Warns of what a user has just written, however often."""
_REPEATS_SPAN = 3600.0
"""Seconds after which a warning is news again."""
_WAITING_MAX = 1024 * 1024
"""Characters that wait where nobody takes them: ten thousand requests at INFO."""
_FLUSH_PATIENCE = 0.5
"""Seconds."""


def configure_logging(config: Config, former: Iterable[Config] = ()) -> None:
    """Sends everything from `config.log_level` on to stderr, in place of what was set up before.

    Keys of `former` settings, with which answers may still run, are taken out as well.
    """
    level = logging.getLevelNamesMapping()[config.log_level]
    handler = _Handler(sys.stderr)
    handler.addFilter(Repeats())
    form = _JsonFormatter if config.log_format == "json" else _Formatter
    handler.setFormatter(form(Scrubber(secret for each in (config, *former) for secret in _secrets(each))))
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


def one_line(text: str) -> str:
    """As `ascii_only`, for words of others inside a line: they begin no line of their own."""
    return ascii_only(text).replace("\n", "\\n")


def _secrets(config: Config) -> Iterable[str]:
    yield from config.proxy_api_keys
    for endpoint in config.endpoints.values():
        yield from words(*endpoint.api_keys)
    for custom in config.custom_models:
        yield from words(*custom.api_keys, *custom.headers.values())
    if config.usage_db is not None:
        yield from _passwords(config.usage_db)


def _passwords(url: str) -> tuple[str, ...]:
    """That of a URL, as it stands there and as it is sent."""
    try:
        written = urlsplit(url).password or ""
    except ValueError:
        return ()
    return written, unquote(written)


class Repeats(logging.Filter):
    """Lets a warning through once, and its repeats at the 10th, 100th, 1000th time, which the line then says.

    After an hour it is news again.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: OrderedDict[tuple[str, int, str], tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or record.name == _EACH_TIME_NEWS:
            return True
        key, now = (record.name, record.levelno, record.getMessage()), self._clock()
        with self._lock:
            since, times = self._seen.pop(key, (now, 0))
            if now - since >= _REPEATS_SPAN:
                since, times = now, 0
            times += 1
            self._seen[key] = since, times
            if len(self._seen) > _REPEATS_KEPT:
                self._seen.popitem(last=False)
        if times > 1:
            record.times = f" ({times} times in {now - since:.0f} s)"
        return re.fullmatch("10*", str(times)) is not None


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

    def __init__(self, scrubber: Scrubber) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._scrubber = scrubber

    def format(self, record: logging.LogRecord) -> str:
        """One line, so that nobody writes lines of their own into the log."""
        return one_line(self._without_secrets(super().format(record) + self._times(record)))

    def _without_secrets(self, text: str) -> str:
        return self._scrubber.scrubbed(text)

    def _times(self, record: logging.LogRecord) -> str:
        return str(getattr(record, "times", ""))

    def formatException(
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        return where(ei[1]) if ei[1] is not None else ""


class _JsonFormatter(_Formatter):
    """One object a line: time (UTC), level, logger, message; `request` has the fields of a finished request."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self._without_secrets(record.getMessage() + self._times(record)),
        }
        if record.exc_info:
            line["error"] = self._without_secrets(self.formatException(record.exc_info))
        if isinstance(request := getattr(record, "request", None), Record):
            line["request"] = {
                name: self._without_secrets(value) if isinstance(value, str) else value
                for name, value in request.values().items()
            }
        return json.dumps(line)
