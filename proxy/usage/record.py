"""The record of a finished request: what the log, the database and the status tell of it is taken from this one value.

It holds no prompt, no key and no input of a tool. All text in it is printable ASCII.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

MESSAGES = "POST /v1/messages"
_SESSION_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Record:
    """What is not known is empty or None."""

    time: float
    """When it began, in seconds since 1970."""
    id: str
    what: str
    """Method and path."""
    role: str
    model: str
    """As it was requested."""
    target: str
    """Vendor and model."""
    reason: str
    """Why this target answered: mostly the setting that says so."""
    session: str
    """See `session_hash`."""
    status: int
    streamed: bool
    seconds: float
    first_byte: float | None
    """Seconds until there was something of the answer to show."""
    tokens_in: int | None
    """All tokens of input, those of the next two included."""
    tokens_cached: int | None
    tokens_cache_write: int | None
    tokens_out: int | None
    tools: int
    """How many were offered."""
    cost: float | None
    """USD."""
    stop_reason: str
    notes: str
    error: str
    """The type of the error that the client got."""
    outcome: str
    """Why the answer did not end by itself."""

    @property
    def day(self) -> str:
        """The local day on which it began, such as "2026-11-29"."""
        return datetime.fromtimestamp(self.time).date().isoformat()

    @property
    def is_message(self) -> bool:
        """Whether it asked a model; the database keeps those and no others."""
        return self.what == MESSAGES and bool(self.model)

    @property
    def has_failed(self) -> bool:
        """Whether it ended with an error, or was cut off by one."""
        return self.status >= 400 or bool(self.error)

    def values(self) -> dict[str, Any]:
        """All fields by name."""
        return asdict(self)

    def line(self) -> str:
        """For people, as the log shows it."""
        parts = [self.id]
        if self.what != MESSAGES or not self.target:
            parts.append(self.what)
        if self.target:
            parts.append(f"{self.role} {self.model} -> {self.target} ({self.reason})")
        parts.append(f"{self.status}{' stream' if self.streamed else ''} {self.seconds:.1f}s")
        if self.first_byte is not None:
            parts.append(f"ttft {self.first_byte:.1f}s")
        if self.tokens_in is not None:
            cached = f" ({self.tokens_cached} cached)" if self.tokens_cached else ""
            parts.append(f"in {self.tokens_in}{cached} out {self.tokens_out or 0}")
        if self.tools:
            parts.append(f"tools {self.tools}")
        if self.cost is not None:
            parts.append(dollars(self.cost))
        parts.extend(filter(None, (self.stop_reason, self.outcome or self.error)))
        if self.notes:
            parts.append(f"notes: {self.notes}")
        return " ".join(parts)


def session_hash(session: str) -> str:
    """What stands for a client's conversation in records: 12 hex digits, from which its id cannot be found."""
    return hashlib.sha256(session.encode("utf-8", "replace")).hexdigest()[:_SESSION_DIGITS] if session else ""


def dollars(cost: float) -> str:
    """For people: `$0.0123`, with more digits for what is less than a tenth of a cent."""
    return f"${cost:.6f}" if 0 < cost < 0.001 else f"${cost:.4f}"
