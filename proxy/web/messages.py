"""POST /v1/messages and its count_tokens: from the checked request to the last byte of the answer."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from flask import Blueprint, Response, jsonify, request

from proxy.answering.counting import Estimate, counted_upstream
from proxy.answering.filters.stop_sequences import stop_sequences
from proxy.answering.filters.think_tags import think_tags
from proxy.answering.filters.thinking_display import thinking_display
from proxy.answering.filters.tool_input import EMPTY_OPTIONALS, repair_tool_input
from proxy.answering.pump import PING_EVERY, ClientGone, Pump, where
from proxy.protocol import sse
from proxy.protocol.deltas import Delta, Finish, Usage
from proxy.protocol.effort import wanted_display
from proxy.protocol.errors import ApiError
from proxy.protocol.events import Event, Ping, StreamError
from proxy.protocol.message import fold
from proxy.protocol.notes import Notes
from proxy.protocol.request import MessagesRequest, checked, parse_count_request, read_request
from proxy.protocol.writer import Writer
from proxy.providers.base import Exchange, Provider
from proxy.providers.connections import Call
from proxy.tokens.calibration import told_input
from proxy.web.errors import request_id
from proxy.web.relay import relay
from proxy.web.services import pump_for, services

PATIENCE = 10.0
"""Seconds for which a stream's status line waits for the upstream; a failure within them gets its true status."""
NUDGE_EVERY = 120.0
"""Claude Code 2.1.197 gives up after 300 s without a real event, whatever the pings."""

blueprint = Blueprint("messages", __name__)
log = logging.getLogger(__name__)


@blueprint.post("/v1/messages")
def create_message() -> Response:
    body = _body()
    asked = read_request(body)
    route = services().router.resolve(asked.model)
    if route.provider == "anthropic":
        return relay(route, body)
    checked(asked)
    estimate = Estimate(asked, route)
    estimate.check_window(len(body))
    exchange = Exchange(asked, route, Notes(), _retries(), _session(asked))
    call, provider = Call(), services().provider(route)
    pump = pump_for(route, call, lambda: told_input(_batches(exchange, provider, call), estimate.learn))
    with ExitStack() as stack:
        stack.callback(pump.close)
        pump.start()
        writer = Writer(asked.model, estimate.tokens)
        pump.wait_for_first(PATIENCE if asked.stream else None)
        if asked.stream:
            response = _event_stream(_pieces(pump, writer, request_id(), nudges=wanted_display(asked) != "none"))
            response.call_on_close(stack.pop_all().close)
        else:
            response = jsonify(fold(_events(pump, writer)))
    _report(exchange.notes, response)
    return response


@blueprint.post("/v1/messages/count_tokens")
def count_tokens() -> Response:
    body = _body()
    asked = parse_count_request(body)
    route = services().router.resolve(asked.model)
    if route.provider == "anthropic":
        return relay(route, body)
    estimate = Estimate(asked, route)
    if services().config.count_tokens == "exact":
        exact = counted_upstream(Exchange(asked, route, Notes(), session=_session(asked)))
        if exact is not None:
            estimate.learn(exact)
            return jsonify(input_tokens=exact)
    return jsonify(input_tokens=estimate.tokens)


def _body() -> bytes:
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise ApiError(
            400,
            f"Content-Encoding: {encoding} is not supported; send the body uncompressed",
            details={"error_code": "request_body_encoding_unsupported"},
        )
    return request.get_data(cache=False)


def _retries() -> int:
    """One layer at a time: a client that is itself repeating a request does not want each attempt repeated again."""
    return services().config.max_retries if request.headers.get("x-stainless-retry-count", "0") == "0" else 0


def _session(asked: MessagesRequest) -> str:
    """The client's conversation: Claude Code names it in a header, and inside `metadata.user_id`, which is JSON."""
    if header := request.headers.get("x-claude-code-session-id"):
        return header
    try:
        session = json.loads(str((asked.metadata or {}).get("user_id")))["session_id"]
    except (ValueError, TypeError, KeyError):
        return ""
    return session if isinstance(session, str) else ""


def _batches(exchange: Exchange, provider: Provider, call: Call) -> Iterator[Sequence[Delta]]:
    """The provider's answer through the filters. Runs in the reader thread."""
    asked, custom = exchange.request, exchange.route.custom
    if asked.max_tokens == 0:
        return iter([[Usage(output=0), Finish("max_tokens")]])
    batches = provider.stream(exchange, call)
    if custom is not None and custom.think_tags:
        batches = think_tags(batches)
    schemas = {tool.name: tool.input_schema or {} for tool in asked.tools if tool.is_custom}
    batches = repair_tool_input(batches, schemas, lambda name: name in schemas and _wants_repair(exchange, name))
    if asked.stop_sequences:
        batches = stop_sequences(batches, asked.stop_sequences)
    return thinking_display(batches, wanted_display(asked))


def _wants_repair(exchange: Exchange, tool: str) -> bool:
    """Vendors' own models write sound JSON, so their calls are shown as they come, but for one habit of theirs."""
    return not exchange.route.official or any(name == tool for name, _ in EMPTY_OPTIONALS)


def _events(pump: Pump[Delta], writer: Writer) -> Iterator[Event]:
    for batch in pump:
        yield from writer.feed(batch or ())
    yield from writer.finish()


def _event_stream(pieces: Iterator[bytes]) -> Response:
    response = Response(pieces, mimetype="text/event-stream")
    response.headers.update({"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
    return response


def _pieces(pump: Pump[Delta], writer: Writer, answer_id: str, *, nudges: bool) -> Iterator[bytes]:
    """The body of a stream. Silence is filled: with pings, and now and then with a real event."""
    last_bytes = last_event = time.monotonic()
    try:
        yield sse.encode(writer.feed(()))
        for batch in pump:
            events: Sequence[Event] = writer.feed(batch) if batch else ()
            now = time.monotonic()
            if not events and nudges and now - last_event >= NUDGE_EVERY:
                events = writer.nudge()
            if events:
                last_event = now
            elif now - last_bytes >= PING_EVERY:
                events = [Ping()]
            else:
                continue
            last_bytes = now
            yield sse.encode(events)
        yield sse.encode(writer.finish())
    except ClientGone:
        log.info("%s the client went away", answer_id)
    except ApiError as error:
        log.warning("%s failed in mid-stream: %d %s", answer_id, error.status, error.type)
        yield sse.encode([StreamError(error, answer_id)])
    except Exception as error:
        log.error("%s failed in mid-stream: %s", answer_id, where(error))
        failure = ApiError(500, f"the proxy failed in mid-stream ({type(error).__name__})")
        yield sse.encode([StreamError(failure, answer_id)])
    finally:
        pump.close()


def _report(notes: Notes, response: Response) -> None:
    """Says aloud what was lost: in the log and in a header."""
    if header := notes.header():
        response.headers["x-proxy-notes"] = header
        log.info("%s notes: %s", request_id(), header)
