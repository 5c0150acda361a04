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
from proxy.answering.succession import Succession
from proxy.answering.timing import Timing
from proxy.protocol import sse
from proxy.protocol.deltas import Delta, Note, Usage
from proxy.protocol.effort import requested_display
from proxy.protocol.errors import ApiError
from proxy.protocol.events import Event, MessageDelta, MessageStop, Ping, StreamError
from proxy.protocol.message import fold
from proxy.protocol.notes import header_value
from proxy.protocol.request import MessagesRequest, checked, parse_count_request, read_request
from proxy.protocol.writer import Writer
from proxy.providers.base import Exchange, Head, Item
from proxy.providers.call import Call
from proxy.web.errors import request_id
from proxy.web.ledger import ledger
from proxy.web.received import body_bytes, exchanges_of, session_of
from proxy.web.relay import Continued, pass_on, passed
from proxy.web.request_log import RequestLog, request_log
from proxy.web.services import Pumps, Services, services

blueprint = Blueprint("messages", __name__)
log = logging.getLogger(__name__)


@blueprint.post("/v1/messages")
def create_message() -> Response:
    body = body_bytes()
    parsed = read_request(body)
    request_log().asked(parsed, session_of(parsed))
    config = services().config
    ledger().check(config.daily_budget, config.monthly_budget)
    exchanges = exchanges_of(parsed, body)
    return _answered(parsed, exchanges, len(body))


@blueprint.post("/v1/messages/count_tokens")
def count_tokens() -> Response:
    body = body_bytes()
    parsed = parse_count_request(body)
    exchanges = exchanges_of(parsed, body)
    exchange = (services().health.ready(exchanges) or exchanges)[0]
    route = exchange.route
    request_log().routed(route)
    if services().wire(route).verbatim:
        return pass_on(exchange)
    estimate = Estimate(parsed, route, services().calibration)
    if services().config.count_tokens == "exact":
        exact = counted_upstream(exchange, services().attempts(route), services().timing)
        if exact is not None:
            estimate.learn(exact)
            return jsonify(input_tokens=exact)
    return jsonify(input_tokens=estimate.tokens)


