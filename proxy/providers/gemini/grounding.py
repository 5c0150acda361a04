"""Google Search: how it is requested, and what an answer that rests on it reports of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from proxy.protocol.deltas import Delta, TextDelta, Usage
from proxy.protocol.notes import Notes
from proxy.protocol.request import Tool
from proxy.protocol.web_search import Page, Search, citation, domain_of, permits, search_blocks
from proxy.providers.common.fields import count_of, object_of, objects_of, text_of


def google_search(tool: Tool, notes: Notes, *, vertex: bool) -> dict[str, Any]:
    """The entry of `tools`. Only Vertex AI can leave domains out; what else the client asks for is noted."""
    if tool.max_uses:
        notes.add("tools: max_uses of the web search was left out, Gemini has no such limit")
    if tool.user_location:
        notes.add("tools: user_location of the web search was left out, Gemini takes none")
    if tool.allowed_domains or (tool.blocked_domains and not vertex):
        notes.add("tools: domains of the web search were only taken out of its results")
    excluded = list(dict.fromkeys(map(domain_of, tool.blocked_domains))) if vertex else []
    return {"googleSearch": {"excludeDomains": excluded} if excluded else {}}


def grounded(text: str, metadata: Mapping[str, Any], tool: Tool) -> Iterator[Delta]:
    """The searches behind `text`, then the text and what it cites. Without a search, the text alone."""
    chunks = [_page(chunk) for chunk in _list(metadata, "groundingChunks")]
    pages = [page for page in chunks if page is not None]
    queries = [query for query in _list(metadata, "webSearchQueries") if isinstance(query, str)]
    if queries or pages:
        yield from search_blocks([Search("; ".join(queries), pages)], (), tool)
        yield Usage(web_searches=1)
    if text:
        yield TextDelta(text)
    encoded = text.encode("utf-8", "surrogatepass")
    for support in objects_of(metadata.get("groundingSupports")):
        claim = _claim(object_of(support.get("segment")), encoded)
        for index in map(count_of, _list(support, "groundingChunkIndices")):
            page = chunks[index] if index is not None and index < len(chunks) else None
            if page is not None and permits(tool, page):
                yield citation(page, claim)


def _page(chunk: Any) -> Page | None:
    """The URL is a redirect of Google's. The Developer API reports the domain, if at all, in place of the title."""
    web = object_of(object_of(chunk).get("web"))
    url, title, domain = (text_of(web.get(name)) for name in ("uri", "title", "domain"))
    if not url:
        return None
    if not domain and "." in title and " " not in title:
        domain = title
    return Page(url, title, domain)


def _claim(segment: Mapping[str, Any], text: bytes) -> str:
    """The words of the answer; the indices count bytes of UTF-8."""
    if words := text_of(segment.get("text")):
        return words
    start, end = (count_of(segment.get(name)) or 0 for name in ("startIndex", "endIndex"))
    return text[start:end].decode("utf-8", "replace")


def _list(value: Mapping[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    return found if isinstance(found, list) else []
