"""A door in an SDK: what it would send is taken from it there, and sent by a client of our own.

The SDK makes the address, the headers and the credentials. The body we have built, and the answer we read as bytes.
None of that hangs on an SDK's internals: the HTTP client that it is given, which is a public option, leaves with the
request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import httpx2
from pydantic_core import to_json


class _Made(Exception):
    def __init__(self, request: httpx2.Request) -> None:
        self.request = request


class Nowhere(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Keeps a client that never sends anything itself from building connections."""


class Door(httpx2.Client):
    """Is given to an SDK in place of an HTTP client with these timeouts."""

    def __init__(self, timeout: httpx2.Timeout) -> None:
        super().__init__(transport=Nowhere(), trust_env=False, timeout=timeout)

    def send(self, request: httpx2.Request, **_: Any) -> NoReturn:
        raise _Made(request)


class Template:
    """A request of which only the body changes."""

    def __init__(self, use: Callable[[], object]) -> None:
        """`use` makes an SDK, whose door is open, send something."""
        try:
            use()
        except _Made as made:
            self._url = made.request.url
            headers = made.request.headers.multi_items()
            self._headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
        else:
            raise RuntimeError("the SDK sent its request another way")

    def header(self, name: str) -> str:
        """What stands in a header of it, whose name is in lower case; empty where there is none."""
        return next((value for each, value in self._headers if each.lower() == name), "")

    def request(self, body: object, timeout: httpx2.Timeout) -> httpx2.Request:
        """`body`: JSON values. They are encoded as the SDKs do it, but in a third of the time."""
        return httpx2.Request(
            "POST",
            self._url,
            headers=self._headers,
            content=to_json(body),
            extensions={"timeout": timeout.as_dict()},
        )
