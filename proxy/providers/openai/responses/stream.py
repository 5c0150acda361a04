"""Events of the Responses API -> deltas. Pure: events in, deltas out.

The official API announces every item, streams it and repeats it whole when it is done. Compatible servers skip any of
the three, so an item is completed from whatever comes: what was streamed is not repeated, what was not is made up for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from proxy.protocol.deltas import (
    Delta,
    Finish,
    FinishReason,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from proxy.protocol.errors import ApiError
from proxy.protocol.request import Tool
from proxy.protocol.signature import seal
from proxy.protocol.web_search import Search, search_blocks
from proxy.protocol.writer import CUT_OFF
from proxy.providers.openai.errors import Backend, api_error, failure_of
from proxy.providers.openai.responses.input import TRANSPORT
from proxy.providers.openai.responses.searches import citations, cited_sources, read_search
from proxy.providers.openai.tools import ToolNames

_INCOMPLETE: dict[str, FinishReason] = {"max_output_tokens": "max_tokens", "content_filter": "refusal"}


@dataclass(slots=True, eq=False)
class _Item:
    """One output item as far as it is known: what has come of its text or arguments, and how much of it was sent on."""

    key: int
    index: Any
    id: str = ""
    name: str = ""
    text: str = ""
    text_sent: int = 0
    parts: set[Any] = field(default_factory=set)
    arguments: str = ""
    annotations: list[dict[str, Any]] = field(default_factory=list)
    sent: int = 0
    started: bool = False
    done: bool = False

    def completed(self, arguments: str) -> None:
        """Takes the whole arguments, where they go on with what has come of them."""
        if arguments.startswith(self.arguments):
            self.arguments = arguments


@dataclass(slots=True)
class ResponsesStream:
    """Reads one answer. `feed` each event, then call `end`.

    `search` is the web search tool that the client offered. The titles of the pages that a search has found are known
    only from the citations of the text after it, so that text waits until it is complete.
    """

    names: ToolNames
    backend: Backend
    model: str
    search: Tool | None = None
    done: bool = False
    _items: list[_Item] = field(default_factory=list)
    _finish: FinishReason | None = None
    _refused: bool = False
    _searches: list[Search] = field(default_factory=list)
    _searched: int = 0

    @property
    def finished(self) -> bool:
        return self._finish is not None

    def feed(self, chunk: dict[str, Any]) -> Iterator[Delta]:
        """Raises ApiError when the event reports a failure."""
        kind = str(chunk.get("type") or "").removeprefix("response.")
        match kind:
            case "output_item.added":
                yield from self._added(chunk)
            case "output_text.delta" | "refusal.delta" | "output_text.done" | "refusal.done":
                self._refused = self._refused or kind.startswith("refusal")
                yield from self._piece(chunk, TextDelta, "content_index")
            case "reasoning_summary_text.delta" | "reasoning_summary_text.done":
                yield from self._piece(chunk, ThinkingDelta, "summary_index")
            case "reasoning_text.delta" | "reasoning_text.done":
                yield from self._piece(chunk, ThinkingDelta, "content_index")
            case "function_call_arguments.delta":
                item = self._item(chunk)
                item.arguments += _text(chunk.get("delta"))
                yield from self._call(item)
            case "function_call_arguments.done":
                item = self._item(chunk)
                item.completed(_text(chunk.get("arguments")))
                yield from self._call(item)
            case "output_text.annotation.added":
                self._item(chunk).annotations.extend(_parts({"all": [chunk.get("annotation")]}, "all"))
            case "output_item.done":
                yield from self._complete(self._item(chunk), chunk.get("item"))
            case "completed" | "incomplete":
                yield from self._ended(chunk.get("response"))
            case "failed" | "cancelled" | "error":
                raise self._failed(chunk)
            case "" if chunk.get("object") == "response":
                yield from self._ended(chunk)
            case "" if "error" in chunk or "message" in chunk:
                raise self._failed(chunk)

    def end(self) -> Iterator[Delta]:
        """The stream has closed. Raises ApiError (502) when it closed without a terminal event."""
        if self._finish is None:
            raise ApiError(502, CUT_OFF)
        yield Finish("refusal" if self._refused else self._finish)

    def _item(self, event: dict[str, Any], *, announced: bool = False) -> _Item:
        """The item that an event is about: by its id, or else by its index.

        Some gateways make up an id for each event, others give each item the same index; so an id that is not known
        is a new item only where one is `announced`.
        """
        what, index = event.get("item"), event.get("output_index")
        name = _text(event.get("item_id")) or (_text(what.get("id")) if isinstance(what, dict) else "")
        found = next((item for item in self._items if name and item.id == name), None)
        if found is None and not (announced and name):
            found = next((item for item in reversed(self._items) if item.index == index), None)
        if found is None:
            found = _Item(key=len(self._items), index=index, id=name)
            self._items.append(found)
        return found

    def _added(self, event: dict[str, Any]) -> Iterator[Delta]:
        item, what = self._item(event, announced=True), event.get("item")
        if not isinstance(what, dict):
            return
        if what.get("type") == "function_call":
            item.name = _text(what.get("name"))
            yield from self._call(item)
        elif what.get("type") == "reasoning":
            yield ThinkingDelta("")

    def _piece(
        self, event: dict[str, Any], delta: type[TextDelta | ThinkingDelta], place: str
    ) -> Iterator[TextDelta | ThinkingDelta]:
        """A piece of one part of an item, or the whole part of which no piece has come."""
        item, part = self._item(event), event.get(place)
        piece = _text(event.get("delta"))
        if not piece and part not in item.parts:
            piece = _text(event.get("text") or event.get("refusal"))
        if not piece:
            return
        if item.text and part not in item.parts and delta is ThinkingDelta:
            piece = "\n\n" + piece
        item.parts.add(part)
        item.text += piece
        if delta is ThinkingDelta or not self._searches:
            item.text_sent = len(item.text)
            yield delta(piece)

    def _call(self, item: _Item) -> Iterator[Delta]:
        """What can be said of a function call; nothing before its name is known."""
        if not item.name:
            return
        if not item.started:
            yield from self._found([])
            item.started = True
            yield ToolCallStart(item.key, self.names.client(item.name))
        if item.sent < len(item.arguments):
            yield ToolCallDelta(item.key, item.arguments[item.sent :])
            item.sent = len(item.arguments)

    def _complete(self, item: _Item, what: Any) -> Iterator[Delta]:
        """The item is done and here whole; shows what was not streamed of it."""
        if item.done or not isinstance(what, dict):
            return
        item.done = True
        match what.get("type"):
            case "message":
                parts = _parts(what, "content")
                self._refused = self._refused or any(part.get("type") == "refusal" for part in parts)
                yield from self._said(item, [(_text(part.get("text") or part.get("refusal")), part) for part in parts])
            case "function_call":
                item.name = item.name or _text(what.get("name"))
                item.completed(_text(what.get("arguments")))
                yield from self._call(item)
                yield ToolCallEnd(item.key)
            case "web_search_call" if self.search is not None:
                if (search := read_search(what)) is not None:
                    self._searches.append(search)
            case "reasoning":
                yield from self._reasoned(item, what)

    def _said(self, item: _Item, parts: list[tuple[str, dict[str, Any]]]) -> Iterator[Delta]:
        """A message is complete: the searches that led to it, what was not shown of it, and what it cites."""
        whole = "".join(text for text, _ in parts)
        if whole.startswith(item.text):
            item.text = whole
        annotated = [(text, _parts(part, "annotations")) for text, part in parts]
        if not any(annotations for _, annotations in annotated):
            annotated = [(item.text, item.annotations)]
        yield from self._found([note for _, annotations in annotated for note in annotations])
        if item.text_sent < len(item.text):
            yield TextDelta(item.text[item.text_sent :])
            item.text_sent = len(item.text)
        if self.search is not None:
            for text, annotations in annotated:
                yield from citations(text, annotations, self.search)

    def _found(self, annotations: list[dict[str, Any]]) -> Iterator[Delta]:
        """The searches that were not shown yet."""
        if self._searches and self.search is not None:
            yield from search_blocks(self._searches, cited_sources(annotations), self.search)
            self._searched += len(self._searches)
            self._searches = []
            yield Usage(web_searches=self._searched)

    def _reasoned(self, item: _Item, what: dict[str, Any]) -> Iterator[Delta]:
        if not item.text:
            texts = [_text(part.get("text")) for part in _parts(what, "summary") or _parts(what, "content")]
            if whole := "\n\n".join(filter(None, texts)):
                yield ThinkingDelta(whole)
        if state := _text(what.get("encrypted_content")):
            yield ThinkingEnd(seal(TRANSPORT, self.model, state))

    def _ended(self, response: Any) -> Iterator[Delta]:
        response = response if isinstance(response, dict) else {}
        if response.get("error") or response.get("status") in ("failed", "cancelled"):
            raise self._failed({"response": response})
        for index, what in enumerate(_parts(response, "output")):
            yield from self._complete(self._item({"output_index": index, "item": what}), what)
        for item in self._items:
            if not item.done and item.text_sent < len(item.text):
                yield from self._said(item, [])
        yield from self._found([])
        if usage := _usage(response.get("usage")):
            yield usage
        details = response.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else None
        self._finish = _INCOMPLETE.get(str(reason), "max_tokens") if response.get("status") == "incomplete" else "end"
        self.done = True

    def _failed(self, event: dict[str, Any]) -> ApiError:
        response = event.get("response")
        error = (response.get("error") if isinstance(response, dict) else None) or event.get("error")
        return api_error(failure_of(error or {"message": "the response failed", **event}), self.backend)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _parts(item: dict[str, Any], name: str) -> list[dict[str, Any]]:
    parts = item.get(name)
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def _usage(usage: Any) -> Usage | None:
    """`input_tokens` includes what was read from and written to the cache."""
    if not isinstance(usage, dict):
        return None
    spent, made = usage.get("input_tokens_details"), usage.get("output_tokens_details")
    read = _count(spent, "cached_tokens")
    written = _count(spent, "cache_write_tokens")
    total, output = usage.get("input_tokens"), usage.get("output_tokens")
    return Usage(
        input=max(total - read - written, 0) if isinstance(total, int) else None,
        output=output if isinstance(output, int) else None,
        cache_read=read,
        cache_write=written,
        thinking=_count(made, "reasoning_tokens") or None,
    )


def _count(details: Any, name: str) -> int:
    value = details.get(name) if isinstance(details, dict) else None
    return value if isinstance(value, int) else 0
