"""Answers that are passed on as they are, cancelled and kept awake as all others."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack

from flask import Response

from proxy.answering.pump import ClientGone, Pump
from proxy.answering.succession import Succession
from proxy.protocol import sse
from proxy.protocol.errors import ApiError
from proxy.protocol.events import Ping, StreamError
from proxy.protocol.passing import PassedAnswer
from proxy.providers.base import Exchange, Head, Item
from proxy.providers.call import Call
from proxy.web.errors import request_id
from proxy.web.request_log import RequestLog, request_log
from proxy.web.services import Pumps, services

_MESSAGE_START = re.compile(rb"event: ?message_start\r?\n.*?\r?\n\r?\n", re.DOTALL)
_HELD_LIMIT = 1024 * 1024
"""Bytes of an answer that are waited for until it is passed on: a failure within them gets its true status."""

log = logging.getLogger(__name__)


def pass_on(exchange: Exchange) -> Response:
    """The upstream's own answer to the current request, with its status and headers."""
    own, call, pumps = services(), Call(), Pumps(request_log().now)
    attempts, limit = own.attempts(exchange.route), own.idle_limit(exchange.route)
    answer: Pump[Item] = pumps.make(call, lambda: attempts.items(exchange, call), limit)
    with ExitStack() as stack:
        stack.callback(answer.close)
        answer.start()
        answer.wait_for_first(None)
        return passed(answer, stack)


def passed(answer: Pump[Item] | Succession[Item], stack: ExitStack) -> Response:
    """The response made of an answer whose head has come; what is on the stack is done at its end."""
    entry, batches = request_log(), iter(answer)
    head = next((item for item in answer.held if isinstance(item, Head)), None)
    if head is None:
        raise TypeError("an answer that is passed on begins with its head")
    begun, is_whole = (b"", False) if head.is_stream else _begun(batches)
    seen = PassedAnswer()
    if is_whole:
        response = Response(begun)
        seen.saw_body(begun)
        entry.passed(seen)
    else:
        response = Response(_pieces(head, begun, batches, answer, entry, request_id(), seen))
        if head.length is not None:
            response.headers["Content-Length"] = str(head.length)
        response.call_on_close(stack.pop_all().close)
        entry.ends_with(response)
    response.status_code = head.status
    del response.headers["Content-Type"]
    for name, value in head.headers:
        response.headers.add(name, value)
    return response


def _joined(items: Iterable[Item]) -> bytes:
    return b"".join(item for item in items if isinstance(item, bytes))


def _begun(batches: Iterable[list[Item] | None]) -> tuple[bytes, bool]:
    """The whole body and True, or the beginning of a large one and False."""
    begun = bytearray()
    for batch in batches:
        begun += _joined(batch or ())
        if len(begun) > _HELD_LIMIT:
            return bytes(begun), False
    return bytes(begun), True


def _pieces(
    head: Head,
    begun: bytes,
    batches: Iterator[list[Item] | None],
    answer: Pump[Item] | Succession[Item],
    entry: RequestLog,
    answer_id: str,
    seen: PassedAnswer,
) -> Iterator[bytes]:
    """The body as it comes; of a model's stream whole frames, with pings between them while there is silence."""
    outcome = "cut off"
    try:
        if begun:
            yield begun
        for batch in batches:
            if batch is None and head.pings:
                yield sse.encode([Ping()])
            elif piece := _joined(batch or ()):
                if head.pings:
                    seen.saw_frames(piece)
                yield piece
        outcome = ""
    except ClientGone:
        outcome = "the client went away"
    except ApiError as error:
        outcome, entry.error = f"failed in mid-stream: {error.status} {error.type}", error.type
        log.warning("%s %s", answer_id, outcome)
        if not head.pings:
            # Only a connection that breaks off says that the rest is missing. The server closes it for an OSError.
            raise ConnectionError(outcome) from None
        yield sse.encode([StreamError(error, answer_id)])
    finally:
        answer.close()
        entry.passed(seen)
        entry.end(head.status, outcome)


class Continued:
    """The frames of a passed answer, behind a message_start that another target's turn has caused."""

    def __init__(self) -> None:
        self._is_begun = False
        self.seen = PassedAnswer()

    def feed(self, items: Iterable[Item]) -> bytes:
        """Whole frames, without the answer's own message_start. Raises ApiError for an answer that is no stream."""
        for item in items:
            if isinstance(item, Head) and not item.is_stream:
                raise ApiError(502, "Anthropic did not answer with a stream")
        frames = _joined(list(items))
        self.seen.saw_frames(frames)
        if self._is_begun or not frames:
            return frames
        self._is_begun = True
        return _MESSAGE_START.sub(b"", frames, count=1)
