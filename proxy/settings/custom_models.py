"""The entries of the custom models file: their shape and their checks. `config.py` reads the file."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, get_args

import yaml

from proxy.models.habits import SETTABLE
from proxy.models.names import EFFORTS
from proxy.models.presets import presets
from proxy.models.prices import Price, price_of
from proxy.models.servers import OPENROUTER, ThinkingControl, ThinkingStyle, thinking_control
from proxy.settings.problems import header_name_problem, hint, looks_like_key, quoted, shown, url_problem


class _Field(NamedTuple):
    """What YAML must have made of a field's value, how to say that, and the words that it may be or hold."""

    kind: type
    wanted: str
    words: tuple[str, ...] = ()


_TEXT = _Field(str, "text (in quotes)")
_BOOLEAN = _Field(bool, "true or false, without quotes")
_SWITCH = _Field(bool, "auto, true or false, without quotes", ("auto",))
_COUNT = _Field(int, "a whole number above 0")
_HABITS = _Field(list, "a list of names, such as [reasoning_content]", SETTABLE)
_FIELDS: dict[str, _Field] = {
    "model_id": _TEXT,
    "api_base": _TEXT,
    "server": _Field(str, f"one of {', '.join(presets())}", tuple(presets())),
    "api_key_name": _Field(list, "the name of an environment variable, or a list of such names"),
    "can_stream": _BOOLEAN,
    "max_tokens": _COUNT,
    "model_name": _TEXT,
    "api": _Field(str, "chat or responses", ("chat", "responses")),
    "context_window": _COUNT,
    "vision": _BOOLEAN,
    "headers": _Field(dict, "header names with their values"),
    "extra_body": _Field(dict, "field names with their values"),
    "max_tokens_field": _Field(str, "max_tokens or max_completion_tokens", ("max_tokens", "max_completion_tokens")),
    "think_tags": _SWITCH,
    "api_key_header": _Field(str, "the name of an HTTP header"),
    "efforts": _Field(list, "a list of efforts, such as [low, medium, high]", EFFORTS),
    "thinking_style": _Field(str, "effort, openrouter or thinking", get_args(ThinkingStyle)),
    "habits": _HABITS,
    "quirks": _HABITS,
    "price": _Field(dict, "prices in USD per million tokens, such as {input: 0.5, cached: 0.1, output: 2}"),
}
"""The fields of an entry. `quirks` is the older name of `habits`."""
_PRICES = ("input", "output", "cached", "cache_write")
"""The fields of a price; the first two are needed."""
Secrets = Callable[[str], tuple[str, ...]]
"""The keys in an environment variable; none where it is not set."""
_DEPTH_MAX = 50
"""Levels; the deepest thing in an entry is the server's own `extra_body`."""
_VALUES_MAX = 100_000
"""Values in the file, those counted that an alias repeats: ten lines of aliases can stand for billions."""


@dataclass(frozen=True, slots=True)
class CustomModel:
    """One entry of the custom models file. `max_tokens` (output) and `context_window` (input) are in tokens."""

    model_id: str
    api_base: str
    api_key_names: tuple[str, ...] = ()
    """The environment variables that hold keys; none where the server needs no key."""
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    """Their values, of those that are set."""
    can_stream: bool = True
    max_tokens: int | None = None
    model_name: str | None = None
    api: Literal["chat", "responses"] = "chat"
    context_window: int | None = None
    vision: bool = True
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    extra_body: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    think_tags: Literal["auto"] | bool = "auto"
    """Whether `<think>` in the text is reasoning; "auto": where an answer begins with it."""
    api_key_header: str = "Authorization"
    """The header that carries the key; in `Authorization` it stands after "Bearer"."""
    efforts: tuple[str, ...] = ()
    """What the server takes, words of `models.names.EFFORTS`."""
    thinking_style: ThinkingStyle = "effort"
    habits: tuple[str, ...] = ()
    """Words of `models.habits.SETTABLE`."""
    price: Price | None = None
    """What the server's tokens cost; None where the entry does not say it."""

    @property
    def upstream_name(self) -> str:
        """The model name that the server knows."""
        return self.model_name or self.model_id


