"""Gemini's chunks -> deltas. Pure: chunks in, deltas out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
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
from proxy.providers.gemini.errors import Backend, api_error, failure_of
from proxy.providers.gemini.grounding import grounded
from proxy.providers.gemini.names import ToolNames
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
_LENGTH = ("MAX_TOKENS", "CONTINUATION")
_REFUSALS = (
    *("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE", "MODEL_ARMOR", "ESCALATION"),
    *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "PUP_LIMITED_DISABLED"),
)


@dataclass(slots=True)
class GeminiStream:
    """Reads one answer. `feed` each chunk; once the stream has closed look at `spoilt`, then call `end`.

    `shows_thinking`: the client wants thinking blocks. Then a call's signature travels in one right before the call.
    `search` is the web search tool that the client offered. What was searched is told at the end and belongs before the
    text, so that text waits.
    """

    names: ToolNames
    signatures: Signatures
    backend: Backend
    shows_thinking: bool
    search: Tool | None = None
    _held: str = ""
    _grounding: dict[str, Any] = field(default_factory=dict)
    _usage: dict[str, int] = field(default_factory=dict)
    _calls: int = 0
    _said: bool = False
    _thinking: bool = False
    _blocked: str = ""
    _reason: str = ""
    _message: str = ""

    def feed(self, chunk: dict[str, Any]) -> Iterator[Delta]:
        """Raises ApiError when the chunk is the server's report of a failure."""
        if "error" in chunk:
            raise api_error(failure_of(chunk), self.backend)
        if usage := self._counts(_mapping(chunk, "usageMetadata")):
            yield usage
        self._blocked = _text(_mapping(chunk, "promptFeedback"), "blockReason") or self._blocked
        candidates = chunk.get("candidates")
        for candidate in candidates[:1] if isinstance(candidates, list) else ():
            if isinstance(candidate, dict):
                yield from self._candidate(candidate)

    @property
    def finished(self) -> bool:
        """Whether the server has said why it stopped; only usage may still follow."""
        return bool(self._reason or self._blocked)

    @property
    def spoilt(self) -> str | None:
        """Why the answer, which has shown nothing but thoughts, is worth asking for again."""
        if self._said or self._calls or self._blocked:
            return None
        return self._reason if self._reason in _BOTCHED or self._reason == "STOP" else None

    def end(self) -> Iterator[Delta]:
        """The stream has closed. Raises ApiError: 502 when it closed too early, 500 when the answer is worthless."""
        if not self.finished:
            raise ApiError(502, CUT_OFF)
        yield from self.end_thinking()
        if self.search is not None:
            yield from grounded(self._held, self._grounding, self.search)
        shown = self._said or self._calls > 0
        if self._blocked or self._reason in _REFUSALS:
            what = "blocked the prompt" if self._blocked else "stopped the answer"
            explanation = f"Gemini {what}: {self._blocked or self._why}"
            if self._blocked:
                yield Usage(output=0)
            if not shown:
                yield TextDelta(explanation)
            yield Finish("refusal", explanation=explanation)
        elif self._reason in _LENGTH:
            yield Finish("max_tokens")
        elif self._reason == "STOP":
            if not shown:
                yield TextDelta("[Gemini ended its turn without saying anything.]")
            yield Finish()
        elif not shown:
            raise ApiError(500, f"Gemini broke off without an answer: {self._why}")
        else:
            if self._reason in _BOTCHED and not self._calls:
                yield TextDelta(f"\n\n[Gemini broke off here: {self._why}]")
            yield Finish()

    def end_thinking(self) -> Iterator[Delta]:
        """Clients want a signature on every thinking block."""
        if self._thinking:
            self._thinking = False
            yield ThinkingEnd(self.signatures.seal(""))

    @property
    def _why(self) -> str:
        return f"{self._reason} ({self._message})" if self._message else self._reason

    def _candidate(self, candidate: dict[str, Any]) -> Iterator[Delta]:
        parts = _mapping(candidate, "content").get("parts")
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict):
                yield from self._part(part)
        self._grounding |= {name: told for name, told in _mapping(candidate, "groundingMetadata").items() if told}
        reason = _text(candidate, "finishReason")
        # A filter that has struck once has struck, whatever the last chunk says.
        if reason and self._reason not in _REFUSALS:
            self._reason, self._message = reason, _text(candidate, "finishMessage")

    def _part(self, part: dict[str, Any]) -> Iterator[Delta]:
        text = _text(part, "text")
        call = _mapping(part, "functionCall")
        if part.get("thought") is True:
            if text and self.shows_thinking:
                self._thinking = True
                yield ThinkingDelta(text)
        elif name := _text(call, "name"):
            yield from self._call(name, _mapping(call, "args"), _text(part, "thoughtSignature"))
        elif text:
            # The signatures of text are recommended, not demanded, and a block after the text is not for every client.
            yield from self.end_thinking()
            self._said = self._said or not text.isspace()
            if self.search is None:
                yield TextDelta(text)
            else:
                self._held += text

    def _call(self, name: str, args: dict[str, Any], signature: str) -> Iterator[Delta]:
        """Calls come whole."""
        name = self.names.client(name)
        if signature:
            self.signatures.remember(name, args, signature)
        if signature and self.shows_thinking:
            self._thinking = False
            yield ThinkingEnd(self.signatures.seal(signature))
        else:
            yield from self.end_thinking()
        key = self._calls
        self._calls += 1
        yield ToolCallStart(key, name)
        yield ToolCallDelta(key, json.dumps(args, ensure_ascii=False))
        yield ToolCallEnd(key)

    def _counts(self, told: dict[str, Any]) -> Usage | None:
        """Cumulative; a later chunk may leave out what an earlier one said."""
        self._usage |= {name: value for name, value in told.items() if isinstance(value, int) and value > 0}
        if not told:
            return None
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


def _mapping(value: dict[str, Any], key: str) -> dict[str, Any]:
    inner = value.get(key)
    return inner if isinstance(inner, dict) else {}


def _text(value: dict[str, Any], key: str) -> str:
    inner = value.get(key)
    return inner if isinstance(inner, str) else ""
