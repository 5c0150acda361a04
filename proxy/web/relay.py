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

log = logging.getLogger(__name__)


def pass_on(exchange: Exchange) -> Response:
    """The upstream's own answer to the current request, with its status and headers."""
    own, call, pumps = services(), Call(), Pumps()
    attempts, limit = own.attempts(exchange.route), own.idle_limit(exchange.route)
    answer: Pump[Item] = pumps.make(call, lambda: attempts.items(exchange, call), limit)
    with ExitStack() as stack:
        stack.callback(answer.close)
        answer.start()
        answer.wait_for_first(None)
        return passed(answer, stack)


def passed(answer: Pump[Item] | Succession[Item], stack: ExitStack) -> Response:
    """The response made of an answer whose head has come; what is on the stack is done at its end."""
    entry = request_log()
    head = next((item for item in answer.held if isinstance(item, Head)), None)
    if head is None:
        raise TypeError("an answer that is passed on begins with its head")
    seen = PassedAnswer()
    if head.is_stream:
        response = Response(_pieces(answer, entry, request_id(), seen))
        response.call_on_close(stack.pop_all().close)
        entry.ends_with(response)
    else:
        body = b"".join(_joined(batch or ()) for batch in answer)
        response = Response(body)
        seen.saw_body(body)
        entry.passed(seen)
    response.status_code = head.status
    del response.headers["Content-Type"]
    for name, value in head.headers:
        response.headers.add(name, value)
    return response


def _joined(items: Iterable[Item]) -> bytes:
    return b"".join(item for item in items if isinstance(item, bytes))


def _pieces(
    answer: Pump[Item] | Succession[Item], entry: RequestLog, answer_id: str, seen: PassedAnswer
) -> Iterator[bytes]:
    """Whole frames as they come; pings between them while there is silence."""
    outcome = "cut off"
    try:
        for batch in answer:
            if piece := sse.encode([Ping()]) if batch is None else _joined(batch):
                seen.saw_frames(piece)
                yield piece
        outcome = ""
    except ClientGone:
        outcome = "the client went away"
    except ApiError as error:
        outcome, entry.error = f"failed in mid-stream: {error.status} {error.type}", error.type
        log.warning("%s %s", answer_id, outcome)
        yield sse.encode([StreamError(error, answer_id)])
    finally:
        answer.close()
        entry.passed(seen)
        entry.end(200, outcome)


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
