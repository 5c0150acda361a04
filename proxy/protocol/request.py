"""The body of `POST /v1/messages`: what we accept and how we refuse.

Lenient by design: unknown fields, betas and block types pass (every client release brings new ones), nulls stand for
absent fields, a string stands for one text block. What cannot be read is refused in the words of Anthropic's own API,
`path.to.field: reason`, because Claude Code and the SDKs match on them.
"""

from __future__ import annotations

import json
import math
import re
import sys
from typing import Annotated, Any, Literal, NoReturn, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError, from_json

from proxy.protocol import client_tools
from proxy.protocol.blocks import UNKNOWN, Blank, Content, Integer, Lenient, Open, ToolAdditionBlock, none_as_list
from proxy.protocol.depth import holds_infinity, is_deeper
from proxy.protocol.errors import ApiError

_DEPTH_MAX = 200
"""Levels in one field of a request. Whoever walks a schema or a block needs a few of Python's 1000 frames for each."""
_NAME_MAX = 256
"""Characters of a model's name, as with Anthropic (API reference, 2026-11)."""
_PLACE_MAX = 200
"""Characters of the place of a mistake in a message."""
_NO_NUMBER = object()
_ESCAPED_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|[\s\S])"
)
"""Of a JSON string: a whole character in two halves, a half alone (group 1), or any other."""


def _printable(value: str) -> str:
    """Names stand in URLs, logs and headers; no model's has control characters."""
    if not value.isprintable():
        raise PydanticCustomError("printable", "Input should be printable characters")
    return value


class OutputConfig(Open):
    effort: str | None = None
    format: dict[str, Any] | None = None


class Message(Lenient):
    role: Literal["user", "assistant", "system"]
    content: Content
    output_config: OutputConfig | None = None
    clear_at: Any = None
    """When a system message is to be forgotten."""


class Tool(Lenient):
    """A custom tool (no `type`, or "custom") or one that Anthropic defines (`type` such as web_search_20250305).

    Those that Anthropic defines and the client runs become custom tools, with the description and schema they lack.
    """

    type: str | None = None
    name: Blank = ""
    description: Blank = ""
    input_schema: dict[str, Any] | None = None
    strict: bool | None = None
    defer_loading: bool | None = None
    input_examples: Any = None
    allowed_callers: Any = None
    max_uses: Integer | None = None
    allowed_domains: Annotated[list[str], BeforeValidator(none_as_list)] = Field(default_factory=list)
    blocked_domains: Annotated[list[str], BeforeValidator(none_as_list)] = Field(default_factory=list)
    user_location: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _defined(self) -> Self:
        known = client_tools.definition(self.type) if self.type is not None else None
        if known is not None:
            self.type = None
            self.description, self.input_schema = known
        return self

    @property
    def is_custom(self) -> bool:
        return self.type in (None, "custom")

    @property
    def is_tool_search(self) -> bool:
        """Whether it is Anthropic's own search for deferred tools."""
        return (self.type or "").startswith("tool_search_tool_")

    @property
    def is_web_search(self) -> bool:
        """Whether it is Anthropic's web search, to which the fields from `max_uses` on belong."""
        return (self.type or "").startswith("web_search_")


class ToolChoice(Lenient):
    type: Literal["auto", "any", "tool", "none"]
    name: Blank = ""
    disable_parallel_tool_use: bool | None = None


class Thinking(Lenient):
    """`type`: adaptive, enabled, disabled, between_tools; a type that is not known counts as adaptive."""

    type: str
    budget_tokens: Integer | None = None
    display: str | None = None


class MessagesRequest(Open):
    """One request. `content`, `system` and tool results are always lists of blocks, however they were written."""

    model: Annotated[str, Field(max_length=_NAME_MAX), AfterValidator(_printable)]
    messages: list[Message]
    max_tokens: Annotated[Integer, Field(ge=0)]
    system: Annotated[Content, BeforeValidator(none_as_list)] = Field(default_factory=list)
    tools: Annotated[list[Tool], BeforeValidator(none_as_list)] = Field(default_factory=list)
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: dict[str, Any] | None = None
    stop_sequences: Annotated[list[str], BeforeValidator(none_as_list)] = Field(default_factory=list)
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
    def answer_format(self) -> dict[str, Any] | None:
        """What form the answer must have: `output_config.format` or the older `output_format`."""
        return (self.output_config.format if self.output_config is not None else None) or self.output_format

    @property
    def json_schema(self) -> dict[str, Any] | None:
        """The schema that the answer must follow, where its form is one."""
        wanted = self.answer_format
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
        raise _refusal(error) from None
    if not request.messages:
        raise ApiError(400, "messages: at least one message is required")
    _check_additions(request)
    return request


def _check_additions(request: MessagesRequest) -> None:
    """The definitions of tools inside `tool_addition` blocks, which are only read as objects with the rest."""
    for index, message in enumerate(request.messages):
        for position, block in enumerate(message.content):
            if isinstance(block, ToolAdditionBlock) and isinstance(block.tool.get("input_schema"), dict):
                path = ("messages", index, "content", position, block.type, "tool")
                try:
                    tool = Tool.model_validate(block.tool)
                except ValidationError as error:
                    raise _refusal(error, *path) from None
                if not tool.name:
                    raise ApiError(400, f"{_path((*path, 'name'))}: Field required")


def _refusal(error: ValidationError, *path: int | str) -> ApiError:
    """What is wrong first, in an object that stands at `path`."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return ApiError(400, f"{_path((*path, *first['loc']))}: {_reason(first['type'], first['msg'])}")


def _path(location: tuple[int | str, ...]) -> str:
    """pydantic's location as Anthropic prints it: without the tag of the open union member."""
    return ".".join(str(part) for part in location if part != UNKNOWN)


def _reason(kind: str, message: str) -> str:
    return "Field required" if kind == "missing" else re.sub(r" or instance of \w+", "", message)


def _loads(body: bytes) -> dict[str, Any]:
    value = _plain(body)
    if value is None:
        value = _any(body)
    if not isinstance(value, dict):
        raise ApiError(400, "The request body is not valid JSON: an object is expected")
    return value


def _plain(body: bytes) -> Any:
    """The value of a body that is what nearly every body is: sound, without numbers that are none, and not so deep that
    the fast parser would refuse it. None where it is not surely so."""
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError:
        return None
    return None if holds_infinity(value) else value


def _any(body: bytes) -> Any:
    """Raises ApiError (400) that says what is wrong."""
    try:
        text = (_ESCAPE.sub(_whole, body) if _ESCAPED_HALF.search(body) else body).decode("utf-8")
        value = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except UnicodeDecodeError:
        raise ApiError(400, "The request body is not valid JSON: it is not UTF-8") from None
    except RecursionError:
        raise ApiError(400, "The request body is not valid JSON: it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ApiError(400, f"The request body is not valid JSON: {error}") from None
    except ValueError:
        place = _place_of_no_number(text)
        raise ApiError(400, f"The request body is not valid JSON: {place}a number is none or is too large") from None
    for name, item in value.items() if isinstance(value, dict) else ():
        if is_deeper(item, _DEPTH_MAX):
            raise ApiError(400, f"{name}: nested too deeply, at most {_DEPTH_MAX} levels are read")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(digits)
    return number


def _place_of_no_number(text: str) -> str:
    """The field, with a colon, whose number is none or is too large; "" where that cannot be said shortly."""

    def integer(digits: str) -> Any:
        return 0 if len(digits) <= sys.get_int_max_str_digits() else _NO_NUMBER

    def decimal(digits: str) -> Any:
        return _NO_NUMBER if math.isinf(float(digits)) else 0

    try:
        found = json.loads(text, parse_constant=lambda _: _NO_NUMBER, parse_float=decimal, parse_int=integer)
    except (ValueError, RecursionError):  # what stands behind the number is no better
        return ""
    waiting: list[tuple[tuple[int | str, ...], Any]] = [((), found)]
    while waiting:
        path, value = waiting.pop()
        if value is _NO_NUMBER:
            place = _path(path)
            return f"{place}: " if 0 < len(place) <= _PLACE_MAX else ""
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        waiting.extend(((*path, key), each) for key, each in reversed([*inner]))
    return ""


def _whole(escape: re.Match[bytes]) -> bytes:
    """Clients that cut strings by UTF-16 units send half characters, which no upstream's UTF-8 can hold."""
    return rb"\ufffd" if escape[1] else escape[0]


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
