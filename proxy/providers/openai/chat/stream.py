"""Chat Completions chunks -> deltas. Pure: chunks in, deltas out.

Written for what servers really send (each rule has a test that names the server): ids and indices are missing,
repeated or reused, names come in pieces or again and again, arguments come as objects or as growing snapshots, usage
comes anywhere, reasoning has three names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from proxy.protocol.deltas import (
    Delta,
    Finish,
    FinishReason,
    RedactedThinking,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from proxy.protocol.errors import ApiError
from proxy.protocol.writer import CUT_OFF
from proxy.providers.openai.chat.reasoning_details import Detail, merge, sealed
from proxy.providers.openai.errors import Backend, api_error, failure_of
from proxy.providers.openai.tools import ToolNames

_REASONS: dict[str, FinishReason] = {
    "length": "max_tokens",
    "max_tokens": "max_tokens",
    "content_filter": "refusal",
    "refusal": "refusal",
    "model_context_window_exceeded": "context_window_exceeded",
}
_LEAST_REPEAT = 16


@dataclass(slots=True, eq=False)
class _ToolCall:
    key: int
    id: str
    name: str = ""
    arguments: str = ""
    sent: int = 0
    started: bool = False
    ended: bool = False

    def is_complete(self) -> bool:
        try:
            json.loads(self.arguments)
        except (ValueError, RecursionError):
            return False
        return True


@dataclass(slots=True)
class ChatStream:
    """Reads one answer of `model`. `feed` each chunk, then call `end`; set `done` when the server sends `[DONE]`."""

    names: ToolNames
    backend: Backend
    model: str
    done: bool = False
    _calls: list[_ToolCall] = field(default_factory=list)
    _by_index: dict[int, _ToolCall] = field(default_factory=dict)
    _text: list[str] = field(default_factory=list)
    _thoughts: list[str] = field(default_factory=list)
    _details: list[Detail] = field(default_factory=list)
    _thinks: bool = False
    _holds_calls: bool = False
    """Details of the reasoning may come after the calls, and have to be shown before them."""
    _reason: str | None = None
    _refused: bool = False
    _began: bool = False
    _in_deltas: bool = False

    def feed(self, chunk: dict[str, Any]) -> Iterator[Delta]:
        """Raises ApiError when the chunk is the server's report of a failure."""
        if chunk.get("error") or ("choices" not in chunk and ("message" in chunk or "detail" in chunk)):
            raise api_error(failure_of(chunk), self.backend)
        if usage := _usage(chunk):
            yield usage
        for choice in chunk.get("choices") or ():
            if isinstance(choice, dict) and not choice.get("index"):
                yield from self._choice(choice)

    @property
    def finished(self) -> bool:
        """Whether the server has said why it stopped; only usage may still follow."""
        return self._reason is not None

    def end(self) -> Iterator[Delta]:
        """The stream has closed. Raises ApiError (502) when it closed too early."""
        if self._reason is None and not (self.done and self._began):
            raise ApiError(502, CUT_OFF)
        if self._reason == "error":
            raise ApiError(502, "the upstream reported an error without saying which")
        if self._thinks or self._calls:
            yield from self._sign()
        reason: FinishReason = "refusal" if self._refused else _REASONS.get(self._reason or "", "end")
        for call in self._calls:
            if not call.name:
                continue
            yield from self._start(call)
            cut_short = reason == "max_tokens" and call is self._calls[-1] and not call.is_complete()
            if not cut_short:
                yield from self._end(call)
        yield Finish(reason)

    def _choice(self, choice: dict[str, Any]) -> Iterator[Delta]:
        delta, message = choice.get("delta"), choice.get("message")
        if isinstance(delta, dict):
            self._in_deltas = self._in_deltas or bool(delta)
            yield from self._delta(delta, least_repeat=_LEAST_REPEAT if choice.get("finish_reason") else None)
        if isinstance(message, dict):
            yield from self._delta(message, least_repeat=1 if self._in_deltas else _LEAST_REPEAT)
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self._reason = reason

    def _delta(self, delta: dict[str, Any], *, least_repeat: int | None) -> Iterator[Delta]:
        """Where `least_repeat` is given, this may be the complete message once more, after its pieces.

        It is taken for one where it begins with all of the text so far, if that has so many characters.
        """
        self._began = self._began or bool(delta)
        details = delta.get("reasoning_details")
        if isinstance(details, list) and least_repeat != 1:
            merge(self._details, details)
            self._holds_calls = True
        for kind, text in (*(("thinking", text) for text in _reasoning(delta)), *_content(delta.get("content"))):
            if kind == "text":
                yield from self._show(text, least_repeat)
            elif thought := _new_part(text, self._thoughts, least_repeat):
                self._thinks = True
                yield ThinkingDelta(thought)
        refusal = delta.get("refusal")
        if isinstance(refusal, str) and refusal:
            self._refused = True
            yield from self._show(refusal, least_repeat)
        fragments = delta.get("tool_calls")
        for fragment in fragments if isinstance(fragments, list) else ():
            if isinstance(fragment, dict):
                yield from self._fragment(fragment)
        if isinstance(delta.get("function_call"), dict):
            yield from self._fragment({"index": 0, "function": delta["function_call"]})

    def _show(self, text: str, least_repeat: int | None) -> Iterator[Delta]:
        begins = not any(self._text)
        text = _new_part(text, self._text, least_repeat)
        if not text:
            return
        if self._thinks or begins:
            yield from self._sign()
        for call in self._calls:
            if call.started and not call.ended and call.is_complete():
                yield from self._end(call)
        yield TextDelta(text)

    def _sign(self) -> Iterator[Delta]:
        """The reasoning so far, in the form that comes back, on the block that shows it if one does.

        What comes after an answer without calls is dropped: no answer should end with reasoning, and none of it is
        needed again.
        """
        if self._details:
            signature = sealed(self._details, self.model)
            yield ThinkingEnd(signature) if self._thinks else RedactedThinking(signature)
            self._details = []
        self._thinks = False

    def _fragment(self, fragment: dict[str, Any]) -> Iterator[Delta]:
        function = fragment.get("function")
        function = function if isinstance(function, dict) else {}
        name = function.get("name")
        name = name if isinstance(name, str) else ""
        arguments = _arguments(function.get("arguments"))
        call = self._find(fragment, name, arguments)
        if call is None:
            for earlier in self._calls:
                if earlier.started and not earlier.ended and earlier.is_complete():
                    yield from self._end(earlier)
            call = self._open(fragment)
        if name and not call.started:
            call.name = self._longer_name(call.name, name)
        if _is_snapshot(arguments, call.arguments):
            arguments = arguments[len(call.arguments) :]
        call.arguments += arguments
        if self._holds_calls:
            return
        if call.name and (call.arguments or self.names.client(call.name) != call.name or self.names.offers(call.name)):
            yield from self._start(call)
        if call.started and call.sent < len(call.arguments):
            yield ToolCallDelta(call.key, call.arguments[call.sent :])
            call.sent = len(call.arguments)

    def _find(self, fragment: dict[str, Any], name: str, arguments: str) -> _ToolCall | None:
        """The call that a fragment goes on with, or None for a new one.

        A new id is a new call, whatever the index says. An old one is not always an old call: GLM gives one id to
        parallel calls, which then differ in their index, in their name or only in their arguments. Without an id, a
        name begins a new call where the last one of its index is complete; elsewhere it is a repetition.
        """
        call_id, index = fragment.get("id"), fragment.get("index")
        call_id = call_id if isinstance(call_id, str) else ""
        call = self._by_index.get(index) if isinstance(index, int) else (self._calls[-1] if self._calls else None)
        if call_id and (call is None or call.id not in ("", call_id)):
            is_new = bool(name) and isinstance(index, int) and index not in self._by_index
            call = None if is_new else next((call for call in self._calls if call.id == call_id), None)
        if call is None:
            return None
        same_id = bool(call_id) and call.id == call_id
        if name and call.name and call.arguments:
            renamed = name != call.name
            if call.is_complete() and (renamed or (arguments and not same_id)):
                return None
            if call.is_complete() and _is_another_object(arguments, call.arguments):
                told = (each for each in self._calls if (each.id, each.arguments) == (call.id, arguments))
                return next(told, None)
            if renamed and not same_id and not isinstance(index, int):
                return None
        call.id = call.id or call_id
        return call

    def _open(self, fragment: dict[str, Any]) -> _ToolCall:
        call_id, index = fragment.get("id"), fragment.get("index")
        call = _ToolCall(key=len(self._calls), id=call_id if isinstance(call_id, str) else "")
        self._calls.append(call)
        if isinstance(index, int):
            self._by_index[index] = call
        return call

    def _longer_name(self, known: str, piece: str) -> str:
        """Names are sent once, again and again, or in pieces."""
        return known + piece if known and piece != known and self.names.begins_one(known + piece) else known or piece

    def _start(self, call: _ToolCall) -> Iterator[Delta]:
        if call.started:
            return
        call.started = True
        yield ToolCallStart(call.key, self.names.client(call.name))
        if call.arguments:
            yield ToolCallDelta(call.key, call.arguments)
            call.sent = len(call.arguments)

    def _end(self, call: _ToolCall) -> Iterator[Delta]:
        if not call.ended:
            call.ended = True
            yield ToolCallEnd(call.key)