def parse_custom_models(text: str, label: str, secrets: Secrets, problems: list[str]) -> tuple[CustomModel, ...]:
    """The models of a file's text. `label` is the file's name for `problems`, to which each mistake is added."""
    models: dict[str, CustomModel] = {}
    for number, raw in enumerate(_list(text, label, problems), 1):
        model = _Entry(f"{label}: entry {number}", raw, secrets, problems).read()
        if model is None:
            continue
        if model.model_id.lower() in models:
            problems.append(
                f"{label}: entry {number} ({quoted(model.model_id)}): model_id is taken by an entry above; "
                "give it another one, and the server's name for the model as model_name"
            )
        models[model.model_id.lower()] = model
    return tuple(models.values())


class _Loader(yaml.SafeLoader):
    """Stops where YAML is nested so deeply that whoever walks it would fail, and where a name of a mapping comes twice,
    of which only the last value would count."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=self.get_mark())
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[tuple[str, str]] = set()
        for name, _ in node.value:
            if isinstance(name, yaml.ScalarNode):
                if (name.tag, name.value) in seen:
                    twice = f"{shown(name.value)} is there twice (does the next entry lack its dash?)"
                    raise yaml.MarkedYAMLError(problem=twice, problem_mark=name.start_mark)
                seen.add((name.tag, name.value))
        return super().construct_mapping(node, deep)


def _is_boundless(value: Any) -> bool:
    """Whether it is more than a file can mean: aliases that repeat each other, or lead back to themselves."""
    waiting, count = [value], 0
    while waiting and count <= _VALUES_MAX:
        node = waiting.pop()
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        count += 1 + len(inner)
        waiting.extend(inner)
    return count > _VALUES_MAX


def _list(text: str, label: str, problems: list[str]) -> list[Any]:
    try:
        entries = yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a safe loader
    except (yaml.YAMLError, ValueError) as error:  # ValueError: 2026-13-01 looks like a date
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        # The parser quotes what it found, which may be (a piece of) a key.
        what = getattr(error, "problem", None) or "it holds a value that cannot be read"
        what = re.sub(r"'[^']{3,}'", "something", what)
        words = what.encode("ascii", "backslashreplace").decode()
        remedy = "check indentation (spaces, no tabs), colons and quotes"
        problems.append(f"{label}: {where}not valid YAML: {words}; {remedy}")
        return []
    if entries is None:
        return []
    if not isinstance(entries, list):
        problems.append(f'{label}: must be a list; begin each entry with "- model_id: ..."')
        return []
    if _is_boundless(entries):
        problems.append(f"{label}: its aliases (*name) unfold without end; write out what they stand for")
        return []
    return entries


class _Entry:
    """One entry while it is checked."""

    def __init__(self, where: str, raw: object, secrets: Secrets, problems: list[str]) -> None:
        self.where = where
        self.raw = raw
        self.secrets = secrets
        self.problems = problems

    def read(self) -> CustomModel | None:
        """The model, or None if there was a problem."""
        found = len(self.problems)
        if not isinstance(self.raw, dict):
            self._problem('must hold "model_id: ..." and "api_base: ..." or "server: ..."')
            return None
        if isinstance(self.raw.get("model_id"), str):
            self.where += f" ({quoted(self.raw['model_id'])})"
        self._take_preset(self.raw.get("server"))
        if isinstance(named := self.raw.get("api_key_name"), str) and named:
            self.raw = {**self.raw, "api_key_name": [named]}
        values = {name: value for name, value in self.raw.items() if self._fits(name, value)}
        for name in ("model_id", "api_base"):
            if self.raw.get(name) in (None, "") and not (name == "api_base" and self.raw.get("server")):
                self._problem(f"{name} is missing; add it")
        if "api_base" in values and (problem := url_problem(values["api_base"])):
            self._problem(f"api_base: {problem}")
        keys = tuple(key for name in values.setdefault("api_key_name", []) for key in self._keys(name))
        self._check_headers(values)
        self._check_body(values.get("extra_body"))
        self._check_price(values.get("price"))
        if values.get("thinking_style") == "effort" and "efforts" not in values:
            self._problem("thinking_style: effort needs efforts; add those that the server takes")
        if "habits" in values and "quirks" in values:
            self._problem("habits and quirks are the same list; put all into habits")
        return None if len(self.problems) > found else CustomModel(api_keys=keys, **_finished(values))

    def _take_preset(self, name: object) -> None:
        """Fills in what is known of a named server and does not stand in the entry."""
        preset = presets().get(name) if isinstance(name, str) else None
        if preset is None or not isinstance(self.raw, dict):
            return
        written = {field: value for field, value in self.raw.items() if value not in (None, "")}
        if preset.blank and "api_base" not in written:
            shape = f"api_base: {preset.fields['api_base']}"
            self._problem(
                f"server: {name} has an address of your own; write {shape} beside it, {preset.blank} replaced"
            )
        self.raw = {**preset.fields, **written}

    def _problem(self, text: str) -> None:
        self.problems.append(f"{self.where}: {text}")

    def _fits(self, name: object, value: Any) -> bool:
        """Whether the field is known and its value usable; an empty value is as good as no field."""
        if not isinstance(name, str) or name not in _FIELDS:
            self._problem(f"unknown field {shown(str(name))}{hint(str(name), _FIELDS)}")
            return False
        kind, wanted, words = _FIELDS[name]
        if value is None or value == "":
            return False
        exact = type(value) is kind  # isinstance would take true for a number
        if kind is bool and isinstance(value, str) and value in words:
            return True
        if not exact or (kind is int and value < 1):
            self._problem(f"{name} must be {wanted}")
            return False
        if kind is str and not value.isprintable():
            self._problem(f"{name} must be one line without control characters")
            return False
        if kind is str and words and value not in words:
            self._problem(f"{name} must be {wanted}{hint(value, words)}")
            return False
        for each in value if kind is list else ():
            if not words and not isinstance(each, str):
                self._problem(f"{name} must be {wanted}")
            elif words and each not in words:
                self._problem(f"{name}: {shown(str(each))} is not known{hint(str(each), words)}")
        return True

    def _keys(self, name: str) -> tuple[str, ...]:
        keys = self.secrets(name)
        if not keys and (looks_like_key(name) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)):
            self._problem(
                "api_key_name must be the name of an environment variable, not the key itself; "
                "put the key into .env as SOME_NAME=... and write SOME_NAME here"
            )
        return keys

    def _check_headers(self, values: Mapping[str, Any]) -> None:
        for name, value in values.get("headers", {}).items():
            if problem := header_name_problem(name):
                self._problem(f"headers: {problem}")
            elif not isinstance(value, str):
                self._problem(f"headers: the value of {shown(name)} must be text (in quotes)")
            elif not re.fullmatch(r"[\x20-\x7e]*", value):
                self._problem(f"headers: the value of {shown(name)} contains a character that cannot stand in a header")
        if (key_header := values.get("api_key_header")) is None:
            return
        if problem := header_name_problem(key_header):
            self._problem(f"api_key_header: {problem}")
        if not values["api_key_name"]:
            self._problem("api_key_header needs api_key_name, the variable that holds the key")

    def _check_body(self, body: object) -> None:
        try:
            json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
        except (TypeError, ValueError):
            self._problem("extra_body holds a value that JSON does not know (a date?); put it in quotes")

    def _check_price(self, price: Mapping[Any, Any] | None) -> None:
        if price is None:
            return
        for name, value in price.items():
            if name not in _PRICES:
                self._problem(f"price: unknown field {shown(str(name))}{hint(str(name), _PRICES)}")
            elif type(value) not in (int, float) or not 0 <= value < math.inf:
                self._problem(f"price: {name} must be a number, 0 or more: USD per million tokens")
        if missing := [name for name in _PRICES[:2] if name not in price]:
            self._problem(f"price: {' and '.join(missing)} must be there; add what a million tokens cost in USD")


def _finished(values: dict[str, Any]) -> dict[str, Any]:
    """The fields of a CustomModel from those of an entry without a problem."""
    fields = {name: value for name, value in values.items() if name not in ("quirks", "api_key_name", "server")}
    fields["api_key_names"] = tuple(values["api_key_name"])
    fields["api_base"] = values["api_base"].rstrip("/")
    for name in values.keys() & {"headers", "extra_body"}:
        fields[name] = MappingProxyType(values[name])
    fields["habits"] = tuple(values.get("habits") or values.get("quirks") or ())
    fields["price"] = price_of(values["price"]) if "price" in values else None
    fields["thinking_style"], fields["efforts"] = _control(values)
    return fields


def _control(values: Mapping[str, Any]) -> ThinkingControl:
    """What the entry says, then what is known of the server, then what the style is by itself."""
    known = thinking_control(values["api_base"], values.get("model_name") or values["model_id"])
    style: ThinkingStyle = values.get("thinking_style") or (known.style if known else "effort")
    if "efforts" in values:
        return ThinkingControl(style, tuple(values["efforts"]))
    if known is not None and known.style == style:
        return known
    return OPENROUTER if style == "openrouter" else ThinkingControl(style)