def _answered(request: MessagesRequest, exchanges: Sequence[Exchange], body_size: int) -> Response:
    entry, timing = request_log(), services().timing
    asking = _Asking(services(), request, body_size, entry)
    entry.routed(exchanges[0].route)
    answer = Succession(
        exchanges,
        asking.pump,
        services().health,
        on_change=lambda now: entry.routed(now.route),
        on_shown=entry.showed,
    )
    is_passed = asking.is_passed(exchanges)
    with ExitStack() as stack:
        stack.callback(answer.close)
        answer.start()
        tokens = 0 if is_passed else asking.estimate.tokens
        entry.estimated(tokens)
        answer.wait_for_first(timing.head_patience if request.stream and not is_passed else None)
        known = [item.text for item in answer.held if isinstance(item, Note)]
        if any(isinstance(item, Head) for item in answer.held):
            return _with_notes(passed(answer, stack), known)
        writer = Writer(request.model, tokens)
        judging = _judging(answer.exchange, asking, timing)
        if not request.stream:
            response = jsonify(fold(_events(answer, writer, entry, judging)))
            return _with_notes(response, entry.notes)
        nudge_every = timing.nudge_every if requested_display(request) != "none" else None
        stream = _Stream(answer, writer, entry, judging, timing.ping_every, nudge_every)
        response = Response(stream.pieces(request_id()), mimetype="text/event-stream")
        response.headers.update({"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        response.call_on_close(stack.pop_all().close)
        entry.ends_with(response)
    return _with_notes(response, known)


class _Asking:
    """Makes the pumps of one request, also when its context is gone."""

    def __init__(self, own: Services, request: MessagesRequest, body_size: int, entry: RequestLog) -> None:
        self._own = own
        self._request = request
        self._body_size = body_size
        self.entry = entry
        self.pumps = Pumps(entry.now)
        self.estimate: Estimate
        """Of the target that is asked."""

    def is_passed(self, exchanges: Sequence[Exchange]) -> bool:
        """Whether nobody but Anthropic may answer, whose status and headers are worth waiting for."""
        return all(self._own.wire(exchange.route).verbatim for exchange in exchanges)

    def pump(self, exchange: Exchange) -> Pump[Item]:
        """Raises ApiError (400) for what cannot be translated, or does not fit into the context window."""
        own, route, call = self._own, exchange.route, Call()
        self.estimate = Estimate(self._request, route, own.calibration)
        idle_limit = own.idle_limit(route)
        if own.wire(route).verbatim:
            items = partial(own.attempts(route).items, exchange, call)
            return self.pumps.make(call, items, idle_limit)
        checked(self._request)
        self.estimate.check_window(self._body_size)
        deltas = partial(own.answer, exchange, call, self.estimate.learn, self.entry.used_beside)
        return self.pumps.make(call, deltas, idle_limit, own.content_limit(idle_limit))


def _judging(exchange: Exchange, asking: _Asking, timing: Timing) -> Judging | None:
    """The judge of the calls in the answer; None where the client asks for none."""
    route = services().judge_route()
    judge = judge_for(exchange.request, route, services().rules, exchange.received)
    if judge is None:
        return None
    side_calls = services().side_calls.counted(asking.entry.used_beside)
    return Judging(judge, side_calls, lambda call, batches: asking.pumps.make(call, batches, timing.judge_patience))


def _with_notes(response: Response, notes: Sequence[str]) -> Response:
    if value := header_value(notes):
        response.headers["x-proxy-notes"] = value
    return response


def _written(batch: Iterable[Item], writer: Writer, entry: RequestLog) -> list[Event]:
    """The events of a batch; its notes and counts go to the log."""
    deltas: list[Delta] = []
    for item in batch:
        if isinstance(item, Note):
            entry.notes.append(item.text)
            continue
        if isinstance(item, Usage):
            entry.used(item)
        if not isinstance(item, Head | bytes):
            deltas.append(item)
    return writer.feed(deltas)


def _events(answer: Succession[Item], writer: Writer, entry: RequestLog, judging: Judging | None) -> Iterator[Event]:
    for batch in answer:
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

    answer: Succession[Item]
    writer: Writer
    entry: RequestLog
    judging: Judging | None
    ping_every: float
    nudge_every: float | None
    passed: Continued | None = None
    """Set where the answer comes from Anthropic in the end, which is passed on."""

    def pieces(self, answer_id: str) -> Iterator[bytes]:
        outcome = "cut off"
        try:
            if not self.answer.held:  # else they go out together
                yield sse.encode(self.writer.feed(()))
            yield from self._flowing()
            if self.passed is None:
                yield from self._last()
            outcome = ""
        except ClientGone:
            outcome = "the client went away"
        except ApiError as error:
            outcome, self.entry.error = f"failed in mid-stream: {error.status} {error.type}", error.type
            log.warning("%s %s", answer_id, outcome)
            yield sse.encode([StreamError(error, answer_id)])
        except Exception as error:
            outcome, self.entry.error = "failed in mid-stream: 500", "api_error"
            log.error("%s failed in mid-stream: %s", answer_id, where(error))
            failure = ApiError(500, f"the proxy failed in mid-stream ({type(error).__name__})")
            yield sse.encode([StreamError(failure, answer_id)])
        finally:
            self.answer.close()
            if self.passed is not None:
                self.entry.passed(self.passed.seen)
            self.entry.end(200, outcome)

    def _flowing(self) -> Iterator[bytes]:
        """All that the upstream says, as it comes."""
        last_bytes = last_event = time.monotonic()
        for batch in self.answer:
            if batch and isinstance(batch[0], Head | bytes):
                self.passed = self.passed or Continued()
                yield self.passed.feed(batch)
                continue
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
