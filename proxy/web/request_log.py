"""The record of each request: made while it is answered, handed on once when its answer ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import Protocol

from flask import Response, g, request

from proxy.answering.running import Answering
from proxy.logs import ascii_only, one_line
from proxy.models import vendors
from proxy.models.routing import Route
from proxy.protocol.deltas import Usage, merged
from proxy.protocol.events import Event, MessageDelta
from proxy.protocol.notes import header_value
from proxy.protocol.passing import PassedAnswer
from proxy.protocol.request import MessagesRequest
from proxy.usage.prices import cost_of, input_tokens
from proxy.usage.record import MESSAGES, Record, session_hash
from proxy.web.errors import error_type, request_id
from proxy.web.ledger import ledger
from proxy.web.services import WITNESS, services

log = logging.getLogger(__name__)

_NAME_LIMIT = 256
"""Characters; no model's name is longer."""
_CUT_OFF = "cut off"
_SUBSCRIPTION = "Bearer sk-ant-oat"
"""How the login of a Claude subscription begins, for which nobody pays by the token."""


class Witness(Protocol):
    """Is told what becomes of a request, in the thread that serves it; see `services.WITNESS`."""

    def routed(self, route: Route) -> None: ...
    def estimated(self, tokens: int) -> None: ...
    def ended(self, record: Record) -> None: ...


class RequestLog:
    """Of the current request. A stream outlives the request's context, so all that is recorded is taken before."""

    def __init__(self) -> None:
        self._ledger = ledger()
        self._witness: Witness | None = request.environ.get(WITNESS)
        self._time = time.time()
        self._began = time.monotonic()
        self._first_byte: float | None = None
        self._id = request_id()
        self._what = one_line(f"{request.method} {request.path}")
        self._ended = False
        self.ends_later = False
        """Whether a stream will end the record."""
        self._route: Route | None = None
        self._model = self._session = ""
        self._streamed = False
        self._free_at: str | None = None
        self._tools = 0
        self._estimate = 0
        self.notes: list[str] = []
        self.stop_reason = ""
        self.error = ""
        """The type of the error that the client got."""
        self.usage = Usage()
        self._costs_beside: list[float] = []
        """USD."""

    def asked(self, message: MessagesRequest, session: str) -> None:
        """Takes what is wanted, and whose conversation it belongs to."""
        self._model = _name(message.model)
        self._session = session_hash(session)
        self._streamed = bool(message.stream)
        self._tools = len(message.tools)
        owner = next(row.name for row in vendors.VENDORS if row.owns_claude)
        has_key = bool(services().config.endpoint(owner).api_keys)
        logs_in = request.headers.get("Authorization", "").startswith(_SUBSCRIPTION)
        self._free_at = owner if logs_in and not has_key else None

    def routed(self, route: Route) -> None:
        """Takes who answers, and as what."""
        self._route = route
        self.usage = Usage()
        if self._witness is not None:
            self._witness.routed(route)

    def estimated(self, tokens: int) -> None:
        """Takes what the input is thought to be, for a server that does not tell, or an answer that is cut off."""
        self._estimate = tokens
        if self._witness is not None:
            self._witness.estimated(tokens)

    def showed(self) -> None:
        """The answer has begun."""
        self._first_byte = time.monotonic() - self._began

    def used(self, usage: Usage) -> None:
        """Takes what the upstream says was used so far."""
        self.usage = merged(self.usage, usage)

    def used_beside(self, route: Route, usage: Usage) -> None:
        """Takes what a call beside the answer has used: of the judge, or of who describes pictures. In any thread."""
        if (cost := cost_of(route.price, usage)) is not None:
            self._costs_beside.append(cost)

    def saw(self, events: Iterable[Event]) -> None:
        """Takes the stop reason out of an answer."""
        for event in events:
            if isinstance(event, MessageDelta):
                self.stop_reason = event.stop_reason

    def passed(self, answer: PassedAnswer) -> None:
        """Takes what is known of an answer that was passed on."""
        self.usage, self.stop_reason = answer.usage, answer.stop_reason
        self.error = self.error or answer.error

    def now(self) -> Answering:
        """How far it is. In any thread."""
        route = self._route
        return Answering(
            time=self._time,
            id=self._id,
            what=self._what,
            role=_name(route.role) if route else "",
            model=self._model or (_name(route.requested) if route else ""),
            target=_name(route.target) if route else "",
            first_byte=self._first_byte,
        )

    @property
    def headers(self) -> dict[str, str]:
        """What tells the client who answers, and what it costs where that is known now, by header name."""
        if self._route is None:
            return {}
        named = {
            "x-proxy-role": header_value([self._route.role.kind]),
            "x-proxy-target": header_value([self._route.target]),
        }
        if not self.ends_later and (cost := self._cost()) is not None:
            named["x-proxy-cost-usd"] = f"{cost:.8f}"
        return named

    def ends_with(self, response: Response) -> None:
        """Leaves the end to a stream, or to its closing where it was never begun."""
        self.ends_later = True
        response.call_on_close(lambda: self.end(response.status_code, _CUT_OFF))

    def end(self, status: int, outcome: str = "") -> None:
        """Hands the record on, once. `outcome`: why the answer did not end by itself."""
        if self._ended:
            return
        self._ended = True
        record = self._record(status, outcome)
        log.info("%s", record.line(), extra={"request": record})
        self._ledger.add(record)
        if self._witness is not None:
            self._witness.ended(record)

    def _record(self, status: int, outcome: str) -> Record:
        usage, route = self._known_usage(), self._route
        return Record(
            time=self._time,
            id=self._id,
            what=self._what,
            role=_name(route.role) if route else "",
            model=self._model or (_name(route.requested) if route else ""),
            target=_name(route.target) if route else "",
            reason=ascii_only(route.reason) if route else "",
            session=self._session,
            status=status,
            streamed=self._streamed,
            seconds=time.monotonic() - self._began,
            first_byte=self._first_byte,
            tokens_in=None if usage.input is None else input_tokens(usage),
            tokens_cached=usage.cache_read,
            tokens_cache_write=usage.cache_write,
            tokens_out=usage.output,
            tools=self._tools,
            cost=self._cost(),
            stop_reason=_name(self.stop_reason),
            notes=ascii_only(header_value(self.notes)),
            error=_name(self.error),
            outcome=outcome,
        )

    def _known_usage(self) -> Usage:
        """The estimate stands in where an answer has begun and nothing is told of its input."""
        if self.usage.input is None and self._first_byte is not None and self._estimate:
            return merged(Usage(input=self._estimate), self.usage)
        return self.usage

    def _cost(self) -> float | None:
        if self._route is None or self._what != MESSAGES:
            return None
        is_free = self._route.provider == self._free_at
        own = 0.0 if is_free else cost_of(self._route.price, self._known_usage())
        return (own or 0.0) + sum(self._costs_beside) if self._costs_beside else own


def _name(value: object) -> str:
    """Names come from clients and servers; what is kept of them is printable and has an end."""
    return ascii_only(str(value))[:_NAME_LIMIT].replace("\n", " ")


def request_log() -> RequestLog:
    """That of the current request, made on first use."""
    if "request_log" not in g:
        g.request_log = RequestLog()
    found: RequestLog = g.request_log
    return found


def log_response(response: Response) -> Response:
    """For `after_request`: the record of all but streams, which end it themselves, and who answers."""
    entry = request_log()
    response.headers.update(entry.headers)
    if not entry.ends_later:
        entry.error = error_type() or entry.error
        entry.end(response.status_code)
    return response
