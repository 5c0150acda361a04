"""One line in the log for each request, written when its answer ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import Any

from flask import Response, g, request

from proxy.logs import ascii_only, one_line
from proxy.models.routing import Route
from proxy.protocol.events import Event, MessageDelta
from proxy.protocol.notes import header_value
from proxy.web.errors import request_id

log = logging.getLogger(__name__)


class RequestLog:
    """Of the current request. A stream outlives the request's context, so all that is logged is taken before."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._id = request_id()
        self._what = one_line(f"{request.method} {request.path}")
        self._ended = False
        self.ends_later = False
        """Whether a stream will write the line."""
        self._route: Route | None = None
        self.notes: list[str] = []
        self.stop_reason = ""
        self.usage: dict[str, Any] = {}

    def routed(self, route: Route) -> None:
        """Takes who answers, and as what."""
        self._route = route

    @property
    def headers(self) -> dict[str, str]:
        """What tells the client who answers, by header name."""
        if self._route is None:
            return {}
        return {
            "x-proxy-role": header_value([self._route.role.kind]),
            "x-proxy-target": header_value([self._route.target]),
        }

    def saw(self, events: Iterable[Event]) -> None:
        """Takes the stop reason and the usage out of an answer."""
        for event in events:
            if isinstance(event, MessageDelta):
                self.stop_reason, self.usage = event.stop_reason, event.usage

    def end(self, status: int, outcome: str = "") -> None:
        """Writes the line, once. `outcome`: why the answer did not end by itself."""
        if self._ended:
            return
        self._ended = True
        parts = [f"{self._id} {self._what} {status} {time.monotonic() - self._began:.2f} s"]
        if route := self._route:
            parts.append(ascii_only(f"{route.role} -> {route.target} ({route.reason})"))
        if self.usage:
            parts.append(f"in {self._input()} out {self.usage.get('output_tokens', 0)}")
        parts.extend(filter(None, (self.stop_reason, outcome)))
        if notes := header_value(self.notes):
            parts.append(f"notes: {notes}")
        log.info("%s", " ".join(parts))

    def _input(self) -> int:
        names = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
        return sum(self.usage.get(name) or 0 for name in names)


def request_log() -> RequestLog:
    """That of the current request, made on first use."""
    if "request_log" not in g:
        g.request_log = RequestLog()
    found: RequestLog = g.request_log
    return found


def log_response(response: Response) -> Response:
    """For `after_request`: the line of all but streams, which write it at their end, and who answers."""
    response.headers.update(request_log().headers)
    if not request_log().ends_later:
        request_log().end(response.status_code)
    return response
