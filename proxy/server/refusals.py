"""What is refused before the app is asked, in Anthropic's shape: too large, malformed, from a stranger, too much."""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from http.client import responses
from typing import Any

from waitress.adjustments import Adjustments
from waitress.buffers import OverflowableBuffer
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask
from waitress.utilities import Error, RequestEntityTooLarge

from proxy.protocol import ids
from proxy.protocol.errors import ApiError
from proxy.web.errors import too_large

log = logging.getLogger(__name__)

_STILL_READ = 1024 * 1024 * 1024
"""Bytes; the client of a larger body has to do with a closed connection."""


class Refused(Error):
    """An error of ours where waitress wants one of its own."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(error.message)
        self.error = error
        self.code = error.status
        self.reason = responses.get(error.status, "Overloaded")


class Parser(HTTPRequestParser):
    """Reads a body that nobody will look at to its end and keeps none of it.

    A client that is still sending when the connection closes sees a failed connection, not the answer, and repeats the
    whole.
    """

    def __init__(self, adj: Adjustments, refusal: ApiError | None = None) -> None:
        """`refusal`: what every request gets for an answer."""
        super().__init__(adj)
        self._refusal = refusal

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        # What has both may end elsewhere for a proxy in front (RFC 9112, 6.1).
        if "CONTENT_LENGTH" in self.headers and (self.chunked or "TRANSFER_ENCODING" in self.headers):
            raise ParsingError("Content-Length beside Transfer-Encoding")
        body: Any = self.body_rcv
        if body is not None:
            body.buf = _Body(body.buf)

    def received(self, data: bytes) -> int:
        consumed = super().received(data)
        body: Any = self.body_rcv
        if self.headers_finished and not self.empty and self.error is None:
            self.error = self._own_error()
        if body is not None and isinstance(self.error, RequestEntityTooLarge | Refused):
            body.buf.forget()
            endless = max(self.content_length, self.body_bytes_received) > _STILL_READ
            # Who asks first whether to send the body (Expect) does not send it then.
            asked, self.expect_continue = self.expect_continue, False
            self.completed = body.completed or body.error is not None or endless or asked
        return consumed

    def _own_error(self) -> Refused | None:
        if self._refusal is not None:
            return Refused(self._refusal)
        body: Any = self.body_rcv
        if body is None or body.buf.problem is None:
            return None
        why = os.strerror(body.buf.problem.errno)
        log.error("a request's body cannot be kept in a temporary file: %s", why)
        remedy = "make room where TMPDIR points, or let it point elsewhere"
        return Refused(ApiError(500, f"the proxy cannot keep the body in a temporary file ({why}); {remedy}"))


class _Body:
    """Waitress's buffer, which large bodies leave for a temporary file; knows what went wrong, and can forget."""

    def __init__(self, buffer: OverflowableBuffer) -> None:
        self._buffer = buffer
        self._forgets = False
        self.problem: OSError | None = None

    def __len__(self) -> int:
        return len(self._buffer)

    def append(self, data: bytes) -> None:
        if self._forgets:
            return
        try:
            self._buffer.append(data)
        except OSError as problem:
            self.problem = problem
            self.forget()

    def forget(self) -> None:
        self._forgets = True
        self.close()

    def getfile(self) -> Any:
        return self._buffer.getfile()

    def close(self) -> None:
        with suppress(OSError):  # a full disk again
            self._buffer.close()


class RefusalTask(ErrorTask):
    def execute(self) -> None:
        request: Any = self.request
        error = _api_error(request.error)
        request_id = ids.request_id()
        body = json.dumps(error.body(request_id)).encode()
        self.status = f"{request.error.code} {request.error.reason}"
        self.response_headers = [("Content-Type", "application/json"), ("request-id", request_id)]
        if error.retry_after is not None:
            self.response_headers.append(("retry-after", str(error.retry_after)))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)
        what = f"{getattr(request, 'command', '-')} {getattr(request, 'path', '-')}"
        log.info("%s %s %d refused: %s", request_id, what, error.status, error.message)


def _api_error(refused: Any) -> ApiError:
    """`refused` is a `waitress.utilities.Error`."""
    if isinstance(refused, Refused):
        return refused.error
    if refused.code == 413:
        return too_large()
    if refused.code == 500:
        return ApiError(500, "the proxy failed unexpectedly; its log has the place")
    # What follows a quote is the request's own words: the value of a header, for one.
    reason = refused.body.partition('"')[0].strip()
    return ApiError(refused.code, f"not an HTTP request that can be served: {reason}")
