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
from proxy.protocol.signature import seal
from proxy.protocol.writer import CUT_OFF
from proxy.providers.openai.errors import Backend, api_error, failure_of
from proxy.providers.openai.responses_input import TRANSPORT
from proxy.providers.openai.tools import ToolNames

_INCOMPLETE: dict[str, FinishReason] = {"max_output_tokens": "max_tokens", "content_filter": "refusal"}


@dataclass(slots=True, eq=False)
class _Item:
    """One output item as far as it is known. `text` is what was shown of it, `arguments` what has come of them."""

    key: int
    name: str = ""
    text: str = ""
    arguments: str = ""
    sent: int = 0
    started: bool = False
    done: bool = False


@dataclass(slots=True)
class ResponsesStream:
    """Reads one answer. `feed` each event, then call `end`."""

    names: ToolNames
    backend: Backend
    model: str
    done: bool = False
    _items: dict[str | int, _Item] = field(default_factory=dict)
    _finish: FinishReason | None = None
    _refused: bool = False

    @property
    def finished(self) -> bool:
        return self._finish is not None

    def feed(self, event: dict[str, Any]) -> Iterator[Delta]:
        """Raises ApiError when the event reports a failure."""
        kind = str(event.get("type") or "")
        match kind.removeprefix("response."):
            case "output_item.added":
                yield from self._added(event)
            case "output_text.delta":
                yield from self._show(self._item(event), _text(event.get("delta")))
            case "refusal.delta":
                self._refused = True
                yield from self._show(self._item(event), _text(event.get("delta")))
            case "reasoning_summary_part.added":
                if event.get("summary_index") and self._item(event).text:
                    yield from self._think(self._item(event), "\n\n")
            case "reasoning_summary_text.delta" | "reasoning_text.delta":
                yield from self._think(self._item(event), _text(event.get("delta")))
            case "function_call_arguments.delta":
                item = self._item(event)
                item.arguments += _text(event.get("delta"))
                yield from self._call(item)
            case "output_item.done":
                yield from self._complete(self._item(event), event.get("item"))
            case "completed" | "incomplete" | "failed" | "cancelled":
                yield from self._ended(event.get("response"))
            case "error":
                raise api_error(failure_of(event.get("error") or event), self.backend)
            case _ if not kind and event.get("object") == "response":
                yield from self._ended(event)
            case _ if not kind and event.get("error"):
                raise api_error(failure_of(event), self.backend)

    def end(self) -> Iterator[Delta]:
        """The stream has closed. Raises ApiError (502) when it closed without a terminal event."""
        if self._finish is None:
            raise ApiError(502, CUT_OFF)
        yield Finish("refusal" if self._refused else self._finish)

    def _item(self, event: dict[str, Any]) -> _Item:
        index, name = event.get("output_index"), event.get("item_id")
        place = index if isinstance(index, int) else name if isinstance(name, str) else -1
        if place not in self._items:
            self._items[place] = _Item(key=len(self._items))
        return self._items[place]

    def _added(self, event: dict[str, Any]) -> Iterator[Delta]:
        item, what = self._item(event), event.get("item")
        if not isinstance(what, dict):
            return
        if what.get("type") == "function_call":
            item.name = _text(what.get("name"))
            yield from self._call(item)
        elif what.get("type") == "reasoning":
            yield ThinkingDelta("")

    def _show(self, item: _Item, text: str) -> Iterator[Delta]:
        item.text += text
        if text:
            yield TextDelta(text)

    def _think(self, item: _Item, text: str) -> Iterator[Delta]:
        item.text += text
        if text:
            yield ThinkingDelta(text)

    def _call(self, item: _Item) -> Iterator[Delta]:
        """What can be said of a function call; nothing before its name is known."""
        if not item.name:
            return
        if not item.started:
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
                whole = "".join(_text(part.get("text") or part.get("refusal")) for part in parts)
                yield from self._show(item, whole.removeprefix(item.text) if whole.startswith(item.text) else "")
            case "function_call":
                item.name = item.name or _text(what.get("name"))
                arguments = _text(what.get("arguments"))
                if arguments.startswith(item.arguments):
                    item.arguments = arguments
                yield from self._call(item)
                yield ToolCallEnd(item.key)
            case "reasoning":
                yield from self._reasoned(item, what)

    def _reasoned(self, item: _Item, what: dict[str, Any]) -> Iterator[Delta]:
        if not item.text:
            parts = _parts(what, "summary") or _parts(what, "content")
            yield from self._think(item, "\n\n".join(_text(part.get("text")) for part in parts))
        if state := _text(what.get("encrypted_content")):
            yield ThinkingEnd(seal(TRANSPORT, self.model, state))

    def _ended(self, response: Any) -> Iterator[Delta]:
        response = response if isinstance(response, dict) else {}
        if response.get("status") in ("failed", "cancelled") or response.get("error"):
            raise api_error(failure_of(response.get("error") or {"message": "the response failed"}), self.backend)
        for index, what in enumerate(response.get("output") or ()):
            yield from self._complete(self._item({"output_index": index}), what)
        if usage := _usage(response.get("usage")):
            yield usage
        details = response.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else None
        self._finish = _INCOMPLETE.get(str(reason), "max_tokens") if response.get("status") == "incomplete" else "end"
        self.done = True


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
