"""The checks that OpenAI's endpoints have in common, in OpenAI's words. `where` is the path that an error names."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from tests.fakes.openai.models import ModelRules
from tests.fakes.refusal import refuse

NAME = r"^[a-zA-Z0-9_-]+$"
LONGEST_NAME = 64
MOST_TOOLS = 128
MOST_BREAKPOINTS = 4
VERBOSITIES = ("low", "medium", "high")

_TYPES: dict[str, tuple[type, ...]] = {
    "any": (object,),
    "array": (list,),
    "boolean": (bool,),
    "decimal": (int, float),
    "integer": (int,),
    "object": (dict,),
    "string": (str,),
}
_ARTICLES = {"array": "an array of objects", "integer": "an integer", "object": "an object"}
_IMAGE_FORMATS = ("image/png", "image/jpeg", "image/gif", "image/webp")
_RANGES = {"temperature": (0, 2), "top_p": (0, 1), "presence_penalty": (-2, 2), "frequency_penalty": (-2, 2)}
_LENGTHS = {"user": 64, "prompt_cache_key": 64, "safety_identifier": 64}


def kind(value: Any) -> str:
    """A JSON value's type as OpenAI's errors name it, with its article."""
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "an integer", float: "a decimal", str: "a string", list: "an array"}
    return names.get(type(value), "an object")


def wrong_type(where: str, expected: str, value: Any) -> NoReturn:
    refuse(f"Invalid type for '{where}': expected {expected}, but got {kind(value)} instead.", where, "invalid_type")


def missing(where: str) -> NoReturn:
    refuse(f"Missing required parameter: '{where}'.", where, "missing_required_parameter")


def unsupported(where: str, code: str | None = "unsupported_parameter") -> NoReturn:
    refuse(f"Unsupported parameter: '{where}' is not supported with this model.", where, code)


def listed(values: Sequence[str]) -> str:
    quoted = [f"'{value}'" for value in values]
    return ", ".join(quoted[:-1]) + f", and {quoted[-1]}" if len(quoted) > 2 else " and ".join(quoted)


def check_types(
    body: Mapping[str, Any], fields: Mapping[str, tuple[str, bool]], named: Mapping[str, str] | None = None
) -> None:
    """`fields`: what the value must be, and whether null will do; `named`: how the error names what was expected."""
    for field, (expected, nullable) in fields.items():
        value = body.get(field)
        if field not in body or (value is None and nullable):
            continue
        boolean = isinstance(value, bool) and expected in ("decimal", "integer")
        if boolean or value is None or not isinstance(value, _TYPES[expected]):
            wrong_type(field, (named or {}).get(field) or _ARTICLES.get(expected, f"a {expected}"), value)


def check_values(body: Mapping[str, Any], choices: Mapping[str, Sequence[str]]) -> None:
    """The ranges and lengths of the fields that all endpoints share, and the `choices` of strings."""
    for field, (least, most) in _RANGES.items():
        value = body.get(field)
        if value is None:
            continue
        if value > most:
            text = f"decimal above maximum value. Expected a value <= {most}, but got {value} instead."
            refuse(f"Invalid '{field}': {text}", field, "decimal_above_max_value")
        if value < least:
            text = f"decimal below minimum value. Expected a value >= {least}, but got {value} instead."
            refuse(f"Invalid '{field}': {text}", field, "decimal_below_min_value")
    for field, longest in _LENGTHS.items():
        if body.get(field) is not None:
            check_length(field, body[field], longest)
    for field, values in choices.items():
        if body.get(field) is not None:
            check_choice(field, body[field], values)


def check_choice(where: str, value: Any, values: Sequence[str]) -> None:
    if value not in values:
        refuse(f"Invalid value: '{value}'. Supported values are: {listed(values)}.", where, "invalid_value")


def check_least(where: str, value: int, least: int) -> None:
    if value < least:
        text = f"integer below minimum value. Expected a value >= {least}, but got {value} instead."
        refuse(f"Invalid '{where}': {text}", where, "integer_below_min_value")


def check_name(where: str, name: Any) -> None:
    if not isinstance(name, str):
        wrong_type(where, "a string", name)
    check_length(where, name, LONGEST_NAME)
    if not re.match(NAME, name):
        text = f"string does not match pattern. Expected a string that matches the pattern '{NAME}'."
        refuse(f"Invalid '{where}': {text}", where, "invalid_value")


def check_length(where: str, value: str, most: int) -> None:
    if len(value) > most:
        text = f"Expected a string with maximum length {most}, but got a string with length {len(value)} instead."
        refuse(f"Invalid '{where}': string too long. {text}", where, "string_above_max_length")


def check_count(where: str, items: Any, most: int | None = None) -> None:
    if not isinstance(items, list):
        wrong_type(where, "an array of objects", items)
    if not items:
        text = "Expected an array with minimum length 1, but got an empty array instead."
        refuse(f"Invalid '{where}': empty array. {text}", where, "empty_array")
    if most is not None and len(items) > most:
        text = f"Expected an array with maximum length {most}, but got an array with length {len(items)} instead."
        refuse(f"Invalid '{where}': array too long. {text}", where, "array_above_max_length")


def check_fields(where: str, value: Mapping[str, Any], known: set[str]) -> None:
    for field in sorted(value.keys() - known):
        refuse(f"Unknown parameter: '{where}.{field}'.", f"{where}.{field}", "unknown_parameter")


def cache_fields(model: ModelRules) -> set[str]:
    """What may stand in content parts of newer models only."""
    return {"prompt_cache_breakpoint"} if model.cache_breakpoints else set()


def check_breakpoint(where: str, part: Mapping[str, Any]) -> None:
    if "prompt_cache_breakpoint" not in part:
        return
    where, value = f"{where}.prompt_cache_breakpoint", part["prompt_cache_breakpoint"]
    if not isinstance(value, dict):
        wrong_type(where, "an object", value)
    check_fields(where, value, {"mode", "ttl"})
    if "mode" not in value:
        missing(f"{where}.mode")
    check_choice(f"{where}.mode", value["mode"], ("explicit",))


def check_breakpoints(items: Any) -> None:
    """That a request writes no more breakpoints than it may."""
    found = json.dumps(items).count('"prompt_cache_breakpoint": {')
    if found > MOST_BREAKPOINTS:
        text = f"Expected at most {MOST_BREAKPOINTS} prompt cache breakpoints, but got {found}."
        refuse(f"Too many prompt cache breakpoints. {text}", None, "invalid_parameter")


def check_stream_options(body: Mapping[str, Any], known: set[str]) -> None:
    if body.get("stream_options") is not None:
        if not body.get("stream"):
            refuse("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")
        check_fields("stream_options", body["stream_options"], known)


def check_verbosity(where: str, value: Any, model: str, supported: bool) -> None:
    if value not in (None, "medium") and not supported:
        text = f"Unsupported value: '{value}' is not supported with the '{model}' model."
        refuse(f"{text} Supported values are: 'medium'.", where, "unsupported_value")


def check_image_url(where: str, url: Any) -> None:
    if not isinstance(url, str) or not re.match(r"(?:https?://|data:)", url):
        text = "Expected a valid URL, but got a value with an invalid format."
        refuse(f"Invalid '{where}'. {text}", where, "invalid_value")
    if url.startswith("data:"):
        media_type, data = _data_url(url)
        if media_type not in _IMAGE_FORMATS:
            text = "Please make sure your image has of one the following formats: ['png', 'jpeg', 'gif', 'webp']."
            refuse(f"You uploaded an unsupported image. {text}", None, "invalid_image_format")
        if not data:
            refuse("Invalid base64 image_url.", None, "invalid_base64")


def check_pdf(where: str, url: Any, filename: Any) -> None:
    media_type, data = _data_url(str(url))
    if media_type != "application/pdf" or not data or not filename:
        text = (
            "Expected a base64-encoded data URL with an application/pdf MIME type "
            "(e.g. 'data:application/pdf;base64,aW1nIGJ5dGVzIGhlcmU=')"
        )
        refuse(f"Invalid file data: '{where}'. {text}.", where, "invalid_value")
    if not str(filename).lower().endswith(".pdf"):
        found = re.search(r"\.\w+$", str(filename))
        ending = found[0] if found else "none"
        refuse(f"Invalid input: Expected context stuffing file type to be a supported format: .pdf but got {ending}.")


def _data_url(url: str) -> tuple[str, bytes]:
    """Media type and data; both empty when it is no base64 data URL."""
    found = re.fullmatch(r"data:([\w.+-]+/[\w.+-]+);base64,(.*)", url, re.DOTALL)
    if not found:
        return "", b""
    try:
        return found[1], base64.b64decode(found[2], validate=True)
    except binascii.Error:
        return found[1], b""
