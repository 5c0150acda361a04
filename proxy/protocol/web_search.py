"""Anthropic's `web_search` tool, answered by the upstream's own search: the request, and the blocks that report it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import SplitResult, urlsplit

from proxy.protocol import ids
from proxy.protocol.blocks import UnknownBlock
from proxy.protocol.deltas import Citation, ServerBlock
from proxy.protocol.request import MessagesRequest, Tool
from proxy.protocol.signature import seal

_OPAQUE = seal("web-search", "", "")
"""Stands where Anthropic has encrypted text; clients demand a string."""
_QUOTE_LIMIT = 150
"""Characters of `cited_text` (platform.claude.com, web search tool, 2026-11)."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page that a search has found.

    `domain` where the URL does not have it, as with a search engine's redirects; the title may be empty.
    """

    url: str
    title: str = ""
    domain: str = ""

    @property
    def site(self) -> str:
        return self.domain or _split(self.url).netloc


@dataclass(slots=True)
class Search:
    """One search that the upstream has made."""

    query: str
    pages: list[Page] = field(default_factory=list)
    failed: bool = False


def search_tool(request: MessagesRequest) -> Tool | None:
    """The web search among the request's tools."""
    return next((tool for tool in request.tools if tool.is_web_search), None)


def domain_of(site: str) -> str:
    """The domain of an entry of `allowed_domains` or `blocked_domains`, which may go on with a path."""
    return site.split("://")[-1].partition("/")[0]


def permits(tool: Tool, page: Page) -> bool:
    """Whether the tool's lists of domains let the page be shown. A domain stands for its subdomains, too."""
    if any(_belongs(page, site) for site in tool.blocked_domains):
        return False
    return not tool.allowed_domains or any(_belongs(page, site) for site in tool.allowed_domains)


def _belongs(page: Page, site: str) -> bool:
    domain, path = domain_of(site).lower(), site.split("://")[-1].partition("/")[2]
    host = page.site.lower().partition(":")[0]
    if host != domain and not host.endswith(f".{domain}"):
        return False
    return bool(page.domain) or fnmatchcase(_split(page.url).path.lstrip("/"), f"{path}*")


def _split(url: str) -> SplitResult:
    """The parts of a URL, all empty where it is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def search_blocks(searches: Sequence[Search], cited: Sequence[Page], tool: Tool) -> Iterator[ServerBlock]:
    """A `server_tool_use` and its `web_search_tool_result` for each search.

    The pages `cited` in the answer lend their titles; those that no search has named belong to the last one.
    """
    titles = {page.url: page.title for page in cited if page.title}
    named = {page.url for search in searches for page in search.pages}
    for search in searches:
        pages = [*search.pages]
        if search is searches[-1]:
            pages.extend(page for page in cited if page.url not in named)
        unique = {page.url: page for page in pages if permits(tool, page)}
        call_id = ids.server_tool_use_id()
        call = {"type": "server_tool_use", "id": call_id, "name": "web_search", "input": {"query": search.query}}
        yield ServerBlock(call)
        content: Any = [_result(page, titles.get(page.url)) for page in unique.values()]
        if search.failed and not content:
            content = {"type": "web_search_tool_result_error", "error_code": "unavailable"}
        yield ServerBlock({"type": "web_search_tool_result", "tool_use_id": call_id, "content": content})


def _result(page: Page, title: str | None) -> dict[str, Any]:
    return {
        "type": "web_search_result",
        "url": page.url,
        "title": title or page.title or page.site,
        "encrypted_content": _OPAQUE,
        "page_age": None,
    }


def citation(page: Page, cited_text: str) -> Citation:
    """The page behind what the answer says in `cited_text`; vendors do not report the words of the page."""
    return Citation(
        {
            "type": "web_search_result_location",
            "url": page.url,
            "title": page.title or page.site,
            "cited_text": cited_text[:_QUOTE_LIMIT],
            "encrypted_index": _OPAQUE,
        }
    )


def in_words(block: UnknownBlock) -> str | None:
    """An earlier search or its results, short and for a model to read; None for any other block."""
    fields = block.model_extra or {}
    if block.type == "server_tool_use" and fields.get("name") == "web_search":
        return f"[Web search: {_field(fields.get('input'), 'query')}]"
    if block.type != "web_search_tool_result":
        return None
    content = fields.get("content")
    if isinstance(content, list):
        lines = [f"[Search result: {_field(each, 'title')} - {_field(each, 'url')}]" for each in content]
        return "\n".join(lines) or "[The web search found nothing]"
    return f"[The web search failed: {_field(content, 'error_code') or 'no reason given'}]"


def _field(value: Any, name: str) -> str:
    return str(value.get(name) or "") if isinstance(value, dict) else ""
