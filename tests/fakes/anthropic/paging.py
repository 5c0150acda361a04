"""Lists in pages, as Anthropic's API gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.fakes.anthropic.rules import refuse

Json = dict[str, Any]
Query = Mapping[str, list[str]]


def limit_of(query: Query) -> int:
    """Raises Failure."""
    limit = query.get("limit", ["20"])[0]
    if not limit.isdecimal() or not 1 <= int(limit) <= 1000:
        refuse("limit: Input should be between 1 and 1000")
    return int(limit)


def listed(entries: Sequence[Json], query: Query, place: Callable[[str], int]) -> Json:
    """A page between ids. `place` gives the index of the entry with an id, or raises Failure."""
    limit, start, end = limit_of(query), 0, len(entries)
    if "after_id" in query:
        start = place(query["after_id"][0]) + 1
        end = start + limit
    elif "before_id" in query:
        end = place(query["before_id"][0])
        start = max(0, end - limit)
    page = entries[start:end][:limit]
    return {
        "data": list(page),
        "has_more": start > 0 if "before_id" in query else start + len(page) < len(entries),
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
    }
