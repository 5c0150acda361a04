"""Answers that are passed on as they are, cancelled and kept awake as all others."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack

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
        head, begun = first[0], first[1:]
        if head.is_stream:
            response = Response(_pieces(begun, batches, pump, entry, request_id()))
            response.call_on_close(stack.pop_all().close)
            entry.ends_later = True
        else:
            rest = [item for batch in batches for item in batch or ()]
            response = Response(_joined([*begun, *rest]))
    response.status_code = head.status
    del response.headers["Content-Type"]
    for name, value in head.headers:
        response.headers.add(name, value)
    return response


def _joined(items: Iterable[Item]) -> bytes:
    return b"".join(item for item in items if isinstance(item, bytes))


def _pieces(
    begun: list[Item], batches: Iterator[list[Item] | None], pump: Pump[Item], entry: RequestLog, answer_id: str
) -> Iterator[bytes]:
    """Whole frames as they come; pings between them while there is silence."""
    outcome = "cut off"
    try:
        yield _joined(begun)
        for batch in batches:
            yield sse.encode([Ping()]) if batch is None else _joined(batch)
        outcome = ""
    except ClientGone:
        outcome = "the client went away"
    except ApiError as error:
        outcome = f"failed in mid-stream: {error.status} {error.type}"
        log.warning("%s %s", answer_id, outcome)
        yield sse.encode([StreamError(error, answer_id)])
    finally:
        pump.close()
        entry.end(200, outcome)
