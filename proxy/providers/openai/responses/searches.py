"""The web searches of the Responses API, and what its texts cite of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from proxy.protocol.deltas import Citation
from proxy.protocol.request import Tool
from proxy.protocol.web_search import Search, Source, citation, permits

_MARK = re.compile(r"([?&])utm_source=openai(&|$)")
_AFTER_LINK, _BEFORE_LINK = " )].,;:\n", " ([\n"


def read_search(item: dict[str, Any]) -> Search | None:
    """The search that a `web_search_call` has made; None where it has only opened a page or looked something up in one.

    An older form has no action.
    """
    action = item.get("action") or {}
    if not isinstance(action, dict) or action.get("type", "search") != "search":
        return None
    queries = [query for query in action.get("queries") or [action.get("query")] if isinstance(query, str)]
    sources = [source for each in action.get("sources") or () if (source := _source(each)) is not None]
    return Search("; ".join(queries), sources, failed=item.get("status") == "failed")


def cited_sources(annotations: Iterable[dict[str, Any]]) -> list[Source]:
    """The pages that the annotations of a text name."""
    return [source for each in annotations if (source := _cited(each)) is not None]


def citations(text: str, annotations: Sequence[dict[str, Any]], tool: Tool) -> Iterator[Citation]:
    """What `text` cites of the pages that `tool` lets be shown. An annotation marks the link behind what it proves."""
    claim, end = "", 0
    for each in annotations:
        source, start = _cited(each), each.get("start_index")
        if source is None:
            continue
        if isinstance(start, int) and end < start <= len(text):
            said = text[max(end, text.rfind("\n", 0, start) + 1) : start]
            claim = said.lstrip(_AFTER_LINK).rstrip(_BEFORE_LINK) or claim
            end = each["end_index"] if isinstance(each.get("end_index"), int) else start
        if permits(tool, source):
            yield citation(source, claim)


def _cited(annotation: dict[str, Any]) -> Source | None:
    return _source(annotation) if annotation.get("type") == "url_citation" else None


def _source(value: Any) -> Source | None:
    """Without the mark that OpenAI leaves in the URLs of citations, but not in those of sources."""
    url = value.get("url") if isinstance(value, dict) else None
    if not isinstance(url, str) or not url:
        return None
    title = value.get("title")
    return Source(_MARK.sub(lambda found: found[1] if found[2] else "", url), title if isinstance(title, str) else "")
