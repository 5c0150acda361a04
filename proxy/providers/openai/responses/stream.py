"""Events of the Responses API -> deltas. Pure: events in, deltas out.

The official API announces every item, streams it and repeats it whole when it is done. Compatible servers skip any of
the three, so an item is completed from whatever comes: what was streamed is not repeated, what was not is made up for.

    event                         message, reasoning          function call                  anything else
    output_item.added             reasoning: a sign of life   shown, once its name is known  -
    ... .delta                    shown as it comes           shown as it comes              -
    ... .done                     the rest of the part        the rest of the arguments      -
    output_item.done              the rest, what it cites     the rest, ended unless cut     described
    completed, incomplete         all of that for what is not done yet, or was listed only here

How an answer ends, by its status and by whether it has shown anything but reasoning:

    status                        nothing shown               something shown
    completed                     a text that says so         -
    incomplete (length)           -                           -
    incomplete (filter), refusal  a text that says so         -
    incomplete (broken), failed   error                       error
    none                          error 502                   error 502
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
from proxy.providers.common.fields import count_of, name_of, object_of, objects_of, text_of
from proxy.providers.common.finish import finish
from proxy.providers.common.tool_names import ToolNames
from proxy.providers.openai.errors import Backend, api_error, failure_of
from proxy.providers.openai.responses.input import TRANSPORT
from proxy.providers.openai.responses.items import (
    CALL,
    MESSAGE,
    REASONING,
    Item,
    Items,
    ItemState,
    arguments_of,
    rest_of,
)
from proxy.providers.openai.responses.outputs import described, part_described, part_text, parts_of
from proxy.providers.openai.responses.searches import citations, cited_pages, read_search

_PIECES: dict[str, tuple[str, str]] = {
    "output_text": (MESSAGE, "content_index"),
    "text": (MESSAGE, "content_index"),
    "refusal": (MESSAGE, "content_index"),
    "audio.transcript": (MESSAGE, "content_index"),
    "reasoning": (REASONING, "content_index"),
    "reasoning_text": (REASONING, "content_index"),
    "reasoning_summary": (REASONING, "summary_index"),
    "reasoning_summary_text": (REASONING, "summary_index"),
    "summary_text": (REASONING, "summary_index"),
}
"""Events with `.delta` or `.done` behind them, and types of parts: the type of their item, what numbers its parts."""
_NOTHING_SAID = "[The model ended its turn without saying anything.]"
_FILTERED = "The server's content filter stopped the answer"
_REFUSED = "The model refused to answer"
_SPOILT = "an answer without content"
_SHOWN_WORD_MAX = 100
"""Characters of a server's own word for a reason or a type."""


