"""The body of `POST /v1/messages`: what we accept and how we refuse.

Lenient by design: unknown fields, betas and block types pass (every client release brings new ones), nulls stand for
absent fields, a string stands for one text block. What cannot be read is refused in the words of Anthropic's own API,
`path.to.field: reason`, because Claude Code and the SDKs match on them.
"""

from __future__ import annotations

import binascii
import json
import re
from typing import Annotated, Any, Literal, NoReturn, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Strict,
    Tag,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from proxy.protocol.errors import ApiError

_UNKNOWN = "unknown"
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def _chooser(*known: str) -> Discriminator:
    """Picks a union member by `type`; a type that is not `known` (or no type) goes to the member tagged unknown."""

    def choose(value: Any) -> str:
        kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
        return kind if isinstance(kind, str) and kind in known else _UNKNOWN

    return Discriminator(choose)


def _text_as_blocks(value: Any) -> Any:
    return [{"type": "text", "text": value}] if isinstance(value, str) else value


def _none_as_list(value: Any) -> Any:
    return [] if value is None else value


def _none_as_blank(value: Any) -> Any:
    return "" if value is None else value


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Open(BaseModel):
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


class Base64Source(_Lenient):
    type: Literal["base64"]
    media_type: str
    data: Annotated[str, Field(min_length=1), AfterValidator(_base64)]


class UrlSource(_Lenient):
    type: Literal["url"]
    url: str


class TextSource(_Lenient):
    type: Literal["text"]
    data: str


class ContentSource(_Lenient):
    type: Literal["content"]
    content: Content


class OtherSource(_Open):
    """Such as `file`, which names an upload that we do not hold."""

    type: str


Source = Annotated[
    Annotated[Base64Source, Tag("base64")]
    | Annotated[UrlSource, Tag("url")]
    | Annotated[TextSource, Tag("text")]
    | Annotated[ContentSource, Tag("content")]
    | Annotated[OtherSource, Tag(_UNKNOWN)],
    _chooser("base64", "url", "text", "content"),
]


class TextBlock(_Lenient):
    type: Literal["text"] = "text"
    text: str


class ImageBlock(_Lenient):
    type: Literal["image"] = "image"
    source: Source


class DocumentBlock(_Lenient):
    type: Literal["document"] = "document"
    source: Source
    title: Blank = ""
    context: Blank = ""


class SearchResultBlock(_Lenient):
    type: Literal["search_result"]
    content: Content
    source: Blank = ""
    title: Blank = ""


class ThinkingBlock(_Lenient):
    """Both fields may be empty: clients send back what they were given, byte for byte."""

    type: Literal["thinking"] = "thinking"
    thinking: Blank = ""
    signature: Blank = ""


class RedactedThinkingBlock(_Lenient):
    type: Literal["redacted_thinking"] = "redacted_thinking"
    data: Blank = ""


class ToolUseBlock(_Lenient):
    type: Literal["tool_use"] = "tool_use"
    id: str
    name: str
    input: dict[str, Any]


class ToolResultBlock(_Lenient):
    type: Literal["tool_result"] = "tool_result"
    tool_use_id: str
    content: Annotated[Content, BeforeValidator(_none_as_list)] = Field(default_factory=list)
    is_error: bool | None = None


class ToolReferenceBlock(_Lenient):
    """The result of a tool search: from here on the named deferred tool is loaded."""

    type: Literal["tool_reference"]
    tool_name: str


class ToolAdditionBlock(_Lenient):
    """`tool` is a reference, `{"type": "tool_reference", "name"}`, or a whole definition."""

    type: Literal["tool_addition"]
    tool: dict[str, Any]


class ToolRemovalBlock(_Lenient):
    type: Literal["tool_removal"]
    tool: dict[str, Any]


class UnknownBlock(_Open):
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
    | Annotated[UnknownBlock, Tag(_UNKNOWN)],
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
Content = Annotated[list[_AnyBlock], BeforeValidator(_text_as_blocks)]


class OutputConfig(_Lenient):
    effort: str | None = None
    format: dict[str, Any] | None = None


class Message(_Lenient):
    role: Literal["user", "assistant", "system"]
    content: Content
    output_config: OutputConfig | None = None


class Tool(_Lenient):
    """A custom tool (no `type`, or "custom") or one that Anthropic defines (`type` such as web_search_20250305)."""

    type: str | None = None
    name: Blank = ""
    description: Blank = ""
    input_schema: dict[str, Any] | None = None
    strict: bool | None = None
    defer_loading: bool | None = None

    @property
    def is_custom(self) -> bool:
        return self.type in (None, "custom")


class ToolChoice(_Lenient):
    type: Literal["auto", "any", "tool", "none"]
    name: Blank = ""
    disable_parallel_tool_use: bool | None = None


class Thinking(_Lenient):
    """`type`: adaptive, enabled, disabled, between_tools; a type that is not known counts as adaptive."""

    type: str
    budget_tokens: Integer | None = None
    display: str | None = None


