"""Snapshots to draw: an empty one, and one of a busy day with trouble in it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from proxy.page.snapshot import Answer, Asked, Backend, Learned, Money, Snapshot
from proxy.usage.history import DAYS, Past
from proxy.usage.record import Record
from proxy.usage.tally import Tally
from tests.usage.records import record

NOW = datetime(2026, 11, 29, 14, 3, 27, tzinfo=UTC).timestamp()
DAY = 86_400.0
NOBODY: dict[str, Any] = dict.fromkeys(("tokens_in", "tokens_cached", "tokens_out", "cost", "first_byte"))
MODELS = (
    ("openai/gpt-6-sol", 0.9, 2.2e-6),
    ("gemini/gemini-3.8-flash", 0.5, 0.4e-6),
    ("anthropic/claude-opus-5-5", 1.6, 6e-6),
    ("custom/Qwen3-Coder-30B-A3B-Instruct-of-the-machine-in-the-cellar", 2.4, 0.0),
    ("openai/gpt-6-nano", 0.3, 0.1e-6),
    ("custom/deepseek-v4", 1.1, 0.3e-6),
)
"""Targets, seconds to the first byte, USD for a token."""
_ROLES = ("main", "main", "main", "subagent/Explore", "subagent/general-purpose", "title", "classifier", "compaction")
_NOTES = (
    *("", "", ""),
    "top_k: left out, the API has no such parameter",
    "thinking: a budget of 31999 tokens became the effort high; context_management: left out; images: 2 left out, the "
    "model sees none",
)


def empty(**fields: Any) -> Snapshot:
    """Right after the start."""
    usual: dict[str, Any] = {
        "now": NOW,
        "zone": UTC,
        "version": "0.1.0",
        "url": "http://127.0.0.1:8082",
        "since": NOW - 12,
        "past": Past(),
        "backends": (
            Backend("gemini/gemini-3.8-flash", "generativelanguage.googleapis.com", keys=1),
            Backend("gemini/gemini-3.5-flash-lite", "generativelanguage.googleapis.com", keys=1),
        ),
        "routes": (
            Asked("claude-opus-5-5", "BIG_MODEL", ("gemini/gemini-3.8-flash",), 1_048_576),
            Asked("claude-haiku-5-5", "SMALL_MODEL", ("gemini/gemini-3.5-flash-lite",), 1_048_576),
        ),
    }
    return Snapshot(**{**usual, **fields})


def busy(**fields: Any) -> Snapshot:
    """Six models, long names, costs, notes, and two backends that rest."""
    names = [name for name, *_ in MODELS]
    servers = ("api.openai.com/v1", "generativelanguage.googleapis.com", "api.anthropic.com", "10.20.30.40:8000/v1")
    backends = [Backend(name, servers[min(place, 3)], keys=1) for place, name in enumerate(names)]
    backends[0] = Backend(names[0], servers[0], keys=3, resting_keys=(NOW + 21, NOW + 250))
    backends[1] = Backend(names[1], servers[1], NOW + 43, "429 rate_limit_error", keys=1)
    backends[3] = Backend(names[3], servers[3], NOW + 218, "502 api_error", keys=0)
    return empty(
        **{
            "since": NOW - 3.2 * DAY,
            "money": Money(8.4172, 127.96, 20.0, None),
            "running": tuple(running()),
            "backends": tuple(backends),
            "requests": tuple(requests()),
            "past": Past(tuple(days())),
            "routes": tuple(
                Asked(name, reason, targets, window)
                for name, reason, targets, window in (
                    ("claude-opus-5-5", "OPUS_MODEL", ("anthropic/claude-opus-5-5", names[0]), 1_000_000),
                    ("claude-sonnet-5-5", "BIG_MODEL", (names[0], names[1], names[3]), 922_000),
                    ("claude-haiku-5-5", "SMALL_MODEL", (names[4],), 400_000),
                    (names[3].partition("/")[2], "the requested name", (names[3],), 131_072),
                    ("sub-agents", "SUBAGENT_MODEL", (f"{names[1]}@low",), 1_048_576),
                    ("judge", "SMALL_MODEL", (names[4],), None),
                )
            ),
            "learned": (
                Learned("10.20.30.40:8000/v1", names[3].partition("/")[2], ("no_streaming", "without_temperature")),
                Learned("api.deepseek.com/v1", "deepseek-v4", ("auto_tool_choice", "output_limit 8192")),
            ),
            **fields,
        }
    )


def running() -> Iterator[Answer]:
    what, name = "POST /v1/messages", MODELS[3][0]
    yield Answer("req_run1", NOW - 95, what, "main", "claude-opus-5-5", "anthropic/claude-opus-5-5", 2.11)
    yield Answer("req_run2", NOW - 8, what, "subagent/general-purpose", "claude-sonnet-5-5", name, None)


def requests(number: int = 200) -> Iterator[Record]:
    """Over some four hours, with a pause in the middle; the same each time."""
    chance = random.Random(7)
    for place in range(number):
        target, latency, price = chance.choices(MODELS, weights=(8, 5, 3, 2, 4, 1))[0]
        began = NOW - (number - place) * 62 - (3600 if place < number * 0.4 else 0) - chance.random() * 40
        role = chance.choice(_ROLES)
        tokens_in, tokens_out = chance.randrange(2_000, 160_000), chance.randrange(40, 4_000)
        first_byte = latency * chance.uniform(0.5, 2.5)
        usual: dict[str, Any] = {
            "time": began,
            "role": role,
            "model": "claude-haiku-5-5" if role == "title" else "claude-opus-5-5",
            "target": target,
            "tokens_in": tokens_in,
            "tokens_cached": int(tokens_in * chance.random()),
            "tokens_out": tokens_out,
            "first_byte": first_byte,
            "seconds": first_byte + tokens_out / 80,
            "cost": (tokens_in + 5 * tokens_out) * price if price else None,
            "stop_reason": chance.choice(("tool_use", "tool_use", "end_turn")),
            "notes": chance.choice(_NOTES),
        }
        if place % 23 == 19:
            usual |= {"status": 429, "error": "rate_limit_error", "stop_reason": "", "seconds": 0.4, **NOBODY}
        elif place % 41 == 40:
            usual |= {"error": "api_error", "outcome": "failed in mid-stream: 502 api_error", "stop_reason": ""}
        elif place % 57 == 50:
            usual |= {"outcome": "the client went away", "stop_reason": ""}
        yield record(f"req_{place:04}", **usual)


def days() -> Iterator[Tally]:
    """Fewer on weekends."""
    chance = random.Random(3)
    midnight = NOW - NOW % DAY
    for back in range(DAYS - 4, -1, -1):
        start = midnight - back * DAY
        rate = 0.2 if datetime.fromtimestamp(start, UTC).weekday() >= 5 else 1
        for target, latency, price in MODELS:
            number = int(rate * chance.randrange(5, 220))
            if not number:
                continue
            tokens_in, tokens_out = number * chance.randrange(20_000, 60_000), number * chance.randrange(300, 1_500)
            cost, waited = (tokens_in + 5 * tokens_out) * price * 0.4, number * latency * chance.uniform(0.7, 1.6)
            yield Tally(
                start,
                target,
                number,
                number // 40,
                0 if price else number,
                tokens_in,
                tokens_in // 2,
                tokens_out,
                cost,
                number,
                waited,
            )
