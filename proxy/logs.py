"""The log: to stderr, in ASCII, without keys and without the words of unexpected errors."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from types import TracebackType

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


def configure_logging(config: Config, former: Iterable[Config] = ()) -> None:
    """Sends everything from `config.log_level` on to stderr, in place of what was set up before.

    Keys of `former` settings, with which answers may still run, are taken out as well.
    """
    level = logging.getLevelNamesMapping()[config.log_level]
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter(secret for each in (config, *former) for secret in _secrets(each)))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, min_level in _CHATTY.items():
        logging.getLogger(name).setLevel(logging.NOTSET if level == logging.DEBUG else max(min_level, level))


def ascii_only(text: str) -> str:
    """The text with escapes for what a console may be unable to show, control characters included."""
    return re.sub(r"[^\x20-\x7e\n\t]", lambda match: match[0].encode("unicode_escape").decode(), text)


def _secrets(config: Config) -> Iterable[str]:
    yield from config.proxy_api_keys
    for endpoint in config.endpoints.values():
        yield from endpoint.api_keys
    for custom in config.custom_models:
        yield from (*custom.api_keys, *custom.headers.values())


class _Formatter(logging.Formatter):
    """Libraries log what they like when asked to debug: headers, for one."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        known = sorted({secret for secret in secrets if len(secret) >= _SECRET_MIN}, key=len, reverse=True)
        self._secret = re.compile("|".join(map(re.escape, known))) if known else None

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return ascii_only(self._secret.sub("[key]", text) if self._secret else text)

    def formatException(
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        return where(ei[1]) if ei[1] is not None else ""
