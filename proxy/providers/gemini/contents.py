"""The conversation as Gemini's `contents`: user and model turns, each function call answered in the turn after it."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from proxy.models.catalog import ModelFacts
from proxy.protocol.blocks import (
    Base64Source,
    ContentBlock,
    DocumentBlock,
    ImageBlock,
    RedactedThinkingBlock,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    UrlSource,
)
from proxy.protocol.flatten import about, flat_text
from proxy.protocol.history import AssistantTurn, ResultsTurn, SystemTurn, Turn, UserTurn
from proxy.protocol.notes import Notes
from proxy.providers.common import placeholders
from proxy.providers.common.tool_names import ToolNames
from proxy.providers.gemini.signatures import SENTINEL, Signatures

_IMAGES = ("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif")
_PDF = "application/pdf"
_IN_RESPONSES = ("image/png", "image/jpeg", "image/webp", _PDF)
"""What a function response may hold; the rest goes into the user's turn after it."""

Part = dict[str, Any]
Content = dict[str, Any]


@dataclass(slots=True)
class Contents:
    """Builds the `contents` of one request.

    Neighbouring turns of the same side are one content, but function responses keep one of their own. `ids`: calls and
    responses may have them. `fetches`: Gemini may be given addresses of files. `sentinels`: the signatures that we hold
    have been refused.
    """

    names: ToolNames
    signatures: Signatures
    facts: ModelFacts
    notes: Notes
    vision: bool = True
    ids: bool = True
    fetches: bool = True
    sentinels: bool = False
    contents: list[Content] = field(default_factory=list)
    _calls: dict[str, str] = field(default_factory=dict)

    def build(self, system: str, turns: Sequence[Turn]) -> list[Content]:
        """`system` is empty where instructions have a field of their own."""
        self._user([_text(system)] if system else [])
        for turn in turns:
            match turn:
                case SystemTurn(text):
                    self._user([_text(placeholders.system_reminder(text))])
                case UserTurn(blocks):
                    self._user([part for block in blocks for part in self._parts(block)])
                case AssistantTurn(blocks):
                    self._model(blocks)
                case ResultsTurn(results):
                    self._results(results)
        if self.contents and self.contents[0]["role"] == "model":
            self.contents.insert(0, {"role": "user", "parts": [_text(placeholders.NO_USER)]})
        if not self.contents:
            self._user([_text(placeholders.NO_USER)])
        elif self.contents[-1]["role"] == "model":
            self.notes.add("messages: the beginning of the answer was given; the model was asked to go on from it")
            self._user([_text(placeholders.GO_ON)])
        return self.contents

    def _user(self, parts: list[Part]) -> None:
        if not parts:
            return
        last = self.contents[-1] if self.contents else None
        if last is not None and last["role"] == "user" and "functionResponse" not in last["parts"][0]:
            last["parts"].extend(parts)
        else:
            self.contents.append({"role": "user", "parts": parts})

    def _model(self, blocks: list[ContentBlock]) -> None:
        parts: list[Part] = []
        signature: str | None = None
        self._calls = {}
        for block in blocks:
            if isinstance(block, ThinkingBlock):
                unsealed = self.signatures.unseal(block.signature)
                signature = unsealed or signature
                if unsealed is None:
                    self.notes.add("messages: earlier thinking was left out")
            elif isinstance(block, RedactedThinkingBlock):
                self.notes.add("messages: earlier thinking was left out")
            elif isinstance(block, ToolUseBlock):
                parts.append(self._call(block, signature))
                signature = None
            elif isinstance(block, ImageBlock | ToolResultBlock):
                self.notes.add(f"messages: a {block.type} block in an assistant turn was dropped")
            elif text := flat_text(block, notes=self.notes):
                parts.append(_text(text))
        if parts and self.contents and self.contents[-1]["role"] == "model":
            self.contents[-1]["parts"].extend(parts)
        elif parts:
            self.contents.append({"role": "model", "parts": parts})

    def _call(self, block: ToolUseBlock, signature: str | None) -> Part:
        """Gemini signs a step's first call; of later ones it asks nothing."""
        is_first = not self._calls
        self._calls[block.id] = block.name
        part = {"functionCall": {**self._id(block.id), "name": self.names.upstream(block.name), "args": block.input}}
        if self.sentinels:
            signature = None
        elif signature is None and is_first:
            signature = self.signatures.recall(block.name, block.input)
        if signature is None and is_first and self.facts.since_gemini_3:
            signature = SENTINEL
        return {**part, "thoughtSignature": signature} if signature else part

    def _id(self, tool_use_id: str) -> dict[str, str]:
        """Models before 2.5 are reported to refuse ids."""
        return {"id": tool_use_id} if self.ids and self.facts.reasons else {}

    def _results(self, results: list[ToolResultBlock]) -> None:
        responses: list[Part] = []
        files: list[Part] = []
        for result in results:
            name = self._calls[result.tool_use_id]
            response, beside = self._response(result, name)
            responses.append(response)
            files += [_text(placeholders.output_of(name)), *beside] if beside else []
        self.contents.append({"role": "user", "parts": responses})
        self._user(files)

    def _response(self, result: ToolResultBlock, name: str) -> tuple[Part, list[Part]]:
        """The function response, and what it cannot hold."""
        texts: list[str] = []
        inside: list[Part] = []
        beside: list[Part] = []
        for part in (part for block in result.content for part in self._parts(block)):
            if "text" in part:
                texts.append(part["text"])
                continue
            mime = next(iter(part.values()))["mimeType"]
            fits = self.facts.since_gemini_3 and "inlineData" in part and mime in _IN_RESPONSES
            what = "an image" if mime in _IMAGES else "a file"
            texts.append(placeholders.attached(what) if fits else placeholders.see_below(what))
            (inside if fits else beside).append(part)
        output = "\n".join(texts) if any(map(str.strip, texts)) else placeholders.NO_OUTPUT
        response: Part = {
            **self._id(result.tool_use_id),
            "name": self.names.upstream(name),
            "response": {"error" if result.is_error else "output": output},
        }
        if inside:
            response["parts"] = inside
        return {"functionResponse": response}, beside

    def _parts(self, block: ContentBlock) -> Iterator[Part]:
        """A block of a user turn or a tool result as parts: text, inlineData, fileData."""
        match block:
            case ImageBlock():
                yield self._file(block, "image", _IMAGES if self.vision else ())
            case DocumentBlock() if flat_text(block) is None:
                if said := about(block):
                    yield _text(said)
                yield self._file(block, "document", (_PDF,) if self.facts.pdf else ())
            case _:
                text = flat_text(block, notes=self.notes)
                if text is None:
                    self.notes.add(f"messages: a {block.type} block in a user turn was dropped")
                elif text.strip():
                    yield _text(text)

    def _file(self, block: ImageBlock | DocumentBlock, what: str, taken: Sequence[str]) -> Part:
        """Files elsewhere are named, never fetched by us; what cannot be read is said to be missing."""
        match block.source:
            case Base64Source(media_type=kind, data=data):
                if kind in taken:
                    return {"inlineData": {"mimeType": kind, "data": data}}
            case UrlSource(url=url) if taken and self.facts.reasons and self.fetches and url.startswith("https://"):
                guess = mimetypes.guess_type(url.partition("?")[0])[0]
                return {"fileData": {"mimeType": guess if guess in taken else taken[0], "fileUri": url}}
            case other:
                kind = "an address" if isinstance(other, UrlSource) else other.type
        self.notes.add(f"messages: a file was left out, the model cannot read it ({what}, {kind})")
        return _text(placeholders.file_left_out(what, kind))


def _text(text: str) -> Part:
    return {"text": text}
