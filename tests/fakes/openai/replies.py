"""Scripted answers of a model, and how they look on the wire of Chat Completions."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.fakes.server import Step

CREATED = 1_795_000_000
DONE = b"data: [DONE]\n\n"
TEXT_SIZES = (1, 6, 3, 11, 2, 7)
JSON_SIZES = (2, 1, 5, 3, 8, 1)


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    cites: Mapping[str, str] = field(default_factory=dict)
    """URL -> title of the pages that a Markdown link in the text cites; only on Responses."""


@dataclass(frozen=True, slots=True)
class Thinking:
    """Reasoning. Official OpenAI never shows any on chat; on Responses it is an item, which shows a summary if asked.

    Blank lines in `text` part the summary.
    """

    text: str
    field: str = "reasoning_content"
    """Where a compatible server keeps it on chat."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """`input` is an object, or the text of the arguments as the model wrote it. Without an `id` the fake makes one."""

    name: str
    input: Mapping[str, Any] | str
    id: str | None = None

    @property
    def arguments(self) -> str:
        return self.input if isinstance(self.input, str) else json.dumps(self.input, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class WebSearch:
    """A search by the server itself, in answer to its `web_search` tool; only on Responses.

    `action` is what else a model does in the web: "open_page" and "find_in_page", of the first of the `sources`.
    """

    query: str
    sources: tuple[str, ...] = ()
    status: Literal["completed", "failed"] = "completed"
    action: Literal["search", "open_page", "find_in_page"] = "search"

    @property
    def text(self) -> str:
        return self.query


@dataclass(frozen=True, slots=True)
class RefusalText:
    """The `refusal` of a message: the model declines in words of its own."""

    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens. As on the wire, `prompt` includes `cached` and `cache_write`, and `completion` includes `reasoning`."""

    prompt: int
    completion: int
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0

    def body(self) -> dict[str, Any]:
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.prompt + self.completion,
            "prompt_tokens_details": {
                "cached_tokens": self.cached,
                "cache_write_tokens": self.cache_write,
                "audio_tokens": 0,
            },
            "completion_tokens_details": {
                "reasoning_tokens": self.reasoning,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """How an answer on Responses comes to grief after its parts: as `response.failed`, or as an `error` event."""

    code: str
    message: str
    event: Literal["failed", "error"] = "failed"


Part = Text | Thinking | ToolCall | WebSearch | RefusalText
Ending = Failure | Literal["eof"]
"""Only on Responses; "eof" is a stream that is over without a terminal event."""
Pause = float | threading.Event | Callable[[], object]
"""Between parts: waits, or calls, before the next part is sent. Not streamed answers wait for all of them first."""


class Reply:
    """One answer. `finish` defaults to what the parts say; `hold` is played before the status line.

    `finish` is a finish_reason of chat. On Responses, "length" and "content_filter" make the answer incomplete.
    """

    def __init__(
        self,
        *parts: Part | Pause,
        usage: Usage | None = None,
        finish: str | None = None,
        headers: Mapping[str, str] | None = None,
        hold: Iterable[Step] = (),
        ending: Ending | None = None,
    ) -> None:
        self.script = parts
        self.parts = [part for part in parts if isinstance(part, Part)]
        self.usage = usage
        self.finish = finish
        self.headers = dict(headers or {})
        self.hold = hold
        self.ending = ending

    @property
    def written(self) -> int:
        """Tokens of the parts, at four characters each."""
        texts = (part.arguments if isinstance(part, ToolCall) else part.text for part in self.parts)
        return max(1, sum(map(len, texts)) // 4)

    @property
    def pauses(self) -> list[Pause]:
        return [step for step in self.script if not isinstance(step, Part)]

    def finish_reason(self, body: Mapping[str, Any]) -> str:
        if self.finish is not None:
            return self.finish
        called = any(isinstance(part, ToolCall) for part in self.parts)
        # gpt-4o and vLLM say "stop" when the call was forced upon them.
        return "tool_calls" if called and not isinstance(body.get("tool_choice"), dict) else "stop"


@dataclass(frozen=True, slots=True)
class Frame:
    """What all chunks of one answer share."""

    id: str
    model: str
    official: bool
    body: Mapping[str, Any]
    usage: Usage
    new_call_id: Callable[[], str]


def completion(reply: Reply, frame: Frame) -> dict[str, Any]:
    """The `ChatCompletion` of a request with `stream: false`."""
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    if frame.official:
        message["annotations"] = []
    for part in reply.parts:
        if isinstance(part, Text):
            message["content"] = (message["content"] or "") + part.text
        elif isinstance(part, Thinking):
            message[part.field] = message.get(part.field, "") + part.text
        elif isinstance(part, RefusalText):
            message["refusal"] = part.text
        elif isinstance(part, ToolCall):
            function = {"name": part.name, "arguments": part.arguments}
            call = {"id": part.id or frame.new_call_id(), "type": "function", "function": function}
            message.setdefault("tool_calls", []).append(call)
        else:
            raise TypeError(f"Chat Completions has no {part!r}")
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": reply.finish_reason(frame.body),
    }
    return {**_head(frame, "chat.completion"), "choices": [choice], "usage": frame.usage.body()}


def stream(reply: Reply, frame: Frame) -> Iterator[Step]:
    """The chunks of a request with `stream: true`, each in a write of its own, with the pauses between them."""
    options = frame.body.get("stream_options") or {}
    numbers = itertools.count()
    obfuscation = itertools.cycle(("x7Qe", "b", "", "Lm0aZ9"))

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        body = {**_head(frame, "chat.completion.chunk"), "choices": [choice]}
        if options.get("include_usage"):
            body["usage"] = None
        if frame.official and options.get("include_obfuscation", True):
            body["obfuscation"] = next(obfuscation)
        return sse(body)

    first = reply.parts[0] if reply.parts else Text("")
    yield chunk({"role": "assistant", "content": "" if isinstance(first, Text) else None, "refusal": None})
    for step in reply.script:
        if isinstance(step, Part):
            yield from map(chunk, _deltas(step, numbers, frame))
        else:
            yield step
    yield chunk({}, reply.finish_reason(frame.body))
    if options.get("include_usage"):
        yield sse({**_head(frame, "chat.completion.chunk"), "choices": [], "usage": frame.usage.body()})
    yield DONE


def sse(body: object) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def _deltas(part: Part, numbers: Iterator[int], frame: Frame) -> Iterator[dict[str, Any]]:
    if isinstance(part, ToolCall):
        number = next(numbers)
        function = {"name": part.name, "arguments": ""}
        call_id = part.id or frame.new_call_id()
        yield {"tool_calls": [{"index": number, "id": call_id, "type": "function", "function": function}]}
        for piece in pieces(part.arguments, JSON_SIZES):
            yield {"tool_calls": [{"index": number, "function": {"arguments": piece}}]}
        return
    field = part.field if isinstance(part, Thinking) else "content" if isinstance(part, Text) else "refusal"
    for piece in pieces(part.text, TEXT_SIZES):
        yield {field: piece}


def pieces(text: str, sizes: tuple[int, ...]) -> Iterator[str]:
    """Cuts of uneven length, and one after every backslash so that JSON escapes are torn apart."""
    start = 0
    for size in itertools.cycle(sizes):
        if start >= len(text):
            return
        end = start + size
        backslash = text.find("\\", start, end)
        if backslash >= 0:
            end = backslash + 1
        yield text[start:end]
        start = end


def _head(frame: Frame, kind: str) -> dict[str, Any]:
    head: dict[str, Any] = {"id": frame.id, "object": kind, "created": CREATED, "model": frame.model}
    if frame.official:
        head |= {"service_tier": "default", "system_fingerprint": "fp_50cad350e4"}
    return head
