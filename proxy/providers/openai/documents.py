"""Documents that are files, for OpenAI's APIs. Pure."""

from __future__ import annotations

from proxy.protocol.blocks import DocumentBlock
from proxy.protocol.flatten import about

_ENDING = ".pdf"


def file_name(document: DocumentBlock) -> str:
    """OpenAI tells what a file is by the end of its name ("Expected context stuffing file type to be a supported
    format: .pdf but got none", 2026-08), and a title of Anthropic's has none."""
    title = document.title or "document"
    return title if title.lower().endswith(_ENDING) else f"{title}{_ENDING}"


def said_before(document: DocumentBlock) -> str:
    """What stands in front of a file because its name does not say it; "" where it says all."""
    return about(document) if document.context else ""
