"""Content blocks as text, for vendors that have no such block."""

from __future__ import annotations

import base64
import json
import re
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
from proxy.protocol.notes import Notes
from proxy.protocol.web_search import in_words

_OPAQUE_FIELD = re.compile(r"encrypted_\w+|(thought_?)?signature", re.IGNORECASE)
_OPAQUE_MIN = 100
"""Characters; shorter ones cost nothing, and are often no data after all."""
_DATA_FIELDS = ("data", "file_data", "base64", "blob", "bytes")
_BASE64 = re.compile(r"[A-Za-z0-9+/_=-]+")
_BASE64_MIN = 1000
"""Characters from which on a text that could be base64 is taken for it in any field."""
_BASE64_KINDS = (re.compile("[a-z]"), re.compile("[A-Z]"), re.compile("[0-9]"))
"""Of characters; so much base64 has all of them."""
_BASE64_LINE_MIN = 40
"""Characters; base64 has 60 or more in a line, no language has such words."""
_UPLOAD = "container_upload"
"""Names a file of the Files API, which code on Anthropic's servers is to work with."""
_DATA_URL = re.compile(r"data:[^,\s]{0,200};base64,")


def flat_text(block: ContentBlock, *, notes: Notes | None = None) -> str | None:
    """The text that stands for a block; None for one that has no text of its own (images, tool calls, thinking).

    Blocks that we do not know are carried whole, but for data that only their own vendor can read; `notes` collects
    what was left out.
    """
    match block:
        case TextBlock():
            return block.text
        case SearchResultBlock():
            head = " - ".join(part for part in (block.title, block.source) if part)
            return "\n".join([f"[Search result: {head}]", *_texts(block.content, notes)])
        case ToolReferenceBlock():
            return f"Tool loaded: {block.tool_name}"
        case DocumentBlock():
            return _document_text(block, notes)
        case UnknownBlock():
            return in_words(block) or _unknown_text(block, notes)
        case _:
            return None


def _texts(blocks: Iterable[ContentBlock], notes: Notes | None) -> list[str]:
    return [text for block in blocks if (text := flat_text(block, notes=notes)) is not None]


def _document_text(block: DocumentBlock, notes: Notes | None) -> str | None:
    """Documents that are text in any of their forms; None for PDFs and for those that are elsewhere."""
    match block.source:
        case TextSource():
            body = block.source.data
        case ContentSource():
            body = "\n".join(_texts(block.source.content, notes))
        case Base64Source() if block.source.media_type.startswith("text/"):
            body = base64.b64decode(block.source.data).decode("utf-8", "replace")
        case _:
            return None
    head = about(block)
    return f"{head}\n{body}" if head else body


def about(document: DocumentBlock) -> str:
    """What is said of a document in front of it: its title and context; "" where nothing is."""
    return "\n".join(filter(None, (document.title and f"[Document: {document.title}]", document.context)))


def _unknown_text(block: UnknownBlock, notes: Notes | None) -> str:
    """The block's fields as JSON; content that is text, such as a compaction's summary, after them as it is."""
    fields = dict(block.model_extra or {})
    fields.pop("cache_control", None)  # it moves on with every turn, and what was sent must stay as it was
    if block.type == _UPLOAD and notes is not None:
        notes.add(f"messages: the file of a {_UPLOAD} was left out, only Anthropic has it")
    body = _plain_text(fields.get("content"))
    if body is not None:
        del fields["content"]
    shown, shortened = _without_data(fields)
    if shortened and notes is not None:
        notes.add(f"messages: data in a {block.type} block that only its vendor can read was left out")
    try:
        written = json.dumps(shown, ensure_ascii=False)
    except RecursionError:
        written = "{}"
        if notes is not None:
            notes.add(f"messages: a {block.type} block that is nested too deeply was left out")
    if body is None:
        return f"[{block.type}] {written}"
    return f"[{block.type}] {written}\n{body}" if shown else f"[{block.type}]\n{body}"


def _plain_text(content: Any) -> str | None:
    """Content that is a text, or nothing but text blocks."""
    if isinstance(content, str):
        return None if _is_data("content", content) else content
    if not isinstance(content, list) or not content:
        return None
    texts = [each.get("text") for each in content if isinstance(each, dict) and each.get("type") == "text"]
    known = [text for text in texts if isinstance(text, str)]
    return "\n".join(known) if len(known) == len(content) else None


def _without_data(fields: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """A copy in which long opaque strings are replaced by their length, and whether there were any."""
    shortened = False
    copy = dict(fields)
    waiting: list[dict[Any, Any] | list[Any]] = [copy]
    while waiting:
        node = waiting.pop()
        for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
            if isinstance(value, str) and _is_data(key, value):
                node[key] = f"[{len(value)} characters]"
                shortened = True
            elif isinstance(value, dict | list):
                node[key] = value.copy()
                waiting.append(node[key])
    return copy, shortened


def _is_data(field: Any, value: str) -> bool:
    """Whether the value is encrypted, signed or a file's bytes. Prose is never that, however long it is."""
    if len(value) < _OPAQUE_MIN:
        return False
    if isinstance(field, str) and _OPAQUE_FIELD.fullmatch(field):
        return True
    if _DATA_URL.match(value):
        return True
    long_enough = len(value) >= _BASE64_MIN and all(kind.search(value) for kind in _BASE64_KINDS)
    if field not in _DATA_FIELDS and not long_enough:
        return False
    *lines, last = value.split() or [""]
    return all(len(line) >= _BASE64_LINE_MIN for line in lines) and all(map(_BASE64.fullmatch, (*lines, last)))
