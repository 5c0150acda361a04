"""Content blocks of the Messages API, as they come in requests. See request.py for how lenient we are, and why."""

from __future__ import annotations

import binascii
from itertools import takewhile
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Strict,
    Tag,
)
from pydantic_core import PydanticCustomError

UNKNOWN = "unknown"
"""The tag of the union member that takes what we do not know."""


def _chooser(*types: str) -> Discriminator:
    """Picks a union member by `type`; any other (or none) goes to the member tagged unknown."""
    known = frozenset(types)

    def choose(value: Any) -> str:
        kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
        return kind if isinstance(kind, str) and kind in known else UNKNOWN

    return Discriminator(choose)


def _text_as_blocks(value: Any) -> Any:
    return [{"type": "text", "text": value}] if isinstance(value, str) else value


def none_as_list(value: Any) -> Any:
    return [] if value is None else value


def _none_as_blank(value: Any) -> Any:
    return "" if value is None else value


class Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Open(BaseModel):
    """Keeps the fields that we do not know, so that they can be named or passed on as text."""

    model_config = ConfigDict(extra="allow")


Blank = Annotated[str, BeforeValidator(_none_as_blank)]
Integer = Annotated[int, Strict()]


def _base64(value: str) -> str:
    value = "".join(value.split())
    try:
        binascii.a2b_base64(value, strict_mode=True)
    except ValueError:
        raise PydanticCustomError("base64", "invalid base64 data") from None
    return value


class Cacheable(Lenient):
    cache_control: Annotated[bool, BeforeValidator(bool)] = False
    """Whether the client wants what ends with this block to be cached."""
    cache_ttl: Annotated[Any, Field(validation_alias=AliasPath("cache_control", "ttl"))] = None
    """For how long."""


class Citable(Lenient):
    citations: Any = None

    @property
    def wants_citations(self) -> bool:
        """Whether the answer is to cite this block."""
        return isinstance(self.citations, dict) and bool(self.citations.get("enabled"))


class Base64Source(Lenient):
    type: Literal["base64"]
    media_type: str
    data: Annotated[str, Field(min_length=1), AfterValidator(_base64)]


class ImageData(Base64Source):
    """Anthropic refuses every other type, `image/jpg` too (anthropics/claude-code#8184, 2025-09)."""

    media_type: Literal["image/jpeg", "image/png", "image/gif", "image/webp"]


class UrlSource(Lenient):
    type: Literal["url"]
    url: str


class TextSource(Lenient):
    type: Literal["text"]
    data: str


class ContentSource(Lenient):
    type: Literal["content"]
    content: Content


class OtherSource(Open):
    """Such as `file`, which names an upload that we do not hold."""

    type: str


Source = Annotated[
    Annotated[Base64Source, Tag("base64")]
    | Annotated[UrlSource, Tag("url")]
    | Annotated[TextSource, Tag("text")]
    | Annotated[ContentSource, Tag("content")]
    | Annotated[OtherSource, Tag(UNKNOWN)],
    _chooser("base64", "url", "text", "content"),
]


ImageSource = Annotated[
    Annotated[ImageData, Tag("base64")] | Annotated[UrlSource, Tag("url")] | Annotated[OtherSource, Tag(UNKNOWN)],
    _chooser("base64", "url"),
]


class TextBlock(Cacheable):
    type: Literal["text"] = "text"
    text: str


class ImageBlock(Cacheable):
    type: Literal["image"] = "image"
    source: ImageSource


class DocumentBlock(Cacheable, Citable):
    type: Literal["document"] = "document"
    source: Source
    title: Blank = ""
    context: Blank = ""


class SearchResultBlock(Cacheable, Citable):
    type: Literal["search_result"]
    content: Content
    source: Blank = ""
    title: Blank = ""


class ThinkingBlock(Lenient):
    """Both fields may be empty: clients send back what they were given, byte for byte."""

    type: Literal["thinking"] = "thinking"
    thinking: Blank = ""
    signature: Blank = ""


