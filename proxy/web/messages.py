"""POST /v1/messages and its count_tokens: from the checked request to the last byte of the answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

from flask import Blueprint, Response, jsonify

from proxy.answering.counting import Estimate, counted_upstream
from proxy.answering.pump import ClientGone, Pump, where
from proxy.answering.safeguards.judge import judge_for
from proxy.answering.safeguards.judging import Judging, Results
from proxy.answering.timing import Timing
from proxy.protocol import sse
from proxy.protocol.deltas import Delta, Note
from proxy.protocol.effort import requested_display
from proxy.protocol.errors import ApiError
from proxy.protocol.events import Event, MessageDelta, MessageStop, Ping, StreamError
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
from proxy.web.services import Pumps, services

blueprint = Blueprint("messages", __name__)
log = logging.getLogger(__name__)


@blueprint.post("/v1/messages")
def create_message() -> Response:
    body = body_bytes()
    parsed = read_request(body)
    exchange = exchange_of(parsed, body)
    route = exchange.route
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
    exchange = exchange_of(parsed, body)
    route = exchange.route
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
    entry, pumps = request_log(), Pumps()
    judging = _judging(exchange, pumps, timing)
    batches = partial(services().answer, exchange, call, estimate.learn)
    pump: Pump[Delta] = pumps.make(call, batches, services().idle_limit(route), services().content_limit(route))
    with ExitStack() as stack:
        stack.callback(pump.close)
        pump.start()
        writer = Writer(request.model, estimate.tokens)
        pump.wait_for_first(timing.head_patience if request.stream else None)
        if not request.stream:
            response = jsonify(fold(_events(pump, writer, entry, judging)))
            return _with_notes(response, entry.notes)
        known = [delta.text for delta in pump.held if isinstance(delta, Note)]
        nudge_every = timing.nudge_every if requested_display(request) != "none" else None
        stream = _Stream(pump, writer, entry, judging, timing.ping_every, nudge_every)
        response = Response(stream.pieces(request_id()), mimetype="text/event-stream")
        response.headers.update({"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        response.call_on_close(stack.pop_all().close)
        entry.ends_later = True
    return _with_notes(response, known)


def _judging(exchange: Exchange, pumps: Pumps, timing: Timing) -> Judging | None:
    """The judge of the calls in the answer; None where the client asks for none."""
    route = services().judge_route()
    judge = judge_for(exchange.request, route, services().rules, exchange.received)
    if judge is None:
        return None
    attempts = services().attempts(route) if route is not None else None
    return Judging(judge, attempts, lambda call, batches: pumps.make(call, batches, timing.judge_patience))


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


def _events(pump: Pump[Delta], writer: Writer, entry: RequestLog, judging: Judging | None) -> Iterator[Event]:
    for batch in pump:
        events = _written(batch or (), writer, entry)
        if judging is not None:
            judging.judge.saw(events)
        yield from events
    last = writer.finish()
    if judging is not None:
        judging.judge.saw(last)
        last = _with_results(last, next(found for found in judging.wait() if found is not None))
    entry.saw(last)
    yield from last


def _with_results(events: Iterable[Event], results: Results) -> list[Event]:
    return [replace(each, safeguard_results=results) if isinstance(each, MessageDelta) else each for each in events]


@dataclass(slots=True)
class _Stream:
    """The body of a streamed answer. Silence is filled: with pings, and now and then with a real event."""

    pump: Pump[Delta]
    writer: Writer
    entry: RequestLog
    judging: Judging | None
    ping_every: float
    nudge_every: float | None

    def pieces(self, answer_id: str) -> Iterator[bytes]:
        outcome = "cut off"
        try:
            yield sse.encode(self.writer.feed(()))
            yield from self._flowing()
            yield from self._last()
            outcome = ""
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
            self.pump.close()
            self.entry.end(200, outcome)

    def _flowing(self) -> Iterator[bytes]:
        """All that the upstream says, as it comes."""
        last_bytes = last_event = time.monotonic()
        for batch in self.pump:
            events: Sequence[Event] = _written(batch, self.writer, self.entry) if batch else ()
            if self.judging is not None:
                self.judging.judge.saw(events)
            now = time.monotonic()
            if not events and self.nudge_every is not None and now - last_event >= self.nudge_every:
                events = self.writer.nudge()
            if events:
                last_event = now
            elif now - last_bytes >= self.ping_every:
                events = [Ping()]
            else:
                continue
            last_bytes = now
            yield sse.encode(events)

    def _last(self) -> Iterator[bytes]:
        """The end of the message. Blocks leave at once, only `message_delta` waits for the judge."""
        last = self.writer.finish()
        if self.judging is not None:
            self.judging.judge.saw(last)
            blocks = [event for event in last if not isinstance(event, MessageDelta | MessageStop)]
            if blocks:
                yield sse.encode(blocks)
            results: Results = []
            for found in self.judging.wait():
                if found is None:
                    yield sse.encode([Ping()])
                else:
                    results = found
            last = _with_results([event for event in last if event not in blocks], results)
        self.entry.saw(last)
        yield sse.encode(last)
