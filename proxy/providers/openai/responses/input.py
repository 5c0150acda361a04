"""The conversation as input items of the Responses API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from proxy.protocol.blocks import (
    Base64Source,
    ContentBlock,
    DocumentBlock,
    ImageBlock,
    RedactedThinkingBlock,
    TextBlock,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    UrlSource,
)
from proxy.protocol.flatten import about, flat_text
from proxy.protocol.history import AssistantTurn, ResultsTurn, SystemTurn, Turn, UserTurn
from proxy.protocol.notes import Notes
from proxy.protocol.signature import unseal
from proxy.protocol.tool_json import compact
from proxy.providers.common import placeholders
from proxy.providers.common.tool_names import ToolNames
from proxy.providers.openai.breakpoints import Breakpoints
from proxy.providers.openai.documents import file_name, said_before
from proxy.providers.openai.tools import CallIds

TRANSPORT = "openai-responses"
"""Names this API in the envelopes of reasoning state."""

Item = dict[str, Any]


@dataclass(slots=True)
class ResponsesInput:
    """Builds the `input` of one request. Blocks keep their order: reasoning belongs to the call that follows it."""

    names: ToolNames
    model: str
    vision: bool
    pdf: bool
    replay_reasoning: bool
    notes: Notes
    breakpoints: Breakpoints
    items: list[Item] = field(default_factory=list)
    _ids: CallIds = field(default_factory=CallIds)

    def build(self, system: Sequence[TextBlock], turns: Sequence[Turn]) -> list[Item]:
        """`system`: the system prompt, unless it is in `instructions`, which cannot carry a cache breakpoint."""
        self._message("developer", [self.breakpoints.mark(_input_text(block.text), block) for block in system])
        for turn in turns:
            match turn:
                case SystemTurn(text):
                    self._message("developer", [self.breakpoints.mark(_input_text(text), turn)])
                case UserTurn(blocks):
                    parts = (self.breakpoints.mark_last(self._parts(block), block) for block in blocks)
                    self._message("user", [*chain.from_iterable(parts)])
                case AssistantTurn(blocks):
                    self._assistant(blocks)
                case ResultsTurn(results):
                    self.items.extend(map(self._output, results))
        if not any(item.get("role") == "user" for item in self.items):
            self._message("user", [_input_text(placeholders.NO_USER)])
        return self.items

    def _message(self, role: str, parts: list[Item]) -> None:
        if parts:
            self.items.append({"type": "message", "role": role, "content": parts})

    def _assistant(self, blocks: list[ContentBlock]) -> None:
        reasoning: Item | None = None
        for block in blocks:
            if isinstance(block, ThinkingBlock | RedactedThinkingBlock):
                reasoning = self._reasoning(block) or reasoning
                continue
            item = self._spoken(block)
            if item is None:
                continue
            if reasoning is not None:  # only in front of the item that it led to, never alone
                self.items.append(reasoning)
                reasoning = None
            self.items.append(item)

    def _spoken(self, block: ContentBlock) -> Item | None:
        if isinstance(block, ToolUseBlock):
            return {
                "type": "function_call",
                "call_id": self._ids.of_call(block.id),
                "name": self.names.upstream(block.name),
                "arguments": compact(block.input),
            }
        text = flat_text(block, notes=self.notes)
        if text is None:
            self.notes.add(f"messages: a {block.type} block in an assistant turn was dropped")
        if not text:
            return None
        return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}

    def _reasoning(self, block: ThinkingBlock | RedactedThinkingBlock) -> Item | None:
        """The reasoning item that a signature of ours holds. Without its id: the API takes ids only where it stored."""
        sealed = block.signature if isinstance(block, ThinkingBlock) else block.data
        payload = unseal(sealed, TRANSPORT, self.model)
        if payload is None or not self.replay_reasoning:
            self.notes.add("messages: earlier thinking of another model was left out")
            return None
        text = block.thinking if isinstance(block, ThinkingBlock) else ""
        summary = [{"type": "summary_text", "text": text}] if text else []
        return {"type": "reasoning", "summary": summary, "encrypted_content": payload}

    def _output(self, result: ToolResultBlock) -> Item:
        """Text as a string; with images or files, a list of parts, which this API takes in place.

        A list always where a part may have to carry a cache breakpoint.
        """
        parts = [part for block in result.content for part in self._parts(block)]
        texts = [part["text"] for part in parts if part["type"] == "input_text"]
        output: str | list[Item]
        if len(texts) == len(parts):
            output = "\n".join(texts) if any(map(str.strip, texts)) else placeholders.NO_OUTPUT
            output = placeholders.failed(output) if result.is_error else output
        else:
            output = [_input_text(placeholders.ERROR), *parts] if result.is_error else parts
        if self.breakpoints.wanted:
            output = [_input_text(output)] if isinstance(output, str) else output
            self.breakpoints.mark(output[-1], result, *result.content)
        return {"type": "function_call_output", "call_id": self._ids.of_result(result.tool_use_id), "output": output}

    def _parts(self, block: ContentBlock) -> list[Item]:
        match block:
            case ImageBlock():
                return [self._image(block)]
            case DocumentBlock() if flat_text(block) is None:
                return self._document(block)
            case _:
                text = flat_text(block, notes=self.notes)
                if text is None:
                    self.notes.add(f"messages: a {block.type} block in a user turn was dropped")
                return _said(text or "")

    def _image(self, block: ImageBlock) -> Item:
        match block.source:
            case _ if not self.vision:
                self.notes.add("messages: an image was left out, the model takes none")
                return _input_text(placeholders.IMAGE_NOT_SEEN)
            case Base64Source(media_type=media_type, data=data):
                return {"type": "input_image", "image_url": f"data:{media_type};base64,{data}", "detail": "auto"}
            case UrlSource(url=url):
                return {"type": "input_image", "image_url": url, "detail": "auto"}
            case other:
                self.notes.add(f"messages: an image with a source of type {other.type} was left out")
                return _input_text(placeholders.image_unreadable(other.type))

    def _document(self, block: DocumentBlock) -> list[Item]:
        source, title = block.source, block.title or "document.pdf"
        if isinstance(source, UrlSource) and self.pdf:  # a file that has no name
            return [*_said(about(block)), {"type": "input_file", "file_url": source.url}]
        said = _said(said_before(block))
        if isinstance(source, Base64Source) and source.media_type == "application/pdf" and self.pdf:
            data = f"data:application/pdf;base64,{source.data}"
            return [*said, {"type": "input_file", "filename": file_name(block), "file_data": data}]
        kind = source.media_type if isinstance(source, Base64Source) else source.type
        self.notes.add(f"messages: a document ({kind}) was left out, this model cannot read it")
        return [*said, _input_text(placeholders.document_left_out(title, kind))]


def _said(text: str) -> list[Item]:
    return [_input_text(text)] if text else []


def _input_text(text: str) -> Item:
    return {"type": "input_text", "text": text}
