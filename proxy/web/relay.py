"""Answers that are passed on as they are, cancelled and kept awake as all others."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain

from flask import Response

from proxy.answering.pump import ClientGone, Pump
from proxy.protocol import sse
from proxy.protocol.errors import ApiError
from proxy.protocol.events import Ping, StreamError
from proxy.providers.base import Exchange, Head, Item
from proxy.providers.call import Call
from proxy.web.errors import request_id
from proxy.web.request_log import RequestLog, request_log
from proxy.web.services import Pumps, services

_HELD_LIMIT = 1024 * 1024
"""Bytes of an answer that are waited for until it is passed on: a failure within them gets its true status."""

log = logging.getLogger(__name__)


def pass_on(exchange: Exchange) -> Response:
    """The upstream's own answer to the current request, with its status and headers."""
    call, attempts, entry = Call(), services().attempts(exchange.route), request_log()
    pump: Pump[Item] = Pumps().make(call, lambda: attempts.items(exchange, call), services().idle_limit(exchange.route))
    with ExitStack() as stack:
        stack.callback(pump.close)
        pump.start()
        pump.wait_for_first(None)
        batches = (batch for batch in pump if batch is None or batch)
        first = next(batches)
        if not first or not isinstance(first[0], Head):
            raise TypeError("an answer that is passed on begins with its head")
        head = first[0]
        begun, is_whole = (_joined(first[1:]), False) if head.is_stream else _held(first[1:], batches)
        if is_whole:
            response = Response(begun)
        else:
            response = Response(_pieces(head, begun, batches, pump, entry, request_id()))
            if head.length is not None:
                response.headers["Content-Length"] = str(head.length)
            response.call_on_close(stack.pop_all().close)
            entry.ends_later = True
    response.status_code = head.status
    del response.headers["Content-Type"]
    for name, value in head.headers:
        response.headers.add(name, value)
    return response


def _joined(items: Iterable[Item]) -> bytes:
    return b"".join(item for item in items if isinstance(item, bytes))


def _held(begun: Sequence[Item], batches: Iterator[list[Item] | None]) -> tuple[bytes, bool]:
    """The whole body and True, or the beginning of a large one and False."""
    held = bytearray()
    for batch in chain([begun], batches):
        held += _joined(batch or ())
        if len(held) > _HELD_LIMIT:
            return bytes(held), False
    return bytes(held), True


def _pieces(
    head: Head, begun: bytes, batches: Iterator[list[Item] | None], pump: Pump[Item], entry: RequestLog, answer_id: str
) -> Iterator[bytes]:
    """The body as it comes; of a model's stream whole frames, with pings between them while there is silence."""
    outcome = "cut off"
    try:
        yield begun
        for batch in batches:
            if batch is not None:
                yield _joined(batch)
            elif head.pings:
                yield sse.encode([Ping()])
        outcome = ""
    except ClientGone:
        outcome = "the client went away"
    except ApiError as error:
        outcome = f"failed in mid-stream: {error.status} {error.type}"
        log.warning("%s %s", answer_id, outcome)
        if not head.pings:
            # Only a connection that breaks off says that the rest is missing. The server closes it for an OSError.
            raise ConnectionError(outcome) from None
        yield sse.encode([StreamError(error, answer_id)])
    finally:
        pump.close()
        entry.end(head.status, outcome)