class MessagesRequest(_Open):
    """One request. `content`, `system` and tool results are always lists of blocks, however they were written."""

    model: str
    messages: list[Message]
    max_tokens: Annotated[Integer, Field(ge=0)]
    system: Annotated[Content, BeforeValidator(_none_as_list)] = Field(default_factory=list)
    tools: Annotated[list[Tool], BeforeValidator(_none_as_list)] = Field(default_factory=list)
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: dict[str, Any] | None = None
    stop_sequences: Annotated[list[str], BeforeValidator(_none_as_list)] = Field(default_factory=list)
    stream: bool | None = None
    metadata: dict[str, Any] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    service_tier: str | None = None
    speed: str | None = None

    @property
    def effort(self) -> str | None:
        """The effort in force: that of the latest message which sets one, else the request's."""
        for message in reversed(self.messages):
            if message.output_config is not None and message.output_config.effort:
                return message.output_config.effort
        return self.output_config.effort if self.output_config is not None else None

    @property
    def json_schema(self) -> dict[str, Any] | None:
        """The schema that the answer must follow, from `output_config.format` or the older `output_format`."""
        wanted = (self.output_config.format if self.output_config is not None else None) or self.output_format
        schema = wanted.get("schema") if wanted and wanted.get("type") == "json_schema" else None
        return schema if isinstance(schema, dict) else None


class CountRequest(MessagesRequest):
    """The body of `POST /v1/messages/count_tokens`, which has no `max_tokens`."""

    max_tokens: Annotated[Integer, Field(ge=0)] = 0


def read_request(body: bytes) -> MessagesRequest:
    """Reads a messages request, whoever is to answer it.

    Raises:
        ApiError: 400, naming the field and what is wrong with it.
    """
    return _validated(MessagesRequest, _loads(body))


def parse_request(body: bytes) -> MessagesRequest:
    """Reads a messages request that will be translated; raises as `read_request` does."""
    return checked(read_request(body))


def checked(request: MessagesRequest) -> MessagesRequest:
    """The request, unless it holds what cannot be translated or contradicts itself; raises ApiError (400)."""
    _refuse_threads(request)
    _check_tools(request)
    return request


def parse_count_request(body: bytes) -> CountRequest:
    """Reads a token counting request; raises as `parse_request` does."""
    return _validated(CountRequest, _loads(body))


_Request = TypeVar("_Request", bound=MessagesRequest)


def _validated(model: type[_Request], value: dict[str, Any]) -> _Request:
    try:
        request = model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise ApiError(400, f"{_path(first['loc'])}: {_reason(first['type'], first['msg'])}") from None
    if not request.messages:
        raise ApiError(400, "messages: at least one message is required")
    return request


def _path(location: tuple[int | str, ...]) -> str:
    """pydantic's location as Anthropic prints it: without the tag of the open union member."""
    return ".".join(str(part) for part in location if part != _UNKNOWN)


def _reason(kind: str, message: str) -> str:
    return "Field required" if kind == "missing" else re.sub(r" or instance of \w+", "", message)


def _loads(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise ApiError(400, "The request body is not valid JSON: it is not UTF-8") from None
    except RecursionError:
        raise ApiError(400, "The request body is not valid JSON: it is nested too deeply") from None
    except ValueError as error:
        raise ApiError(400, f"The request body is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise ApiError(400, "The request body is not valid JSON: an object is expected")
    if _ESCAPED_SURROGATE.search(body):
        value = {key: _without_half_characters(item) for key, item in value.items()}
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _without_half_characters(value: Any) -> Any:
    """Clients that cut strings by UTF-16 units send half characters, which no upstream's UTF-8 can hold."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_half_characters(item) for item in value]
    if isinstance(value, dict):
        return {_without_half_characters(key): _without_half_characters(item) for key, item in value.items()}
    return value


def _refuse_threads(request: MessagesRequest) -> None:
    """Server-kept threads need storage; the SDKs' tool runners fall back to full history on exactly this refusal."""
    if (request.model_extra or {}).get("thread") is not None:
        raise ApiError(
            400,
            "thread: server-side threads are not supported here; send the whole history in `messages`",
            details={"error_code": "thread_unsupported_request", "unsupported": ["thread"]},
        )


def _check_tools(request: MessagesRequest) -> None:
    names: set[str] = set()
    for index, tool in enumerate(request.tools):
        if tool.is_custom and not tool.name:
            raise ApiError(400, f"tools.{index}.custom.name: Field required")
        if tool.name in names:
            raise ApiError(400, "tools: Tool names must be unique.", details={"error_code": "tool_name_conflict"})
        if tool.name:
            names.add(tool.name)
    choice = request.tool_choice
    if choice is None or choice.type in ("auto", "none"):
        return
    if not request.tools:
        raise ApiError(400, f"tool_choice.{choice.type}: tool_choice may only be given together with tools")
    if choice.type == "tool" and choice.name not in names:
        raise ApiError(400, f"tool_choice.tool.name: Tool '{choice.name}' not found in provided tools")
