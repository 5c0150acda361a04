"""Content blocks as text, for vendors that have no such block."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

from proxy.protocol.blocks import (
    Base64Source,
    ContentBlock,
    ContentSource,
    DocumentBlock,
    SearchResultBlock,
    TextBlock,
    TextSource,
    ToolReferenceBlock,
    UnknownBlock,
)
from proxy.protocol.web_search import told

_LONGEST_VALUE = 2000


def flat_text(block: ContentBlock) -> str | None:
    """The text that stands for a block; None for one that has no text of its own (images, tool calls, thinking)."""
    match block:
        case TextBlock():
            return block.text
        case SearchResultBlock():
            head = " - ".join(part for part in (block.title, block.source) if part)
            return "\n".join([f"[Search result: {head}]", *_texts(block.content)])
        case ToolReferenceBlock():
            return f"Tool loaded: {block.tool_name}"
        case DocumentBlock():
            return _document_text(block)
        case UnknownBlock():
            return (
                told(block) or f"[{block.type}] {json.dumps(_shortened(block.model_extra or {}), ensure_ascii=False)}"
            )
        case _:
            return None


def _texts(blocks: Iterable[ContentBlock]) -> list[str]:
    return [text for block in blocks if (text := flat_text(block)) is not None]


def _document_text(block: DocumentBlock) -> str | None:
    """Documents that are text in any of their forms; None for PDFs and for those that are elsewhere."""
    match block.source:
        case TextSource():
            body = block.source.data
        case ContentSource():
            body = "\n".join(_texts(block.source.content))
        case Base64Source() if block.source.media_type.startswith("text/"):
            body = base64.b64decode(block.source.data).decode("utf-8", "replace")
        case _:
            return None
    head = [f"[Document: {block.title}]"] if block.title else []
    return "\n".join([*head, *([block.context] if block.context else []), body])


def _shortened(value: Any) -> Any:
    """Without the long opaque strings (encrypted results, file data) that only their own vendor can read."""
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_VALUE else f"[{len(value)} characters]"
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    return value