class RedactedThinkingBlock(Lenient):
    type: Literal["redacted_thinking"] = "redacted_thinking"
    data: Blank = ""


class ToolUseBlock(Lenient):
    type: Literal["tool_use"] = "tool_use"
    id: str
    name: str
    input: dict[str, Any]


class ToolResultBlock(Cacheable):
    type: Literal["tool_result"] = "tool_result"
    tool_use_id: str
    content: Annotated[Content, BeforeValidator(none_as_list)] = Field(default_factory=list)
    is_error: bool | None = None


class ToolReferenceBlock(Cacheable):
    """The result of a tool search: from here on the named deferred tool is loaded."""

    type: Literal["tool_reference"]
    tool_name: str


class ToolAdditionBlock(Lenient):
    """`tool` is a reference, `{"type": "tool_reference", "name"}`, or a whole definition."""

    type: Literal["tool_addition"]
    tool: dict[str, Any]


class ToolRemovalBlock(Lenient):
    type: Literal["tool_removal"]
    tool: dict[str, Any]


class UnknownBlock(Open):
    type: str


ContentBlock = (
    TextBlock
    | ImageBlock
    | DocumentBlock
    | SearchResultBlock
    | ThinkingBlock
    | RedactedThinkingBlock
    | ToolUseBlock
    | ToolResultBlock
    | ToolReferenceBlock
    | ToolAdditionBlock
    | ToolRemovalBlock
    | UnknownBlock
)


def _with_pictures_beside(blocks: list[ContentBlock]) -> list[ContentBlock]:
    """Pictures inside of documents stand behind their words instead, where all that looks for pictures finds them."""
    for block in blocks:  # this is done for every message, and hardly one has a document
        if isinstance(block, DocumentBlock):
            return [part for each in blocks for part in _parts(each)]
    return blocks


def _parts(block: ContentBlock) -> list[ContentBlock]:
    """Of a document what stands before its first picture, then what else it holds; any other block as it is."""
    if not isinstance(block, DocumentBlock) or not isinstance(block.source, ContentSource):
        return [block]
    content = block.source.content
    words = [*takewhile(lambda each: not isinstance(each, ImageBlock), content)]
    beside = content[len(words) :]
    if not beside:
        return [block]
    last = beside[-1]
    if block.cache_control and isinstance(last, Cacheable):
        last = last.model_copy(update={"cache_control": True, "cache_ttl": block.cache_ttl})
    begun = {"source": ContentSource(type="content", content=words), "cache_control": False, "cache_ttl": None}
    return [block.model_copy(update=begun), *beside[:-1], last]


_AnyBlock = Annotated[
    Annotated[TextBlock, Tag("text")]
    | Annotated[ImageBlock, Tag("image")]
    | Annotated[DocumentBlock, Tag("document")]
    | Annotated[SearchResultBlock, Tag("search_result")]
    | Annotated[ThinkingBlock, Tag("thinking")]
    | Annotated[RedactedThinkingBlock, Tag("redacted_thinking")]
    | Annotated[ToolUseBlock, Tag("tool_use")]
    | Annotated[ToolResultBlock, Tag("tool_result")]
    | Annotated[ToolReferenceBlock, Tag("tool_reference")]
    | Annotated[ToolAdditionBlock, Tag("tool_addition")]
    | Annotated[ToolRemovalBlock, Tag("tool_removal")]
    | Annotated[UnknownBlock, Tag(UNKNOWN)],
    _chooser(
        "text",
        "image",
        "document",
        "search_result",
        "thinking",
        "redacted_thinking",
        "tool_use",
        "tool_result",
        "tool_reference",
        "tool_addition",
        "tool_removal",
    ),
]
Content = Annotated[list[_AnyBlock], BeforeValidator(_text_as_blocks), AfterValidator(_with_pictures_beside)]
