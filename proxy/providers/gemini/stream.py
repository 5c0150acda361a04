"""Gemini's chunks -> deltas. Pure: chunks in, deltas out.

What is open between two parts of an answer, and what the next part makes of it:

    open        thought     text        file, code            call                       end
    NOTHING     THOUGHTS    TEXT        TEXT                  NOTHING                    -
    THOUGHTS    THOUGHTS    sign, TEXT  sign, TEXT            sign (with its own mark)   sign
    TEXT        THOUGHTS    TEXT        blank line, TEXT      NOTHING                    -

How an answer ends, by the kind of its finishReason and by whether it has shown anything but thoughts:

    kind                        nothing shown             something shown
    end, tool                   a text that says so       -
    max_tokens, window          -                         -
    refusal, blocked prompt     a text with the reason    -
    botched by the model        error 500                 a text that says so, unless a call was shown
    broken                      error 502                 error 502
    unknown                     error 500                 -

A call is shown once it is known to be whole. One without any arguments is only known to be so by what follows: where
the token limit follows, it was cut.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from proxy.protocol.deltas import (
    Delta,
    Finish,
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
from proxy.protocol.writer import CUT_OFF
from proxy.providers.common.fields import count_of, json_text, name_of, object_of, objects_of, text_of
from proxy.providers.common.finish import FinishKind, finish
from proxy.providers.common.tool_names import ToolNames
from proxy.providers.gemini.errors import Backend, api_error, failure_of
from proxy.providers.gemini.grounding import grounded
from proxy.providers.gemini.parts import PartialArgs, described
from proxy.providers.gemini.signatures import Signatures

MISSING_SIGNATURE = "MISSING_THOUGHT_SIGNATURE"
_BOTCHED = (
    "MALFORMED_FUNCTION_CALL",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MALFORMED_RESPONSE",
    MISSING_SIGNATURE,
)
"""The model went wrong in a way in which it seldom goes wrong twice."""
_UNSPECIFIED = "FINISH_REASON_UNSPECIFIED"
"""The default of the enum, which some gateways write into every chunk."""
_NAMELESS = "a function call without a name"
_NO_ARGS: tuple[Any, ...] = (None, {}, [], "", "null", "{}")
"""Gateways that are written in PHP send an empty list."""


class _Open(Enum):
    NOTHING = auto()
    THOUGHTS = auto()
    TEXT = auto()


@dataclass(slots=True)
class _Call:
    """A call that has begun and is not known to be whole yet. `continues`: Gemini has announced more of it."""

    name: str
    id: str
    signature: str = ""
    args: Any = None
    partial: PartialArgs = field(default_factory=PartialArgs)
    continues: bool = False


@dataclass(slots=True)
class GeminiStream:
    """Reads one answer. `feed` each chunk, and ask `counted` after those of a read; once the stream has closed look at
    `spoilt`, then call `end`.

    `shows_thinking`: the client wants thinking blocks. Then a call's signature travels in one right before the call.
    `search` is the web search tool that the client offered. What was searched is reported at the end and belongs before
    the text, so that text waits.
    """

    names: ToolNames
    signatures: Signatures
    backend: Backend
    shows_thinking: bool
    search: Tool | None = None
    _open: _Open = _Open.NOTHING
    _held: list[str] = field(default_factory=list)
    _grounding: dict[str, Any] = field(default_factory=dict)
    _usage: dict[str, int] = field(default_factory=dict)
    _reported: dict[str, Any] = field(default_factory=dict)
    _has_counted: bool = False
    _index: int | None = None
    _call: _Call | None = None
    _calls: int = 0
    _shown: bool = False
    _apart: bool = False
    _blocked: str = ""
    _reason: str = ""
    _message: str = ""
    _nameless: bool = False

    def feed(self, chunk: dict[str, Any]) -> Iterator[Delta]:
        """Raises ApiError when the chunk is the server's report of a failure, or cannot be read."""
        try:
            if chunk.get("error") is not None:
                raise api_error(failure_of(chunk), self.backend)
            self._count(object_of(chunk.get("usageMetadata")))
            self._blocked = text_of(object_of(chunk.get("promptFeedback")).get("blockReason")) or self._blocked
            if (candidate := self._candidate(objects_of(chunk.get("candidates")))) is not None:
                yield from self._read(candidate)
        except RecursionError:
            raise ApiError(502, "Gemini sent a chunk that is nested too deeply") from None

    def counted(self) -> Iterator[Delta]:
        """The usage, where it has changed since this was last asked. Gemini reports it with every chunk."""
        if self._has_counted:
            self._has_counted = False
            yield self._counts()

    @property
    def finished(self) -> bool:
        """Whether the server has said why it stopped; only usage may still follow."""
        return bool(self._blocked) or self._reason not in ("", _UNSPECIFIED)

    @property
    def complete(self) -> bool:
        """Whether the answer is whole, whatever follows."""
        return self.finished and self._shown and self._kind != "broken"

    @property
    def spoilt(self) -> str | None:
        """Why the answer, which has shown nothing but thoughts, is worth asking for again."""
        if self._shown or self._call is not None or self._blocked:
            return None
        if self._nameless:
            return _NAMELESS
        return self._reason if self._reason in _BOTCHED or self._kind in ("end", "tool") else None

    def end(self) -> Iterator[Delta]:
        """The stream has closed. Raises ApiError: 502 when it closed too early, 500 when the answer is worthless."""
        if not self._reason and not self._blocked:
            raise ApiError(502, CUT_OFF)
        yield from self._last_call()
        yield from self.end_thinking()
        if self.search is not None:
            yield from grounded("".join(self._held), self._grounding, self.search)
        kind = self._kind
        if kind == "refusal":
            yield from self._refused()
        elif kind in ("max_tokens", "context_window_exceeded"):
            yield Finish("max_tokens" if kind == "max_tokens" else "context_window_exceeded")
        elif self._reason in _BOTCHED or self._nameless:
            if not self._shown:
                raise ApiError(500, f"Gemini broke off without an answer: {self._why}")
            if not self._calls:
                yield TextDelta(f"\n\n[Gemini broke off here: {self._why}]")
            yield Finish()
        elif kind == "broken" or (kind == "unknown" and not self._shown):
            raise ApiError(502 if kind == "broken" else 500, f"Gemini broke off: {self._why}")
        else:
            if not self._shown:
                yield TextDelta("[Gemini ended its turn without saying anything.]")
            yield Finish()

    def end_thinking(self) -> Iterator[Delta]:
        """Clients want a signature on every thinking block."""
        if self._open is _Open.THOUGHTS:
            self._open = _Open.NOTHING
            yield ThinkingEnd(self.signatures.seal(""))

    @property
    def _kind(self) -> FinishKind:
        return "refusal" if self._blocked else finish(self._reason)

    @property
    def _why(self) -> str:
        reason = _NAMELESS if self._nameless and self._kind in ("end", "tool") else self._reason
        return self.backend.shown(f"{reason} ({self._message})" if self._message else reason)

    def _refused(self) -> Iterator[Delta]:
        what = "blocked the prompt" if self._blocked else "stopped the answer"
        explanation = f"Gemini {what}: {self.backend.shown(self._blocked) or self._why}"
        if self._blocked:
            yield Usage(output=0)
        if not self._shown:
            yield TextDelta(explanation)
        yield Finish("refusal", explanation=explanation)

    def _candidate(self, candidates: list[dict[str, Any]]) -> dict[str, Any] | None:
        """The candidate that is read: the lowest of the first chunk that has any; we never ask for a second one."""
        by_index: dict[int, dict[str, Any]] = {}
        for place, candidate in enumerate(candidates):
            index = count_of(candidate.get("index"))
            by_index.setdefault(place if index is None else index, candidate)
        if self._index is None and by_index:
            begun = [index for index, candidate in by_index.items() if candidate.keys() & {"content", "finishReason"}]
            self._index = min(begun, default=None)
        return None if self._index is None else by_index.get(self._index)

    def _read(self, candidate: dict[str, Any]) -> Iterator[Delta]:
        for part in objects_of(object_of(candidate.get("content")).get("parts")):
            yield from self._part(part)
        metadata = object_of(candidate.get("groundingMetadata"))
        self._grounding |= {name: value for name, value in metadata.items() if value}
        reason = text_of(candidate.get("finishReason")).strip()
        # A filter that has struck once has struck, whatever the last chunk says.
        if reason and finish(self._reason) != "refusal":
            self._reason = reason.upper()
            self._message = text_of(candidate.get("finishMessage"))

    def _part(self, part: dict[str, Any]) -> Iterator[Delta]:
        call, text = part.get("functionCall"), text_of(part.get("text"))
        words = text if isinstance(call, dict) else text or described(part)
        if words:
            yield from self._known_to_be_whole()
        if words and part.get("thought") is not True:
            # The signatures of text are recommended, not demanded, and a block after the text is not for every client.
            yield from self.end_thinking()
            yield from self._show(words, is_text=bool(text))
        elif words and self.shows_thinking:
            self._open = _Open.THOUGHTS
            yield ThinkingDelta(words)
        if isinstance(call, dict):
            yield from self._function_call(call, text_of(part.get("thoughtSignature")))

    def _show(self, words: str, *, is_text: bool) -> Iterator[Delta]:
        """Text as it comes, and paragraphs of their own for what is not text."""
        if self._open is _Open.TEXT and (self._apart or not is_text):
            words = f"\n\n{words}"
        self._open, self._apart = _Open.TEXT, not is_text
        self._shown = self._shown or not words.isspace()
        if self.search is None:
            yield TextDelta(words)
        else:
            self._held.append(words)

    def _function_call(self, part: dict[str, Any], signature: str) -> Iterator[Delta]:
        """A call, whole or a piece of one; `thought` beside it means nothing, it is a call."""
        name, call_id = name_of(part.get("name")), text_of(part.get("id"))
        pieces = objects_of(part.get("partialArgs"))
        known = self._call
        goes_on = known is not None and known.continues and name in ("", known.name)
        if known is None or not goes_on or (call_id and known.id and call_id != known.id):
            yield from self._known_to_be_whole()
            if not name:
                self._nameless = True
                return
            known = self._call = _Call(name, call_id)
        known.signature = known.signature or signature
        known.args = part.get("args") or known.args
        for piece in pieces:
            known.partial.add(piece)
        known.continues = part.get("willContinue") is True
        if not known.continues and (pieces or goes_on or known.args not in _NO_ARGS):
            yield from self._known_to_be_whole()

    def _known_to_be_whole(self) -> Iterator[Delta]:
        """Something follows the call, or nothing can follow in it."""
        call, self._call = self._call, None
        if call is None:
            return
        if call.continues and not call.partial.may_be_whole:
            raise ApiError(502, "Gemini broke off in the middle of a function call")
        args = _decoded(call.args) if call.partial.is_empty else call.partial.value()
        name = self.names.client(call.name)
        if call.signature and isinstance(args, dict):
            self.signatures.remember(name, args, call.signature)
        if call.signature and self.shows_thinking:
            yield ThinkingEnd(self.signatures.seal(call.signature))
        else:
            yield from self.end_thinking()
        self._open = _Open.NOTHING
        key = self._begin_call()
        yield ToolCallStart(key, name)
        yield ToolCallDelta(key, args if isinstance(args, str) else json_text(args))
        yield ToolCallEnd(key)

    def _last_call(self) -> Iterator[Delta]:
        """The call that the answer ends with: left open where a limit has cut it, left out where a filter has."""
        call, kind = self._call, self._kind
        if call is not None and kind in ("max_tokens", "context_window_exceeded"):
            yield from self.end_thinking()
            yield ToolCallStart(self._begin_call(), self.names.client(call.name))
        elif call is None or kind != "refusal" or not call.continues:
            yield from self._known_to_be_whole()

    def _begin_call(self) -> int:
        self._shown = True
        self._calls += 1
        return self._calls - 1

    def _count(self, reported: dict[str, Any]) -> None:
        """Cumulative; a later chunk may leave out what an earlier one said."""
        if reported and reported != self._reported:
            self._reported, self._has_counted = reported, True
            self._usage |= {name: count for name, value in reported.items() if (count := count_of(value))}

    def _counts(self) -> Usage:
        counts = self._usage.get
        cached, thoughts = counts("cachedContentTokenCount", 0), counts("thoughtsTokenCount", 0)
        prompt = counts("promptTokenCount")
        output = counts("candidatesTokenCount", 0) + thoughts
        return Usage(
            input=max(prompt - cached, 0) + counts("toolUsePromptTokenCount", 0) if prompt is not None else None,
            output=output or None,
            cache_read=cached,
            thinking=thoughts or None,
        )


def _decoded(args: Any) -> Any:
    """The arguments as an object, or as the text that came, for the writer to judge; gateways send JSON text."""
    if args in _NO_ARGS:
        return {}
    if isinstance(args, str):
        try:
            value = json.loads(args, strict=False)
        except ValueError:
            return args
        return _decoded(value) if isinstance(value, str) else value if isinstance(value, dict) else args
    return args
