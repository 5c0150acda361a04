"""The table in plain words: docs/reliability.md."""

from __future__ import annotations

import re
import textwrap

from tests.faults.fault import TRANSLATED, Fault, Group
from tests.faults.table import GROUPS

_HEAD = """\
# Reliability

What a client sees when an upstream fails. `python -m tests.faults` makes this page of the table in `tests/faults/`. The
tests play every line of it against every kind of upstream, with a stream and without, and hold that nothing is left of
the failure: no thread works for it any more, the connection is closed or reused, and the next request is answered.

- **502 `words`** is an error with this status and these words in its message, in Anthropic's shape. A status line waits
  for the first word of an answer, for 10 seconds at most, so that an early failure has its true status.
- **What came, then 502 `words`**: the answer had begun. In a stream the client gets all that came, and then an error
  event of the type that belongs to the status. Without a stream it gets the status.
- **The answer** is all of it: what costs nothing is borne.
- *Passed through* are requests for Anthropic itself, whose own words reach the client byte for byte. They are named
  where that makes a difference; *x / y* is x with a stream and y without.

Connections that fail and the statuses 500, 502 and 504 are tried again (`MAX_RETRIES`, with pauses) before the client
is told, as long as nothing of the answer has come; where requests are passed through, only connections that fail. All
else is the client's to repeat. It is told whether and when by `x-should-retry` and `retry-after`.
"""
_ABOUT_DRIPS = (
    "Pings and comments that never end count as an answer where they are passed through, and so do counts of tokens "
    "elsewhere: `CONTENT_TIMEOUT` does not end them."
)
_WIDTH = 120


def page() -> str:
    return "\n".join([_HEAD, *(_section(group) for group in GROUPS), "## Known gaps", "", _item(_ABOUT_DRIPS), ""])


def _section(group: Group) -> str:
    """What has the same outcome stands together."""
    by_outcome: dict[str, list[str]] = {}
    for fault in group.faults:
        by_outcome.setdefault(_outcome(fault), []).append(_name(fault))
    items = [_item(f"{outcome}: {'; '.join(names)}.") for outcome, names in by_outcome.items()]
    return "\n".join([f"## {group.title}", "", _wrapped(group.about), "", *items, ""])


def _outcome(fault: Fault) -> str:
    """Of the ways that translate, and where it differs of the one that passes through."""
    others = [f"{way.capitalize()}: {_cell(words)}" for way, words in fault.but.items()]
    if (not fault.only or "anthropic" in fault.only) and fault.words("anthropic") != fault.seen:
        others.append(f"passed through: {_cell(fault.words('anthropic'))}")
    return f"**{_cell(fault.seen)}**" + (f" ({'; '.join(others)})" if others else "")


def _name(fault: Fault) -> str:
    return f"{fault.name} (Chat Completions)" if fault.only and len(fault.only) < len(TRANSLATED) else fault.name


def _cell(words: str) -> str:
    return " / ".join(_plain(each) for each in words.split(" / "))


def _plain(words: str) -> str:
    if found := re.fullmatch(r"(\d{3})( later)?(?: (.+))?", words):
        said = f" `{found[3]}`" if found[3] else ""
        return f"{'what came, then ' if found[2] else ''}{found[1]}{said}"
    kind, _, said = words.partition(": ")
    match kind:
        case "answer" if said == "a call":
            return "the call"
        case "answer":
            return f"an answer with `{said}`" if said else "the answer"
        case "odd answer":
            return "the answer, without what cannot be read"
        case "passed":
            return "as it came"
        case "hidden":
            return "as it came, with `[key]` in its place"
        case "goes on":
            return "what comes, as long as it comes"
        case _:
            return "nothing; the upstream call is ended"


def _item(text: str) -> str:
    return _wrapped(text, "- ", "  ")


def _wrapped(text: str, first: str = "", other: str = "") -> str:
    return textwrap.fill(
        text, _WIDTH, initial_indent=first, subsequent_indent=other, break_long_words=False, break_on_hyphens=False
    )
