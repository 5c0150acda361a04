"""Scripted answers of the Gemini API, and how they look on the wire: few and large chunks, function calls whole."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.gemini import signatures as gemini_signatures
from tests.fakes.gemini.models import ModelRules
from tests.fakes.server import Step

_TEXT_SIZES = (20, 160, 240, 400)
_CALLED = "Model generated function call(s)."
_WITH_CONTENT = ("STOP", "MAX_TOKENS")


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Thought:
    """A summary of the model's reasoning; sent only to requests with `includeThoughts`."""

    text: str


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """Without an `id` the fake does as the model does: Gemini 3 and later give one, older ones none; "" is none.

    `signature_size` (bytes) is that of the thought signature, which only the first call of an answer carries.
    """

    name: str
    args: Mapping[str, Any]
    id: str | None = None
    signature_size: int = gemini_signatures.SIZE


@dataclass(frozen=True, slots=True)
class Grounding:
    """The searches behind an answer, told with its end; only to requests that offer `googleSearch`.

    `pages` are (title, URL), and `supports` the words of the answer with the numbers of the pages that bear them out.
    """

    queries: tuple[str, ...]
    pages: tuple[tuple[str, str], ...] = ()
    supports: tuple[tuple[str, tuple[int, ...]], ...] = ()

    def body(self, answer: str) -> dict[str, Any]:
        return {
            "searchEntryPoint": {"renderedContent": "<div>Search</div>"},
            "groundingChunks": [{"web": {"uri": uri, "title": title}} for title, uri in self.pages],
            "groundingSupports": [
                {"segment": _segment(answer, words), "groundingChunkIndices": list(pages)}
                for words, pages in self.supports
            ],
            "webSearchQueries": list(self.queries),
        }


