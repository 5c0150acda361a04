"""The chunks of an answer out of bytes, as tolerant as the servers in between are sloppy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proxy.protocol.errors import ApiError
from proxy.providers.common.failures import Backend, plain_words
from proxy.providers.common.fields import objects_of
from proxy.providers.common.json_text import loads
from proxy.providers.common.splitter import Event, Splitter

_FIELDS = (b":", b"data:", b"event:", b"id:", b"retry:")
_HEAD_MAX = 64 * 1024
"""Bytes that are kept of what may be no API's answer; mostly a page whose beginning tells enough."""

_UNNAMED = Backend("Gemini's server", None)

Chunk = dict[str, Any]


class Chunks:
    """Takes bytes as they come off the network and gives the JSON objects in them.

    Google sends `data: {...}` and a blank line for each, but reports some errors as bare JSON over several lines, and
    gateways send lists of chunks.
    """

    def __init__(self, backend: Backend = _UNNAMED) -> None:
        """`backend` is who sends them."""
        self._backend = backend
        self._splitter = Splitter()
        self._head = b""
        """What came until something could be read."""
        self._began = False

    def feed(self, data: bytes) -> Iterator[Chunk]:
        """Raises ApiError (502) at an event that is not JSON."""
        if not self._began:
            self._head += data[: _HEAD_MAX - len(self._head)]
        for value in self._splitter.feed(data):
            yield from self._read(value)

    def end(self) -> Iterator[Chunk]:
        """What was left when the stream closed; half a chunk is left out, the answer has no end then.

        Raises ApiError (502) where nothing of all that was sent could be read.
        """
        for value in self._splitter.end():
            try:
                found = loads(value)
            except ValueError:
                continue
            yield from self._objects(found)
        if not self._began and self._says_something():
            raise self._no_api()

    def _read(self, value: Event) -> Iterator[Chunk]:
        if isinstance(value, dict):
            yield from self._objects(value)
            return
        if value.startswith(b"[DONE]"):
            return
        try:
            found = loads(value)
        except ValueError:
            raise ApiError(502, "Gemini sent a chunk that is not JSON") if self._began else self._no_api() from None
        yield from self._objects(found)

    def _objects(self, value: Any) -> Iterator[Chunk]:
        self._began, self._head = True, b""
        for each in objects_of(value if isinstance(value, list) else [value]):
            yield _unwrapped(each)

    def _says_something(self) -> bool:
        """Whether anything came but the frame of events: comments and empty fields are no page."""
        return any(line.strip() and not line.startswith(_FIELDS) for line in self._head.splitlines())

    def _no_api(self) -> ApiError:
        words = self._backend.shown(plain_words(self._head))
        return ApiError(502, f"{self._backend.url} did not answer as an API ({words}); is GEMINI_BASE_URL right?")


def _unwrapped(chunk: Chunk) -> Chunk:
    """A chunk of the Code Assist API, in front of which some gateways stand, is the `response` of another object."""
    inner = chunk.get("response")
    return inner if isinstance(inner, dict) and "candidates" not in chunk else chunk
