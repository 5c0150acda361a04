"""The web searches of the Responses API, and what its texts cite of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from proxy.protocol.deltas import Citation
from proxy.protocol.request import Tool
from proxy.protocol.web_search import Page, Search, citation, permits
from proxy.providers.common.fields import count_of, objects_of, text_of

_MARK = re.compile(r"([?&])utm_source=openai(&|$)")
_AFTER_LINK, _BEFORE_LINK = " )].,;:\n", " ([\n"


def read_search(item: dict[str, Any]) -> Search | None:
    """The search that a `web_search_call` has made; None where it has only opened a page or looked something up in one.

    An older form has no action.
    """
    action = item.get("action") or {}
    if not isinstance(action, dict) or action.get("type", "search") != "search":
        return None
    listed = action.get("queries") or [action.get("query")]
    queries = [query for query in listed if isinstance(query, str)] if isinstance(listed, list) else []
    pages = [page for each in objects_of(action.get("sources")) if (page := _page(each)) is not None]
    return Search("; ".join(queries), pages, failed=item.get("status") == "failed")


def cited_pages(annotations: Iterable[dict[str, Any]]) -> list[Page]:
    """The pages that the annotations of a text name."""
    return [page for each in annotations if (page := _cited(each)) is not None]


def citations(text: str, annotations: Sequence[dict[str, Any]], tool: Tool) -> Iterator[Citation]:
    """What `text` cites of the pages that `tool` lets be shown. An annotation marks the link behind what it proves."""
    claim, end = "", 0
    for each in annotations:
        page, start = _cited(each), count_of(each.get("start_index"))
        if page is None:
            continue
        if start is not None and end < start <= len(text):
            before = text[max(end, text.rfind("\n", 0, start) + 1) : start]
            claim = before.lstrip(_AFTER_LINK).rstrip(_BEFORE_LINK) or claim
            link_end = count_of(each.get("end_index"))
            end = start if link_end is None else link_end
        if permits(tool, page):
            yield citation(page, claim)


def _cited(annotation: dict[str, Any]) -> Page | None:
    return _page(annotation) if annotation.get("type") == "url_citation" else None


def _page(value: dict[str, Any]) -> Page | None:
    """Without the mark that OpenAI leaves in the URLs of citations, but not in those of sources."""
    url = text_of(value.get("url"))
    if not url:
        return None
    return Page(_MARK.sub(lambda found: found[1] if found[2] else "", url), text_of(value.get("title")))
