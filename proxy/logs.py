"""The log: to stderr, in ASCII, without keys and without the words of unexpected errors."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from types import TracebackType

from proxy.answering.pump import where
from proxy.providers.common.scrubber import Scrubber, words
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


def configure_logging(config: Config) -> None:
    """Sends everything from `config.log_level` on to stderr, in place of what was set up before."""
    level = logging.getLevelNamesMapping()[config.log_level]
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter(Scrubber(_secrets(config))))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, min_level in _CHATTY.items():
        logging.getLogger(name).setLevel(logging.NOTSET if level == logging.DEBUG else max(min_level, level))


def ascii_only(text: str) -> str:
    """The text with escapes for what a console may be unable to show, control characters included."""
    return re.sub(r"[^\x20-\x7e\n\t]", lambda match: match[0].encode("unicode_escape").decode(), text)


def one_line(text: str) -> str:
    """As `ascii_only`, for words of others inside a line: they begin no line of their own."""
    return ascii_only(text).replace("\n", "\\n")


def _secrets(config: Config) -> Iterable[str]:
    yield from config.proxy_api_keys
    yield from words(*(endpoint.api_key for endpoint in config.endpoints.values()))
    for custom in config.custom_models:
        yield from words(custom.api_key, *custom.headers.values())


class _Formatter(logging.Formatter):
    """Libraries log what they like when asked to debug: headers, for one."""

    def __init__(self, scrubber: Scrubber) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._scrubber = scrubber

    def format(self, record: logging.LogRecord) -> str:
        return ascii_only(self._scrubber.scrubbed(super().format(record)))

    def formatMessage(self, record: logging.LogRecord) -> str:
        return one_line(super().formatMessage(record))

    def formatException(
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        return where(ei[1]) if ei[1] is not None else ""
