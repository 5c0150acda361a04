"""Chunks of Gemini's streams, read without a socket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from proxy.protocol.deltas import Delta
from proxy.protocol.request import Tool
from proxy.providers.common.failures import Backend
from proxy.providers.common.tool_names import ToolNames
from proxy.providers.gemini.names import RULES
from proxy.providers.gemini.signatures import SignatureMemory, Signatures
from proxy.providers.gemini.stream import GeminiStream

Json = dict[str, Any]


def reader(*, shows_thinking: bool = True, search: Tool | None = None) -> GeminiStream:
    signatures = Signatures("gemini", "gemini-x", "s1", SignatureMemory())
    backend = Backend("https://gemini.test", "KEY", ("k",))
    return GeminiStream(ToolNames(["Read", "List"], RULES), signatures, backend, shows_thinking, search)


def read(chunks: Iterable[Json], stream: GeminiStream | None = None) -> Iterator[Sequence[Delta]]:
    stream = stream or reader()
    for chunk in chunks:
        yield [*stream.feed(chunk), *stream.counted()]
    yield list(stream.end())


def chunk(*parts: Any, finish: Any = None, index: Any = 0, **more: Any) -> Json:
    candidate = {"content": {"parts": list(parts), "role": "model"}, "index": index}
    return {"candidates": [candidate | ({} if finish is None else {"finishReason": finish})], **more}


def text(words: str, **more: Any) -> Json:
    return {"text": words, **more}


def call(name: str | None = "Read", args: Any = None, *, beside: Json | None = None, **more: Any) -> Json:
    """`beside` is what stands beside the functionCall, `more` in it."""
    body = ({} if name is None else {"name": name}) | ({} if args is None else {"args": args}) | more
    return {"functionCall": body, **(beside or {})}


def piece(path: str, value: Any = None, **more: Any) -> Json:
    kind = {str: "stringValue", bool: "boolValue", int: "numberValue", float: "numberValue"}.get(
        type(value), "nullValue"
    )
    return {"jsonPath": path, kind: value, **more}


_SUPPORT = {"segment": {"startIndex": 0, "endIndex": 5}, "groundingChunkIndices": [0]}
_GROUNDING = {
    "webSearchQueries": ["x"],
    "groundingChunks": [{"web": {"uri": "https://a.test/x", "title": "a.test"}}],
    "groundingSupports": [_SUPPORT],
}
EVERYTHING = [
    chunk(text("let me see", thought=True), usageMetadata={"promptTokenCount": 9}),
    chunk(text("hello")),
    chunk({"executableCode": {"language": "PYTHON", "code": "1+1"}}, {"inlineData": {"mimeType": "image/png"}}),
    chunk(call("Read", {"file_path": "/a"}, beside={"thoughtSignature": "c2ln"})),
    chunk(call("List")),
    chunk(call("Read", id="7", willContinue=True)),
    chunk(call(None, id="7", partialArgs=[piece("$.a[0].b", "x", willContinue=True)], willContinue=True)),
    chunk(call(None, id="7", partialArgs=[piece("$.a[0].b", "y")], willContinue=True)),
    chunk(call(None, id="7")),
    {
        "candidates": [
            {
                "content": {},
                "finishReason": "STOP",
                "finishMessage": "done",
                "groundingMetadata": _GROUNDING,
                "index": 0,
            }
        ],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 5, "thoughtsTokenCount": 3},
        "promptFeedback": {"safetyRatings": []},
    },
]
"""An answer with every kind of part."""
