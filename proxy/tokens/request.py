"""Counting tokens without asking anybody."""

from __future__ import annotations

import marshal
from typing import Any

from proxy.protocol.blocks import (
    Base64Source,
    ContentBlock,
    DocumentBlock,
    ImageBlock,
    OtherSource,
    RedactedThinkingBlock,
    ThinkingBlock,
    ToolAdditionBlock,
    ToolRemovalBlock,
    ToolResultBlock,
    ToolUseBlock,
    UrlSource,
)
from proxy.protocol.flatten import flat_text
from proxy.protocol.history import offered_tools
from proxy.protocol.notes import Notes
from proxy.protocol.request import MessagesRequest, Tool
from proxy.protocol.tool_json import compact
from proxy.tokens.image import image_size
from proxy.tokens.text import remembered, text_tokens

_FORMAT = 2
"""Of marshal: the last one in which equal values have equal bytes, however often they are referred to."""
_PER_MESSAGE = 4
_PER_IMAGE = 1600
"""At most, and where the size cannot be read: vendors scale larger pictures down."""
_PIXELS_PER_TOKEN = 750
_PDF_BYTES_PER_TOKEN = 40
"""A page of a PDF is some 60 kB and costs some 1500 tokens as text and picture."""


def estimate(request: MessagesRequest, *, surely: bool = False) -> int:
    """Input tokens of a request, at least 1: local, deterministic, and never less when something is added.

    Text counts by its words, an image by its pixels, a PDF by its bytes. `surely` leaves out what not every model is
    sent: images, PDFs and thinking.
    """
    blocks = [*request.system, *(block for message in request.messages for block in message.content)]
    tokens = _PER_MESSAGE * len(request.messages) + sum(_block(block, surely) for block in blocks)
    tokens += sum(_PER_MESSAGE + _tool(tool) for tool in offered_tools(request, Notes())) + _json(request.json_schema)
    return max(1, round(tokens))


def _tool(tool: Tool) -> float:
    key = (tool.name, tool.description, marshal.dumps(tool.input_schema, _FORMAT))
    return remembered(key, lambda: text_tokens(tool.name) + text_tokens(tool.description) + _json(tool.input_schema))


def _image(block: ImageBlock) -> float:
    size = image_size(block.source.data) if isinstance(block.source, Base64Source) else None
    return min(size[0] * size[1] / _PIXELS_PER_TOKEN, _PER_IMAGE) if size is not None else _PER_IMAGE


def _json(value: dict[str, Any] | None) -> float:
    """Most of a request was in the last one, too."""
    return remembered(marshal.dumps(value, _FORMAT), lambda: text_tokens(compact(value))) if value else 0


def _block(block: ContentBlock, surely: bool) -> float:
    match block:
        case ImageBlock():
            return 0 if surely else _image(block)
        case DocumentBlock(source=Base64Source(media_type="application/pdf", data=data)):
            size = 0 if surely else _PER_IMAGE + len(data) * 3 / 4 / _PDF_BYTES_PER_TOKEN
            return text_tokens(block.context) + size
        case DocumentBlock(source=UrlSource() | OtherSource()):
            return text_tokens(block.context)
        case ThinkingBlock():
            return 0 if surely else text_tokens(block.thinking)
        case ToolUseBlock():
            return _PER_MESSAGE + text_tokens(block.name) + _json(block.input)
        case ToolResultBlock():
            return _PER_MESSAGE + sum(_block(inner, surely) for inner in block.content)
        case RedactedThinkingBlock() | ToolAdditionBlock() | ToolRemovalBlock():
            return 0
        case _:
            return text_tokens(flat_text(block) or "")
