"""What the web needs of a provider, and what it gives it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from proxy.models.routing import Route
from proxy.protocol.deltas import Delta
from proxy.protocol.notes import Notes
from proxy.protocol.request import MessagesRequest
from proxy.providers.connections import Call


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request on its way: who asked what, where it goes and what was lost on the way.

    `retries` is how often a connection error or a 5xx before the first byte may be tried again. `session` names the
    client's conversation, the same for all its requests, empty when unknown.
    """

    request: MessagesRequest
    route: Route
    notes: Notes
    retries: int = 0
    session: str = ""


class Provider(Protocol):
    def translate(self, exchange: Exchange) -> dict[str, Any]:
        """The upstream's request body. Pure; raises ApiError where the request cannot be put in the vendor's terms."""
        ...

    def stream(self, exchange: Exchange, call: Call) -> Iterator[Sequence[Delta]]:
        """Calls the upstream and yields what it answers; runs in the reader thread.

        An empty batch is a sign of life. Raises ApiError for every failure of the upstream.
        """
        ...

    def count(self, exchange: Exchange, call: Call) -> int | None:
        """The input tokens as the upstream counts them, None where it does not count; runs in the reader thread.

        Raises ApiError for every failure of the upstream.
        """
        ...

    def searches(self, route: Route) -> bool:
        """Whether the upstream answers Anthropic's web search with its own."""
        ...
