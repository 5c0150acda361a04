"""The shape of a Gemini stream worth testing, and the few helpers that write one down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.fakes.gemini.replies import sse
from tests.fakes.openai.odd_base import Block, Finish, OddStream

MODEL = "gemini-3.8-flash"


@dataclass(frozen=True, slots=True)
class GeminiStream(OddStream):
    """What the service or something before it sends, and what has to come of it.

    As `OddStream`, and: with finish "refusal" and no blocks, `error` is a piece of the text that has to tell the
    client why. With finish "error" after blocks the client has to read `error`, be it in an error or in a text.
    `usage` is None where nothing was told.
    """

    signatures: tuple[str | None, ...] = ()
    """The thought signature of each of `blocks`; empty when none has one."""
    retry: bool = False
    """Deserves to be asked once more, as long as no text and no call was shown to the client."""
    error_type: str = ""
    """Anthropic's name for the error, where the stream tells it."""


def gemini(
    name: str,
    seen: str,
    chunks: Sequence[bytes | dict[str, Any]],
    *blocks: Block,
    finish: Finish | None = None,
    **more: Any,
) -> GeminiStream:
    """A dict among the chunks is sent as one event. `finish` defaults to "tool_use" with a tool, else "end"."""
    written = tuple(chunk if isinstance(chunk, bytes) else sse(chunk) for chunk in chunks)
    if finish is None:
        finish = "tool_use" if any(block[0] == "tool" for block in blocks) else "end"
    return GeminiStream(name, seen, written, blocks, finish, **more)


def chunk(*parts: dict[str, Any], finish: str | None = None, message: str | None = None, **more: Any) -> dict[str, Any]:
    """One event with one candidate; `more` goes beside `candidates`."""
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    return framed(candidate | ending(finish, message), **more)


def bare(finish: str | None = None, message: str | None = None, **more: Any) -> dict[str, Any]:
    """One event whose candidate has an empty content."""
    return framed({"content": {}, **ending(finish, message), "index": 0}, **more)


def framed(candidate: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"candidates": [candidate], **tail(**more)}


def tail(**more: Any) -> dict[str, Any]:
    """An event without candidates."""
    return {**more, "modelVersion": MODEL, "responseId": "fake-odd"}


def ending(finish: str | None, message: str | None) -> dict[str, str]:
    return {key: value for key, value in (("finishReason", finish), ("finishMessage", message)) if value is not None}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"text": words, **more}


def thought(words: str) -> dict[str, Any]:
    return {"text": words, "thought": True}


def call(name: str, args: dict[str, Any] | None, *, id: str = "", signature: str = "") -> dict[str, Any]:
    """`args` None leaves the field out."""
    body = {"name": name} | ({"args": args} if args is not None else {}) | ({"id": id} if id else {})
    return {"functionCall": body} | ({"thoughtSignature": signature} if signature else {})


def usage(prompt: int, candidates: int = 0, thoughts: int = 0, **more: int) -> dict[str, Any]:
    """`usageMetadata=`; counts of 0 are left out, as on the wire."""
    body = {"promptTokenCount": prompt, "candidatesTokenCount": candidates, "thoughtsTokenCount": thoughts, **more}
    return {"usageMetadata": {key: value for key, value in body.items() if value}}


def error(code: int | None, message: str, status: str = "") -> dict[str, Any]:
    body: dict[str, Any] = {"code": code, "message": message, "status": status}
    return {"error": {key: value for key, value in body.items() if value}}


STOP = chunk(text(""), finish="STOP")
"""The ordinary end: a chunk of its own, with an empty text."""
STOP_AFTER_CALL = chunk(text(""), finish="STOP", message="Model generated function call(s).")
