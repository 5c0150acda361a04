"""A short call whose answer is text for the proxy itself, on the connection and the time of a client's request."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from proxy.answering.answer import answer
from proxy.answering.attempts import Attempts
from proxy.answering.health import Health
from proxy.models.routing import Route
from proxy.protocol.deltas import Delta, Finish, TextDelta, Usage, merged
from proxy.protocol.errors import ApiError
from proxy.protocol.passing import PassedAnswer
from proxy.protocol.request import parse_request
from proxy.providers.base import ClientRequest, Exchange, Head
from proxy.providers.call import Call

_HINTS = ("x-claude-", "anthropic-beta", "content-type")
"""Beginnings of headers that speak of the client's own request."""


class SideCalls:
    """Asks who may answer, one after the other, until one gives text; safe to share between threads."""

    def __init__(
        self,
        attempts_for: Callable[[Route], Attempts],
        health: Health,
        on_used: Callable[[Route, Usage], None] = lambda *_: None,
    ) -> None:
        """`on_used` is told after each call what it has used, in the thread of the call."""
        self._attempts_for = attempts_for
        self._health = health
        self._on_used = on_used

    def counted(self, on_used: Callable[[Route, Usage], None]) -> SideCalls:
        """The same, on somebody's account."""
        return SideCalls(self._attempts_for, self._health, on_used)

    def text_of(
        self, body: Mapping[str, Any], route: Route, received: ClientRequest, call: Call, *, may_be_cut: bool = True
    ) -> Generator[Sequence[Delta], None, tuple[str, Route]]:
        """Yields signs of life, returns the whole text and whose it is. Afterwards `call` is as good as new.

        `body`: of a Messages request, without its model; `received` lends its credentials where the route passes them
        on; `may_be_cut`: an answer that ends at its limit is good enough.

        Raises ApiError for every failure of the upstreams, and where there is no text to the end.
        """
        exchanges = [_exchange(body, each, received, len(route.candidates) > 1) for each in route.candidates]
        for exchange in self._health.ready(exchanges):
            try:
                attempts = self._attempts_for(exchange.route)
                text = yield from _text_of(exchange, attempts, call, may_be_cut, self._on_used)
            except ApiError as error:
                if call.cancelled or not self._health.is_passed_over(exchange, error):
                    raise
            else:
                self._health.answered(exchange)
                return text, exchange.route
        raise self._health.error(exchanges)


def _exchange(body: Mapping[str, Any], route: Route, received: ClientRequest, has_stand_ins: bool) -> Exchange:
    raw = json.dumps({"model": route.requested, **body}).encode()
    headers = [each for each in received.headers if not each[0].lower().startswith(_HINTS)]
    headers.append(("content-type", "application/json"))
    passed = ClientRequest("POST", "/v1/messages", tuple(headers), raw)
    return Exchange(parse_request(raw), route, has_stand_ins=has_stand_ins, received=passed)


def _text_of(
    exchange: Exchange,
    attempts: Attempts,
    call: Call,
    may_be_cut: bool,
    on_used: Callable[[Route, Usage], None],
) -> Generator[Sequence[Delta], None, str]:
    pieces: list[bytes] = []
    texts: list[str] = []
    head: Head | None = None
    is_whole = False
    usage = Usage()
    try:
        for batch in _batches(exchange, attempts, call):
            for item in batch:
                match item:
                    case Head():
                        head = item
                    case bytes():
                        pieces.append(item)
                    case TextDelta(text):
                        texts.append(text)
                    case Usage():
                        usage = merged(usage, item)
                    case Finish(reason):
                        is_whole = reason == "end" or (may_be_cut and reason == "max_tokens")
            yield []
    finally:
        call.give_up()
        call.complete = False
        if head is not None:
            passed = PassedAnswer()
            passed.saw_body(b"".join(pieces))
            usage = passed.usage
        on_used(exchange.route, usage)
    if head is not None:
        return _passed_text(head.status, b"".join(pieces), may_be_cut)
    if not is_whole or not "".join(texts).strip():
        raise ApiError(400, f"{exchange.route.target} gave no text")
    return "".join(texts).strip()


def _batches(exchange: Exchange, attempts: Attempts, call: Call) -> Any:
    if attempts.prepare(exchange).plan.wire.verbatim:
        return attempts.items(exchange, call)
    return answer(exchange, attempts, call, lambda _: None)


def _passed_text(status: int, body: bytes, may_be_cut: bool) -> str:
    """The text of an answer of Anthropic's own."""
    if status != 200:
        raise ApiError(status if status >= 400 else 502, f"Anthropic answered {status}")
    try:
        message = json.loads(body)
        text = "".join(block["text"] for block in message["content"] if block["type"] == "text").strip()
        is_whole = message["stop_reason"] == "end_turn" or (may_be_cut and message["stop_reason"] == "max_tokens")
        text = text if is_whole else ""
    except (ValueError, KeyError, TypeError):
        text = ""
    if not text:
        raise ApiError(400, "Anthropic gave no text")
    return text
