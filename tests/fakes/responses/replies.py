"""How scripted answers look on the wire of Responses."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.fakes.openai.replies import (
    CREATED,
    JSON_SIZES,
    TEXT_SIZES,
    Failure,
    Pause,
    RefusalText,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
    WebSearch,
    pieces,
    sse,
)
from tests.fakes.responses.state import Ledger, State
from tests.fakes.server import Step

_PREFIXES = {"reasoning": "rs", "message": "msg", "function_call": "fc", "web_search_call": "ws"}
_SOURCES = "web_search_call.action.sources"
_REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}
_SILENCE = b""


@dataclass(frozen=True, slots=True)
class Frame:
    """What all events of one answer share."""

    number: int
    body: Mapping[str, Any]
    official: bool
    thinks: bool
    """Without it the reasoning of the script is left out, as by a model that does none."""
    sealed: bool
    """Reasoning is given away encrypted."""
    quirks: frozenset[str]
    usage: Usage
    new_call_id: Callable[[], str]
    ledger: Ledger


@dataclass
class _Item:
    kind: Literal["reasoning", "message", "function_call", "web_search_call"]
    script: list[Any]
    """Parts, and for a message the pauses between them."""
    state: State | None = None
    done: dict[str, Any] = field(default_factory=dict)


class Answer:
    """One answer, entered into the ledger when it is made."""

    def __init__(self, reply: Reply, frame: Frame) -> None:
        self._reply = reply
        self._frame = frame
        self._plan = _plan(reply, frame)
        offered = [str(tool.get("type")) for tool in frame.body.get("tools") or ()]
        if any(isinstance(part, WebSearch) for part in reply.parts) and "web_search" not in offered:
            raise ValueError("a web search that nobody has asked for")
        items = [entry for entry in self._plan if isinstance(entry, _Item)]
        for index, item in enumerate(items):
            cut = reply.finish in _REASONS and index + 1 == len(items)
            self._finish(item, f"{frame.number:024d}{index:024d}", "incomplete" if cut else "completed")
        self._output = [item.done for item in items]
        frame.ledger.enter(self._output, stored=frame.body.get("store") is not False)
        self._sequence = itertools.count()
        self._obfuscation = itertools.cycle(("x7Qe", "b", "", "Lm0aZ9"))

    def whole(self) -> dict[str, Any]:
        """The `Response` of a request with `stream: false`. Raises ValueError on an ending that only a stream has."""
        if self._reply.ending is not None and not self._failure("failed"):
            raise ValueError(f"only a stream ends with {self._reply.ending!r}")
        return self._response(self._status(), self._output)

    def stream(self) -> Iterator[Step]:
        """The events of a request with `stream: true`, each in a write of its own, with the pauses between them."""
        yield self._event("response.created", response=self._response("in_progress", []))
        yield self._event("response.in_progress", response=self._response("in_progress", []))
        index = 0
        for entry in self._plan:
            if isinstance(entry, _Item):
                yield from (step for step in self._item(index, entry) if step != _SILENCE)
                index += 1
            else:
                yield entry
        if self._reply.ending != "eof" and "no_terminal_event" not in self._frame.quirks:
            yield self._end()

    def _status(self) -> str:
        if self._reply.ending is not None:
            return "failed"
        return "incomplete" if self._reply.finish in _REASONS else "completed"

    def _failure(self, event: str) -> Failure | None:
        ending = self._reply.ending
        return ending if isinstance(ending, Failure) and ending.event == event else None

    def _end(self) -> bytes:
        failure = self._failure("error")
        if failure:
            kind = "server_error" if failure.code == "server_error" else "invalid_request_error"
            return self._event("error", error=error_of(failure.code, failure.message, kind))
        status = self._status()
        return self._event(f"response.{status}", response=self._response(status, self._output))

    def _response(self, status: str, output: list[dict[str, Any]]) -> dict[str, Any]:
        failure = self._failure("failed") if status == "failed" else None
        incomplete = {"reason": _REASONS[str(self._reply.finish)]} if status == "incomplete" else None
        done = status in ("completed", "incomplete")
        return {
            **_head(self._frame),
            "status": status,
            "completed_at": CREATED + 1 if status == "completed" else None,
            "error": {"code": failure.code, "message": failure.message} if failure else None,
            "incomplete_details": incomplete,
            "output": output,
            "usage": usage_body(self._frame.usage) if done else None,
        }

    def _finish(self, item: _Item, number: str, status: str) -> None:
        """Writes the item as `response.output_item.done` shows it."""
        head = {"id": f"{_PREFIXES[item.kind]}_{number}", "type": item.kind}
        if item.kind == "function_call":
            part = item.script[0]
            call_id = part.id or self._frame.new_call_id()
            item.done = {
                **head,
                "status": status,
                "arguments": part.arguments,
                "call_id": call_id,
                "name": part.name,
            }
        elif item.kind == "web_search_call":
            part = item.script[0]
            item.done = {**head, "status": part.status, "action": _action(part, self._frame.body)}
        elif item.kind == "message":
            item.done = {**head, "status": status, "content": _contents(item.script), "role": "assistant"}
        elif self._frame.official:
            item.done = {**head, "summary": _summary_parts(item.script[0].text, self._frame.body)}
            if self._frame.sealed:
                model, text = self._frame.body["model"], item.script[0].text
                item.state = self._frame.ledger.seal(model, text, self._frame.number)
                item.done["encrypted_content"] = item.state.encrypted
        else:
            content = [{"type": "reasoning_text", "text": item.script[0].text}]
            item.done = {**head, "status": status, "summary": [], "content": content}

    def _item(self, index: int, item: _Item) -> Iterator[Step]:
        done, here = item.done, {"item_id": item.done["id"], "output_index": index}
        empty: dict[str, Any] = {field: [] for field in ("content", "summary") if field in done}
        added = {**done, **empty} | ({"arguments": ""} if "arguments" in done else {})
        if "status" in done:
            added["status"] = "in_progress"
        added.pop("action", None)
        if item.state:
            added["encrypted_content"] = item.state.partial
        yield self._announcement("response.output_item.added", output_index=index, item=added)
        if item.kind == "function_call":
            yield from self._call(done, here)
        elif item.kind == "web_search_call":
            for state in ("in_progress", "searching", "completed"):
                yield self._event(f"response.web_search_call.{state}", **here)
        elif item.kind == "message":
            yield from self._message(item, here)
        elif self._frame.official:
            yield from self._summary(done, here)
        else:
            yield from self._open_reasoning(done["content"][0], here)
        yield self._event("response.output_item.done", output_index=index, item=done)

    def _call(self, done: dict[str, Any], here: dict[str, Any]) -> Iterator[Step]:
        for piece in pieces(done["arguments"], JSON_SIZES):
            yield self._event("response.function_call_arguments.delta", **here, delta=piece)
        yield self._event("response.function_call_arguments.done", **here, arguments=done["arguments"])

    def _message(self, item: _Item, here: dict[str, Any]) -> Iterator[Step]:
        """Runs of parts of one kind are one content part."""
        run: list[Any] = []
        contents = iter(enumerate(item.done["content"]))
        for step in item.script:
            kind = next((type(part) for part in run if isinstance(part, Text | RefusalText)), None)
            if isinstance(step, Text | RefusalText) and kind not in (None, type(step)):
                yield from self._content(*next(contents), run, here)
                run = []
            run.append(step)
        yield from self._content(*next(contents), run, here)

    def _content(self, number: int, part: dict[str, Any], run: list[Any], here: dict[str, Any]) -> Iterator[Step]:
        here = {**here, "content_index": number}
        is_text = part["type"] == "output_text"
        field = "text" if is_text else "refusal"
        more: dict[str, Any] = {"logprobs": []} if is_text else {}
        yield self._announcement(
            "response.content_part.added", **here, part={**part, field: "", **({"annotations": []} if is_text else {})}
        )
        for step in run:
            if isinstance(step, Text | RefusalText):
                for piece in pieces(step.text, TEXT_SIZES):
                    yield self._event(f"response.{part['type']}.delta", **here, delta=piece, **more)
            else:
                yield step
        for index, annotation in enumerate(part.get("annotations", ())):
            kind = "response.output_text.annotation.added"
            yield self._event(kind, **here, annotation_index=index, annotation=annotation)
        yield self._event(f"response.{part['type']}.done", **here, **{field: part[field]}, **more)
        yield self._event("response.content_part.done", **here, part=part)

    def _summary(self, done: dict[str, Any], here: dict[str, Any]) -> Iterator[Step]:
        for number, part in enumerate(done["summary"]):
            here = {**here, "summary_index": number}
            yield self._event("response.reasoning_summary_part.added", **here, part={**part, "text": ""})
            for piece in pieces(part["text"], TEXT_SIZES):
                yield self._event("response.reasoning_summary_text.delta", **here, delta=piece)
            yield self._event("response.reasoning_summary_text.done", **here, text=part["text"])
            yield self._event("response.reasoning_summary_part.done", **here, part=part)

    def _open_reasoning(self, part: dict[str, Any], here: dict[str, Any]) -> Iterator[Step]:
        here = {**here, "content_index": 0}
        yield self._announcement("response.content_part.added", **here, part={**part, "text": ""})
        for piece in pieces(part["text"], TEXT_SIZES):
            yield self._event("response.reasoning_text.delta", **here, delta=piece)
        yield self._event("response.reasoning_text.done", **here, text=part["text"])
        yield self._event("response.content_part.done", **here, part=part)

    def _announcement(self, kind: str, **fields: Any) -> bytes:
        return _SILENCE if "no_item_added" in self._frame.quirks else self._event(kind, **fields)

    def _event(self, kind: str, **fields: Any) -> bytes:
        body = {"type": kind, "sequence_number": next(self._sequence), **fields}
        options = self._frame.body.get("stream_options") or {}
        if kind.endswith(".delta") and self._frame.official and options.get("include_obfuscation", True):
            body["obfuscation"] = next(self._obfuscation)
        return named(body)


def named(body: Mapping[str, Any]) -> bytes:
    """An event whose name is its type."""
    return f"event: {body['type']}\n".encode() + sse(body)


def error_of(code: str, message: str, kind: str = "invalid_request_error") -> dict[str, Any]:
    """The `error` of an `error` event."""
    param = "input" if code == "context_length_exceeded" else None
    return {"type": kind, "code": code, "message": message, "param": param}


def usage_body(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": usage.cache_write},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt + usage.completion,
    }


def _plan(reply: Reply, frame: Frame) -> list[_Item | Pause]:
    """Texts and refusals next to each other share a message, pauses or not."""
    plan: list[_Item | Pause] = []
    for step in reply.script:
        last = plan[-1] if plan else None
        message = last if isinstance(last, _Item) and last.kind == "message" else None
        if isinstance(step, Thinking):
            if frame.thinks:
                plan.append(_Item("reasoning", [step]))
        elif isinstance(step, ToolCall):
            plan.append(_Item("function_call", [step]))
        elif isinstance(step, WebSearch):
            plan.append(_Item("web_search_call", [step]))
        elif message:
            message.script.append(step)
        else:
            plan.append(_Item("message", [step]) if isinstance(step, Text | RefusalText) else step)
    return plan


def _contents(script: list[Any]) -> list[dict[str, Any]]:
    contents: list[dict[str, Any]] = []
    parts = [step for step in script if isinstance(step, Text | RefusalText)]
    for kind, run in itertools.groupby(parts, type):
        found = list(run)
        text = "".join(part.text for part in found)
        if kind is Text:
            cites = {url: title for part in found if isinstance(part, Text) for url, title in part.cites.items()}
            annotations = [_annotation(text, url, title) for url, title in cites.items()]
            contents.append({"type": "output_text", "annotations": annotations, "logprobs": [], "text": text})
        else:
            contents.append({"type": "refusal", "refusal": text})
    return contents


def _annotation(text: str, url: str, title: str) -> dict[str, Any]:
    """Marks the link `[...](url)`, which the text must hold."""
    target = text.index(f"]({url})")
    start, end = text.rindex("[", 0, target), target + len(url) + 3
    return {"type": "url_citation", "start_index": start, "end_index": end, "title": title, "url": url}


def _action(search: WebSearch, body: Mapping[str, Any]) -> dict[str, Any]:
    if search.action == "open_page":
        return {"type": "open_page", "url": search.sources[0]}
    if search.action == "find_in_page":
        return {"type": "find_in_page", "pattern": search.query, "url": search.sources[0]}
    action = {"type": "search", "query": search.query, "queries": [search.query]}
    sources = [{"type": "url", "url": url} for url in search.sources]
    return {**action, "sources": sources} if _SOURCES in (body.get("include") or ()) else action


def _summary_parts(text: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    wanted = (body.get("reasoning") or {}).get("summary")
    return [{"type": "summary_text", "text": part} for part in text.split("\n\n")] if wanted and text else []


def _head(frame: Frame) -> dict[str, Any]:
    """What a response repeats of its request."""
    body = frame.body
    reasoning = {"effort": None, "summary": None, **(body.get("reasoning") or {})}
    text = {"format": {"type": "text"}, "verbosity": "medium", **(body.get("text") or {})}
    defaults: dict[str, Any] = {
        "background": False,
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "safety_identifier": None,
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "user": None,
        "metadata": {},
    }
    given = {field: body[field] for field in defaults if body.get(field) is not None}
    head = {"id": f"resp_{frame.number:048d}", "object": "response", "created_at": CREATED, "model": body["model"]}
    return {**head, **defaults, **given, "reasoning": reasoning, "text": text}
