"""Google Search: how it is asked for, and what an answer that rests on it tells of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from proxy.protocol.deltas import Delta, TextDelta, Usage
from proxy.protocol.notes import Notes
from proxy.protocol.request import Tool
from proxy.protocol.web_search import Search, Source, citation, domain_of, permits, search_blocks


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
    chunks = [_source(chunk) for chunk in _list(metadata, "groundingChunks")]
    sources = [source for source in chunks if source is not None]
    queries = [query for query in _list(metadata, "webSearchQueries") if isinstance(query, str)]
    if queries or sources:
        yield from search_blocks([Search("; ".join(queries), sources)], (), tool)
        yield Usage(web_searches=1)
    if text:
        yield TextDelta(text)
    for support in _list(metadata, "groundingSupports"):
        said = _said(support, text)
        for index in _list(support, "groundingChunkIndices"):
            source = chunks[index] if isinstance(index, int) and 0 <= index < len(chunks) else None
            if source is not None and permits(tool, source):
                yield citation(source, said)


def _source(chunk: Any) -> Source | None:
    """The URL is a redirect of Google's. The Developer API tells the domain, if at all, in place of the title."""
    web = chunk.get("web") if isinstance(chunk, dict) else None
    if not isinstance(web, dict) or not isinstance(web.get("uri"), str):
        return None
    title, domain = (str(web.get(name) or "") for name in ("title", "domain"))
    if not domain and "." in title and " " not in title:
        domain = title
    return Source(web["uri"], title, domain)


def _said(support: Any, text: str) -> str:
    """The words of the answer; the indices count bytes of UTF-8."""
    segment = support.get("segment") if isinstance(support, dict) else None
    if not isinstance(segment, dict):
        return ""
    if isinstance(segment.get("text"), str):
        return str(segment["text"])
    start, end = segment.get("startIndex") or 0, segment.get("endIndex") or 0
    return text.encode("utf-8", "surrogatepass")[start:end].decode("utf-8", "replace")


def _list(value: Any, name: str) -> list[Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []
