"""All waits of an answer in one value, in seconds. Tests shorten them by making another."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    ping_every: float = 10.0
    """Silence towards the client after which a ping is due."""
    nudge_every: float = 120.0
    """Time without a real event after which one that changes nothing is due: Claude Code 2.1.197 gives up after 300 s
    without one, whatever the pings."""
    head_patience: float = 10.0
    """A stream's status line waits this long for the upstream; a failure within it gets its true status."""
    count_patience: float = 2.0
    """For an upstream's count of tokens; clients wait for it before they go on."""
    judge_patience: float = 20.0
    """For the verdicts on an answer's tool uses; Claude Code holds the calls back so long."""
    silence: float = 120.0
    """Upstream silence that is borne where REQUEST_TIMEOUT is not set."""
    silence_while_reasoning: float = 600.0
    """The same of models that may reason without a word."""
    poll: float = 0.2
    """A client that has gone away is noticed within it."""
    first_pause: float = 0.5
    """Before the first repeat of a request that failed; each further pause is twice as long."""
    attempts: float = 60.0
    """No further attempt begins after it: clients repeat for themselves then."""
