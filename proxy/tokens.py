"""Counting tokens without asking anybody."""

from __future__ import annotations

import json

from proxy.protocol.blocks import (
    Base64Source,
    ContentBlock,
    DocumentBlock,
    ImageBlock,
    RedactedThinkingBlock,
    ThinkingBlock,
    ToolAdditionBlock,
    ToolRemovalBlock,
    ToolResultBlock,
    ToolUseBlock,
)
from proxy.protocol.flatten import flat_text
from proxy.protocol.history import offered_tools
from proxy.protocol.notes import Notes
from proxy.protocol.request import MessagesRequest

_ASCII_PER_TOKEN = 4.0
_OTHER_PER_TOKEN = 1.5
_PER_MESSAGE = 4
_PER_IMAGE = 1500
_PDF_BYTES_PER_TOKEN = 40
"""A page of a PDF is some 60 kB and costs some 1500 tokens as text and picture."""


def estimate(request: MessagesRequest) -> int:
    """Input tokens of a request, at least 1: local, deterministic, and never less when something is added.

    Text counts by its characters; an image counts the same whatever its size on the wire, a PDF by its bytes.
    """
    tokens = sum(map(_block, request.system))
    for message in request.messages:
        tokens += _PER_MESSAGE + sum(map(_block, message.content))
    for tool in offered_tools(request, Notes()):
        tokens += _PER_MESSAGE + _text(tool.name) + _text(tool.description) + _json(tool.input_schema)
    return max(1, round(tokens))


def _text(text: str) -> float:
    if text.isascii():
        return len(text) / _ASCII_PER_TOKEN
    ascii_chars = len(text.encode("ascii", "ignore"))
    return ascii_chars / _ASCII_PER_TOKEN + (len(text) - ascii_chars) / _OTHER_PER_TOKEN


def _json(value: object) -> float:
    return _text(json.dumps(value, ensure_ascii=False, separators=(",", ":"))) if value else 0


def _block(block: ContentBlock) -> float:
    match block:
        case ImageBlock():
            return _PER_IMAGE
        case DocumentBlock(source=Base64Source(media_type="application/pdf", data=data)):
            return _PER_IMAGE + len(data) * 3 / 4 / _PDF_BYTES_PER_TOKEN
        case ToolUseBlock():
            return _PER_MESSAGE + _text(block.name) + _json(block.input)
        case ToolResultBlock():
            return _PER_MESSAGE + sum(map(_block, block.content))
        case ThinkingBlock():
            return _text(block.thinking)
        case RedactedThinkingBlock() | ToolAdditionBlock() | ToolRemovalBlock():
            return 0
        case _:
            return _text(flat_text(block) or "")
