"""All waits of the server in one value, in seconds where nothing else is said. Tests shorten them by making another."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clocks:
    head: float = 10.0
    """For a whole request head, from the accept, from the last answer, or from the first byte after a rest."""
    body: float = 30.0
    """In each such span a body has to bring `body_least` bytes."""
    body_least: int = 8192
    """Bytes. The 273 a second that follow are a tenth of what the slowest mobile links carry, so no honest client is
    cut; whoever wants to hold a thousand connections has to send 16 MB a minute."""
    idle: float = 300.0
    """For the next request on a connection that has had an answer."""
    unread: float = 300.0
    """For a client that takes nothing of what is sent to it."""
    thread: float = 10.0
    """A request waits so long for a free thread. Clients repeat for themselves, and few of them wait a minute."""
    last_words: float = 3.0
    """In which cancelled answers can say so to their clients."""
    tick: float = 1.0
    """How often clocks are looked at."""
