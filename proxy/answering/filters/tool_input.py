"""Repairs of what models write as the input of a tool, where its schema leaves no doubt of what was meant.

A string is never touched where a string may stand, and input that needs nothing passes byte for byte. What cannot be
read passes as it came, for others to judge. Everything here takes time in proportion to the input, and never raises.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proxy.answering.filters.tool_input_schema import Schema, Wanted, WantedSchemas, type_of
from proxy.protocol.deltas import Delta, Finish, ToolCallDelta, ToolCallEnd, ToolCallStart
from proxy.providers.common.python_notation import python_value

EMPTY_OPTIONALS = {("Read", "pages")}
"""(tool, property) pairs of Claude Code for which "" is an error and absence is not."""
_ENCODINGS_LIMIT = 3
"""How often arguments are taken to have been encoded: as they should be, twice, three times."""
_DEPTH_LIMIT = 60
"""Of values that are repaired; deeper ones stay."""
_TOKEN_ENDS = ("|>", "\uff5c>", "</s>", "<eos>")
"""Of control tokens that some servers leave behind the arguments (mastra#14200)."""
_TOKENS_LIMIT = 8
_TOKEN_LENGTH = 40
_WRAPPERS = ("arguments", "parameters", "args", "input")
_NOT_IN_ITEMS = re.compile(r"[\[\]{}\",;\n]")
"""What a string may hold that is a whole list in a writing of its own."""
_SPACE = re.compile(r"\s*")
_BOOLEANS = {"true": True, "false": False}
_LISTS = (frozenset(("array",)), frozenset(("array", "null")))
_LEFT_OUT = object()


@dataclass(slots=True)
class _Held:
    name: str
    pieces: list[str] = field(default_factory=list)


def repair_tool_input(
    batches: Iterable[Sequence[Delta]], schemas: Mapping[str, Schema], holds: Callable[[str], bool]
) -> Iterator[Sequence[Delta]]:
    """Holds the input of the calls to tools for which `holds` is true until it is complete, and repairs it.

    `schemas` are the input schemas by the client's names. Input that the answer breaks off in is passed on as it came.
    """
    calls: dict[int, _Held] = {}
    for batch in batches:
        out: list[Delta] = []
        for delta in batch:
            if isinstance(delta, ToolCallStart) and holds(delta.name):
                calls[delta.key] = _Held(delta.name)
            elif isinstance(delta, ToolCallDelta) and delta.key in calls:
                calls[delta.key].pieces.append(delta.json)
                continue
            elif isinstance(delta, ToolCallEnd) and delta.key in calls:
                call = calls.pop(delta.key)
                text = repaired("".join(call.pieces), call.name, schemas.get(call.name) or {})
                out.append(ToolCallDelta(delta.key, text))
            elif isinstance(delta, Finish):
                out.extend(ToolCallDelta(key, "".join(call.pieces)) for key, call in calls.items() if call.pieces)
                calls.clear()
            out.append(delta)
        yield out


def repaired(text: str, tool: str, schema: Schema) -> str:
    """The input as JSON text, mended where `schema` says how; what cannot be read is left to others to judge."""
    try:
        repair = _Repair(tool, schema)
        value, clean = _read(text, repair.only_list)
        mended = repair.input(value)
        return text if clean and mended is value else json.dumps(mended, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        return text


def _read(text: str, only_list: str | None) -> tuple[dict[str, Any], bool]:
    """The arguments as an object, and whether the text is plainly its JSON. Raises ValueError where there is none.

    `only_list` is the one property that an array without a name can be.
    """
    try:
        value, clean = json.loads(text, parse_constant=_refuse), True
    except ValueError:
        value, clean = _any_notation(text), False
    for _ in range(_ENCODINGS_LIMIT - 1):
        if isinstance(value, str):
            value, clean = _only(_values(value)), False
    if value == []:  # an empty map, as PHP writes it
        value, clean = {}, False
    if isinstance(value, list) and only_list:
        value, clean = {only_list: value}, False
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value, clean


def _any_notation(text: str) -> Any:
    """The one value of the text, in JSON or, where it is none, in Python's notation (NousResearch/atropos#478)."""
    try:
        return _only(_values(text))
    except ValueError:
        return python_value(_without_tokens_behind(text).strip())


def _values(text: str) -> list[Any]:
    """All JSON values of a text that holds nothing else but white space and control tokens behind them.

    Raw control characters in strings are taken as they are: models write raw newlines into files.
    """
    text = _without_tokens_behind(text)
    decoder = json.JSONDecoder(strict=False, parse_constant=_refuse)
    values: list[Any] = []
    at = _after_space(text, 0)
    while at < len(text):
        value, end = decoder.raw_decode(text, at)
        values.append(value)
        at = _after_space(text, end)
    return values


def _without_tokens_behind(text: str) -> str:
    for _ in range(_TOKENS_LIMIT):
        if not text.rstrip().endswith(_TOKEN_ENDS):
            break
        text = text.rstrip()
        begin = text.rfind("<", max(0, len(text) - _TOKEN_LENGTH))
        text = text[:begin] if begin > 0 else text
    return text


def _after_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _only(values: list[Any]) -> Any:
    """The one value that the values are: repeated whole, or after empty objects (ogx#5462, cogito#66)."""
    real = [value for value in values if value != {}] or values[:1]
    if len(real) == 1:
        return real[0]
    if not real or len({json.dumps(value, sort_keys=True) for value in real}) > 1:
        raise ValueError("not one value")
    return real[0]


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


class _Repair:
    """The repair of one call. A value that needs none is returned as the very same object."""

    def __init__(self, tool: str, schema: Schema) -> None:
        self._tool = tool
        self._schemas = WantedSchemas(schema)

    @property
    def only_list(self) -> str | None:
        """The one required property, where it is a list."""
        root = self._schemas.root
        names = list(root.required) if len(root.required) == 1 else []
        return next((name for name in names if self._schemas.of(root.properties.get(name)).types in _LISTS), None)

    def input(self, value: dict[str, Any]) -> dict[str, Any]:
        return self._object(self._unwrapped(value), self._schemas.root, 0)

    def _unwrapped(self, value: dict[str, Any], depth: int = 0) -> dict[str, Any]:
        """The input that stands in a property of its own, of which the schema knows nothing (openclaw#142304)."""
        root = self._schemas.root
        names = [name for name in value if name != "name"]
        if len(names) != 1 or names[0] not in _WRAPPERS or value.keys() & root.properties.keys():
            return value
        inner = value[names[0]]
        if not isinstance(inner, dict) or depth > _ENCODINGS_LIMIT:
            return value
        inner = self._unwrapped(inner, depth + 1)
        return inner if root.required <= inner.keys() <= root.properties.keys() else value

    def _value(self, value: Any, schema: Any, depth: int) -> Any:
        wanted = self._schemas.of(schema)
        if depth > _DEPTH_LIMIT:
            return value
        if isinstance(value, str):
            value = _decoded(value, wanted)
        if wanted.types in _LISTS and _is_item(value, self._schemas.of(wanted.items)):
            value = [value]
        if isinstance(value, list):
            return self._list(value, wanted, depth)
        return self._object(value, wanted, depth) if isinstance(value, dict) else value

    def _object(self, value: dict[str, Any], wanted: Wanted, depth: int) -> dict[str, Any]:
        mended: dict[str, Any] = {}
        changed = False
        for key, inner in value.items():
            name = key
            if key not in wanted.properties and (bare := key.strip()) in wanted.properties and bare not in value:
                name = bare if bare not in mended else key
            kept = self._property(name, inner, wanted, depth)
            if kept is not _LEFT_OUT:
                mended[name] = kept
            changed = changed or name != key or kept is not inner
        return mended if changed else value

    def _property(self, name: str, value: Any, wanted: Wanted, depth: int) -> Any:
        optional = name in wanted.properties and name not in wanted.required
        if value is None and optional and self._schemas.of(wanted.properties[name]).forbids("null"):
            return _LEFT_OUT
        if value == "" and depth == 0 and (self._tool, name) in EMPTY_OPTIONALS and name not in wanted.required:
            return _LEFT_OUT
        return self._value(value, wanted.properties.get(name, wanted.others), depth + 1)

    def _list(self, value: list[Any], wanted: Wanted, depth: int) -> list[Any]:
        if wanted.items is None and not wanted.first:
            return value
        schemas = [*wanted.first, *[wanted.items] * (len(value) - len(wanted.first))]
        mended = [self._value(inner, schema, depth + 1) for inner, schema in zip(value, schemas, strict=False)]
        return mended if any(new is not old for new, old in zip(mended, value, strict=False)) else value


def _decoded(text: str, wanted: Wanted) -> Any:
    """What a string holds, where no string may stand but what it holds may."""
    if wanted.types is None or "string" in wanted.types:
        return text
    word = text.strip().lower()
    try:
        value = _BOOLEANS[word] if word in _BOOLEANS else _only(_values(text))
    except (ValueError, RecursionError):
        return text
    if (isinstance(value, float) and not math.isfinite(value)) or type_of(value) not in wanted.types:
        return text
    return int(value) if isinstance(value, float) and "number" not in wanted.types else value


def _is_item(value: Any, item: Wanted) -> bool:
    """Whether the value is plainly one item of a wanted array, and not the array in some other writing."""
    if isinstance(value, list) or value is None or item.types is None or type_of(value) not in item.types:
        return False
    if isinstance(value, dict):
        return bool(item.properties) and item.required <= value.keys() <= item.properties.keys()
    return not isinstance(value, str) or bool(value.strip() and not _NOT_IN_ITEMS.search(value))
