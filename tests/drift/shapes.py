"""What a client's requests look like, in names and types only: nothing that was written or read is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Shape = dict[str, frozenset[str]]
"""By category (`CATEGORIES`) the names seen."""
CATEGORIES = ("kinds", "headers", "betas", "blocks", "fields", "billing")

_OPAQUE = frozenset({"input", "input_schema", "schema"})
"""What is in these belongs to a tool or to the user."""
_ENUMERATED = frozenset({"display", "effort", "keep", "permission_mode", "scope", "ttl"})
"""Strings that are names; `type` and `role` become part of the path."""
_VALUED_HEADERS = frozenset({"anthropic-version"})
_BILLING = "x-anthropic-billing-header:"
_CONTENT = ("system", "messages")


@dataclass(frozen=True, slots=True)
class Request:
    """As received: `target` with its query, header names in lower case, `body` None where there is none."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: Any = None


def shape(requests: Iterable[Request]) -> Shape:
    """The union of all that the requests show."""
    seen: dict[str, set[str]] = {category: set() for category in CATEGORIES}
    for request in requests:
        seen["kinds"].add(kind(request))
        seen["headers"].update(_headers(request.headers))
        seen["betas"].update(_betas(request.headers))
        if isinstance(request.body, dict):
            seen["fields"].update(fields(request.body))
            seen["blocks"].update(_blocks({name: request.body.get(name) for name in _CONTENT}))
            seen["billing"].update(_billing(request.body.get("system")))
    return {category: frozenset(names) for category, names in seen.items()}


def kind(request: Request) -> str:
    """One line that is the same for all requests of a kind, as in `POST /v1/messages?beta main/main streamed tools`.

    Behind the path: class and first-party class of the hint headers, the type of the agent, then what of the body sets
    kinds apart. It is put together from what is there, so that an unknown kind has a line of its own.
    """
    parts = urlsplit(request.target)
    query = ",".join(sorted({name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}))
    words = [request.method, f"{parts.path}?{query}" if query else parts.path]
    if isinstance(request.body, dict):
        classes = [request.headers.get(name, "-") for name in _CLASS_HEADERS]
        words += ["/".join(classes), *filter(None, [request.headers.get("x-claude-code-agent-type")])]
        words += _traits(request.body)
    return " ".join(words)


_CLASS_HEADERS = ("x-claude-code-request-class", "x-claude-1p-request-class")


def _traits(body: Mapping[str, Any]) -> Iterator[str]:
    if body.get("stream"):
        yield "streamed"
    tools = body.get("tools") or ()
    yield from sorted({_tag(tool) or "tools" for tool in tools})
    output_format = (body.get("output_config") or {}).get("format")
    if output_format:
        properties = output_format.get("schema", {}).get("properties", {})
        yield f"format({','.join(properties)})"
    if body.get("stop_sequences"):
        yield "stop_sequences"
    if body.get("max_tokens") == 1:
        yield "one-token"


def fields(value: Any, path: str = "") -> Iterator[str]:
    """`path: type` of everything within a JSON value.

    An object is known by its role and type: `messages[user].content[tool_result].is_error: boolean`; a list whose
    objects have neither is `tools[]`.
    """
    if isinstance(value, dict):
        for name, below in value.items():
            if name not in ("type", "role") or not isinstance(below, str):
                yield from _field(f"{path}.{name}" if path else name, name, below)
    elif isinstance(value, list):
        for item in value:
            place = f"{path}[{_tag(item)}]"
            if not isinstance(item, dict):
                yield f"{place}: {_type(item)}"
            yield from fields(item, place)


def _field(path: str, name: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict) and (tag := _tag(value)) and name not in _OPAQUE:
        path = f"{path}[{tag}]"
    yield f"{path}: {value}" if name in _ENUMERATED and isinstance(value, str) else f"{path}: {_type(value)}"
    if name not in _OPAQUE:
        yield from fields(value, path)


def _tag(value: Any) -> str:
    named = [value.get("role"), value.get("type")] if isinstance(value, dict) else []
    return " ".join(name for name in named if isinstance(name, str))


def _type(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"


def _blocks(value: Any) -> Iterator[str]:
    """The type of every object within, but not within what is opaque."""
    if isinstance(value, dict):
        if isinstance(value.get("type"), str):
            yield value["type"]
        for name, below in value.items():
            if name not in _OPAQUE:
                yield from _blocks(below)
    elif isinstance(value, list):
        for item in value:
            yield from _blocks(item)


def _headers(headers: Mapping[str, str]) -> Iterator[str]:
    for name, value in headers.items():
        yield f"{name}: {value}" if name in _VALUED_HEADERS else name


def _betas(headers: Mapping[str, str]) -> Iterator[str]:
    for beta in headers.get("anthropic-beta", "").split(","):
        if beta.strip():
            yield beta.strip()


def _billing(system: Any) -> Iterator[str]:
    """The keys of the line that Claude Code puts at the head of its system prompt."""
    for block in system if isinstance(system, list) else ():
        text = block.get("text") if isinstance(block, dict) else None
        if isinstance(text, str) and text.startswith(_BILLING):
            pairs = text.removeprefix(_BILLING).split(";")
            yield from (pair.partition("=")[0].strip() for pair in pairs if "=" in pair)