def _new_part(text: str, shown: list[str], least_repeat: int | None) -> str:
    """What `text` adds to the pieces that were `shown`, and puts it there."""
    if least_repeat is not None:
        so_far = "".join(shown)
        if len(so_far) >= least_repeat and text.startswith(so_far):
            text = text[len(so_far) :]
    shown.append(text)
    return text


def _arguments(value: Any) -> str:
    """Arguments as JSON text; some servers send the object itself."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _is_snapshot(piece: str, so_far: str) -> bool:
    """Whether a piece of the arguments is all of them once more, and not the next piece.

    Hardly ever does an object begin as its parent did; where one does, the piece closes both and is no JSON of its own.
    """
    if not so_far or not piece.startswith(so_far):
        return False
    try:
        _, end = json.JSONDecoder().raw_decode(piece)
    except (ValueError, RecursionError):
        return True
    return not piece[end:].strip()


def _is_another_object(piece: str, whole: str) -> bool:
    """Whether a piece begins other arguments than the `whole` ones.

    The same once more, or with more in them, are no call of their own: nothing may be done twice.
    """
    if not piece.lstrip().startswith("{"):
        return False
    try:
        known, new = json.loads(whole), json.loads(piece)
    except (ValueError, RecursionError):
        return not piece.startswith(whole)
    return isinstance(known, dict) and any(name not in new or new[name] != value for name, value in known.items())


def _content(value: Any) -> Iterator[tuple[str, str]]:
    """(kind, text) of content that is a string or, with some servers, a list of parts."""
    if isinstance(value, str):
        if value:
            yield "text", value
        return
    for part in value if isinstance(value, list) else ():
        if isinstance(part, str):
            yield "text", part
        elif isinstance(part, dict) and part.get("type") == "thinking":
            yield "thinking", _plain(part.get("thinking"))
        elif isinstance(part, dict):
            yield "text", _plain(part.get("text"))


def _reasoning(delta: dict[str, Any]) -> Iterator[str]:
    """The reasoning under the one of its names that is used; OpenRouter sends it under two at once."""
    for name in ("reasoning_content", "reasoning", "reasoning_details"):
        if text := _plain(delta.get(name)):
            yield text
            return


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(_plain, value))
    if isinstance(value, dict):
        return _plain(value.get("text") or value.get("summary") or value.get("content"))
    return ""


def _usage(chunk: dict[str, Any]) -> Usage | None:
    """Counts from wherever the server puts them. `prompt_tokens` includes what was read from and written to caches."""
    choices = chunk.get("choices") or ()
    first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    groq = chunk.get("x_groq")
    candidates = (chunk.get("usage"), first.get("usage"), groq.get("usage") if isinstance(groq, dict) else None)
    usage = next((value for value in candidates if isinstance(value, dict) and value), None)
    if usage is None:
        return None
    details = usage.get("prompt_tokens_details")
    details = details if isinstance(details, dict) else {}
    read = _count(details.get("cached_tokens"), usage.get("prompt_cache_hit_tokens"), usage.get("cached_tokens"))
    written = _count(details.get("cache_write_tokens"))
    prompt, output = usage.get("prompt_tokens"), usage.get("completion_tokens")
    total = usage.get("total_tokens")
    if isinstance(prompt, int) and isinstance(output, int) and isinstance(total, int) and total > prompt + output:
        output = total - prompt  # servers that leave the reasoning out of completion_tokens
    spent = usage.get("completion_tokens_details")
    return Usage(
        input=max(prompt - read - written, 0) if isinstance(prompt, int) else None,
        output=output if isinstance(output, int) else None,
        cache_read=read,
        cache_write=written,
        thinking=_count(spent.get("reasoning_tokens")) or None if isinstance(spent, dict) else None,
    )


def _count(*values: Any) -> int:
    return next((value for value in values if isinstance(value, int) and value > 0), 0)