def _segment(answer: str, words: str) -> dict[str, Any]:
    """Where the words stand, in bytes; a start of 0 is left out."""
    start = len(answer[: answer.index(words)].encode())
    place = {"endIndex": start + len(words.encode()), "text": words}
    return {"startIndex": start, **place} if start else place


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens. As on the wire, `prompt` includes `cached`, and `candidates` does not include `thoughts`.

    `early_prompt` is what all chunks but the last tell of `prompt`, to which signatures are added only at the end.
    """

    prompt: int
    candidates: int
    thoughts: int = 0
    cached: int = 0
    tool_use: int = 0
    early_prompt: int | None = None

    def body(self, candidates: int | None = None) -> dict[str, Any]:
        """With `candidates` (so many told so far) as in any chunk but the last."""
        last = candidates is None
        written = self.candidates if candidates is None else min(candidates, self.candidates)
        prompt = self.prompt if last or self.early_prompt is None else self.early_prompt
        body = {
            "promptTokenCount": prompt,
            "totalTokenCount": prompt + written + self.thoughts + self.tool_use,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
        }
        optional = {
            "candidatesTokenCount": written,
            "cachedContentTokenCount": self.cached,
            "thoughtsTokenCount": self.thoughts,
            "toolUsePromptTokenCount": self.tool_use,
        }
        return body | {key: count for key, count in optional.items() if count}


Part = Text | Thought | FunctionCall | Grounding
Pause = float | threading.Event | Callable[[], object]
"""Between parts: waits, or calls, before the next part is sent. Not streamed answers wait for all of them first."""


class Reply:
    """One answer. `blocked` is a blockReason: the prompt itself was refused, and there are no candidates.

    `hold` is played before the status line.
    """

    def __init__(
        self,
        *parts: Part | Pause,
        usage: Usage | None = None,
        finish: str = "STOP",
        finish_message: str | None = None,
        blocked: str | None = None,
        headers: Mapping[str, str] | None = None,
        hold: Iterable[Step] = (),
    ) -> None:
        self.script = parts
        self.parts = [part for part in parts if isinstance(part, Part)]
        self.usage = usage
        self.finish = finish
        self.finish_message = finish_message
        self.blocked = blocked
        self.headers = dict(headers or {})
        self.hold = hold

    @property
    def pauses(self) -> list[Pause]:
        return [step for step in self.script if not isinstance(step, Part)]

    @property
    def characters(self) -> int:
        calls = (len(json.dumps(part.args)) for part in self.parts if isinstance(part, FunctionCall))
        return sum(calls) + sum(len(part.text) for part in self.parts if isinstance(part, Text | Thought))

    @property
    def calls(self) -> bool:
        return any(isinstance(part, FunctionCall) for part in self.parts)

    @property
    def ending(self) -> dict[str, Any]:
        """The fields of the candidate that say how it ended."""
        message = self.finish_message or (_CALLED if self.calls and self.finish == "STOP" else None)
        texts = "".join(part.text for part in self.parts if isinstance(part, Text))
        grounding = next((part.body(texts) for part in self.parts if isinstance(part, Grounding)), None)
        return {
            "finishReason": self.finish,
            **({"finishMessage": message} if message else {}),
            **({"groundingMetadata": grounding} if grounding else {}),
        }


@dataclass(frozen=True, slots=True)
class Frame:
    """What all chunks of one answer share. `signed`: the model thinks, so it signs."""

    response_id: str
    model: ModelRules
    usage: Usage
    include_thoughts: bool
    signed: bool
    new_call_id: Callable[[], str]


def completion(reply: Reply, frame: Frame) -> dict[str, Any]:
    """The body of an answer to generateContent."""
    if reply.blocked:
        return _blocked(reply.blocked, frame)
    parts: list[dict[str, Any]] = []
    for part in _wire_parts(reply, frame):
        before = parts[-1] if parts else {}
        if "text" in part and "text" in before and part.get("thought") == before.get("thought"):
            parts[-1] = before | part | {"text": before["text"] + part["text"]}
        else:
            parts.append(part)
    if parts and "text" in parts[-1]:
        parts[-1] |= _late_signature(reply, frame)
    content = {"content": {"parts": parts, "role": "model"}} if parts else {"content": {"role": "model"}}
    return _chunk({**content, **reply.ending, "index": 0}, frame, frame.usage.body())


def chunks(reply: Reply, frame: Frame) -> Iterator[dict[str, Any] | Pause]:
    """The bodies of the chunks of a stream, with the pauses between them."""
    if reply.blocked:
        yield _blocked(reply.blocked, frame)
        return
    written = 0
    for step in _wire_steps(reply, frame):
        if not isinstance(step, dict):
            yield step
            continue
        written += 0 if step.get("thought") else max(1, len(json.dumps(step)) // 4)
        candidate = {"content": {"parts": [step], "role": "model"}, "index": 0}
        yield _chunk(candidate, frame, frame.usage.body(written))
    last = {"parts": [{"text": "", **_late_signature(reply, frame)}], "role": "model"}
    content = last if reply.finish in _WITH_CONTENT else {}
    yield _chunk({"content": content, **reply.ending, "index": 0}, frame, frame.usage.body())


def stream(reply: Reply, frame: Frame) -> Iterator[Step]:
    """As server-sent events, each in a write of its own."""
    for chunk in chunks(reply, frame):
        yield sse(chunk) if isinstance(chunk, dict) else chunk


def sse(body: object) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\r\n\r\n"


def _wire_parts(reply: Reply, frame: Frame) -> list[dict[str, Any]]:
    return [step for step in _wire_steps(reply, frame) if isinstance(step, dict)]


def _wire_steps(reply: Reply, frame: Frame) -> Iterator[dict[str, Any] | Pause]:
    # One signature an answer: on its first call, or, of a text, on its first (2.5) or last piece (3 and later).
    done = not frame.signed
    for step in reply.script:
        if isinstance(step, FunctionCall):
            yield _call(step, frame) | ({} if done else _signature(frame, step))
            done = True
        elif isinstance(step, Thought):
            if frame.include_thoughts:
                yield from ({"text": piece, "thought": True} for piece in _pieces(step.text))
        elif isinstance(step, Text):
            for piece in _pieces(step.text):
                early = not done and not reply.calls and not frame.model.newer
                yield {"text": piece} | (_signature(frame) if early else {})
                done = done or early
        elif not isinstance(step, Grounding):
            yield step


def _late_signature(reply: Reply, frame: Frame) -> dict[str, Any]:
    texts = any(isinstance(part, Text) for part in reply.parts)
    return _signature(frame) if texts and not reply.calls and frame.signed and frame.model.newer else {}


def _signature(frame: Frame, call: FunctionCall | None = None) -> dict[str, Any]:
    if call is None:
        return {"thoughtSignature": gemini_signatures.issue(frame.model.name)}
    return {"thoughtSignature": gemini_signatures.issue(frame.model.name, call.name, call.args, call.signature_size)}


def _call(call: FunctionCall, frame: Frame) -> dict[str, Any]:
    call_id = call.id if call.id is not None else frame.new_call_id() if frame.model.newer else ""
    body: dict[str, Any] = {"name": call.name, "args": dict(call.args)}
    return {"functionCall": body | ({"id": call_id} if call_id else {})}


def _pieces(text: str) -> Iterator[str]:
    start = 0
    for size in itertools.chain(_TEXT_SIZES, itertools.repeat(_TEXT_SIZES[-1])):
        if start >= len(text):
            return
        yield text[start : start + size]
        start += size


def _blocked(reason: str, frame: Frame) -> dict[str, Any]:
    usage = {"promptTokenCount": frame.usage.prompt, "totalTokenCount": frame.usage.prompt}
    return {"promptFeedback": {"blockReason": reason}, **_tail(frame, usage)}


def _chunk(candidate: dict[str, Any], frame: Frame, usage: dict[str, Any]) -> dict[str, Any]:
    return {"candidates": [candidate], **_tail(frame, usage)}


def _tail(frame: Frame, usage: dict[str, Any]) -> dict[str, Any]:
    return {"usageMetadata": usage, "modelVersion": frame.model.name, "responseId": frame.response_id}
