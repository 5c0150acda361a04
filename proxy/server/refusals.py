"""What waitress refuses before the app is asked, in Anthropic's shape: too large, malformed, not supported."""

from __future__ import annotations

import json
from typing import Any, cast

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.task import ErrorTask
from waitress.utilities import RequestEntityTooLarge

from proxy.protocol import ids
from proxy.protocol.errors import ApiError
from proxy.web.errors import too_large

_STILL_READ = 1024 * 1024 * 1024
"""Bytes; the client of a larger body has to do with a closed connection."""


class _Parser(HTTPRequestParser):
    """Reads a body that is too large to its end and keeps none of it.

    A client that is still sending when the connection closes sees a failed connection, not the answer, and repeats the
    whole.
    """

    def received(self, data: bytes) -> int:
        consumed = super().received(data)
        body: Any = self.body_rcv
        if isinstance(self.error, RequestEntityTooLarge) and body is not None:
            if not isinstance(body.buf, _Nowhere):
                body.buf.close()
                body.buf = _Nowhere()
            endless = max(self.content_length, self.body_bytes_received) > _STILL_READ
            self.completed = body.completed or body.error is not None or endless
        return consumed


class _Nowhere:
    """A buffer that forgets."""

    def append(self, data: bytes) -> None:
        pass

    def close(self) -> None:
        pass


class _ErrorTask(ErrorTask):
    def execute(self) -> None:
        refused = cast(Any, self.request).error
        request_id = ids.request_id()
        body = json.dumps(_api_error(refused).body(request_id)).encode()
        self.status = f"{refused.code} {refused.reason}"
        self.response_headers = [("Content-Type", "application/json"), ("request-id", request_id)]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


def _api_error(refused: Any) -> ApiError:
    """`refused` is a `waitress.utilities.Error`."""
    if refused.code == 413:
        return too_large()
    if refused.code == 500:
        return ApiError(500, "the proxy failed unexpectedly; its log has the place")
    # What follows a quote is the request's own words: the value of a header, for one.
    reason = refused.body.partition('"')[0].strip()
    return ApiError(refused.code, f"not an HTTP request that can be served: {reason}")


class Channel(HTTPChannel):
    """One connection."""

    parser_class = _Parser
    error_task_class = _ErrorTask