@dataclass(slots=True)
class ResponsesStream:
    """Reads one answer. `feed` each event; once the stream has closed look at `spoilt`, then call `end`.

    `search` is the web search tool that the client offered. The titles of the pages that a search has found are known
    only from the citations of the text after it, so that text waits until it is complete.
    """

    names: ToolNames
    backend: Backend
    model: str
    search: Tool | None = None
    done: bool = False
    _items: Items = field(default_factory=Items)
    _finish: FinishReason | None = None
    _refused: bool = False
    _shown: bool = False
    _run: tuple[type[TextDelta | ThinkingDelta], int] | None = None
    _run_is_apart: bool = False
    _searches: list[Search] = field(default_factory=list)
    _searched: int = 0

    @property
    def finished(self) -> bool:
        return self._finish is not None

    @property
    def complete(self) -> bool:
        """Whether the answer is whole, whatever follows."""
        return self.finished

    @property
    def spoilt(self) -> str | None:
        """Why the answer, which has shown nothing but reasoning, is worth asking for again."""
        return _SPOILT if self._finish == "end" and not self._shown and not self._refused else None

    def feed(self, event: Any) -> Iterator[Delta]:
        """Any JSON value. Raises ApiError when the event reports a failure, or cannot be read."""
        try:
            for each in objects_of(event if isinstance(event, list) else [event]):
                yield from self._read(each)
        except RecursionError:
            raise ApiError(502, f"{self.backend.url} sent an event that is nested too deeply") from None

    def end(self) -> Iterator[Delta]:
        """The stream has closed. Raises ApiError (502) when it closed without a terminal event."""
        if self._finish is None:
            raise ApiError(502, CUT_OFF)
        reason: FinishReason = "refusal" if self._refused else self._finish
        if reason == "end" and not self._shown:
            yield TextDelta(_NOTHING_SAID)
        if reason == "refusal" and not self._shown:
            yield TextDelta(f"[{_FILTERED if self._finish == 'refusal' else _REFUSED}.]")
        yield Finish(reason, explanation=_FILTERED if self._finish == "refusal" else None)

    def end_thinking(self) -> Iterator[Delta]:
        """Keeps the reasoning of a spoilt answer apart from that of the next one."""
        if self._run is not None and self._run[0] is ThinkingDelta:
            self._run = None
            yield ThinkingEnd("")

    def _read(self, event: dict[str, Any]) -> Iterator[Delta]:
        if self._finish is not None:
            return
        kind = text_of(event.get("type")).removeprefix("response.")
        what = object_of(event.get("item"))
        name, _, stage = kind.rpartition(".")
        match kind:
            case "output_item.added" if what:
                yield from self._announced(self._items.announced(event, what), what)
            case "output_item.done" if what:
                yield from self._complete(self._items.done(event, what), what)
            case "function_call_arguments.delta" | "function_call_arguments.done":
                yield from self._arguments(self._items.of_piece(event, CALL), event)
            case "content_part.done" | "reasoning_summary_part.done":
                yield from self._part_done(event, object_of(event.get("part")))
            case "output_text.annotation.added":
                self._items.of_piece(event, MESSAGE).annotations.extend(objects_of([event.get("annotation")]))
            case "completed" | "incomplete" | "failed" | "cancelled" | "done":
                yield from self._ended(event, kind)
            case "error":
                raise self._failed(event)
            case "" if event.get("object") == "response":
                yield from self._ended({"response": event}, text_of(event.get("status")) or "completed")
            case "" if "error" in event or "message" in event:
                raise self._failed(event)
            case _ if name in _PIECES and stage in ("delta", "done"):
                self._refused = self._refused or name == "refusal"
                item_type, number = _PIECES[name]
                whole = part_text(event) if stage == "done" else ""
                delta = event.get("delta")
                piece = text_of(delta) or part_text(object_of(delta))
                yield from self._piece(event, item_type, number, piece, whole)

    def _announced(self, item: Item, what: dict[str, Any]) -> Iterator[Delta]:
        if item.type == CALL:
            yield from self._call(item)
        elif what.get("type") == REASONING:
            yield ThinkingDelta("")

    def _part_done(self, event: dict[str, Any], part: dict[str, Any]) -> Iterator[Delta]:
        kind = text_of(part.get("type"))
        if kind in _PIECES:
            item_type, number = _PIECES[kind]
            yield from self._piece(event, item_type, number, "", part_text(part))

    def _piece(self, event: dict[str, Any], kind: str, number: str, piece: str, whole: str) -> Iterator[Delta]:
        """A piece of one part of an item, or the whole part, of which the rest is shown."""
        if not piece and not whole:
            return
        item, part = self._items.of_piece(event, kind), (number, count_of(event.get(number)) or 0)
        if item.state is ItemState.DONE:
            return
        if whole:
            piece = rest_of(whole, item.parts.get(part, ())) or ""
        if piece:
            if item.parts and part not in item.parts and kind == REASONING:
                piece = f"\n\n{piece}"
            item.add_text(part, piece)
            if kind == REASONING or not self._searches:
                yield from self._show(item)

    def _show(self, item: Item) -> Iterator[Delta]:
        """What waits of an item's text. Two items are two paragraphs where the client sees one block of them."""
        text = item.take_waiting()
        if not text:
            return
        delta = ThinkingDelta if item.type == REASONING else TextDelta
        if self._run is not None and self._run[0] is delta and self._run[1] != item.key:
            text = text if self._run_is_apart or text.startswith("\n") else f"\n\n{text}"
        self._run, self._run_is_apart = (delta, item.key), text.endswith("\n")
        self._shown = self._shown or (delta is TextDelta and not text.isspace())
        yield delta(text)

    def _arguments(self, item: Item, event: dict[str, Any]) -> Iterator[Delta]:
        item.name = item.name or name_of(event.get("name"))
        if item.state is ItemState.DONE:
            return
        if piece := arguments_of(event.get("delta")):
            item.add_arguments(piece)
        elif whole := arguments_of(event.get("arguments")):
            item.complete_arguments(whole)
        yield from self._call(item)

    def _call(self, item: Item) -> Iterator[Delta]:
        """What can be shown of a function call; nothing before its name is known."""
        if not item.name or item.state is ItemState.DONE:
            return
        if item.state is ItemState.OPEN:
            yield from self._found([])
            item.state = ItemState.STARTED
            self._shown, self._run = True, None
            yield ToolCallStart(item.key, self.names.client(item.name))
        if arguments := item.take_waiting():
            yield ToolCallDelta(item.key, arguments)

    def _complete(self, item: Item, what: dict[str, Any]) -> Iterator[Delta]:
        """The item is done and here whole; shows what was not streamed of it."""
        if item.state is ItemState.DONE:
            return
        if item.type == CALL:
            yield from self._call_complete(item, what)
            return
        item.state = ItemState.DONE
        if item.type == MESSAGE:
            yield from self._message_complete(item, parts_of(what.get("content")))
        elif item.type == REASONING:
            yield from self._reasoning_complete(item, what)
        elif item.type == "web_search_call" and self.search is not None:
            if (search := read_search(what)) is not None:
                self._searches.append(search)
        elif words := described(what, self.backend.shown(item.type, _SHOWN_WORD_MAX)):
            yield from self._found([])
            item.waiting.append(words)
            yield from self._show(item)

    def _call_complete(self, item: Item, what: dict[str, Any]) -> Iterator[Delta]:
        """A call that was cut is not ended, so that what there is of it is not taken for the whole."""
        item.name = item.name or name_of(what.get("name"))
        announced = object_of(item.announced).get("arguments")
        item.complete_arguments(
            arguments_of(what.get("arguments")) or ("" if item.arguments else arguments_of(announced))
        )
        yield from self._call(item)
        if item.state is ItemState.STARTED and what.get("status") != "incomplete":
            item.state = ItemState.DONE
            yield ToolCallEnd(item.key)

    def _message_complete(self, item: Item, parts: list[dict[str, Any]]) -> Iterator[Delta]:
        """The searches that led to a message, what was not shown of it, what it cites, and parts that are no text."""
        self._refused = self._refused or any(part.get("type") == "refusal" for part in parts)
        whole, so_far = "".join(map(part_text, parts)), item.text
        if whole.startswith(so_far) and len(whole) > len(so_far):
            item.add_text(("content", len(item.parts)), whole[len(so_far) :])
        annotated = [(part_text(part), objects_of(part.get("annotations"))) for part in parts]
        if not any(annotations for _, annotations in annotated):
            annotated = [(item.text, item.annotations)]
        yield from self._found([note for _, annotations in annotated for note in annotations])
        yield from self._show(item)
        if self.search is not None:
            for text, annotations in annotated:
                yield from citations(text, annotations, self.search)
        for part in parts:
            if not part_text(part) and (words := part_described(part)):
                item.waiting.append(f"\n\n{words}" if self._run == (TextDelta, item.key) else words)
                yield from self._show(item)

    def _reasoning_complete(self, item: Item, what: dict[str, Any]) -> Iterator[Delta]:
        if not item.parts:
            parts = parts_of(what.get("summary")) or parts_of(what.get("content"))
            item.waiting.append("\n\n".join(filter(None, map(part_text, parts))))
            yield from self._show(item)
        if state := text_of(what.get("encrypted_content")):
            self._run = None
            yield ThinkingEnd(seal(TRANSPORT, self.model, state))

    def _found(self, annotations: list[dict[str, Any]]) -> Iterator[Delta]:
        """The searches that were not shown yet."""
        if self._searches and self.search is not None:
            yield from search_blocks(self._searches, cited_pages(annotations), self.search)
            self._searched += len(self._searches)
            self._searches = []
            self._run = None
            yield Usage(web_searches=self._searched)

    def _ended(self, event: dict[str, Any], kind: str) -> Iterator[Delta]:
        """The response is over; `kind` is what its event says, and a worse status in the response itself wins."""
        response = object_of(event.get("response")) or event
        status = text_of(response.get("status"))
        status = status if status in ("incomplete", "failed", "cancelled") else kind
        if response.get("error") or status in ("failed", "cancelled"):
            raise self._failed(event)
        if status not in ("completed", "done", "incomplete"):
            return
        for item, what in self._items.listed(response.get("output")):
            yield from self._complete(item, what)
        reason = self._reason(response) if status == "incomplete" else "end"
        for item in self._items:
            yield from self._left_over(item, reason)
        yield from self._found([])
        if not self._shown and (words := text_of(response.get("output_text"))):
            self._shown = True
            yield TextDelta(words)
        if (usage := _usage(response.get("usage"))) is not None:
            yield usage
        self._finish = reason
        self.done = True

    def _left_over(self, item: Item, reason: FinishReason) -> Iterator[Delta]:
        """What no event has completed: the writer judges whether such a call is whole."""
        if item.state is ItemState.DONE:
            return
        if item.type != CALL:
            yield from self._complete(item, item.announced or {})
            return
        yield from self._call_complete(item, {"arguments": "", "status": "incomplete"})
        if item.state is ItemState.OPEN and reason == "end":
            raise ApiError(502, "the model called a tool without naming it")

    def _reason(self, response: dict[str, Any]) -> FinishReason:
        """Why a response is incomplete. Raises ApiError (502) where the server broke off."""
        word = object_of(response.get("incomplete_details")).get("reason")
        match finish(word):
            case "refusal" | "context_window_exceeded" as reason:
                return reason
            case "broken":
                said = self.backend.shown(text_of(word), _SHOWN_WORD_MAX)
                raise ApiError(502, f"{self.backend.url} broke off the answer: {said}")
            case _:
                return "max_tokens"

    def _failed(self, event: dict[str, Any]) -> ApiError:
        """Reads `{"response": {"error": ...}}`, `{"error": ...}` and errors whose fields are the event's own."""
        response = object_of(event.get("response"))
        error = response.get("error") or event.get("error") or {"message": "the response failed", **event}
        status = count_of(event.get("status_code")) or count_of(event.get("status")) or 0
        return api_error(failure_of(error, status if 400 <= status < 600 else 0), self.backend)


def _usage(usage: Any) -> Usage | None:
    """`input_tokens` includes what was read from and written to the cache."""
    if not isinstance(usage, dict):
        return None
    spent, made = object_of(usage.get("input_tokens_details")), object_of(usage.get("output_tokens_details"))
    read, written = count_of(spent.get("cached_tokens")) or 0, count_of(spent.get("cache_write_tokens")) or 0
    total = count_of(usage.get("input_tokens"))
    return Usage(
        input=max(total - read - written, 0) if total is not None else None,
        output=count_of(usage.get("output_tokens")),
        cache_read=read,
        cache_write=written,
        thinking=count_of(made.get("reasoning_tokens")) or None,
    )
