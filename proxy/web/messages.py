"""POST /v1/messages and its count_tokens: from the checked request to the last byte of the answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack

from flask import Blueprint, Response, jsonify

from proxy.answering.answer import answer
from proxy.answering.counting import Estimate, counted_upstream
from proxy.answering.pump import ClientGone, Pump, where
from proxy.answering.timing import Timing
from proxy.protocol import sse
from proxy.protocol.deltas import Delta, Note
from proxy.protocol.effort import requested_display
from proxy.protocol.errors import ApiError
from proxy.protocol.events import Event, Ping, StreamError
from proxy.protocol.message import fold
from proxy.protocol.notes import header_value
from proxy.protocol.request import checked, parse_count_request, read_request
from proxy.protocol.writer import Writer
from proxy.providers.base import Exchange
from proxy.providers.call import Call
from proxy.web.errors import request_id
from proxy.web.received import body_bytes, exchange_of
from proxy.web.relay import pass_on
from proxy.web.request_log import RequestLog, request_log
from proxy.web.services import pump_for, services

blueprint = Blueprint("messages", __name__)
log = logging.getLogger(__name__)


@blueprint.post("/v1/messages")
def create_message() -> Response:
    body = body_bytes()
    parsed = read_request(body)
    route = services().router.resolve(parsed.model)
    exchange = exchange_of(parsed, route, body)
    request_log().target = route.target
    if services().wire(route).verbatim:
        return pass_on(exchange)
    checked(parsed)
    estimate = Estimate(parsed, route, services().calibration)
    estimate.check_window(len(body))
    return _answered(exchange, estimate)


@blueprint.post("/v1/messages/count_tokens")
def count_tokens() -> Response:
    body = body_bytes()
    parsed = parse_count_request(body)
    route = services().router.resolve(parsed.model)
    exchange = exchange_of(parsed, route, body)
    if services().wire(route).verbatim:
        return pass_on(exchange)
    estimate = Estimate(parsed, route, services().calibration)
    if services().config.count_tokens == "exact":
        exact = counted_upstream(exchange, services().attempts(route), services().timing)
        if exact is not None:
            estimate.learn(exact)
            return jsonify(input_tokens=exact)
    return jsonify(input_tokens=estimate.tokens)


def _answered(exchange: Exchange, estimate: Estimate) -> Response:
    request, route, call, timing = exchange.request, exchange.route, Call(), services().timing
    attempts, entry = services().attempts(route), request_log()
    pump: Pump[Delta] = pump_for(route, call, lambda: answer(exchange, attempts, call, estimate.learn))
    with ExitStack() as stack:
        stack.callback(pump.close)
        pump.start()
        writer = Writer(request.model, estimate.tokens)
        pump.wait_for_first(timing.head_patience if request.stream else None)
        if not request.stream:
            response = jsonify(fold(_events(pump, writer, entry)))
            return _with_notes(response, entry.notes)
        nudge_every = timing.nudge_every if requested_display(request) != "none" else None
        known = [delta.text for delta in pump.held if isinstance(delta, Note)]
        pieces = _pieces(pump, writer, entry, timing, request_id(), nudge_every)
        response = Response(pieces, mimetype="text/event-stream")
        response.headers.update({"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        response.call_on_close(stack.pop_all().close)
        entry.ends_later = True
    return _with_notes(response, known)


def _with_notes(response: Response, notes: Sequence[str]) -> Response:
    if value := header_value(notes):
        response.headers["x-proxy-notes"] = value
    return response


def _written(batch: Iterable[Delta], writer: Writer, entry: RequestLog) -> list[Event]:
    """The events of a batch; its notes go to the log."""
    deltas: list[Delta] = []
    for delta in batch:
        if isinstance(delta, Note):
            entry.notes.append(delta.text)
        else:
            deltas.append(delta)
    return writer.feed(deltas)


def _events(pump: Pump[Delta], writer: Writer, entry: RequestLog) -> Iterator[Event]:
    for batch in pump:
        yield from _written(batch or (), writer, entry)
    last = writer.finish()
    entry.saw(last)
    yield from last


def _pieces(
    pump: Pump[Delta], writer: Writer, entry: RequestLog, timing: Timing, answer_id: str, nudge_every: float | None
) -> Iterator[bytes]:
    """The body of a stream. Silence is filled: with pings, and now and then with a real event."""
    last_bytes = last_event = time.monotonic()
    outcome = "cut off"
    try:
        yield sse.encode(writer.feed(()))
        for batch in pump:
            events: Sequence[Event] = _written(batch, writer, entry) if batch else ()
            now = time.monotonic()
            if not events and nudge_every is not None and now - last_event >= nudge_every:
                events = writer.nudge()
            if events:
                last_event = now
            elif now - last_bytes >= timing.ping_every:
                events = [Ping()]
            else:
                continue
            last_bytes = now
            yield sse.encode(events)
        last = writer.finish()
        entry.saw(last)
        outcome = ""
        yield sse.encode(last)
    except ClientGone:
        outcome = "the client went away"
    except ApiError as error:
        outcome = f"failed in mid-stream: {error.status} {error.type}"
        log.warning("%s %s", answer_id, outcome)
        yield sse.encode([StreamError(error, answer_id)])
    except Exception as error:
        outcome = "failed in mid-stream: 500"
        log.error("%s failed in mid-stream: %s", answer_id, where(error))
        failure = ApiError(500, f"the proxy failed in mid-stream ({type(error).__name__})")
        yield sse.encode([StreamError(failure, answer_id)])
    finally:
        pump.close()
        entry.end(200, outcome)
