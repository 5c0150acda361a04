"""The conversation as Chat Completions messages, in an order that every server accepts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from proxy.models.habits import Habits
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
from proxy.protocol.flatten import flat_text
from proxy.protocol.history import AssistantTurn, ResultsTurn, SystemTurn, Turn, UserTurn
from proxy.protocol.notes import Notes
from proxy.protocol.tool_json import compact
from proxy.providers.common import placeholders
from proxy.providers.common.tool_names import ToolNames
from proxy.providers.openai.breakpoints import Breakpoints
from proxy.providers.openai.chat.reasoning_details import SENTINEL, call_signature, opened
from proxy.providers.openai.documents import file_name, said_before
from proxy.providers.openai.tools import call_id

Part = dict[str, Any]
ChatMessage = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the server takes in messages. `system_anywhere`: instructions in mid-conversation, not only first."""

    vision: bool
    pdf: bool
    system_role: bool
    system_anywhere: bool


@dataclass(slots=True)
class ChatMessages:
    """Builds the `messages` of one request. Neighbouring user messages become one: many templates want turns."""

    names: ToolNames
    model: str
    abilities: Abilities
    habits: Habits
    notes: Notes
    breakpoints: Breakpoints
    messages: list[ChatMessage] = field(default_factory=list)

    def build(self, system: Sequence[TextBlock], turns: Sequence[Turn]) -> list[ChatMessage]:
        prompt = self._content([self.breakpoints.mark(_text(block.text), block) for block in system])
        if prompt and self.abilities.system_role:
            self.messages.append({"role": "system", "content": prompt})
        elif prompt:
            self._user(_as_parts(prompt))
        for turn in turns:
            match turn:
                case SystemTurn():
                    self._instructions(turn)
                case UserTurn(blocks):
                    parts = (self.breakpoints.mark_last(self._parts(block), block) for block in blocks)
                    self._user([*chain.from_iterable(parts)])
                case AssistantTurn(blocks):
                    self._assistant(blocks)
                case ResultsTurn(results):
                    self._results(results)
        if not any(message["role"] == "user" for message in self.messages):
            self._user([_text(placeholders.NO_USER)])
        if self.habits.prefix and self.messages[-1]["role"] == "assistant":
            self.messages[-1]["prefix"] = True
        return self.messages

    def _instructions(self, turn: SystemTurn) -> None:
        if self.abilities.system_anywhere:
            content = self._content([self.breakpoints.mark(_text(turn.text), turn)])
            self.messages.append({"role": "system", "content": content})
        else:
            self._user([_text(placeholders.system_reminder(turn.text))])

    def _user(self, parts: list[Part]) -> None:
        if not parts:
            return
        last = self.messages[-1] if self.messages else None
        if last is not None and last["role"] == "user":
            last["content"] = self._content([*_as_parts(last["content"]), *parts])
            return
        if last is not None and last["role"] == "tool" and self.habits.answer_after_tools:
            self.messages.append({"role": "assistant", "content": placeholders.BRIDGE})
        self.messages.append({"role": "user", "content": self._content(parts)})

    def _content(self, parts: list[Part]) -> str | list[Part]:
        """Text alone as one string, which is all that some servers' templates understand."""
        if not self.breakpoints.wanted and all(part["type"] == "text" for part in parts):
            return "\n\n".join(part["text"] for part in parts)
        return parts

    def _assistant(self, blocks: list[ContentBlock]) -> None:
        texts: list[str] = []
        thoughts: list[str] = []
        calls: list[dict[str, Any]] = []
        signed: str | None = None
        previous: ContentBlock | None = None
        for block in blocks:
            if signature := call_signature(block, self.model):
                signed = signature
            elif isinstance(block, RedactedThinkingBlock):
                thoughts.append("")
            if isinstance(block, ThinkingBlock):
                thoughts.append(block.thinking)
            elif isinstance(block, ToolUseBlock):
                calls.append(self._call(block, signed))
                signed = None
            elif isinstance(block, ImageBlock | ToolResultBlock):
                self.notes.add(f"messages: a {block.type} block in an assistant turn was dropped")
            elif text := flat_text(block, notes=self.notes):
                goes_on = isinstance(previous, TextBlock) and isinstance(block, TextBlock)
                joint = "" if not texts or goes_on else "\n\n"
                texts.append(joint + text)
            previous = block
        message: ChatMessage = {"role": "assistant", "content": "".join(texts) or None}
        if calls:
            message["tool_calls"] = calls
        details = [] if self.habits.no_reasoning_replay else opened(blocks, self.model)
        if details:
            message["reasoning_details"] = details
        if self.habits.reasoning_content and (calls or any(thoughts)):
            message["reasoning_content"] = "\n\n".join(thought for thought in thoughts if thought)
        elif not details and thoughts:
            self.notes.add("messages: earlier thinking was left out")
        if texts or calls:
            self.messages.append(message)

    def _call(self, block: ToolUseBlock, signed: str | None) -> dict[str, Any]:
        """`signed`: the thought signature that came with the call, which Gemini 3 wants back on it."""
        arguments = compact(block.input)
        function = {"name": self.names.upstream(block.name), "arguments": arguments}
        call: dict[str, Any] = {"id": self._call_id(block.id), "type": "function", "function": function}
        if signed:
            signature = SENTINEL if self.habits.no_reasoning_replay else signed
            call["extra_content"] = {"google": {"thought_signature": signature}}
        return call

    def _call_id(self, tool_use_id: str) -> str:
        return call_id(tool_use_id, alphanumeric=self.habits.short_call_ids)

    def _results(self, results: list[ToolResultBlock]) -> None:
        """All tool messages first; what they cannot hold follows in one user message."""
        files: list[Part] = []
        for result in results:
            texts: list[str] = []
            for block in result.content:
                for part in self._parts(block):
                    if part["type"] == "text":
                        texts.append(part["text"])
                    else:
                        texts.append(placeholders.see_below("an image" if part["type"] == "image_url" else "a file"))
                        files.append(part)
            content = "\n".join(texts) if any(map(str.strip, texts)) else placeholders.NO_OUTPUT
            if result.is_error:
                content = placeholders.failed(content)
            whole = self._content([self.breakpoints.mark(_text(content), result, *result.content)])
            self.messages.append({"role": "tool", "tool_call_id": self._call_id(result.tool_use_id), "content": whole})
        if files:
            self._user([_text(placeholders.TOOL_OUTPUT), *files])

    def _parts(self, block: ContentBlock) -> list[Part]:
        """A block of a user turn or a tool result as content parts."""
        match block:
            case ImageBlock():
                return [self._image(block)]
            case DocumentBlock() if flat_text(block) is None:
                said = said_before(block)
                return [*([_text(said)] if said else []), self._document(block)]
            case _:
                text = flat_text(block, notes=self.notes)
                if text is None:
                    self.notes.add(f"messages: a {block.type} block in a user turn was dropped")
                return [_text(text)] if text else []

    def _image(self, block: ImageBlock) -> Part:
        if not self.abilities.vision:
            self.notes.add("messages: an image was left out, the model takes none")
            return _text(placeholders.IMAGE_NOT_SEEN)
        match block.source:
            case Base64Source(media_type=media_type, data=data):
                return {"type": "image_url", "image_url": {"url": f"data:{media_type};base64,{data}"}}
            case UrlSource(url=url):
                return {"type": "image_url", "image_url": {"url": url}}
            case other:
                self.notes.add(f"messages: an image with a source of type {other.type} was left out")
                return _text(placeholders.image_unreadable(other.type))

    def _document(self, block: DocumentBlock) -> Part:
        source, title = block.source, block.title or "document.pdf"
        if isinstance(source, Base64Source) and source.media_type == "application/pdf" and self.abilities.pdf:
            data = f"data:application/pdf;base64,{source.data}"
            return {"type": "file", "file": {"filename": file_name(block), "file_data": data}}
        kind = source.media_type if isinstance(source, Base64Source) else source.type
        self.notes.add(f"messages: a document ({kind}) was left out, this server cannot read it")
        return _text(placeholders.document_left_out(title, kind))


def _text(text: str) -> Part:
    return {"type": "text", "text": text}


def _as_parts(content: str | list[Part]) -> list[Part]:
    return [_text(content)] if isinstance(content, str) else content
