"""The seam of `providers/tap.py` in requests: one request to Anthropic, under the ears of the thread's tap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import requests
import urllib3
from urllib3.response import HTTPResponse

from proxy.providers.tap import Reply, Sent, Tap, Trouble


def exchanged(
    tap: Tap,
    request: requests.PreparedRequest,
    send: Callable[[], requests.Response],
    pieces: Callable[[Any], Iterator[bytes]],
    build: Callable[[requests.PreparedRequest, HTTPResponse], requests.Response],
) -> requests.Response:
    """The response that the tap gives. `send` asks the upstream; `pieces` reads a raw response; `build` is requests'
    own way from a raw response to one of its own.
    """
    real: list[requests.Response] = []

    def reply() -> Reply:
        response = send()
        real.append(response)
        return Reply(response.status_code, list(response.raw.headers.items()), pieces(response.raw))

    try:
        given = tap.exchange(_sent(request), reply)
    except Trouble as trouble:
        raise _as_error(trouble) from None
    if real:
        response = real[0]
    else:
        raw = HTTPResponse(body=b"", headers=dict(given.headers), status=given.status, preload_content=False)
        response = build(request, raw)
    response.raw = _Tapped(response.raw, given)
    return response


def _sent(request: requests.PreparedRequest) -> Sent:
    body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
    headers = tuple((name, str(value)) for name, value in request.headers.items())
    return Sent(str(request.method), str(request.url), headers, body)


def _as_error(trouble: Trouble) -> Exception:
    for module in (requests.exceptions, urllib3.exceptions):
        kind = getattr(module, trouble.name, None)
        if isinstance(kind, type) and issubclass(kind, requests.RequestException | OSError):
            return kind(str(trouble))
    return requests.ConnectionError(str(trouble))


class _Tapped:
    """A raw response whose body comes by way of the tap."""

    chunked = True

    def __init__(self, raw: Any, reply: Reply) -> None:
        self._raw = raw
        self._reply = reply

    def stream(self, amount: int, decode_content: bool | None = None) -> Iterator[bytes]:  # noqa: ARG002
        """Piece by piece; a refusal up to `amount` bytes at once, as who reads it takes no more than one piece."""
        pieces = self._pieces()
        if self._reply.status >= 400:
            begun = bytearray()
            for piece in pieces:
                begun += piece
                if len(begun) >= amount:
                    break
            yield bytes(begun)
        yield from pieces

    def _pieces(self) -> Iterator[bytes]:
        try:
            yield from self._reply.pieces
        except Trouble as trouble:
            raise _as_error(trouble) from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)
