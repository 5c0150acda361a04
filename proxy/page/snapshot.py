"""All that the status page shows, as one frozen value. It has no prompt, no key and no words of a server in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import tzinfo

from proxy.usage.history import Past
from proxy.usage.record import Record

Time = float
"""Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One that is being given."""

    id: str
    time: Time
    what: str
    role: str
    model: str
    target: str
    first_byte: float | None


@dataclass(frozen=True, slots=True)
class Backend:
    """A target that the settings name. `rests` until then, after `failure`; None where it may be asked."""

    target: str
    server: str
    """Its address, without user and password."""
    rests: Time | None = None
    failure: str = ""
    keys: int = 0
    resting_keys: tuple[Time, ...] = ()
    """When they may be used again."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A name, or what a setting is for, and who answers it, best first."""

    name: str
    reason: str
    targets: tuple[str, ...]
    window: int | None
    """Tokens that fit the first one."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What one server turned out to want of requests to a model."""

    server: str
    model: str
    habits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Money:
    """USD spent; None for a budget that is not set."""

    today: float = 0.0
    month: float = 0.0
    daily: float | None = None
    monthly: float | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    now: Time
    zone: tzinfo | None
    """In which times are shown; None for the machine's own."""
    version: str
    url: str
    """At which the client of the page has reached the proxy."""
    since: Time
    money: Money = Money()
    running: tuple[Answer, ...] = ()
    backends: tuple[Backend, ...] = ()
    requests: tuple[Record, ...] = ()
    """Oldest first."""
    past: Past | None = None
    """None without a database."""
    routes: tuple[Asked, ...] = ()
    learned: tuple[Learned, ...] = ()

    def shows_the_same(self, other: Snapshot) -> bool:
        """Whether nothing has changed but the time."""
        return replace(self, now=other.now) == other
