"""The recorded upstreams: a tap that gives the answers of a recording and lets nothing out to the network."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from proxy.models.routing import Route
from proxy.providers.call import current_call
from proxy.providers.tap import Reply, Sent, Trouble
from proxy.recording.form import Form, pieces_of
from proxy.usage.record import Record

_SILENCE = 60.0
"""Seconds that an upstream would be silent which the proxy had given up; it is given up before."""

_LATE = 0.01
"""Seconds; enough for whoever waits for no time at all."""


class RecordedUpstream:
    """Also the witness of the request, which wants to know nothing."""

    def __init__(self, attempts: list[Form], *, is_late: bool) -> None:
        """`is_late`: the client was answered before anything had come."""
        self._left = list(attempts)
        self._is_late = is_late
        self._lock = threading.Lock()
        self.asked: list[Sent] = []
        """What was sent now."""

    def exchange(self, sent: Sent, send: Callable[[], Reply]) -> Reply:  # noqa: ARG002 - nothing is sent
        """As `providers.tap.Tap`."""
        with self._lock:
            self.asked.append(sent)
            attempt = self._next(sent)
        if attempt is None:
            raise Trouble("ConnectError", "the recording has no answer to this request")
        if self._is_late and (call := current_call()) is not None:
            call.sleep(_LATE)
        if not attempt["status"]:
            _ends(attempt)
        headers = [(str(name), str(value)) for name, value in attempt["headers"]]
        return Reply(attempt["status"], headers, _pieces(attempt))

    def routed(self, route: Route) -> None: ...
    def estimated(self, tokens: int) -> None: ...
    def ended(self, record: Record) -> None: ...

    def _next(self, sent: Sent) -> Form | None:
        """The first one to the same path, since two may be asked at once, else the first one."""
        path = urlsplit(sent.url).path
        found = next((each for each in self._left if urlsplit(each["url"]).path == path), None)
        found = found or next(iter(self._left), None)
        if found is not None:
            self._left.remove(found)
        return found


def _pieces(attempt: Form) -> Iterator[bytes]:
    yield from pieces_of(attempt["pieces"])
    _ends(attempt)


def _ends(attempt: dict[str, Any]) -> None:
    """Raises Trouble where the answer did not come to its end."""
    call = current_call()
    if attempt["ended"] == "cancelled" and call is not None:
        call.sleep(_SILENCE)
    if attempt["ended"] in ("cancelled", "failed"):
        name, words = attempt["error"] or ("ReadError", "")
        raise Trouble(name, words)
