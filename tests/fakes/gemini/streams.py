"""Every kind of stream that a client of Gemini has to be ready for, with what has to come of it.

Iterate over `GEMINI_STREAMS.values()`; `stream.raw()` serves one, `stream.chunks` feeds a parser without a socket.
`GEMINI_GATEWAY_STREAMS` are those that only servers in between send; the official SDK's reader fails on them.
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.fakes.gemini.stream_base import GeminiStream
from tests.fakes.gemini.stream_content import CONTENT
from tests.fakes.gemini.stream_endings import ENDINGS, GATEWAYS

__all__ = ["GEMINI_GATEWAY_STREAMS", "GEMINI_STREAMS", "TOOL_NAMES", "GeminiStream"]

TOOL_NAMES = ("Grep", "List", "Read", "Write")
"""The functions that the request has to declare."""


def _table(streams: Iterable[GeminiStream]) -> dict[str, GeminiStream]:
    table: dict[str, GeminiStream] = {}
    for stream in streams:
        if stream.name in table:
            raise ValueError(f"two streams called {stream.name}")
        table[stream.name] = stream
    return table


GEMINI_STREAMS = _table((*CONTENT, *ENDINGS))
GEMINI_GATEWAY_STREAMS = _table(GATEWAYS)
