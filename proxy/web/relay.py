"""Requests for Anthropic itself: passed through with their answers, cancelled and kept awake as all others are."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack

from flask import Response, request

from proxy.answering.pump import ClientGone, Pump
from proxy.models.routing import Route
from proxy.protocol import sse
from proxy.protocol.errors import ApiError
from proxy.protocol.events import Ping, StreamError
from proxy.providers.anthropic.client import Head
from proxy.providers.anthropic.rewrite import request_body
from proxy.providers.connections import Call
from proxy.web.errors import request_id
from proxy.web.services import pump_for, services

log = logging.getLogger(__name__)


def relay(route: Route, body: bytes) -> Response:
    """Anthropic's answer to the current request, whose checked body is given; status and headers are Anthropic's."""
    return pass_on(route, request.path, request_body(body, route.requested, route.model))


def pass_on(route: Route, path: str, body: bytes = b"") -> Response:
    """Anthropic's answer to the current request, sent to this path with this body; the query goes with it."""
    call, upstream = Call(), services().relay
    if request.query_string:
        path = f"{path}?{request.query_string.decode()}"
    method, headers = request.method, list(request.headers.items())
    pump = pump_for(route, call, lambda: upstream.relay(method, path, headers, body, call))
    with ExitStack() as stack:
        stack.callback(pump.close)
        pump.start()
        pump.wait_for_first(None)
        batches = iter(pump)
        first = next(batches)
        if not first or not isinstance(first[0], Head):
            raise TypeError("a relayed answer begins with its head")
        head, begun = first[0], first[1:]
        if head.is_stream:
            response = Response(_pieces(begun, batches, pump, request_id()))
            response.call_on_close(stack.pop_all().close)
        else:
            rest = [item for batch in batches for item in batch or ()]
            response = Response(b"".join(item for item in [*begun, *rest] if isinstance(item, bytes)))
    response.status_code = head.status
    del response.headers["Content-Type"]
    for name, value in head.headers:
        response.headers.add(name, value)
    return response


def _pieces(
    begun: list[Head | bytes], batches: Iterator[list[Head | bytes] | None], pump: Pump[Head | bytes], answer_id: str
) -> Iterator[bytes]:
    """Whole frames as they come; pings between them while there is silence."""
    try:
        yield b"".join(item for item in begun if isinstance(item, bytes))
        for batch in batches:
            yield sse.encode([Ping()]) if batch is None else b"".join(item for item in batch if isinstance(item, bytes))
    except ClientGone:
        log.info("%s the client went away", answer_id)
    except ApiError as error:
        log.warning("%s failed in mid-stream: %d %s", answer_id, error.status, error.type)
        yield sse.encode([StreamError(error, answer_id)])
    finally:
        pump.close()
